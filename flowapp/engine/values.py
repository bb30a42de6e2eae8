"""The values that the parts of the engine hand each other. Results and arguments travel as JSON text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flowapp.jsontext import JsonText

Status = Literal["running", "success", "failure", "canceled", "skipped", "reused"]
Module = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """An early stop on its way up: to the nearest loop, or to the end of the flow. `skipped` labels the run."""

    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """How a step, an iteration, a branch or the flow ended.

    `handled`: a failure module has already run for this failure, and runs no second time further out. `final`: the
    failure is no result of the step's own work, so `continue_on_error` does not get past it.
    """

    value: JsonText
    failed: bool = False
    handled: bool = False
    final: bool = False
    stop: Stop | None = None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class StepInfo:
    """Which step of the run is meant: its place, and what pages show of it before it has run."""

    path: str
    step_id: str
    kind: str
    language: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an earlier segment of the run noted of a step. `value` of an unfinished one is null."""

    status: Status
    attempt: int
    value: JsonText
    finished: bool
    args: JsonText | None
    ended_at: str | None
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeafCall:
    """One script to run: `args` is the text of its arguments as they were evaluated, references not yet replaced.

    `kept` is that text without what variables and resources gave, where they gave something: the form that is stored.
    """

    info: StepInfo
    code: str
    language: str
    lock: str | None
    args: JsonText
    timeout_s: float
    attempt: int = 1
    cache_ttl: float | None = None
    entrypoint: str = "main"
    kept: JsonText | None = None


@dataclass(frozen=True, slots=True)
class LeafOutcome:
    """What a script gave: a value, or `{"error": …}` with status failure or canceled.

    `fingerprint` is set where the result may be reused later; `reused_from` is the run that a reused one comes from.
    """

    value: JsonText
    status: Status
    duration_ms: float | None = None
    isolation: str = ""
    fingerprint: str | None = None
    reused_from: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What of the flow runs. `run` None: everything; otherwise only these top-level steps, with `given` results.

    `reuse`: results of equal work may be taken from the result store, except for steps in `never`.
    """

    run: tuple[str, ...] | None = None
    given: Mapping[str, JsonText] = field(default_factory=dict)
    reuse: bool = False
    never: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether this is a run of the flow itself, with all that belongs to one."""
        return self.run is None
