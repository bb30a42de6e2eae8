"""What a hostile or unlucky script is, and what may come of it. Run by `driver.py` on each kind of host.

`{home}`, `{server}` and `{marker}` in arguments are filled in by the driver. A check gets the outcome and raises
AssertionError.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """What a scenario led to, as the driver reports it."""

    result: Any
    error: dict[str, Any] | None
    log: str
    log_size: int
    log_truncated: bool
    duration_ms: float
    server_growth_mb: float
    strays: list[str]
    level: str


@dataclass(frozen=True, slots=True)
class Scenario:
    language: str
    code: str
    check: Callable[[Seen], None]
    args: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    timeout_s: float = 20.0
    before: str = ""
    """Python that runs first; both see one `./shared`, and `{shared}` in arguments is where it is."""
    shares: bool = True
    """With `before`: whether this one sees the folder too."""


def fails(name: str, *parts: str, exit_code: int | None = None) -> Callable[[Seen], None]:
    def check(seen: Seen) -> None:
        assert seen.error is not None, seen.result
        assert seen.error["name"] == name, seen.error
        for part in parts:
            assert part in seen.error["message"], seen.error
        if exit_code is not None:
            assert seen.error["exit_code"] == exit_code, seen.error

    return check


def runs_out_of_memory(seen: Seen) -> None:
    """JavaScriptCore throws where it notices that memory ends, and is ended by the system where it does not."""
    assert seen.error is not None, seen.result
    assert seen.error["name"] in ("ExecutionErr", "RangeError"), seen.error
    assert "memory" in seen.error["message"].lower(), seen.error


def gets_no_more_memory(seen: Seen) -> None:
    """V8 throws where an array cannot be had, and ends the process where it cannot have what it needs for itself."""
    assert seen.error is not None, seen.result
    if seen.error["name"] == "RangeError":
        assert seen.error["message"] == "Array buffer allocation failed", seen.error
    else:
        fails("ExecutionErr", "more memory than its 256 MB")(seen)


def says(*parts: str) -> Callable[[Seen], None]:
    def check(seen: Seen) -> None:
        for part in parts:
            assert part in seen.log, seen.log

    return check


def ends_by_the_clock_or_for_want_of_threads(seen: Seen) -> None:
    """Bun goes on where a process cannot be made, and gives up where a thread of its own cannot."""
    assert seen.error is not None, seen.result
    assert seen.error["name"] in ("Timeout", "ExecutionErr"), seen.error
    if seen.error["name"] == "ExecutionErr":
        assert "more processes and threads than its 32" in seen.error["message"], seen.error


def is_alive_behind_walls(seen: Seen) -> None:
    """With process namespaces there is nobody else to hit."""
    if seen.level in ("full", "user"):
        gives("alive")(seen)


def gives(value: Any) -> Callable[[Seen], None]:
    def check(seen: Seen) -> None:
        assert seen.error is None, seen.error
        assert seen.result == value, seen.result

    return check


def every(*checks: Callable[[Seen], None]) -> Callable[[Seen], None]:
    def check(seen: Seen) -> None:
        for one in checks:
            one(seen)

    return check


def no_strays(seen: Seen) -> None:
    assert seen.strays == []


def cut_log(seen: Seen) -> None:
    assert seen.log_truncated
    assert seen.log_size < 1_100_000
    assert "output cut here" in seen.log
    assert seen.server_growth_mb < 60


def ends_somehow(seen: Seen) -> None:
    """A bomb may end by its limit, by the clock, or give up; what matters is that the host does not care."""
    assert seen.duration_ms < 15_000


def only_own_processes(seen: Seen) -> None:
    assert seen.error is None, seen.error
    if seen.level != "basic":
        assert seen.result["visible"] <= 4
    assert seen.result["readable"] == [], seen.result["readable"][:20]


def has_no_rights(seen: Seen) -> None:
    """Neither capabilities nor a way to one; a server that has none itself cannot take the last of these, which nothing gives then."""
    assert seen.error is None, seen.error
    rights = {name for name, value in seen.result.items() if name.startswith("Cap") and int(value, 16)}
    assert rights <= ({"CapBnd"} if seen.level == "basic" else set()), seen.result
    assert (seen.result["NoNewPrivs"], seen.result["Seccomp"]) == ("1", "2"), seen.result


def is_own_fault(seen: Seen) -> None:
    """Rubbish on the channel spoils the script's own answer, at most; it never becomes a result."""
    assert seen.result in (None, "real"), seen.result
    assert seen.result == "real" or seen.error is not None


def is_refused(seen: Seen) -> None:
    assert seen.result in ("NotFound", "PermissionDenied", "NotCapable"), seen.result


def filled(arguments: dict[str, Any], values: dict[str, Any]) -> str:
    """The arguments as JSON text, with the driver's values put in."""
    text = json.dumps(arguments)
    for name, value in values.items():
        text = text.replace(f'"{{{name}}}"', json.dumps(value)).replace(f"{{{name}}}", str(value))
    return text
