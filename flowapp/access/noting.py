"""When sessions, tokens and members were last used: noted at most every five minutes, so that reading stays reading."""

from __future__ import annotations

import time
from collections import OrderedDict

from flowapp.store import identities
from flowapp.store.clock import now
from flowapp.store.database import Database

_EVERY_S = 300.0
_REMEMBERED = 4096


class Noting:
    """Notes of one server. What it has forgotten is noted again, which does no harm."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def used(self, token_hash: str) -> None:
        """A session or token was used."""
        if self._due(("", token_hash)):
            await self._database.write(lambda connection: identities.note_used(connection, token_hash, now()))

    async def seen(self, workspace: str, email: str) -> None:
        """A member was in the workspace."""
        if self._due((workspace, email)):
            await self._database.write(lambda connection: identities.note_seen(connection, workspace, email, now()))

    def _due(self, key: tuple[str, str]) -> bool:
        at = time.monotonic()
        if at - self._noted.get(key, -_EVERY_S) < _EVERY_S:
            return False
        self._noted[key] = at
        self._noted.move_to_end(key)
        while len(self._noted) > _REMEMBERED:
            self._noted.popitem(last=False)
        return True
