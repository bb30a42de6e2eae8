"""What comes of a question to the assistant: words, and changes that a person takes or leaves."""

from __future__ import annotations

from dataclasses import dataclass

from flowapp.notebook.operations.types import Operation
from flowapp.openflow.problems import Problem


@dataclass(frozen=True, slots=True)
class Edit:
    """One proposed change: what a person sees of it, and the operations that it is. `problems` are those that it would bring."""

    label: str
    why: str
    operations: tuple[Operation, ...]
    step: str
    before: str | None = None
    after: str | None = None
    language: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Help:
    """The answer in words, the changes that can be taken, why others were left out, and what it cost where that is known."""

    message: str
    edits: tuple[Edit, ...] = ()
    notice: str | None = None
    tokens: int | None = None
