"""What is installed for cells on this machine: to look at, and to clear."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flowapp.access.person import Person
from flowapp.store import audit
from flowapp.store.clock import text_of
from flowapp.workspace import guard
from flowapp.workspace.context import Context


class InstalledPackages:
    """Use-cases of whoever runs the installation: packages serve the cells of all workspaces."""

    def __init__(self, context: Context) -> None:
        self._runtimes = context.runtimes
        self._sessions = context.sessions
        self._database = context.store.database

    async def show(self, person: Person) -> dict[str, Any]:
        """`{"folders": [{"language", "packages", "bytes", "used_at"}], "bytes", "cache_bytes", "limit_bytes", "built"}`.

        Each folder is what one lock needs, the one used last first. `built` is what there is of programs that cells were
        compiled to: `[{"language", "programs", "bytes", "limit_bytes"}]`. The answer is about the server that is asked.
        """
        self._ask(person)
        return _dated(dict(await self._runtimes.cached_packages()))

    async def clear(self, person: Person) -> dict[str, Any]:
        """Remove what no job uses at the moment, what was downloaded, and the locks of drafts; answers as `show`."""
        self._ask(person)
        left = await self._runtimes.clear_packages()
        await self._database.write(
            lambda c: audit.add(c, workspace="", by=person.username, action="packages.clear", target="")
        )
        return _dated(dict(left))

    def _ask(self, person: Person) -> None:
        guard.account_of(self._sessions, person, "instance.manage")


def _dated(facts: dict[str, Any]) -> dict[str, Any]:
    folders = [
        {**folder, "used_at": text_of(datetime.fromtimestamp(folder["used_at"], UTC))}
        for folder in facts.get("folders", ())
    ]
    return {**facts, "folders": folders}
