"""All hubs of a server as one: the starter hub, a folder of the team's own, and one over HTTP, asked in this order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flowapp.hub.errors import HubError, HubScriptMissing
from flowapp.hub.folder import FolderHub
from flowapp.hub.http import HttpHub
from flowapp.hub.scripts import HubEntry, HubPath, HubScript, Origin

STARTER = Path(__file__).resolve().parents[1] / "starter_hub"
_HINT = "Set FLOWAPP_HUB_URL to a hub that has it, or FLOWAPP_HUB_DIR to a folder."


class Source(Protocol):
    """One hub. `name` is what messages call it."""

    name: str
    origin: Origin

    async def script(self, path: HubPath, /) -> HubScript | None:
        """The script, None when this hub does not have it."""

    async def entries(self) -> list[HubEntry]:
        """All scripts.

        Raises:
            HubError: it cannot say.
        """


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one hub lists. `problem`: why it lists nothing; `asked` is False where nobody asked it."""

    name: str
    origin: Origin
    entries: tuple[HubEntry, ...] = ()
    problem: HubError | None = None
    asked: bool = True


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
        sources: list[Source] = [FolderHub(STARTER, "the starter hub", "starter")]
        if folder:
            sources.append(FolderHub(Path(folder)))
        return cls(sources, HttpHub(address, cache) if address else None)

    async def close(self) -> None:
        """Let go of connections."""
        if self._remote is not None:
            await self._remote.close()

    async def script(self, path: str) -> HubScript:
        """The script at `hub/<version id>/<app>/<name>`; see `found`."""
        return (await self.found(path))[0]

    async def found(self, path: str) -> tuple[HubScript, Source]:
        """The script at `hub/<version id>/<app>/<name>`, and the hub that it comes from.

        Raises:
            HubPathInvalid: the path has another form.
            HubScriptMissing: no hub has it.
            HubUnreachable, HubUnusable, HubError: the hub that may have it cannot answer; the message names both.
        """
        parsed = HubPath.parse(path)
        for source in self._sources:
            script = await source.script(parsed)
            if script is not None:
                return script, source
        if self._remote is None:
            names = ", ".join(source.name for source in self._sources)
            raise HubScriptMissing(f"There is no {path} in {names}, and this server asks no other hub.", _HINT)
        return await self._remote.script(parsed), self._remote

    async def shelves(self, *, remote: bool = True) -> list[Shelf]:
        """What each hub lists, in the order in which they are asked. A path that an earlier one has is left out of later ones.

        Without `remote` a hub over HTTP is not asked, since it may take seconds to say that it is not there: what it said a moment
        ago stands, else it is only named.
        """
        found: list[Shelf] = []
        known: set[str] = set()
        sources: list[Source] = [*self._sources, *([self._remote] if self._remote is not None else [])]
        for source in sources:
            if self._remote is not None and source is self._remote and not remote and self._remote.said() is None:
                found.append(Shelf(source.name, source.origin, asked=False))
                continue
            try:
                entries = tuple(entry for entry in await source.entries() if entry.path not in known)
            except HubError as problem:
                found.append(Shelf(source.name, source.origin, problem=problem))
                continue
            known.update(entry.path for entry in entries)
            found.append(Shelf(source.name, source.origin, entries))
        return found

    def forget_failure(self) -> None:
        """Ask a hub over HTTP again, though it did not answer a moment ago."""
        if self._remote is not None:
            self._remote.forget_failure()

    async def entries(self) -> list[HubEntry]:
        """All scripts of all hubs; those of a hub that does not answer are left out."""
        return [entry for shelf in await self.shelves() for entry in shelf.entries]

    async def search(self, words: str = "", *, kind: str = "", app: str = "", limit: int = 50) -> list[HubEntry]:
        """Scripts that have all the words in their path or summary, the best first; all of them without words."""
        entries = await self.entries()
        found = [each for each in entries if (not kind or each.kind == kind) and (not app or each.app == app)]
        return best(found, words)[: max(0, limit)]

    async def knows(self, path: str) -> bool | None:
        """Whether a path is one of a hub's; None when it cannot be told, because the hub does not answer."""
        try:
            await self.script(path)
        except HubScriptMissing:
            return False
        except HubError:
            return None
        return True


def best(entries: Sequence[HubEntry], words: str) -> list[HubEntry]:
    """Those that have all the words in their path or summary, the best first; all of them without words."""
    wanted = re.findall(r"\w+", words.lower())
    return sorted((entry for entry in entries if _matches(entry, wanted)), key=lambda entry: _rank(entry, wanted))


def _text(entry: HubEntry) -> str:
    return f"{entry.path.replace('_', ' ')} {entry.summary}".lower()


def _matches(entry: HubEntry, words: Sequence[str]) -> bool:
    text = _text(entry)
    return all(word in text for word in words)


def _rank(entry: HubEntry, words: Sequence[str]) -> int:
    """Whole words of the summary count most."""
    title = re.findall(r"\w+", entry.summary.lower())
    return -sum(word in title for word in words)
