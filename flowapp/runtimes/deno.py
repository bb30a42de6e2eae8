"""TypeScript on Deno, which is installed with the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.runtimes import handover, versions
from flowapp.runtimes.adapters import Prepared, Refused, Setup, Talk
from flowapp.runtimes.jobs import Job
from flowapp.runtimes.packages.shared_work import Waiter

KIND = "deno"
MISSING = "TypeScript cells need Deno, which is not installed: run scripts/run again, or `pip install deno`."


def adapter(setup: Setup) -> Deno:
    """See `adapters`."""
    return Deno(setup)


class Deno:
    """Deno's own warm processes."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._version: str | None = None

    def pools(self) -> Mapping[str, int]:
        """See `Adapter.pools`."""
        return {KIND: self._setup.settings.idle_deno if self._setup.deno else 0}

    async def start(self) -> None:
        """Ask Deno for its version."""
        self._version = await versions.version_of(self._setup.deno)

    async def prepare(self, job: Job, talk: Talk) -> Prepared:
        """See `Adapter.prepare`."""
        if self._setup.deno is None:
            raise Refused(MISSING)
        return await with_packages(self._setup, job, KIND, talk)

    def facts(self) -> Mapping[str, dict[str, Any]]:
        """See `Adapter.facts`."""
        return {"deno": {"available": self._setup.deno is not None, "version": self._version}}

    async def close(self) -> None:
        """Nothing is under way."""


async def with_packages(setup: Setup, job: Job, kind: str, talk: Talk) -> Prepared:
    """A TypeScript job for the processes of `kind`, its packages in place.

    Raises:
        PackagesUnavailable: they cannot be had.
        PreparingCanceled: the job was canceled meanwhile.
    """
    found, need = await setup.packages.prepare_typescript(job, kind, Waiter(talk.tell, talk.is_canceled))
    code = found.needs.code.encode("utf-8", "replace")
    texts = handover.texts(job, code, packages=need.folder if need else None, scripts=dict(found.files))
    return Prepared(kind, texts, packages=need)
