"""Bun on this host: installed with the server, or fetched when the first cell asks for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flowapp.runtimes import bun_package, deno, versions
from flowapp.runtimes.adapters import Prepared, Refused, Setup, Talk
from flowapp.runtimes.jobs import Job, RuntimeSettings

FETCH_SECONDS = 120.0
#: after a failed fetch cells run on Deno at once for so long
RETRY_AFTER_S = 600.0
_LOOK_S = 0.1
KIND = "bun"
#: "native" ones are TypeScript that needs nothing of Node: here they run as all others
LANGUAGES = ("bun", "nativets", "bunnative")
_log = logging.getLogger(__name__)


def find(settings: RuntimeSettings) -> Path | None:
    """Where Bun is, or would be once fetched. None: nowhere, because the place cannot be written."""
    if settings.bun is not None:
        return settings.bun
    place = bun_package.program(sys.prefix)
    if not place.is_file():
        try:
            # Jobs see the folder from the server's start on, so it must be there before the program is.
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            return None
    return place


def adapter(setup: Setup) -> Bun:
    """See `adapters`."""
    return Bun(setup)


class Bun:
    """Whether cells of this host run on Bun; those of a host without it run on Deno."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        program = setup.bun
        self._program = program
        self._fetches = setup.settings.bun is None and program is not None
        self._late = setup.late
        self._seen_at_start = program is not None and program.is_file()
        self._task: asyncio.Task[str | None] | None = None
        self._problem = ""
        self._not_before = 0.0
        self._version: str | None = None

    def pools(self) -> Mapping[str, int]:
        """See `Adapter.pools`."""
        return {KIND: self._setup.settings.idle_bun if self.is_ready else 0}

    async def prepare(self, job: Job, talk: Talk) -> Prepared:
        """See `Adapter.prepare`."""
        if await self.ready(talk.tell, talk.is_canceled):
            return await deno.with_packages(self._setup, job, KIND, talk)
        if self._setup.deno is None:
            raise Refused(deno.MISSING)
        return await deno.with_packages(self._setup, job, deno.KIND, talk)

    async def start(self) -> None:
        """Find out the version of an installed Bun."""
        if self.is_ready and self._program is not None:
            self._version = await versions.version_of(str(self._program))

    @property
    def is_ready(self) -> bool:
        """Whether a cell would run on Bun now."""
        return self._program is not None and (self._seen_at_start or self._late) and self._program.is_file()

    async def ready(self, tell: Callable[[str], None], is_canceled: Callable[[], bool]) -> bool:
        """Whether a cell can run on Bun; fetches it when need be. `tell` gets lines for the cell's log.

        A canceled cell waits for nothing; the fetch goes on for the next one.
        """
        if self.is_ready:
            return True
        problem: str | None = self._problem or "it is not installed"
        if self._fetches and not self._seen_at_start and time.monotonic() >= self._not_before:
            tell(f"Bun {bun_package.VERSION} is not installed yet: fetching it, once (about 50 MB) …\n")
            task = self._fetching()
            while not task.done() and not is_canceled():
                await asyncio.wait({task}, timeout=_LOOK_S)
            if not task.done():
                return False
            problem = task.result()
        if problem is None:
            return True
        tell(f"Bun is not available: {problem}. This cell runs on Deno instead.\n")
        return False

    def facts(self) -> Mapping[str, dict[str, Any]]:
        """See `Adapter.facts`."""
        return dict.fromkeys(LANGUAGES, self._facts())

    def _facts(self) -> dict[str, Any]:
        if self.is_ready:
            return {"available": True, "version": self._version, "runs_on": "bun"}
        why = self._problem or ("it is fetched when a cell first needs it" if self._fetches else "it is not installed")
        note = f"Bun is not installed: {why}"
        return {"available": self._setup.deno is not None, "version": None, "runs_on": "deno", "note": note}

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _fetching(self) -> asyncio.Task[str | None]:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._fetch())
        return self._task

    async def _fetch(self) -> str | None:
        """Install it; why it could not be used, or None."""
        _log.info("fetching Bun %s for the first cell that needs it", bun_package.VERSION)
        problem = await _install(sys.prefix)
        if problem is not None:
            self._problem = problem
            self._not_before = time.monotonic() + RETRY_AFTER_S
            _log.warning("Bun could not be fetched: %s. Cells of language bun run on Deno.", problem)
            return problem
        if not self._late:
            self._problem = "it was fetched, and is used after the server's next start"
            self._not_before = float("inf")
            return self._problem
        self._version = await versions.version_of(str(self._program))
        _log.info("Bun %s is installed", bun_package.VERSION)
        return None


async def _install(prefix: str) -> str | None:
    """Run the installation in a process of its own, which ends when we are canceled; why it failed, or None."""
    command = [sys.executable, "-I", bun_package.__file__, prefix, str(FETCH_SECONDS)]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)  # it removes what is half fetched
        await process.wait()
        raise
    if process.returncode == 0:
        return None
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"its installation ended with exit code {process.returncode}"
