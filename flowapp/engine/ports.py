"""What the interpreter needs of the world, and what the engine tells its owner. All of it can be faked in a test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.engine import Connection

from flowapp.engine.large import Budget
from flowapp.engine.values import (
    Answer,
    CalledFlow,
    Debounce,
    LeafCall,
    LeafOutcome,
    Limit,
    Memory,
    Recorded,
    Status,
    StepInfo,
    StoredFlow,
    StoredScript,
    Turn,
    Wanted,
)
from flowapp.expressions import Batch, ExpressionFailed
from flowapp.jsontext import JsonText
from flowapp.models.pictures import Picture
from flowapp.models.tool_servers import RemoteResult, RemoteTool, ToolServer
from flowapp.models.turns import ChatAnswer, ChatRequest, ChatServer, Hear, Message
from flowapp.runtimes.jobs import FileWriter
from flowapp.store.masks import MaskedLog
from flowapp.store.tables import JobRow, RunRow

Evaluate = Callable[[Batch], Awaitable[list[JsonText | ExpressionFailed]]]
"""Evaluates expressions; `flowapp.expressions.Evaluator.evaluate`."""


class Expand(Protocol):
    """Replaces the blob references in a JSON text by what they stand for; `budget` is for several texts together."""

    async def __call__(self, text: JsonText, budget: Budget | None = None, /) -> JsonText:
        """See `large.expand`."""


class Printing(Protocol):
    """Where a script's output goes."""

    async def begins(self) -> None:
        """Its process begins: what one of the same attempt has streamed that was cut off with its server is forgotten."""

    def log(self, text: str) -> None:
        """Output of the step, as it comes."""

    def stream(self, text: str, *, first: bool = False) -> None:
        """The next piece of what the step streams as its result; the `first` takes the place of whatever it streamed before."""


class OpenStep(Printing, Protocol):
    """A step that has begun and is not yet recorded as finished."""

    async def save(self) -> None:
        """Record now that the step is under way, with its arguments and meta."""

    async def go_on(self) -> None:
        """The attempt began in an earlier segment: what it prints follows on what it has printed there."""

    async def retrying(self, value: JsonText, due: str, attempt: int) -> None:
        """Record that the attempt failed with `value`, and that the next one (number `attempt`) starts at `due`."""

    async def close(
        self,
        status: Status,
        value: JsonText,
        outcome: LeafOutcome | None = None,
        *,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        """Record the end. When this returns, the step is durable and never runs again.

        `notes` are added to the step's meta: what a restarted run has to know besides the result.
        """


class Journal(Protocol):
    """The memo of one run."""

    async def recall(self, path: str) -> Recorded | None:
        """What an earlier segment recorded of a step."""

    async def below(self, inner: str) -> Sequence[StepInfo]:
        """The steps that are recorded directly below a step (its `Try.inner`), by others than this segment too."""

    def open(self, info: StepInfo, attempt: int, args: JsonText | None) -> OpenStep:
        """A step begins."""

    async def cut(self, inner: str, value: JsonText) -> None:
        """End as canceled what goes on or waits below a step (its `Try.inner`) that was stopped; `value` says why."""

    async def early(self, value: JsonText) -> None:
        """Store what a synchronous caller gets (`early_return`), and tell whoever waits for it."""


RunScript = Callable[[LeafCall, Printing], Awaitable[LeafOutcome]]
"""Runs one script in this process."""

RunLeaf = Callable[[LeafCall, OpenStep], Awaitable[LeafOutcome]]
"""Runs one script, or takes its result from the result store. Errors of the script are data."""


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """The present moment, aware."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Secrets(Protocol):
    """Variables and resources, with the rights of the run's identity."""

    async def lookup(self, run: RunRow, kind: str, path: str) -> JsonText | None:
        """JSON text of the variable (a string) or resource at `path`; None when there is none.

        Raises:
            FlowappError: the identity may not read it; its message becomes the step's error.
        """

    async def written(self, run: RunRow, path: str) -> JsonText | None:
        """JSON text of the resource at `path` with its references as they are; None when there is none.

        Raises:
            FlowappError: as `lookup`.
        """


@dataclass(frozen=True, slots=True)
class FileContent:
    """A stored file, whole."""

    name: str
    media_type: str
    content: bytes


class Files(Protocol):
    """Stored files (`{"s3": key, "storage"?}`), with the rights of the run's person."""

    async def read(self, run: RunRow, file: Mapping[str, Any], most: int) -> FileContent:
        """A file of at most `most` bytes.

        Raises:
            FlowappError: there is none, it is larger, or the person may not read it.
        """

    async def digest(self, run: RunRow, file: Mapping[str, Any]) -> str:
        """What is equal for files of equal content.

        Raises:
            FlowappError: there is none, or the person may not read it.
        """

    async def open(self, run: RunRow, file: Mapping[str, Any], *, own: bool) -> Callable[[], FileWriter]:
        """Makes what writes a file, which replaces one of its key when all of it is there. `own`: at the place that rows of its script have,
        where whoever may run the script adds them.

        Raises:
            FlowappError: there is no such storage, the key is none, or the person may not write there.
        """

    async def keep(self, run: RunRow, content: bytes, extension: str) -> dict[str, Any]:
        """Keep a file under a new key; the answer is what names it.

        Raises:
            FlowappError: the storage does not take it, or the person may not write there.
        """


class Library(Protocol):
    """Stored scripts and flows, with the rights of the run's person. Hub paths are scripts too."""

    async def script(self, run: RunRow, path: str, hash: str | None) -> StoredScript:
        """The script at `path` (the newest, or the version `hash`).

        Raises:
            FlowappError: there is none, or the person may not run it; its message becomes the step's error.
        """

    async def flow(self, run: RunRow, path: str, version: int | None) -> StoredFlow:
        """The flow at `path` (the newest, or the version given).

        Raises:
            FlowappError: as `script`.
        """


class RunLibrary(Protocol):
    """`Library` for one run."""

    async def script(self, path: str, hash: str | None) -> StoredScript:
        """See `Library.script`."""

    async def flow(self, path: str, version: int | None, kept: str | None = None) -> CalledFlow:
        """See `Library.flow`; the flow is one that this version can run.

        `kept` is the hash of its document where the flow has gone from its path since the step began.
        """


class RunCache(Protocol):
    """Stored results of whole containers and called flows (`cache_ttl`), as the run's person may see them."""

    def hidden(self, text: JsonText) -> JsonText:
        """A text that stands for one with secrets in it, equal for equal ones."""

    async def by_content(self, text: JsonText) -> JsonText:
        """A JSON text in which stored files are named by their content."""

    async def find(self, key: str, ttl_s: float) -> LeafOutcome | None:
        """The stored result, not older than `ttl_s`."""


class RunApprovals(Protocol):
    """`Approvals` for one run."""

    async def ask(self, wanted: Wanted) -> Answer | None:
        """See `Approvals.ask`."""


class Approvals(Protocol):
    """Waiting for people. Asking the same again is harmless."""

    async def ask(self, run: RunRow, wanted: Wanted) -> Answer | None:
        """Open the wait where it is not open yet, counting answers that came early; None while it is undecided.

        Whoever decides later writes `run.wake_at` in the same transaction (`store.runs.wake`) and calls `Engine.wake`.
        """


class Limits(Protocol):
    """What keeps too many jobs from running at once. Job ids are those of steps, or a run's own."""

    async def take(self, run: RunRow, job_id: str, limit: Limit, priority: int = 0) -> str | None:
        """None when the job may start (it counts from now on), else the time (stored text) at which to ask again.

        Of the jobs that wait the one with the highest `priority` is next, among equals the one that asked first.

        A job that counts already may start. Whoever gives a place back wakes the runs that wait for it.
        """

    async def give_back(self, run: RunRow, job_id: str, limit: Limit) -> None:
        """The job has ended."""

    async def debounce(self, run: RunRow, job_id: str, rule: Debounce, brought: JsonText | None) -> Turn:
        """Ask before the run (or step) goes: see `Turn`. Asking again after the wait gives the answer that counts.

        `brought` is the text of an object: the arguments that another job may get from this one (None: there are none).
        """


class RunTurns(Protocol):
    """`Limits` for one run."""

    async def ask(self, job_id: str, rule: Debounce, brought: JsonText | None) -> Turn:
        """See `Limits.debounce`."""

    async def take(self, job_id: str, limit: Limit, priority: int) -> str | None:
        """See `Limits.take`."""

    async def give_back(self, job_id: str, limit: Limit) -> None:
        """See `Limits.give_back`."""


class Waiting(Protocol):
    """Where a part of a run waits while others go on."""

    async def until(self, due: str | None) -> None:
        """Return at `due` (stored time text), or before, when something happened to the run: look again.

        Raises:
            Parked: nothing of the run goes on any more; the segment ends here and the run begins again later.
        """


class Tokens(Protocol):
    """Tokens by which a job may call the API."""

    async def issue(self, run: RunRow, job_id: str, seconds: float) -> str:
        """A token with the rights of the run's identity, valid for the job's life."""


@dataclass(frozen=True, slots=True)
class SharedAgent:
    """An agent that is a resource: the values of its inputs, the same with references in place of secrets, and its tools."""

    given: Mapping[str, Any]
    kept: Mapping[str, Any]
    tools: Sequence[Any]


class Models(Protocol):
    """Language models, for the agent steps of one run."""

    async def resolved(self, args: JsonText) -> JsonText:
        """Arguments with what they refer to in place: secrets, resources, stored files.

        Raises:
            FlowappError: something is not there; its message becomes the step's error.
        """

    async def chat(self, server: ChatServer, request: ChatRequest, hear: Hear | None = None) -> ChatAnswer:
        """The model's next turn; with `hear` in pieces, where its server can do so.

        Raises:
            ModelFailed: there is none; the subclass says why.
        """

    def masked(self, write: Callable[[str], None]) -> MaskedLog:
        """Where to write a text that goes on to `write` without the secrets that the run has read."""

    async def picture(self, server: ChatServer, prompt: str) -> Picture:
        """A picture that the model makes.

        Raises:
            ModelFailed: as `chat`.
        """

    async def file(self, file: Mapping[str, Any], most: int) -> FileContent:
        """See `Files.read`."""

    async def keep(self, content: bytes, extension: str) -> dict[str, Any]:
        """See `Files.keep`."""

    async def earlier(self, memory: Memory, step: str, job: str) -> list[Message]:
        """What other jobs of the step have said in the conversation, the oldest first; nothing where the run is of none."""

    async def remember(self, memory: Memory, step: str, job: str, messages: Sequence[Message]) -> None:
        """Keep what the job has said, in place of what it has said before."""

    async def resource(self, path: str) -> Any:
        """A resource with its references replaced; None when there is none.

        Raises:
            FlowappError: the run may not read it.
        """

    async def agent(self, path: str) -> SharedAgent | None:
        """The agent that a resource is; None when there is none. References in its tools count from now on as the run's own.

        Raises:
            FlowappError: the run may not read it, or what it names; or it is no agent.
        """

    async def tools_of(self, server: ToolServer) -> list[RemoteTool]:
        """The tools of an MCP server.

        Raises:
            ToolServerFailed: it cannot be asked; the message says why.
        """

    async def call_tool(self, server: ToolServer, name: str, arguments: Mapping[str, Any]) -> RemoteResult:
        """What a tool of an MCP server gives.

        Raises:
            ToolServerFailed: as `tools_of`.
        """


class StepObserver(Protocol):
    """Told what happens in runs. Everything but `saving` is called on the event loop and must return at once."""

    def step_started(self, run: RunRow, job: JobRow) -> None:
        """A step began."""

    def saves(self, run: RunRow) -> bool:
        """Whether `saving` has anything to add to the steps of a run."""

    def saving(self, connection: Connection, run: RunRow, job: JobRow) -> None:
        """Inside the transaction that stores the finished step, wherever that is done: what belongs to it goes in too."""

    def step_finished(self, run: RunRow, job: JobRow, args: JsonText | None, result: JsonText | None) -> None:
        """A step's end is durable; the texts are at hand, so nothing has to be read again. A large result is not."""

    def logged(self, run: RunRow, path: str, text: str, offset: int) -> None:
        """A step printed `text`; `offset` counts the characters before it."""

    def streamed(self, run: RunRow, path: str, text: str, offset: int) -> None:
        """A step streamed `text` as a part of its result; `offset` counts the characters before it."""

    def run_changed(self, run: RunRow) -> None:
        """A run began or ended."""
