"""The engine's ports with a run filled in: what the interpreter of one segment gets."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from flowapp.engine import file_marks
from flowapp.engine.errors import EngineError
from flowapp.engine.ports import Approvals, Files, Library, Limits
from flowapp.engine.support import check
from flowapp.engine.values import (
    Answer,
    CalledFlow,
    Debounce,
    LeafOutcome,
    Limit,
    StoredFlow,
    StoredScript,
    Turn,
    Wanted,
)
from flowapp.jsontext import JsonText, hash_of, loads
from flowapp.openflow import documents
from flowapp.openflow.walk import walk
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow

_KEPT = 64


class NotAvailable(EngineError):
    """A step asks for something that this server was put together without."""

    code = "engine.not_available"
    status = 501


class Documents:
    """Parsed flow documents by the hash of their text, kept for the next run of the same one. Never changed by anyone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._flows: OrderedDict[str, Mapping[str, Any]] = OrderedDict()

    async def text(self, digest: str) -> JsonText:
        """The text of a document."""
        return await self._store.values.get_value(digest)

    async def stored(self, digest: str) -> Mapping[str, Any]:
        """The document of a run."""
        known = self._flows.get(digest)
        return known if known is not None else self.parsed(await self._store.values.get_value(digest), digest)

    def parsed(self, text: JsonText, digest: str | None = None) -> Mapping[str, Any]:
        """A document by its text; every step gets an id."""
        digest = digest or hash_of(text)
        flow = self._flows.get(digest)
        if flow is None:
            flow = loads(text)
            if any(not place.step_id for place in walk(flow)):
                flow = documents.fill_ids(flow)
            self._flows[digest] = flow
            if len(self._flows) > _KEPT:
                self._flows.popitem(last=False)
        else:
            self._flows.move_to_end(digest)
        return flow


class BoundLibrary:
    """Stored scripts and flows of a run: each is looked up once in a segment. `noticed` is told every called document."""

    def __init__(
        self, library: Library | None, run: RunRow, parsed: Documents, noticed: Callable[[JsonText], None]
    ) -> None:
        self._library = library
        self._run = run
        self._parsed = parsed
        self._noticed = noticed
        self._scripts: dict[tuple[str, str | None], StoredScript] = {}
        self._flows: dict[tuple[str, int | None], CalledFlow] = {}

    async def script(self, path: str, hash: str | None) -> StoredScript:
        """See `ports.Library`."""
        found = self._scripts.get((path, hash))
        if found is None:
            found = await self._known().script(self._run, path, hash)
            self._scripts[path, hash] = found
        return found

    async def flow(self, path: str, version: int | None, kept: str | None = None) -> CalledFlow:
        """See `ports.Library`.

        Raises:
            Unsupported: the flow asks for something that this version cannot do.
        """
        found = self._flows.get((path, version))
        if found is None:
            if kept is not None and version is not None:
                stored = StoredFlow(path, version, await self._parsed.text(kept))
            else:
                stored = await self._known().flow(self._run, path, version)
            flow = self._parsed.parsed(stored.document)
            check(flow)
            self._noticed(stored.document)
            found = self._flows[path, version] = CalledFlow(stored.path, stored.version, flow)
        return found

    def _known(self) -> Library:
        if self._library is None:
            raise NotAvailable("Stored scripts and flows are not available here")
        return self._library


class BoundApprovals:
    """Waits for people of a run."""

    def __init__(self, approvals: Approvals, run: RunRow) -> None:
        self._approvals = approvals
        self._run = run

    async def ask(self, wanted: Wanted) -> Answer | None:
        """See `ports.Approvals`."""
        return await self._approvals.ask(self._run, wanted)


class BoundTurns:
    """Turns and places of what a run runs inside of itself. Its methods raise NotAvailable on a server without limits."""

    def __init__(self, limits: Limits | None, run: RunRow) -> None:
        self._limits = limits
        self._run = run

    async def ask(self, job_id: str, rule: Debounce, brought: JsonText | None) -> Turn:
        """See `ports.Limits.debounce`."""
        return await self._known().debounce(self._run, job_id, rule, brought)

    async def take(self, job_id: str, limit: Limit, priority: int) -> str | None:
        """See `ports.Limits.take`."""
        return await self._known().take(self._run, job_id, limit, priority)

    async def give_back(self, job_id: str, limit: Limit) -> None:
        """See `ports.Limits.give_back`."""
        await self._known().give_back(self._run, job_id, limit)

    def _known(self) -> Limits:
        if self._limits is None:
            raise NotAvailable("Concurrency limits and debouncing are not available here")
        return self._limits


class BoundCache:
    """Stored results of whole flows and containers, as one run's rights allow. `secret` keys what stands for secrets."""

    def __init__(self, store: Store, run: RunRow, rights: str, secret: bytes, files: Files | None) -> None:
        self._store = store
        self._run = run
        self.rights = rights
        self._secret = secret
        self._files = files

    async def by_content(self, text: JsonText) -> JsonText:
        """See `ports.RunCache`."""
        return await file_marks.by_content(self._files, self._run, text)

    def hidden(self, text: JsonText) -> JsonText:
        """See `ports.RunCache`."""
        data = text.encode("utf-8", "surrogatepass")
        return JsonText(hashlib.blake2b(data, key=self._secret, digest_size=16).hexdigest())

    async def find(self, key: str, ttl_s: float) -> LeafOutcome | None:
        """See `ports.RunCache`."""
        found = await self._store.results.lookup(self._run.workspace, self.rights, key, ttl_s)
        if found is None:
            return None
        value = await self._store.values.get_held(found.value)
        return LeafOutcome(value, "reused", found.duration_ms, "", key, found.run_id)
