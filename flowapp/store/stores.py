"""All that one data folder holds, opened and closed together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from flowapp.store.approvals import Approvals
from flowapp.store.blobs import Blobs, FileBlobs
from flowapp.store.database import Database, open_database
from flowapp.store.events import Events
from flowapp.store.logs import Logs
from flowapp.store.masks import Masks
from flowapp.store.results import Results
from flowapp.store.runs import Runs
from flowapp.store.seen import Seen
from flowapp.store.values import Values


@dataclass(frozen=True, slots=True)
class Store:
    """The database, the blobs, and the queries that the engine and the pages share."""

    home: Path
    database: Database
    events: Events
    blobs: Blobs
    values: Values
    runs: Runs
    results: Results
    logs: Logs
    approvals: Approvals
    seen: Seen
    masks: Masks = field(default_factory=Masks)

    @classmethod
    async def open(cls, url: str, home: Path) -> Store:
        """Open (and where needed create) the data folder.

        Raises:
            DatabaseUnsupported: `url` names no database that we can use.
            DatabaseAway: PostgreSQL does not answer.
            HomeInUse: another server has this data folder open.
        """
        database = await open_database(url, home)
        blobs = _blobs(database, home)
        values, runs = Values(database, blobs), Runs(database)
        return cls(
            home=home,
            database=database,
            events=database.events,
            blobs=blobs,
            values=values,
            runs=runs,
            results=Results(database, values),
            logs=Logs(database),
            approvals=Approvals(database, runs),
            seen=Seen(database),
        )

    async def close(self) -> None:
        """Make everything durable and let go of the folder."""
        await self.seen.settle()
        await self.database.close()
        self.blobs.close()


def _blobs(database: Database, home: Path) -> Blobs:
    """Contents are files where one process owns the folder, and rows where several machines share the database."""
    if not database.shared:
        return FileBlobs(home)
    from flowapp.store.blob_rows import RowBlobs
    from flowapp.store.postgres import PostgresDatabase

    assert isinstance(database, PostgresDatabase)
    return RowBlobs(database.engine, home)
