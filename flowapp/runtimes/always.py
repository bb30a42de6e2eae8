"""Python and Bash: processes of the jobs' Python run them, those of the pool "client" with more imported than those of "script"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flowapp.runtimes import handover
from flowapp.runtimes.adapters import Prepared, Setup, Talk
from flowapp.runtimes.guest import preload
from flowapp.runtimes.guest.plan import CLIENT
from flowapp.runtimes.jobs import Job
from flowapp.runtimes.packages.shared_work import Waiter

KIND = "script"
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)|import[ \t]+([^\n#;]+))", re.MULTILINE)
_LIGHT = frozenset(preload.COMMON) | {"__future__", "abc", "sys", "urllib"}


def adapter(setup: Setup) -> Always:
    """See `adapters`."""
    return Always(setup)


class Always:
    """What a process of the jobs' Python does by itself."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def pools(self) -> Mapping[str, int]:
        """See `Adapter.pools`."""
        idle = self._setup.settings.idle
        return {KIND: idle - idle // 4, CLIENT: idle // 4}

    async def start(self) -> None:
        """Nothing is to be found out."""

    async def prepare(self, job: Job, talk: Talk) -> Prepared:
        """Get what it imports."""
        need = await self._setup.packages.prepare(job, Waiter(talk.tell, talk.is_canceled))
        kind = CLIENT if need or imports_more(job.code) else KIND
        return Prepared(kind, handover.python_texts(job, need.folder if need else None), packages=need)

    def facts(self) -> Mapping[str, dict[str, Any]]:
        """See `Adapter.facts`."""
        return {
            "python3": {"available": True, "version": self._setup.python_version},
        }

    async def close(self) -> None:
        """Nothing is under way."""


def imports_more(code: str) -> bool:
    """Whether Python code seems to import more than what every process has loaded. A wrong answer only costs time."""
    if "async def" in code:
        return True
    for source, listed in _IMPORT.findall(code):
        names = [source] if source else [name.split()[0] for name in listed.split(",") if name.strip()]
        if any(name not in _LIGHT for name in names):
            return True
    return False
