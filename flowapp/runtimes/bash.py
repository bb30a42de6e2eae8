"""Bash cells: run by a process of the pool "script"; those that begin with `# docker` by an engine for containers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from typing import Any

from flowapp.runtimes import containers, handover, versions
from flowapp.runtimes.adapters import Prepared, Setup, Talk
from flowapp.runtimes.jobs import Job, Outcome, RuntimeSettings

KIND = "script"
_LINE = re.compile(r"^cell\.sh: line (\d+): ", re.MULTILINE)


def adapter(setup: Setup) -> Bash:
    """See `adapters`."""
    return Bash(setup.settings)


class Bash:
    """The host's Bash."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self._program: str | None = None
        self._version: str | None = None
        self._containers = containers.Containers(settings)

    def pools(self) -> Mapping[str, int]:
        """Those of Python: see `always`."""
        return {}

    async def start(self) -> None:
        """Ask Bash for its version."""
        self._program = shutil.which("bash", path="/usr/local/bin:/usr/bin:/bin")
        self._version = await versions.version_of(self._program)
        self._containers.sweep()

    async def prepare(self, job: Job, talk: Talk) -> Prepared | Outcome:
        """See `Adapter.prepare`."""
        if containers.asks_for_one(job.code):
            return await self._containers.run(job, talk, _LINE)
        return Prepared(KIND, handover.texts(job, runs="bash"), _LINE)

    def facts(self) -> Mapping[str, dict[str, Any]]:
        """See `Adapter.facts`."""
        return {"bash": {"available": self._program is not None, "version": self._version}}

    async def close(self) -> None:
        """See `Adapter.close`."""
        await self._containers.close()
