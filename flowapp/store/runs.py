"""Runs and their steps: what happened, in rows that pages read and the engine resumes from.

Only the segment whose token is in `run.owner` may write to a run: every write here that belongs to a running run names it,
and is refused with `OwnershipLost` when another segment has taken over since.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from flowapp.store.clock import now
from flowapp.store.database import Database
from flowapp.store.errors import OwnershipLost
from flowapp.store.events import Event
from flowapp.store.numbers import next_run
from flowapp.store.sql import Sql
from flowapp.store.step_writes import PUT_JOB
from flowapp.store.tables import JobRow, RunRow

UNFINISHED = ("queued", "running", "suspended")
FINISHED = ("success", "failure", "canceled", "skipped")
_JOB_NAMESPACE = uuid.UUID("6f2b3d0e-6c1c-5a7e-9b0e-5d1f5b1f9a10")

Row = TypeVar("Row", bound=SQLModel)


@dataclass(frozen=True, slots=True)
class NewRun:
    """What a run starts from. `document` and `args` are value hashes, `plan` is JSON text (runs of kind `cells`).

    With `wake_at` it is stored as suspended until then; the other names are those of `RunRow`.
    """

    workspace: str
    kind: str
    document: str
    args: str
    created_by: str
    path: str = ""
    summary: str = ""
    version: int | None = None
    draft_id: str | None = None
    plan: str | None = None
    permissioned_as: str = ""
    parent_run: str | None = None
    root_run: str | None = None
    wake_at: str | None = None
    scheduled_for: str | None = None
    schedule: str | None = None
    trigger: str | None = None
    email: str = ""
    language: str | None = None
    script_hash: str | None = None
    tag: str = ""
    priority: int = 0
    restarted_from: str | None = None
    private: bool = False
    memory_id: str | None = None


@lru_cache(4096)
def job_id(run_id: str, path: str) -> str:
    """The stable id of the step at `path` of a run: known before it starts, the same after a restart."""
    return str(uuid.uuid5(_JOB_NAMESPACE, f"{run_id}/{path}"))


_INSIDE = ("[", "~", "/", "-v", "-preprocessor")


def within(path: str, step: str) -> bool:
    """Whether `path` is the step at the path `step`, or one inside of it (its second attempt, what it waits in, …)."""
    return path == step or any(path.startswith(step + mark) for mark in _INSIDE)


def table_of(model: type[SQLModel]) -> sa.Table:
    """The table of a row class: queries are written against tables, rows come back detached."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


def rows_of(model: type[Row], found: sa.CursorResult[Any]) -> list[Row]:
    """Rows of a whole-table query as (detached) row objects."""
    return [model(**row) for row in found.mappings()]


def _columns(model: type[SQLModel]) -> list[str]:
    return [column.name for column in sa.inspect(model).columns]


_RUN_COLUMNS = _columns(RunRow)
_INSERT_RUN = Sql(
    f"INSERT INTO run ({', '.join(_RUN_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _RUN_COLUMNS)})"  # noqa: S608
)
_RUN_FLAGS = [column.name for column in table_of(RunRow).columns if isinstance(column.type, sa.Boolean)]
_FIND_RUN = Sql("SELECT * FROM run WHERE id = :id")
_CLAIM = Sql(
    "UPDATE run SET owner = :owner, status = 'running', segment = segment + 1, wake_at = NULL, isolation = :isolation, "
    "started_at = coalesce(started_at, :at) WHERE id = :id AND status IN ('queued', 'running', 'suspended') "
    "AND (owner IS NULL OR owner LIKE :held)"
)
_END = Sql(
    "UPDATE run SET status = :status, result = :result, failed = :failed, ended_at = :at, owner = NULL "
    "WHERE id = :id AND owner = :owner"
)


class Runs:
    """Queries about runs and steps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, new: NewRun, run_id: str | None = None) -> RunRow:
        """Add a run in state `queued`, with the next number of its workspace."""
        return await self._database.write(lambda connection: self.insert(connection, new, run_id))

    def insert(self, connection: Connection, new: NewRun, run_id: str | None = None) -> RunRow:
        """`create` for use inside a larger write."""
        row = RunRow(
            id=run_id or str(uuid.uuid4()),
            number=next_run(connection, new.workspace),
            status="queued" if new.wake_at is None else "suspended",
            created_at=now(),
            **{name: getattr(new, name) for name in NewRun.__dataclass_fields__},
        )
        _INSERT_RUN.run(connection, row.model_dump())
        self._announce(row)
        return row

    async def get(self, run_id: str) -> RunRow | None:
        """One run."""
        return await self._database.read(lambda connection: self.find(connection, run_id))

    def find(self, connection: Connection, run_id: str) -> RunRow | None:
        """`get` for use inside a larger read or write."""
        row = _FIND_RUN.run(connection, {"id": run_id}).mappings().first()
        if row is None:
            return None
        # of a statement in plain text SQLite gives numbers for what is true and false
        return RunRow(**{**row, **{name: bool(row[name]) for name in _RUN_FLAGS}})

    async def page(
        self,
        workspace: str,
        *,
        path: str | None = None,
        status: str | None = None,
        draft_id: str | None = None,
        offset: int = 0,
        limit: int = 30,
    ) -> list[RunRow]:
        """Runs of a workspace, newest first."""
        table = table_of(RunRow)
        query = sa.select(table).where(table.c.workspace == workspace)
        for name, wanted in (("path", path), ("status", status), ("draft_id", draft_id)):
            if wanted is not None:
                query = query.where(table.c[name] == wanted)
        query = query.order_by(table.c.created_at.desc()).offset(offset).limit(limit)
        return await self._database.read(lambda connection: rows_of(RunRow, connection.execute(query)))

    async def unfinished(self) -> list[RunRow]:
        """Runs that were queued or under way: what a starting server takes up again, oldest first."""
        table = table_of(RunRow)
        query = sa.select(table).where(table.c.status.in_(("queued", "running"))).order_by(table.c.created_at)
        return await self._database.read(lambda connection: rows_of(RunRow, connection.execute(query)))

    async def claim(self, run_id: str, owner: str, isolation: str = "", held: str = "") -> RunRow | None:
        """Make `owner` the only segment that may write to the run; None when the run is over or gone.

        With `held` only while no other owner than one whose token begins so has the run.
        """

        def work(connection: Connection) -> RunRow | None:
            values = {"owner": owner, "isolation": isolation, "at": now(), "id": run_id, "held": f"{held}%"}
            done = _CLAIM.run(connection, values)
            if done.rowcount == 0:
                return None
            row = self.find(connection, run_id)
            if row is not None:
                self._announce(row)
            return row

        return await self._database.record(work)

    async def finish(self, run_id: str, owner: str, status: str, result: str | None, *, failed: bool) -> RunRow:
        """End a run.

        Raises:
            OwnershipLost: another segment owns the run now.
        """
        return await self._database.write(lambda c: self.end(c, run_id, owner, status, result, failed=failed))

    def end(
        self, connection: Connection, run_id: str, owner: str, status: str, result: str | None, *, failed: bool
    ) -> RunRow:
        """`finish` for use inside a larger write."""
        values = {"status": status, "result": result, "failed": failed, "at": now(), "id": run_id, "owner": owner}
        done = _END.run(connection, values)
        row = self.find(connection, run_id) if done.rowcount else None
        if row is None:
            raise OwnershipLost(f"Run {run_id} was taken over")
        self._announce(row)
        return row

    async def park(self, run_id: str, owner: str, wake_at: str | None) -> RunRow:
        """End a segment that waits: the run is suspended and wants its next segment at `wake_at`.

        Where something woke the run since the segment began, the earlier time counts, so no wake is lost.

        Raises:
            OwnershipLost: another segment owns the run now.
        """

        def work(connection: Connection) -> RunRow:
            table = table_of(RunRow)
            mine = sa.and_(table.c.id == run_id, table.c.owner == owner)
            woken = table.c.wake_at
            # one statement: what wakes the run meanwhile, from another server too, is either seen here or sees it parked
            due = woken if wake_at is None else sa.case((woken < wake_at, woken), else_=wake_at)
            change = sa.update(table).where(mine).values(status="suspended", owner=None, wake_at=due)
            row = self.find(connection, run_id) if connection.execute(change).rowcount else None
            if row is None:
                raise OwnershipLost(f"Run {run_id} was taken over")
            self._announce(row)
            return row

        return await self._database.write(work)

    def note_early(self, connection: Connection, run_id: str, owner: str, result: str) -> None:
        """Inside a write: what a synchronous caller gets while the run goes on; an event `early` on the run's topic."""
        table = table_of(RunRow)
        mine = sa.and_(table.c.id == run_id, table.c.owner == owner)
        if connection.execute(sa.update(table).where(mine).values(early_result=result)).rowcount:
            self._database.events.after_commit(Event(f"run:{run_id}", "early", {"run_id": run_id}))

    def went(self, connection: Connection, run_id: str, args: str, mark: str) -> None:
        """Inside a write: a run that waited for its turn goes, with these arguments (a value's hash)."""
        table = table_of(RunRow)
        connection.execute(sa.update(table).where(table.c.id == run_id).values(args=args, limit_key=mark))

    async def due(self) -> tuple[list[RunRow], str | None]:
        """The suspended runs whose time has come, and the time at which the next one's does."""
        table, at = table_of(RunRow), now()
        waiting = sa.and_(table.c.status == "suspended", table.c.wake_at.is_not(None))
        ripe = sa.select(table).where(waiting, table.c.wake_at <= at).order_by(table.c.wake_at)
        later = sa.select(sa.func.min(table.c.wake_at)).where(waiting, table.c.wake_at > at)
        return await self._database.read(lambda c: (rows_of(RunRow, c.execute(ripe)), c.execute(later).scalar()))

    def wake(self, connection: Connection, run_id: str) -> None:
        """Inside a decision's write: the run wants its next segment now. A segment under way sees it when it parks."""
        table = table_of(RunRow)
        connection.execute(
            sa.update(table).where(table.c.id == run_id, table.c.status.in_(UNFINISHED)).values(wake_at=now())
        )

    async def steps(self, run_id: str) -> list[JobRow]:
        """The steps of a run that have a row, in the order in which they started."""
        table = table_of(JobRow)
        query = sa.select(table).where(table.c.run_id == run_id).order_by(table.c.started_at, table.c.path)
        return await self._database.read(lambda connection: rows_of(JobRow, connection.execute(query)))

    async def step(self, run_id: str, path: str) -> JobRow | None:
        """One step of a run."""
        return await self._database.read(lambda connection: self.find_step(connection, run_id, path))

    def find_step(self, connection: Connection, run_id: str, path: str) -> JobRow | None:
        """`step` for use inside a larger read or write."""
        table = table_of(JobRow)
        query = sa.select(table).where(table.c.run_id == run_id, table.c.path == path)
        found = rows_of(JobRow, connection.execute(query))
        return found[0] if found else None

    async def step_by_id(self, step_job_id: str) -> JobRow | None:
        """The step that the API knows by this job id."""
        table = table_of(JobRow)
        query = sa.select(table).where(table.c.id == step_job_id)
        found = await self._database.read(lambda connection: rows_of(JobRow, connection.execute(query)))
        return found[0] if found else None

    def put_job(self, connection: Connection, row: Mapping[str, Any], owner: str) -> None:
        """Inside a write: add or replace a step's row (all columns of `JobRow` are named).

        Raises:
            OwnershipLost: `owner` does not own the run any more.
        """
        if PUT_JOB.change(connection, {**row, "owner": owner}) == 0:
            raise OwnershipLost(f"Run {row['run_id']} was taken over")

    def _announce(self, row: RunRow) -> None:
        """Tell pages about a run's new state once it is stored."""
        data = run_event(row)
        self._database.events.after_commit(Event(f"run:{row.id}", "run", {"run": data}))
        self._database.events.after_commit(Event(f"runs:{row.workspace}", "run", {"run": data}))


def _unfinished_of(query: sa.Select[Any], connection: Connection) -> list[RunRow]:
    return rows_of(RunRow, connection.execute(query))


def run_event(row: RunRow) -> dict[str, Any]:
    """What an event says about a run (no values: pages fetch those)."""
    names: Sequence[str] = (
        *("id", "workspace", "number", "kind", "path", "summary", "draft_id", "status", "failed"),
        *("created_by", "created_at", "started_at", "ended_at", "private"),
    )
    return {name: getattr(row, name) for name in names}
