"""Who looked at what, for the audit trail: noted beside the read, never in its way, and once for each visit.

Pages poll and clients ask again and again, so what the same person sees of the same thing is one visit until they have not
looked for `AWAY_S`; one that does not end is noted again every `LONG_S`. Each server remembers the visits that it saw.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from weakref import WeakValueDictionary

from sqlalchemy.engine import Connection

from flowapp.store import audit
from flowapp.store.database import Database
from flowapp.store.origin import ORIGIN

AWAY_S = 300.0
LONG_S = 3600.0
_REMEMBERED = 10_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody saw something. `by` is a username, or `link:…`; `target` and `detail` name what they saw, never its content."""

    workspace: str
    by: str
    action: str
    target: str
    detail: str = ""


class Visits:
    """Which looks begin a visit. What has been forgotten begins one again, which does no harm."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def is_new(self, key: object) -> bool:
        """Whether a look would begin a visit."""
        at = self._clock()
        noted, last = self._known.get(key, (-LONG_S, -AWAY_S))
        return at - last >= AWAY_S or at - noted >= LONG_S

    def begins(self, key: object) -> bool:
        """Whether this look is to be noted; from now on it is taken for noted."""
        at, begins = self._clock(), self.is_new(key)
        self._known[key] = (at if begins else self._known[key][0]), at
        self._known.move_to_end(key)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return begins

    def forget(self, key: object) -> None:
        """The look could not be noted: the next one is to be."""
        self._known.pop(key, None)


class Seen:
    """The looks that one server notes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._visits = Visits()
        self._waiting: list[tuple[Look, str]] = []
        self._writing: asyncio.Task[None] | None = None
        # each is there while somebody holds it or waits for it
        self._looking: WeakValueDictionary[Look, asyncio.Lock] = WeakValueDictionary()

    def note(self, look: Look) -> None:
        """Note it soon. Whoever reads does not wait for that."""
        if not self._visits.begins(look):
            return
        self._waiting.append((look, ORIGIN.get()))
        if self._writing is None:
            # it writes for whoever comes meanwhile too, so it is nobody's request
            self._writing = asyncio.get_running_loop().create_task(self._write(), context=contextvars.Context())

    async def note_first(self, look: Look) -> None:
        """Note it before anything is shown: what cannot be noted is not to be seen.

        Who asks at the same time waits for the same note, and makes it where it could not be made.
        """
        lock = self._looking.setdefault(look, asyncio.Lock())
        async with lock:
            if self._visits.is_new(look):
                await self._database.write(partial(_add, [(look, ORIGIN.get())]))
            self._visits.begins(look)

    async def settle(self) -> None:
        """Wait until everything that was seen is noted."""
        while self._writing is not None:
            await asyncio.shield(self._writing)  # who waits may be gone; what others saw is noted

    async def _write(self) -> None:
        try:
            while self._waiting:
                looks, self._waiting = self._waiting, []
                try:
                    await self._database.write(partial(_add, looks))
                except Exception:
                    for look, _ in looks:
                        self._visits.forget(look)
                    log.exception("what was seen could not be noted")
        finally:
            self._writing = None


def _add(looks: list[tuple[Look, str]], connection: Connection) -> None:
    for look, address in looks:
        audit.add(
            connection,
            workspace=look.workspace,
            by=look.by,
            action=look.action,
            target=look.target,
            detail=look.detail,
            address=address,
        )
