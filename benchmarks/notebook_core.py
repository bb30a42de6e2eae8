"""How long the document core takes for one edit of a document with many cells.

    python -m benchmarks.notebook_core [cells]

Prints median and 95th percentile in milliseconds of: applying a SetCode, all cell states, and the view diff that answers
the edit; and of a first view of the whole document.
"""

from __future__ import annotations

import statistics
import sys
import time
from itertools import count
from typing import Any

from flowapp.notebook import Applied, CellRecord, Document, Taken, apply, definition_of, reads_taken, states, view
from flowapp.notebook.operations.types import SetCode
from flowapp.notebook.view import Snapshot, difference


def build(cells: int) -> Document:
    """A chain in which every cell reads the one before, a flow input and a constant; every tenth is a loop."""
    modules: list[dict[str, Any]] = []
    for number in range(cells):
        before = f"results.s{number - 1}.rows" if number else "flow_input.orders"
        transforms = {
            "rows": {"type": "javascript", "expr": before},
            "limit": {"type": "javascript", "expr": "flow_input.limit"},
            "mode": {"type": "static", "value": "fast"},
        }
        code = (
            f"def main(rows: list, limit: int, mode: str):\n    # step {number}\n"
            + "    x = 1\n" * 40
            + "    return rows\n"
        )
        value = {"type": "rawscript", "language": "python3", "content": code, "input_transforms": transforms}
        modules.append({"id": f"s{number}", "summary": f"Step {number}", "value": value})
    flow = {
        "summary": "A long flow",
        "value": {"modules": modules},
        "schema": {"properties": {"limit": {"default": 5}}},
    }
    numbers = count()
    return Document.of(flow, lambda: f"c{next(numbers)}")


def ran(document: Document) -> dict[str, CellRecord]:
    """Records as if every cell had run."""
    taken: dict[str, Taken] = {}
    records = {}
    for entry in document.outline.entries:
        reads = reads_taken(document, entry.cell, taken)
        definition = definition_of(document, entry.cell)
        records[entry.cell] = CellRecord("success", definition, reads, f"r{entry.cell}", "run", 1, entry.step_id)
        taken[entry.step_id] = Taken(f"r{entry.cell}", "run")
    return records


def main(cells: int = 100, rounds: int = 200) -> None:
    """Measure and print."""
    document = build(cells)
    records = ran(document)
    before = Snapshot(document, states(document, records, {}))
    times: dict[str, list[float]] = {"apply": [], "states": [], "difference": [], "together": []}
    target = document.outline.entries[cells // 2]
    code = target.module["value"]["content"]
    for number in range(rounds):
        start = time.perf_counter()
        result = apply(before.document, SetCode(target.cell, f"{code}# {number}\n"))
        assert isinstance(result, Applied)
        applied = time.perf_counter()
        after = Snapshot(result.document, states(result.document, records, {}))
        judged = time.perf_counter()
        answer = difference(before, after)
        end = time.perf_counter()
        assert answer["cells"]
        for name, seconds in (
            ("apply", applied - start),
            ("states", judged - applied),
            ("difference", end - judged),
            ("together", end - start),
        ):
            times[name].append(seconds * 1000)
        before = after
    start = time.perf_counter()
    cold = Document.from_json(document.to_json())
    view(cold, states(cold, records, {}))
    first = (time.perf_counter() - start) * 1000
    for name, found in times.items():
        found.sort()
        print(f"{name:11} median {statistics.median(found):6.2f} ms   p95 {found[int(len(found) * 0.95)]:6.2f} ms")
    print(f"first view of {cells} cells from saved text: {first:.1f} ms")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
