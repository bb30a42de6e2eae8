"""The base of errors that are shown to people.

FlowappError
├── openflow.errors, notebook.errors, …: each room keeps its own tree in its `errors.py`
└── subclasses set `code` (stable, documented) and `status` (HTTP)
"""

from __future__ import annotations

from typing import ClassVar


class FlowappError(Exception):
    """An error with a stable code, a sentence for people, and a hint that says what to do."""

    code: ClassVar[str] = "flowapp.error"
    status: ClassVar[int] = 400

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def to_json(self) -> dict[str, str]:
        """`{"code", "message", "hint"}`: the shape every JSON error body holds under `error`."""
        return {"code": self.code, "message": self.message, "hint": self.hint}
