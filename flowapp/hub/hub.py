"""All hubs of a server as one: the starter hub, a folder of the team's own, and one over HTTP, asked in this order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from flowapp.hub.errors import HubError, HubScriptMissing
from flowapp.hub.folder import FolderHub
from flowapp.hub.http import HttpHub
from flowapp.hub.scripts import HubEntry, HubPath, HubScript

STARTER = Path(__file__).resolve().parents[1] / "starter_hub"
_HINT = "Set FLOWAPP_HUB_URL to a hub that has it, or FLOWAPP_HUB_DIR to a folder."


class Source(Protocol):
    """One hub."""

    name: str

    async def script(self, path: HubPath, /) -> HubScript | None:
        """The script, None when this hub does not have it."""

    async def entries(self) -> list[HubEntry]:
        """All scripts."""


class Hub:
    """Scripts by path, whichever hub has them."""

    def __init__(self, sources: Sequence[Source], remote: HttpHub | None = None) -> None:
        self._sources: tuple[Source, ...] = tuple(sources)
        self._remote = remote

    @classmethod
    def open(cls, address: str, folder: str, cache: Path) -> Hub:
        """The hubs of a configuration; empty texts stand for none. `cache` is where fetched scripts are kept.

        Raises:
            PolicyInvalid: the address is no http(s) address.
        """
        sources: list[Source] = [FolderHub(STARTER, "the starter hub")]
        if folder:
            sources.append(FolderHub(Path(folder)))
        return cls(sources, HttpHub(address, cache) if address else None)

    async def close(self) -> None:
        """Let go of connections."""
        if self._remote is not None:
            await self._remote.close()

    async def script(self, path: str) -> HubScript:
        """The script at `hub/<version id>/<app>/<name>`.

        Raises:
            HubPathInvalid: the path has another form.
            HubScriptMissing: no hub has it.
            HubUnreachable, HubUnusable, HubError: the hub that may have it cannot answer; the message names both.
        """
        parsed = HubPath.parse(path)
        for source in self._sources:
            found = await source.script(parsed)
            if found is not None:
                return found
        if self._remote is None:
            names = ", ".join(source.name for source in self._sources)
            raise HubScriptMissing(f"There is no {path} in {names}, and this server asks no other hub.", _HINT)
        return await self._remote.script(parsed)

    async def entries(self) -> list[HubEntry]:
        """All scripts of all hubs; those of a hub that does not answer are left out."""
        found: list[HubEntry] = []
        for source in (*self._sources, *([self._remote] if self._remote is not None else [])):
            try:
                found += await source.entries()
            except HubError:
                continue
        return found

    async def search(self, words: str = "", *, kind: str = "", app: str = "", limit: int = 50) -> list[HubEntry]:
        """Scripts that have all the words in their path or summary, the best first; all of them without words."""
        wanted = re.findall(r"\w+", words.lower())
        found = [
            (_rank(entry, wanted), position, entry)
            for position, entry in enumerate(await self.entries())
            if (not kind or entry.kind == kind) and (not app or entry.app == app) and _matches(entry, wanted)
        ]
        found.sort(key=lambda each: each[:2])
        return [entry for _, _, entry in found[: max(0, limit)]]

    async def knows(self, path: str) -> bool | None:
        """Whether a path is one of a hub's; None when it cannot be told, because the hub does not answer."""
        try:
            await self.script(path)
        except HubScriptMissing:
            return False
        except HubError:
            return None
        return True


def _text(entry: HubEntry) -> str:
    return f"{entry.path.replace('_', ' ')} {entry.summary}".lower()


def _matches(entry: HubEntry, words: Sequence[str]) -> bool:
    text = _text(entry)
    return all(word in text for word in words)


def _rank(entry: HubEntry, words: Sequence[str]) -> int:
    """Whole words of the summary count most."""
    title = re.findall(r"\w+", entry.summary.lower())
    return -sum(word in title for word in words)
