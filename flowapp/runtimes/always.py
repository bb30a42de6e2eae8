"""Python and Bash: every process of the pool "script" runs them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from typing import Any

from flowapp.runtimes import handover, versions
from flowapp.runtimes.adapters import Prepared, Setup, Talk
from flowapp.runtimes.jobs import Job
from flowapp.runtimes.packages.shared_work import Waiter

KIND = "script"
_BASH_LINE = re.compile(r"^cell\.sh: line (\d+): ", re.MULTILINE)


def adapter(setup: Setup) -> Always:
    """See `adapters`."""
    return Always(setup)


class Always:
    """What a process of the jobs' Python does by itself."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._bash: str | None = None
        self._bash_version: str | None = None

    def pools(self) -> Mapping[str, int]:
        """See `Adapter.pools`."""
        return {KIND: self._setup.settings.idle}

    async def start(self) -> None:
        """Ask Bash for its version."""
        self._bash = shutil.which("bash", path="/usr/local/bin:/usr/bin:/bin")
        self._bash_version = await versions.version_of(self._bash)

    async def prepare(self, job: Job, talk: Talk) -> Prepared:
        """Python may need packages; Bash needs nothing."""
        if job.language == "python3":
            need = await self._setup.packages.prepare(job, Waiter(talk.tell, talk.is_canceled))
            return Prepared(KIND, handover.python_texts(job, need.folder if need else None), packages=need)
        return Prepared(KIND, handover.texts(job, runs=job.language), _BASH_LINE)

    def facts(self) -> Mapping[str, dict[str, Any]]:
        """See `Adapter.facts`."""
        return {
            "python3": {"available": True, "version": self._setup.python_version},
            "bash": {"available": self._bash is not None, "version": self._bash_version},
        }

    async def close(self) -> None:
        """Nothing is under way."""
