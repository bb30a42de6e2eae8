"""Errors of Python cells as data: `{"name", "message", "stack", "line", "extra"}` with positions in the user's code."""

from __future__ import annotations

import importlib.machinery
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from flowapp.runtimes.guest import frames

_LONGEST_STACK = 20_000
_LONGEST_MESSAGE = 20_000


class NoEntrypoint(Exception):
    """The code has no function of the name that should be called."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no function `{name}` in this cell. Define one: def {name}(...):")


class MissingClient:
    """Comes last in the import machinery: says what the missing client module is, instead of just that it is missing."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Refuse `wmill` when nothing before us found it."""
        if name == "wmill":
            raise ModuleNotFoundError(
                "The wmill client is not installed in the environment of Python jobs. Run scripts/run again, which "
                "installs it, or install it into the Python that jobs run on.",
                name="wmill",
            )
        return None


def describe(error: BaseException, file_name: str) -> dict[str, Any]:
    """The error object of an exception that came out of the cell."""
    found: dict[str, Any] = {"name": _name(error), "message": _message(error)[:_LONGEST_MESSAGE]}
    if isinstance(error, NoEntrypoint):
        return found
    trace = traceback.TracebackException.from_exception(error, compact=True)
    line = _line(error, trace, file_name)
    _keep_user_frames(trace, file_name)
    found["stack"] = "".join(trace.format()).strip()[-_LONGEST_STACK:]
    if line is not None:
        found["line"] = line
    extra = {key: value for key, value in vars(error).items() if _is_plain(value)}
    if extra:
        found["extra"] = extra
    if isinstance(error, SystemExit):
        found["exit_code"] = error.code if isinstance(error.code, int) else int(error.code is not None)
    return found


def too_large(size: int, limit: int) -> dict[str, Any]:
    """The error object of a result over the limit; sizes in bytes."""
    return {
        "name": "ResultTooLarge",
        "message": f"The result is {frames.size_text(size)}; at most {frames.size_text(limit)} are kept. Return less.",
    }


def _name(error: BaseException) -> str:
    return "ExecutionErr" if isinstance(error, NoEntrypoint) else type(error).__name__


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"The script ended itself with sys.exit({error.code!r}) before `main` returned."
    if isinstance(error, MemoryError) and not str(error):
        return "The script needed more memory than its limit."
    try:
        return str(error)
    except Exception as inner:
        return f"(its message could not be read: {type(inner).__name__})"


def _line(error: BaseException, trace: traceback.TracebackException, file_name: str) -> int | None:
    """The last line of the user's code that the error went through."""
    if isinstance(error, SyntaxError) and error.filename == file_name:
        return error.lineno
    lines = [frame.lineno for frame in trace.stack if frame.filename == file_name]
    return lines[-1] if lines else None


def _keep_user_frames(trace: traceback.TracebackException | None, file_name: str, depth: int = 0) -> None:
    """Drop the frames of our wrapper, also from the errors that led to this one."""
    if trace is None or depth > 20:
        return
    first = next((index for index, frame in enumerate(trace.stack) if frame.filename == file_name), None)
    # An error of the wrapper itself (a result that is no JSON) has no user frame: its stack would only confuse.
    del trace.stack[: len(trace.stack) if first is None else first]
    _keep_user_frames(trace.__cause__, file_name, depth + 1)
    _keep_user_frames(trace.__context__, file_name, depth + 1)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool, list, dict))
