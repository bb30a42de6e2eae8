"""The result store: what a step with a given fingerprint gave, for one workspace and one identity's rights.

A failed step never gets here: an error is not a result.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText
from flowapp.store.clock import seconds_ago
from flowapp.store.database import Database
from flowapp.store.runs import rows_of
from flowapp.store.sql import Sql
from flowapp.store.tables import ResultRow
from flowapp.store.values import Values

_LOOKUP = Sql(
    "SELECT * FROM result WHERE workspace = :workspace AND rights = :rights AND fingerprint = :fingerprint AND at >= :since"
)
_PUT = Sql(
    "INSERT INTO result (workspace, rights, fingerprint, value, run_id, run_number, path, duration_ms, at) "
    "VALUES (:workspace, :rights, :fingerprint, :value, :run_id, :run_number, :path, :duration_ms, :at) "
    "ON CONFLICT (workspace, rights, fingerprint) DO UPDATE SET value = excluded.value, run_id = excluded.run_id, "
    "run_number = excluded.run_number, path = excluded.path, duration_ms = excluded.duration_ms, at = excluded.at"
)
_FORGET = Sql(
    "DELETE FROM result WHERE workspace = :workspace AND rights = :rights AND fingerprint IN ("
    "SELECT fingerprint FROM job WHERE run_id = :run_id AND fingerprint IS NOT NULL AND (path = :path OR "
    "substr(path, 1, :length) IN (:iteration, :inside, :attempt)))"
)


class Results:
    """Stored results, and (for convenience of their readers) the values they name."""

    def __init__(self, database: Database, values: Values) -> None:
        self._database = database
        self._values = values

    async def lookup(
        self, workspace: str, rights: str, fingerprint: str, max_age_s: float | None = None
    ) -> ResultRow | None:
        """The stored result of a fingerprint, not older than `max_age_s` seconds where given."""
        since = "" if max_age_s is None else seconds_ago(max_age_s)
        values = {"workspace": workspace, "rights": rights, "fingerprint": fingerprint, "since": since}
        found = await self._database.read(lambda connection: rows_of(ResultRow, _LOOKUP.run(connection, values)))
        return found[0] if found else None

    def put(self, connection: Connection, row: ResultRow | dict[str, Any]) -> None:
        """Inside a write: remember a successful result; a newer one replaces an older."""
        _PUT.run(connection, row if isinstance(row, dict) else row.model_dump())

    def forget(self, connection: Connection, workspace: str, rights: str, run_id: str, path: str) -> None:
        """Inside a write: drop what a run's step gave, and what the steps in it gave, as those rights see it."""
        marks = {"iteration": f"{path}[", "inside": f"{path}.", "attempt": f"{path}~"}
        scope = {"workspace": workspace, "rights": rights, "run_id": run_id, "path": path}
        _FORGET.run(connection, {**scope, **marks, "length": len(path) + 1})

    async def put_value(self, text: JsonText) -> str:
        """See `Values.put_value`."""
        return await self._values.put_value(text)

    async def get_value(self, digest: str) -> JsonText:
        """See `Values.get_value`."""
        return await self._values.get_value(digest)
