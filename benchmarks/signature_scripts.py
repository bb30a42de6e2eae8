"""Scripts of a hundred lines, one for each language whose signature is read, for `benchmarks.runtimes`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from flowapp.languages import LANGUAGES
from flowapp.signatures import Signature, infer

LINES = 100
TIMES = 50


def _many(line: str) -> str:
    return "".join(line.replace("@@", str(number)) + "\n" for number in range(LINES))


def _python(edit: int) -> str:
    head = "from typing import Literal, TypedDict\nclass Row(TypedDict):\n    id: int\n    name: str\n"
    head += f"def main(a: int, rows: list[Row], kind: Literal['a', 'b'] = 'a', n: float = {edit}, more: dict | None = None):\n"
    return head + _many("    x@@ = [str(value) for value in range(@@)]  # a comment") + "    return rows\n"


def _typescript(edit: int) -> str:
    head = "interface Row { id: number; name?: string; tags: string[] }\ntype Kind = 'a' | 'b';\n"
    head += f"export async function main(a: number, rows: Row[], kind: Kind = 'a', n = {edit}, more?: Record<string, unknown>) {{\n"
    return (
        head
        + _many("  const x@@ = Array.from({ length: @@ }, (_, i) => `${i}-@@`); // a comment")
        + "  return rows;\n}\n"
    )


def _go(edit: int) -> str:
    head = 'package inner\n\nimport "fmt"\n\ntype Row struct {\n\tID int `json:"id"`\n}\n\n'
    head += "func main(a int, rows []Row) (interface{}, error) {\n"
    return head + _many('\tfmt.Println("x", @@, a+@@) // a comment') + f"\treturn {edit}, nil\n}}\n"


def _bash(edit: int) -> str:
    return f'a="$1"\nb="${{2:-{edit}}}"\n' + _many('echo "$a @@" | grep -v x > out.txt  # a comment')


def _php(edit: int) -> str:
    head = f"<?php\nclass Row {{ public int $id; }}\nfunction main(int $a, array $rows, string $k = 'a', float $n = {edit}) {{\n"
    return head + _many("  $x@@ = array_map(fn($v) => $v + @@, $rows); // a comment") + "  return $rows;\n}\n"


def _r(edit: int) -> str:
    head = f"main <- function(a, rows = list(), n = {edit}) {{\n"
    return head + _many("  x@@ <- sapply(rows, function(v) v + @@)  # a comment") + "  return(rows)\n}\n"


def _graphql(edit: int) -> str:
    head = f"query Q($a: ID!, $first: Int = {edit}) {{\n"
    return head + _many("  f@@: orders(customer: $a, first: $first) { id total }") + "}\n"


_DECLARED = {
    "postgresql": ("-- $1 a (int)", "$1"),
    "duckdb": ("-- $a (int)", "$a"),
    "mssql": ("-- @P1 a (int)", "@P1"),
    "bigquery": ("-- @a (int64)", "@a"),
    "snowflake": ("-- ? a (int)", "5"),
    "oracledb": ("-- :a a (int)", ":a"),
}
_SCRIPTS: dict[str, Callable[[int], str]] = {
    "python": _python,
    "typescript": _typescript,
    "go": _go,
    "bash": _bash,
    "php": _php,
    "r": _r,
    "graphql": _graphql,
}


def _sql(language: str, edit: int) -> str:
    head, mark = _DECLARED.get(language, ("-- :a (int)", ":a"))
    return f"{head}\n" + _many(f"SELECT t.id, 'x''y' AS q, @@ FROM t WHERE id > {mark};") + f"SELECT {edit};\n"


def figures() -> list[dict[str, Any]]:
    """How long reading a signature takes after each change of a script, per language, without what is imported the first time.

    `processor_ms` is the median of what it costs the processor: on a busy machine the rest is waiting.
    """
    found = []
    for language in LANGUAGES:
        if not language.signature or not language.runnable:
            continue
        times, worked = [], []
        for edit in range(TIMES + 1):
            make = _SCRIPTS.get(language.signature)
            code = make(edit) if make is not None else _sql(language.name, edit)
            begun, before = time.perf_counter(), time.process_time()
            read = infer(language.name, code)
            worked.append((time.process_time() - before) * 1000)
            times.append((time.perf_counter() - begun) * 1000)
            assert isinstance(read, Signature), read
        ordered = sorted(times[1:])
        found.append(
            {
                "language": language.name,
                "what": "signature of 100 lines",
                "changes": TIMES,
                "median_ms": round(statistics.median(ordered), 2),
                "p95_ms": round(ordered[int(TIMES * 0.95)], 2),
                "processor_ms": round(statistics.median(worked[1:]), 2),
                "first_ms": round(times[0], 2),
            }
        )
    return found
