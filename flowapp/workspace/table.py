"""Tables out of JSON values: which values are tables, and their sorting, filtering, searching, paging and CSV.

Pure. The order of work is filter, search, sort, page; the CSV is of the whole view, not of the page.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowapp.jsontext import dumps
from flowapp.workspace.tree import preview, scalar, type_of

FIRST_ROWS = 50
MAX_ROWS = 1000
MAX_COLUMNS = 500
CELL_CUT = 500
_LOOK_AT = 1000
_CSV_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows with named columns. `cell(row, column)` reads one cell; a missing one is None.

    `at` is the path of the list of rows within the value (None where rows are no list), and `first` the position of the
    first row in that list (1 below a header).
    """

    columns: Sequence[str]
    rows: Sequence[Any]
    cell: Callable[[Any, str], Any]
    at: tuple[str, ...] | None = ()
    first: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: `sort` is `column:asc` or `column:desc`; `filters` are per column (see `_condition`)."""

    sort: str = ""
    query: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    offset: int = 0
    limit: int = FIRST_ROWS


def grid_of(value: Any) -> Grid | None:
    """The table that a value is: a list of objects, or one of Windmill's table shapes; None for anything else."""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, content),) = value.items()
        match kind, content:
            case "table-col", dict():
                return _by_column(content)
            case "table-row", list():
                return _by_row(content)
            case "table-row-object", list():
                return _by_object(content, ("table-row-object",))
            case _:
                return None
    return _by_object(value) if isinstance(value, list) and value and isinstance(value[0], dict) else None


def page(grid: Grid, view: View) -> dict[str, Any]:
    """The TablePage of a view. `index` says for each row where in the list at `at` it comes from."""
    found = select(grid, view)
    offset, limit = max(0, view.offset), max(0, min(view.limit, MAX_ROWS))
    shown_rows = found[offset : offset + limit]
    return {
        "columns": [{"name": name, "type": column_type(grid, name)} for name in grid.columns],
        "rows": [[shown(grid.cell(grid.rows[number], name)) for name in grid.columns] for number in shown_rows],
        "total": len(grid.rows),
        "matched": len(found),
        "offset": offset,
        "at": None if grid.at is None else list(grid.at),
        "index": [number + grid.first for number in shown_rows],
    }


def select(grid: Grid, view: View) -> Sequence[int]:
    """The numbers of a view's rows, in its order."""
    numbers: Sequence[int] = range(len(grid.rows))

    def cell(number: int, name: str) -> Any:
        return grid.cell(grid.rows[number], name)

    for name, text in view.filters.items():
        if text.strip() and name in grid.columns:
            holds = _condition(text.strip())
            numbers = [number for number in numbers if holds(cell(number, name))]
    if view.query.strip():
        needle = view.query.strip().casefold()
        numbers = [
            number for number in numbers if any(needle in plain(cell(number, name)).casefold() for name in grid.columns)
        ]
    name, _, direction = view.sort.rpartition(":")
    if name in grid.columns:
        keyed = [(_order(cell(number, name)), number) for number in numbers]
        empty = [number for key, number in keyed if key is None]
        full = [(key, number) for key, number in keyed if key is not None]
        full.sort(key=lambda pair: pair[0], reverse=direction == "desc")
        numbers = [number for _, number in full] + empty
    return numbers


def csv_chunks(grid: Grid, view: View) -> Iterator[str]:
    """The view as CSV text (header first, CRLF lines), in pieces. Nested values are JSON text, null is empty.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, as OWASP advises; numbers stay as they are.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([_inert(name) for name in grid.columns])
    for number in select(grid, view):
        cells = (grid.cell(grid.rows[number], name) for name in grid.columns)
        writer.writerow([_inert(cell) if isinstance(cell, str) else plain(cell) for cell in cells])
        if buffer.tell() > _CSV_CHUNK:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def csv_line(cells: Sequence[str]) -> str:
    """One line of CSV, as safe in a spreadsheet as `csv_chunks`."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_inert(cell) for cell in cells])
    return buffer.getvalue()


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) and _number(text) is None else text


def column_type(grid: Grid, name: str) -> str:
    """The type that the first rows have in common; "mixed" where they differ, "null" where they have none."""
    types = {type_of(grid.cell(row, name)) for row in grid.rows[:_LOOK_AT]} - {"null"}
    if not types:
        return "null"
    return types.pop() if len(types) == 1 else "mixed"


def shown(value: Any) -> Any:
    """A cell as a page gets it: scalars as they are, long texts cut, nested values as a preview."""
    if isinstance(value, str):
        return value if len(value) <= CELL_CUT else value[:CELL_CUT] + "…"
    if isinstance(value, dict | list):
        return preview(value)
    return scalar(value)


def plain(value: Any) -> str:
    """A cell's whole text, as CSV, filters and search see it."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return dumps(value)


def _by_object(rows: list[Any], at: tuple[str, ...] = ()) -> Grid | None:
    """A list of objects; a first row that is a list of names gives the order of columns."""
    names: list[str] = []
    count = len(rows)
    if rows and isinstance(rows[0], list) and all(isinstance(name, str) for name in rows[0]):
        names, rows = list(rows[0]), rows[1:]
    if not all(isinstance(row, dict) for row in rows):
        return None
    columns = dict.fromkeys(names)
    for row in rows:
        if not columns.keys() >= row.keys():
            columns |= dict.fromkeys(row)
            if len(columns) > MAX_COLUMNS:
                break
    if not columns:
        return None
    return Grid(list(columns)[:MAX_COLUMNS], rows, lambda row, name: row.get(name), at, count - len(rows))


def _by_row(rows: list[Any]) -> Grid | None:
    """A list of lists; a first row of distinct texts is the header."""
    if not rows or not all(isinstance(row, list) for row in rows):
        return None
    count, header = len(rows), rows[0]
    if all(isinstance(name, str) and name for name in header) and len(set(header)) == len(header):
        names, rows = header, rows[1:]
    else:
        names = [str(index + 1) for index in range(max(len(row) for row in rows))]
    if not names:
        return None
    positions = {name: index for index, name in enumerate(names)}

    def cell(row: list[Any], name: str) -> Any:
        return row[positions[name]] if positions[name] < len(row) else None

    return Grid(names[:MAX_COLUMNS], rows, cell, ("table-row",), count - len(rows))


def _by_column(columns: dict[str, Any]) -> Grid | None:
    if not columns or not all(isinstance(cells, list) for cells in columns.values()):
        return None
    count = max(len(cells) for cells in columns.values())
    names = list(columns)[:MAX_COLUMNS]
    return Grid(names, range(count), lambda row, name: columns[name][row] if row < len(columns[name]) else None, None)


#: What makes a spreadsheet take a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COMPARISONS: tuple[tuple[str, Callable[[float, float], bool]], ...] = (
    (">=", lambda a, b: a >= b),
    ("<=", lambda a, b: a <= b),
    ("!=", lambda a, b: a != b),
    (">", lambda a, b: a > b),
    ("<", lambda a, b: a < b),
    ("=", lambda a, b: a == b),
)


def _condition(text: str) -> Callable[[Any], bool]:
    """`>5`, `<=5`, `=5`, `!=5` compare numbers, `=text` and `!=text` whole texts, anything else is contained in the cell."""
    for sign, compare in _COMPARISONS:
        if not text.startswith(sign):
            continue
        wanted = text[len(sign) :].strip()
        try:
            number = float(wanted)
        except ValueError:
            if sign == "=":
                return lambda cell: plain(cell).casefold() == wanted.casefold()
            if sign == "!=":
                return lambda cell: plain(cell).casefold() != wanted.casefold()
            break
        return lambda cell: (given := _number(cell)) is not None and compare(given, number)
    needle = text.casefold()
    return lambda cell: needle in plain(cell).casefold()


def _number(cell: Any) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    try:
        number = float(cell)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def _order(cell: Any) -> tuple[int, Any] | None:
    """A key that orders cells of any types: numbers, then truth values, then texts, then nested values; None is empty."""
    match cell:
        case None:
            return None
        case bool():
            return 1, cell
        case int() | float():
            return 0, cell
        case str():
            return 2, cell.casefold()
        case _:
            return 3, dumps(cell)
