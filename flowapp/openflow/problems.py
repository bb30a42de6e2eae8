"""What is wrong with a document, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where.

    An error keeps the step (or the whole document) from working; with a warning it runs, but hardly as meant.
    """

    rule: str
    severity: Severity
    message: str
    """For people: what is wrong, in one sentence."""
    hint: str
    """What to do about it; may be empty."""
    pointer: str
    """JSON pointer (RFC 6901) of the place in the document; "" is the document itself."""
    step_id: str | None = None
    field: str | None = None
    """The input of the step, or "iterator", "branches/0/expr", "skip_if", …; None for the step as a whole."""
    line: int | None = None
    """Line in the code or the expression, from 1."""

    def to_json(self) -> dict[str, Any]:
        """The problem as JSON, every key present."""
        return asdict(self)


def pointer_of(keys: Iterable[str | int]) -> str:
    """The JSON pointer of a path of keys and indexes."""
    return "".join("/" + escaped(key) for key in keys)


def escaped(key: str | int) -> str:
    """A key as one segment of a JSON pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")
