"""Steps whose results and logs are large, made in moments; for tests and benchmarks of pages."""

from __future__ import annotations

from typing import Any

ITEMS = 20_000
ROWS = 1_000_000
LINES = 100_000

#: 10 MB of JSON.
TREE = (
    "def main():\n"
    f"    items = [{{'id': n, 'name': f'item {{n:06}}', 'tags': ['a', 'b'], 'text': 'x' * 430}} for n in range({ITEMS})]\n"
    "    return {'about': 'all items', 'items': items}\n"
)
#: One row for each number, 47 MB of JSON; no two have the same total.
TABLE = f"SELECT i AS id, 'customer ' || i AS customer, (i * 7919) % 1000003 AS total FROM range({ROWS}) t(i)"
#: Half of the lines at once, the rest when GATE/half is there, and the end when GATE/all is.
LOG = """import time
import wmill

HALF = HALF_OF_THEM


def main():
    client = wmill.Windmill()
    for begin, gate in ((0, "GATE/half"), (HALF, "GATE/all")):
        print("\\n".join(f"line {n:06}" for n in range(begin, begin + HALF)), flush=True)
        while not client.get(f"/w/{client.workspace}/variables/exists/{gate}").json():
            time.sleep(0.05)
    return "printed"
""".replace("HALF_OF_THEM", str(LINES // 2))
#: A table of its own for each cell.
ROWS_OF_CELL = "def main():\n    return [{'id': n, 'name': f'NAME {n}', 'note': 'y' * 40} for n in range(500)]\n"


def duckdb(step: str, sql: str) -> dict[str, Any]:
    """A DuckDB module of a flow document."""
    return {"id": step, "value": {"type": "rawscript", "language": "duckdb", "content": sql, "input_transforms": {}}}
