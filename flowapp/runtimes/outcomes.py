"""Errors of jobs as data: the shape of openflow.md 4, in words that say what happened and what to do."""

from __future__ import annotations

import re
import signal
from typing import Any

import orjson

from flowapp.runtimes.conversation import CANCELED, FORGED, REFUSED, TIMED_OUT, Answer
from flowapp.runtimes.guest import frames
from flowapp.runtimes.guest.streaming import MARK
from flowapp.runtimes.jobs import Job, Limits

_TAIL_LINES = 20
_LONGEST_TEXT = 20_000
_TEXTS = ("name", "message", "stack")
_NUMBERS = ("line", "exit_code")


def error_of(
    job: Job, answer: Answer, tail: str, status: int | None, place: re.Pattern[str] | None = None
) -> dict[str, Any]:
    """The error of a job that gave no result.

    `tail` is the end of its log; `status` its exit status, negative for a signal, None when not known. `place` finds the
    number of the line in the log of a program that says no more than it prints.
    """
    if answer.kind == frames.ERROR:
        return _told(answer.body, tail, place)
    if answer.kind == TIMED_OUT:
        return _error("Timeout", f"The step ran longer than its {job.timeout_s:g} s and was stopped.")
    if answer.kind == CANCELED:
        return canceled()
    if answer.kind == REFUSED:
        return _error("ExecutionErr", answer.body.decode("utf-8", "replace"))
    if answer.kind == FORGED:
        return _error("ExecutionErr", _UNREADABLE)
    if answer.kind == frames.DIED:
        status = _number(answer.body)
    return _died(job, status, tail)


def canceled() -> dict[str, Any]:
    """The error of a job that somebody canceled."""
    return _error("Canceled", "The step was canceled.")


def internal(message: str) -> dict[str, Any]:
    """The error when the step could not be started, through no fault of its own."""
    return _error("InternalErr", f"The step could not be started. {message}")


def bad_result(reason: str) -> dict[str, Any]:
    """The error of a result that is no JSON, or JSON that nothing else could read."""
    return _error("ExecutionErr", f"The result cannot be kept as JSON: {reason}.")


_UNREADABLE = "The script wrote into the channel that its answer comes by, so the answer could not be read."


def _told(body: bytes, tail: str, place: re.Pattern[str] | None) -> dict[str, Any]:
    """The error that the job reported; it is user data, so only what has the right shape is taken."""
    try:
        # Strict on purpose: what this parser refuses (lone surrogates, NaN, endless nesting), others would too.
        given = orjson.loads(body)
    except ValueError:
        return _error("ExecutionErr", _UNREADABLE)
    if not isinstance(given, dict):
        return _error("ExecutionErr", _UNREADABLE)
    program, code = given.get("program"), given.get("exit_code")
    if isinstance(program, str) and type(code) is int:
        return _program_failed(program[:40], code, tail, place)
    found: dict[str, Any] = {name: given[name][:_LONGEST_TEXT] for name in _TEXTS if isinstance(given.get(name), str)}
    found.update({name: given[name] for name in _NUMBERS if type(given.get(name)) is int})
    if isinstance(given.get("extra"), dict):
        found["extra"] = given["extra"]
    return {"name": "Error", "message": "", **found}


def _program_failed(program: str, code: int, tail: str, place: re.Pattern[str] | None) -> dict[str, Any]:
    message = f'exit code for "{program}": {code}, last log lines:\n{_last_lines(tail)}'.rstrip()
    error = {**_error("ExecutionErr", message), "exit_code": code}
    places = place.findall(tail) if place is not None else []
    if places:
        error["line"] = int(places[-1])
    return error


def _died(job: Job, status: int | None, tail: str) -> dict[str, Any]:
    if status is None:
        return _error("ExecutionErr", _with_tail("The process of the step ended without an answer.", tail))
    if status >= 0:
        message = f"The process of the step ended with exit code {status} before `{job.entrypoint}` returned."
    else:
        message = _signalled(-status, job.limits)
    return {**_error("ExecutionErr", _with_tail(message, tail)), "exit_code": status}


def _signalled(number: int, limits: Limits) -> str:
    memory_mb = limits.memory_mb
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    reasons: dict[int, str] = {
        signal.SIGKILL: f" It was killed from outside, most likely for using more memory than its {memory_mb} MB.",
        signal.SIGSEGV: " It crashed: a native library read memory that is not there.",
        signal.SIGTRAP: f" TypeScript ends so when it needs more memory than its {memory_mb} MB.",
        # Bun does so too when it can start no thread.
        signal.SIGABRT: f" It gave up, most likely for needing more memory than its {memory_mb} MB,"
        f" or more processes and threads than its {limits.processes}.",
        signal.SIGXFSZ: " It wrote a file larger than its limit.",
    }
    return f"The process of the step was ended by {name}.{reasons.get(number, '')}"


def _with_tail(message: str, tail: str) -> str:
    lines = _last_lines(tail)
    return f"{message} Last log lines:\n{lines}" if lines else message


def _last_lines(tail: str) -> str:
    lines = (line for line in tail.strip().splitlines() if not line.startswith(MARK))
    return "\n".join([*lines][-_TAIL_LINES:])


def _number(body: bytes) -> int | None:
    try:
        return int(body)
    except ValueError:
        return None


def _error(name: str, message: str) -> dict[str, Any]:
    return {"name": name, "message": message}
