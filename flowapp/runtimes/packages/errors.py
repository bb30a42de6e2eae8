"""Why the packages of a cell cannot be had. It becomes the cell's error, not the server's."""

from __future__ import annotations

from typing import Any

from flowapp.runtimes.errors import RuntimesError


class PackagesUnavailable(RuntimesError):
    """A cell's packages could not be resolved or installed. `line` is where its code asks for them, if that is known."""

    code = "runtimes.packages_unavailable"
    status = 400

    def __init__(self, message: str, hint: str = "", line: int | None = None) -> None:
        super().__init__(message, hint)
        self.line = line

    def as_outcome(self) -> dict[str, Any]:
        """The error object of a job that needs them."""
        found: dict[str, Any] = {"name": "PackagesError", "message": f"{self.message} {self.hint}".strip()}
        return found if self.line is None else {**found, "line": self.line}


class PreparingCanceled(Exception):
    """The job was canceled while its packages were being prepared."""
