"""The processes that share a database (PostgreSQL): who is alive, by the database's clock and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store.sql import Sql

_CLOCK = "to_char(clock_timestamp() AT TIME ZONE 'UTC' - CAST(:back AS INTERVAL), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_BEAT = Sql(
    "INSERT INTO executor (id, kind, host, tags, started_at, at) "  # noqa: S608 - constants
    f"VALUES (:id, :kind, :host, :tags, {_CLOCK}, {_CLOCK}) ON CONFLICT (id) DO UPDATE SET at = excluded.at"
)
_ALIVE = Sql(f"SELECT id, kind, host, tags, started_at FROM executor WHERE at > {_CLOCK} ORDER BY started_at")  # noqa: S608 - constants
_FORGET = Sql(f"DELETE FROM executor WHERE at <= {_CLOCK}")  # noqa: S608 - constants
_RUNNING = Sql("SELECT id, owner FROM run WHERE status = 'running' AND owner IS NOT NULL")
HOME = "shared_home"
"""In the meta of a script that sees a run's `./shared`: the data folder that this is in."""
_HOME_OF = Sql(
    "SELECT meta FROM job WHERE run_id = :run_id AND meta LIKE :home AND meta NOT LIKE '%\"kept_from\"%' "
    "ORDER BY started_at DESC LIMIT 1"
)
_LEAVE = Sql("DELETE FROM executor WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Executor:
    """A process that runs flows (`default` among its tags) or scripts with some tags."""

    id: str
    kind: str
    host: str
    tags: tuple[str, ...]
    started_at: str = ""


def beat(connection: Connection, executor: Executor) -> None:
    """Say that a process is alive."""
    values = {"id": executor.id, "kind": executor.kind, "host": executor.host, "tags": dumps(list(executor.tags))}
    _BEAT.run(connection, {**values, "back": "0 seconds"})


def alive(connection: Connection, within_s: float) -> list[Executor]:
    """The processes that were heard of within so many seconds, the oldest first."""
    rows = _ALIVE.run(connection, {"back": f"{within_s} seconds"}).mappings()
    return [
        Executor(row["id"], row["kind"], row["host"], tuple(loads(JsonText(row["tags"]))), row["started_at"])
        for row in rows
    ]


def forget(connection: Connection, after_s: float) -> None:
    """Remove those that have been silent for so many seconds."""
    _FORGET.run(connection, {"back": f"{after_s} seconds"})


def leave(connection: Connection, executor_id: str) -> None:
    """A process stops in good order."""
    _LEAVE.run(connection, {"id": executor_id})


def stranded(connection: Connection, living: set[str]) -> list[tuple[str, str]]:
    """Runs that are said to be running by a process that is not alive: id and owner."""
    found = _RUNNING.run(connection)
    return [(str(run_id), str(owner)) for run_id, owner in found if executor_of(str(owner)) not in living]


def home_of(connection: Connection, run_id: str, within_s: float) -> str | None:
    """The data folder with the `./shared` that a run used last, if a process with it was heard of within so many seconds."""
    meta = _HOME_OF.run(connection, {"run_id": run_id, "home": f'%"{HOME}"%'}).scalar()
    if meta is None:
        return None
    home = str(loads(JsonText(meta))[HOME])
    return home if any(home in executor.tags for executor in alive(connection, within_s)) else None


def owner_token(executor_id: str, secret: str) -> str:
    """The token by which a segment owns its run; it tells which process the segment is in."""
    return f"{executor_id}/{secret}"


def executor_of(owner: str) -> str:
    """The process whose segment has this token."""
    return owner.rpartition("/")[0]
