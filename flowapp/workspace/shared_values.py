"""Values as the page of a sharing link shows them: cut to a size that people read, without secrets. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowapp.jsontext import dumps
from flowapp.workspace.redaction import Redactor, strings_in

LONGEST_TEXT = 20_000
LONGEST_LEAF = 2000
MOST_ROWS = 50
MOST_ITEMS = 100
MOST_COLUMNS = 12
DEEPEST = 12
#: Looking through a text that is short takes as long as through so many characters more, and half a character for each secret (measured).
_EACH_TEXT = 50


class Budget:
    """How much of a page may be texts that secrets are looked for in: in too many that takes seconds, and a stranger asks for it."""

    def __init__(self, characters: int, redactor: Redactor) -> None:
        self._left = characters
        self._each = _EACH_TEXT + redactor.known_count // 2
        #: Something was too much, and was left out.
        self.spent = False

    def takes(self, value: Any) -> bool:
        """Charge the texts of a value, as long as they may be shown; False, and nothing is charged, when they are too many."""
        cost = sum(len(text) + self._each for text in strings_in(value, LONGEST_LEAF))
        if cost > self._left:
            self.spent = True
            return False
        self._left -= cost
        return True


@dataclass(frozen=True, slots=True)
class Shown:
    """A value: as a table (`columns` and `rows` of texts), or as `text`; `note` says what is missing. All empty: there is none."""

    text: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    #: The text is JSON, not words.
    code: bool = False


def shown(value: Any, redactor: Redactor) -> Shown:
    """How a value is shown."""
    if value is None:
        return Shown()
    if isinstance(value, str):
        return Shown(redactor.value(value, limit=LONGEST_TEXT))
    if isinstance(value, bool):
        return Shown("Yes" if value else "No")
    columns = _columns(value)
    if columns:
        return _table(value, columns, redactor)
    clean = redactor.value(cut(value), limit=LONGEST_LEAF)
    text = json.dumps(clean, ensure_ascii=False, indent=2)
    more = f"The first {LONGEST_TEXT} of {len(text)} characters." if len(text) > LONGEST_TEXT else ""
    return Shown(text[:LONGEST_TEXT], note=more, code=True)


def cut(value: Any, depth: int = 0) -> Any:
    """The value with its first entries only, at each depth; what is left out is named. Texts stay whole."""
    if isinstance(value, (list, Mapping)) and depth >= DEEPEST:
        return "…"
    if isinstance(value, list):
        more = [f"… {len(value) - MOST_ITEMS} more"] if len(value) > MOST_ITEMS else []
        return [*(cut(item, depth + 1) for item in value[:MOST_ITEMS]), *more]
    if isinstance(value, Mapping):
        kept = {name: cut(item, depth + 1) for name, item in list(value.items())[:MOST_ITEMS]}
        return {**kept, "…": f"{len(value) - MOST_ITEMS} more"} if len(value) > MOST_ITEMS else kept
    return value


def _columns(value: Any) -> list[str]:
    """The columns of a list of objects; none for what is no table."""
    if not isinstance(value, list) or not value or not all(isinstance(row, Mapping) and row for row in value):
        return []
    return list(dict.fromkeys(str(name) for row in value[:MOST_ROWS] for name in row))


def _table(value: list[Mapping[str, Any]], columns: list[str], redactor: Redactor) -> Shown:
    clean = [redactor.value(cut(row), limit=LONGEST_LEAF) for row in value[:MOST_ROWS]]
    names = list(dict.fromkeys(name for row in clean for name in row))[:MOST_COLUMNS]
    rows = tuple(tuple(_cell(row.get(name)) for name in names) for row in clean)
    notes = [f"The first {MOST_ROWS} of {len(value)} rows."] if len(value) > MOST_ROWS else []
    if len(columns) > len(names):
        notes.append(f"{len(columns) - len(names)} more columns.")
    return Shown(columns=tuple(names), rows=rows, note=" ".join(notes))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return dumps(value)[:LONGEST_LEAF]
