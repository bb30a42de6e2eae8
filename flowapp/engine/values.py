"""The values that the parts of the engine hand each other. Results and arguments travel as JSON text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from flowapp.jsontext import JsonText

Status = Literal["running", "success", "failure", "canceled", "skipped", "reused"]
Module = dict[str, Any]
SHARED = "shared"
"""In the meta of a step that calls a `same_worker` flow: the call has a folder, of its job's name."""


@dataclass(frozen=True, slots=True)
class Stop:
    """An early stop on its way up: to the nearest loop, or to the end of the flow. `skipped` labels the run."""

    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Replaced(Stop):
    """The stop of a step for which another one goes (debouncing). It ends an iteration, and not the loop around it."""


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
    tag: str = ""

    def noted(self, language: str | None = None, **meta: Any) -> StepInfo:
        """The same step with more meta (and a language, where its code comes from elsewhere)."""
        return replace(self, language=language or self.language, meta={**self.meta, **meta})


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
class Frame:
    """The flow that a step belongs to: the run's own, or one that a step of it calls.

    `job_id` is the flow's own job, `prefix` where its steps are recorded, `chain` the paths of the flows around it and its
    own, outermost first.
    """

    job_id: str = ""
    path: str = ""
    prefix: str = ""
    chain: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    """The jobs of the flows around it and its own, outermost first: approvals may be given to any of them."""
    held: frozenset[str] = frozenset()
    """The concurrency keys under which these flows have a place: nobody waits for himself."""
    asked: bool = False
    """A model asked for this work: it is done, even where the result of equal work is there."""


@dataclass(frozen=True, slots=True)
class StoredScript:
    """A script of the workspace or the hub, as a `script` step runs it. `schema` is JSON text; times are in seconds."""

    path: str
    hash: str
    content: str
    language: str
    lock: str | None = None
    schema: JsonText | None = None
    tag: str | None = None
    timeout_s: float | None = None
    cache_ttl: float | None = None
    concurrent_limit: int | None = None
    concurrency_time_window_s: float | None = None
    concurrency_key: str | None = None
    delete_after_s: float | None = None
    priority: int = 0
    envs: tuple[str, ...] = ()
    """`NAME=value`: environment variables of its own."""
    kind: str = "script"


@dataclass(frozen=True, slots=True)
class StoredFlow:
    """A version of a deployed flow, as a `flow` step runs it. `document` is the whole OpenFlow object."""

    path: str
    version: int
    document: JsonText


@dataclass(frozen=True, slots=True)
class CalledFlow:
    """A deployed flow that a step calls, parsed; its steps all have ids. Never changed by anyone."""

    path: str
    version: int
    flow: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a step waits for: `required` approvals until `timeout_at` (stored time text).

    `flow_jobs` are the jobs of the flows around the step: an approval given to one of them counts too. `terms` is the text
    of an object: resume_form, default_args, enums, description, hide_cancel, user_auth_required, groups (list of names),
    self_approval_disabled, continue_on_disapprove_timeout.
    """

    path: str
    job_id: str
    flow_jobs: tuple[str, ...]
    required: int
    timeout_at: str | None
    terms: JsonText


@dataclass(frozen=True, slots=True)
class Answer:
    """How the wait of a step was decided. `payloads` and `approvers` belong together, in the order of their arrival.

    `by` is who disapproved, where somebody did and gave a name.
    """

    status: Literal["approved", "disapproved", "timed_out"]
    payloads: tuple[JsonText, ...] = ()
    approvers: tuple[str, ...] = ()
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What an agent remembers by itself. `id` "" is the conversation that the run is a message of; `length` counts messages."""

    id: str
    length: int


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` jobs of one `key` at once, and each counts until `window_s` seconds after it ended."""

    key: str
    most: int
    window_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Debounce:
    """Runs (or steps) of one `key` that follow each other within `delay_s` become one, the last.

    It waits at most `longest_s` seconds and takes in at most `most` others, where given. `accumulate` are the arguments
    (arrays) to which the others' are added.
    """

    key: str
    delay_s: float
    accumulate: tuple[str, ...] = ()
    longest_s: float | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What debouncing says to a job: go (`due` None), wait until `due`, or end because the job `instead` goes for it.

    `args`: what the job brought, where others' was added.
    """

    due: str | None = None
    instead: str | None = None
    args: JsonText | None = None


@dataclass(frozen=True, slots=True)
class LibraryScript:
    """The version of a stored script that another one imports."""

    path: str
    hash: str
    code: str


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
    cache_by_content: bool = False
    entrypoint: str = "main"
    kept: JsonText | None = None
    frame: Frame = field(default_factory=Frame)
    script_path: str = ""
    """Of a stored script; empty for code in the flow."""
    script_hash: str = ""
    tag: str = ""
    priority: int = 0
    envs: tuple[str, ...] = ()
    """`NAME=value`: variables that the stored script asks for."""
    limit: Limit | None = None
    here: bool = False
    """It must run on the machine of its flow: the steps share a folder."""
    vouched: tuple[str, ...] | None = None
    """References in the arguments that count; None leaves it to whoever runs the script (see `references`)."""
    libraries: tuple[LibraryScript, ...] = ()
    """The stored scripts that the code imports, sorted by path."""
    checkpoint: JsonText | None = None
    """Of what may be a workflow as code (see `workflows`): what it has got so far. The outcome is a record then, not its result."""
    task: str = ""
    """The key of the one task of the workflow that is to run; "" runs the workflow itself."""

    @property
    def is_round(self) -> bool:
        """Whether a workflow as code runs, and not one of its tasks."""
        return self.checkpoint is not None and not self.task

    @property
    def path(self) -> str:
        """Where the code is stored, or the flow that it is a step of."""
        return self.script_path or self.frame.path


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


Attempt = tuple[Done, Any, LeafOutcome | None]
"""How an attempt ended, its step (still open; None when it was never begun), and the script's outcome."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What of the flow runs. `run` None: everything; otherwise only these top-level steps, with `given` results.

    `reuse`: results of equal work may be taken from the result store, and are kept there, except for steps in `never`.
    Steps in `anew` are computed even so, and what they give takes the place of what was kept.
    """

    run: tuple[str, ...] | None = None
    given: Mapping[str, JsonText] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, JsonText]] = field(default_factory=dict)
    """What people answered after given steps: see `Scope.answers`."""
    reuse: bool = False
    never: frozenset[str] = frozenset()
    anew: frozenset[str] = frozenset()
    iteration: tuple[str, int] | None = None
    """Of this loop among `run` only the iteration of this index, from 0: see `one_iteration`."""

    @property
    def whole(self) -> bool:
        """Whether this is a run of the flow itself, with all that belongs to one."""
        return self.run is None
