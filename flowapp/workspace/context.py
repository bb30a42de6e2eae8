"""What the use-cases share: the store, the ports to engine and expressions, background tasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from flowapp.access.sessions import Sessions
from flowapp.expressions.evaluator import Evaluator
from flowapp.runtimes.editing import Question
from flowapp.settings import Settings
from flowapp.store.secret_box import SecretBox
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow
from flowapp.workspace.parsed import Parsed

log = logging.getLogger(__name__)


class EnginePort(Protocol):
    """What use-cases need of the engine."""

    async def start_run(self, run_id: str, row: RunRow | None = None) -> None:
        """Begin a run whose row exists; `row` where it is at hand."""

    async def wake(self, run_id: str) -> None:
        """Something that the run waits for was decided: begin its next segment."""

    async def cancel(self, run_id: str, by: str, reason: str) -> Any:
        """Stop a run."""


class EditingPort(Protocol):
    """Who answers questions about code that is being written."""

    async def ask(self, owner: str, question: Question) -> dict[str, Any]:
        """The answer to one question of one person."""


class RuntimesPort(Protocol):
    """What health reports and the state of drafts need of the runtimes."""

    def describe(self) -> Mapping[str, Any]:
        """Languages, versions, isolation."""

    def shared_files(self, name: str) -> Sequence[tuple[str, int]]:
        """Paths and sizes of the files in a shared folder."""

    def drop_shared_folder(self, name: str) -> None:
        """Remove a shared folder; nothing happens when there is none."""

    async def lock(self, language: str, code: str, libraries: Mapping[str, str], path: str) -> str | None:
        """A lock of the packages that code needs; None when it needs none."""

    async def cached_packages(self) -> Mapping[str, Any]:
        """What is installed for cells, with sizes."""

    async def clear_packages(self) -> Mapping[str, Any]:
        """Remove what no job uses; what is left."""

    @property
    def editing(self) -> EditingPort:
        """Help for people who write code."""


@dataclass(slots=True)
class Context:
    """One server's parts. Background tasks are kept until they end, and ended with the server."""

    store: Store
    sessions: Sessions
    engine: EnginePort
    evaluator: Evaluator
    runtimes: RuntimesPort
    settings: Settings
    secrets: SecretBox
    parsed: Parsed
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    closed: bool = False

    def spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Run `work` in the background; a failure is logged under the name `what`. Nothing is begun once the server stops."""
        if self.closed:
            work.close()
            return

        async def guarded() -> None:
            try:
                await work
            except Exception:
                log.exception("%s failed", what)

        task = asyncio.get_running_loop().create_task(guarded(), name=what)
        self.tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            work.close()  # it may have been cancelled before it began
            self.tasks.discard(task)

        task.add_done_callback(ended)

    async def close(self) -> None:
        """End the background tasks and the values process."""
        self.closed = True
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.parsed.close()
