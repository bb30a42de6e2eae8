"""How a job of each language becomes something that a process of a pool runs: the one interface, and who implements it.

A module that the language table names has a function `adapter(setup)`. It is called once per start; languages that name
the same module share what it answers.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from flowapp.languages import LANGUAGES, by_name
from flowapp.runtimes import handover
from flowapp.runtimes.executables import Executable
from flowapp.runtimes.jobs import Job, Outcome, RuntimeSettings
from flowapp.runtimes.packages.packages import Need, Packages


@dataclass(frozen=True, slots=True)
class Setup:
    """What an adapter may build on. `late`: jobs also see programs that are installed after the start.

    `apart`: no job's process can look into that of another one, so one may hold what others must not see.
    """

    settings: RuntimeSettings
    deno: str | None
    bun: Path | None
    late: bool
    python_version: str | None
    packages: Packages
    apart: bool = True


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job as its process takes it: the pool, and the three texts (header, code, arguments).

    `packages` is what it imports, where its process may have that loaded already. `program` is what it runs, where that was
    built before. `place` finds the line of an error in the end of the log, for programs that only print where they failed.
    """

    kind: str
    texts: tuple[bytes, bytes, bytes]
    place: re.Pattern[str] | None = None
    packages: Need | None = None
    keeps: bytes = b""
    """Where not empty, its process may stay for the next job with equal ones (see `kept`)."""
    program: Executable | None = None
    parts: bool = False
    """Its process may send a large result in parts (`Job.large`): one that runs only code of ours, such as that of SQL cells."""


class Refused(Exception):
    """No process will see the job. `error` is what becomes of it: `{"name", "message", "line"?}`."""

    def __init__(self, message: str, line: int | None = None, name: str = "ExecutionErr") -> None:
        super().__init__(message)
        self.error: dict[str, Any] = {"name": name, "message": message}
        if line is not None:
            self.error["line"] = line


@dataclass(frozen=True, slots=True)
class Talk:
    """What goes on while a job is being prepared: `tell` adds to its log, `is_canceled` says that nobody waits any more.

    `attempt` runs something else for it first, which canceling the job ends too; the last argument gets that one's output.
    """

    tell: Callable[[str], None]
    is_canceled: Callable[[], bool]
    attempt: Callable[[Job, Prepared, Callable[[str], None]], Awaitable[Outcome]]


class Adapter(Protocol):
    """What runs the languages that name one module."""

    def pools(self) -> Mapping[str, int]:
        """The kinds of processes that it uses, and how many of each wait ready."""

    async def start(self) -> None:
        """Find out what is installed."""

    async def prepare(self, job: Job, talk: Talk) -> Prepared | Outcome:
        """Get ready whatever the job needs; may take long, and gives up when the job is canceled. An outcome: it has run.

        Raises:
            Refused: it cannot run, and why.
        """

    def facts(self) -> Mapping[str, dict[str, Any]]:
        """By language, what health and status pages say: `{"available": bool, "version": str | None, …}`."""

    async def close(self) -> None:
        """End what is under way."""


@runtime_checkable
class Builder(Protocol):
    """An adapter that keeps the programs that it builds of cells."""

    async def built(self) -> dict[str, Any]:
        """`{"language", "programs", "bytes", "limit_bytes"}`: how many are kept, their size, and what it may be."""

    async def clear_built(self) -> None:
        """Remove all that no job runs at the moment."""


class Adapters:
    """All adapters of this host."""

    def __init__(self, setup: Setup) -> None:
        names = dict.fromkeys(language.adapter for language in LANGUAGES if language.adapter)
        self._by_module: dict[str, Adapter] = {
            name: importlib.import_module(f"flowapp.runtimes.{name}").adapter(setup) for name in names
        }

    def pools(self) -> dict[str, int]:
        """Every kind of process, and how many of it wait ready."""
        return {kind: idle for adapter in self._by_module.values() for kind, idle in adapter.pools().items()}

    async def start(self) -> None:
        """Find out what is installed."""
        for adapter in self._by_module.values():
            await adapter.start()

    async def prepare(self, job: Job, talk: Talk) -> Prepared | Outcome:
        """See `Adapter.prepare`; also refuses what is no language and no name of a function."""
        language = by_name(job.language)
        if language is None:
            raise Refused(f"{job.language[:40]!r} is not a language that this version knows.")
        if not language.adapter:
            raise Refused(language.why_not)
        if not handover.is_function_name(job.entrypoint):
            raise Refused(f"{job.entrypoint[:80]!r} cannot be the name of a function to call.")
        return await self._by_module[language.adapter].prepare(job, talk)

    def facts(self) -> dict[str, dict[str, Any]]:
        """What status pages say of each language that runs."""
        return {name: facts for adapter in self._by_module.values() for name, facts in adapter.facts().items()}

    async def built(self) -> list[dict[str, Any]]:
        """What is kept of programs built of cells: see `Builder.built`."""
        return [await adapter.built() for adapter in self._by_module.values() if isinstance(adapter, Builder)]

    async def clear_built(self) -> None:
        """Remove the built programs that no job runs at the moment."""
        for adapter in self._by_module.values():
            if isinstance(adapter, Builder):
                await adapter.clear_built()

    async def close(self) -> None:
        """End what is under way."""
        for adapter in self._by_module.values():
            await adapter.close()
