"""What stops a run or the engine; and the shape in which errors of steps travel as data.

EngineError
├── EngineClosed     engine.closed
├── RunNotFound      engine.run_not_found
└── Unsupported      engine.unsupported
"""

from __future__ import annotations

from typing import Any

from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, dumps
from flowapp.store.errors import (
    BlobMissing,
    DatabaseAway,
    DatabaseClosed,
    DatabaseFailed,
    OwnershipLost,
    StoreError,
    ValueMissing,
    ValueTooLarge,
)

INTERRUPTIONS = (OwnershipLost, DatabaseClosed, DatabaseAway, DatabaseFailed)
"""What happens to us and says nothing of the run: nobody may take it for a failure of a step, or of the run."""
NOT_EXPANDED = (ValueTooLarge, ValueMissing, BlobMissing)
"""Why `Ports.expand` gives no text: a failure of the step that wants it."""


class EngineError(FlowappError):
    """Base of the errors of this room."""

    code = "engine.error"
    status = 500


class EngineClosed(EngineError):
    """The server is stopping and starts no more runs."""

    code = "engine.closed"
    status = 503


class RunNotFound(EngineError):
    """There is no such run."""

    code = "engine.run_not_found"
    status = 404


class Unsupported(EngineError):
    """The flow asks for something that this version cannot do; it is refused before its first step."""

    code = "engine.unsupported"
    status = 400


def error_value(name: str, message: str, **more: Any) -> JsonText:
    """`{"error": {"name", "message", …}}`: how every error is kept, shown and read by expressions."""
    return dumps({"error": {"name": name, "message": message, **{k: v for k, v in more.items() if v is not None}}})


def not_expanded(error: StoreError) -> str:
    """How one of `NOT_EXPANDED` is called as the error of a step."""
    return "ResultTooLarge" if isinstance(error, ValueTooLarge) else "ExecutionErr"


def canceled_value(by: str, reason: str) -> JsonText:
    """The result of a canceled run or step."""
    message = f"Job canceled: {reason} by {by}"
    return dumps({"error": {"name": "Canceled", "reason": reason, "message": message, "canceler": by}})
