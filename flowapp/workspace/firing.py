"""What happens at the tick of a schedule. What happens when its run has ended is in `following.py`.

A tick is taken in the transaction that stores its run, so several servers may ask at once and any of them may be killed at
any point.

After downtime, one run makes up for all the ticks that were missed: the latest of them is the one that it is for.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.errors import NotAllowed
from flowapp.access.identity import Identity
from flowapp.engine.timer import next_look
from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store import schedules
from flowapp.store.clock import text_of
from flowapp.store.errors import StoreError
from flowapp.store.runs import NewRun
from flowapp.store.schedules import AT_ONCE
from flowapp.store.tables import ScheduleRow, TickRow
from flowapp.store.values import Prepared
from flowapp.workspace.context import Context
from flowapp.workspace.runnables import Start, Trigger
from flowapp.workspace.schedule_shapes import Options, cron_of, next_tick
from flowapp.workspace.starting import Starting, inline

log = logging.getLogger(__name__)
MOST_MISSED = 1000
"""Missed ticks are counted up to here."""
_SECOND = timedelta(seconds=1)
_TICKS = uuid.UUID("0b1c6f1e-5b0c-5d39-a0c6-4c9a3a1f7a55")
_LEFT = "Somebody else can edit the schedule: it then runs with their rights."
_NOTHING = dumps({"summary": "", "value": {"modules": []}})


def run_id_of(workspace: str, path: str, tick: datetime) -> str:
    """The id of the run that a schedule starts at a tick: the same on every server."""
    return str(uuid.uuid5(_TICKS, f"{workspace}/{path}@{text_of(tick)}"))


@dataclass(frozen=True, slots=True)
class _Tick:
    """A tick that is to be taken."""

    row: ScheduleRow
    options: Options
    moment: datetime
    missed: int
    following: str | None

    @property
    def run_id(self) -> str:
        return run_id_of(self.row.workspace, self.row.path, self.moment)


class FireSchedules:
    """Starts the runs of schedules that are due. A duty of the timer."""

    name = "starting schedules"

    def __init__(self, context: Context, starting: Starting) -> None:
        self._context = context
        self._store = context.store
        self._starting = starting

    async def look(self, now: datetime) -> datetime:
        """Take every tick that has come."""
        database = self._store.database
        due, later = await database.read(lambda c: (schedules.due(c, now), schedules.next_due(c, now)))
        for row in due:
            await self._take(row, now)
        if due:
            later = await database.read(lambda c: schedules.next_due(c, now))
        return next_look(now, now if len(due) == AT_ONCE else later)

    async def _take(self, row: ScheduleRow, now: datetime) -> None:
        try:
            tick = _tick(row, now)
            if tick is not None:
                await self._start(tick)
        except StoreError:
            raise
        except FlowappError as error:
            message = error.message  # it cannot be read any more, such as a time zone that is gone
            await self._store.database.write(lambda c: schedules.note_error(c, row, message, stop=True))
        except Exception:
            # its tick stays due: it must neither be lost nor keep other schedules from theirs
            log.exception("schedule %s of %s could not start its run", row.path, row.workspace)

    async def _start(self, tick: _Tick) -> None:
        row = tick.row
        taken = False
        person = await self._context.sessions.identity_named(row.permissioned_as.removeprefix("u/"), row.workspace)
        waiting = await self._store.values.prepare(dumps({"reason": "The schedule's earlier run had not ended."}))

        def within(connection: Connection) -> bool:
            nonlocal taken
            taken = schedules.claim(connection, row, tick.following)
            if not taken:
                return False
            if tick.options.truth("no_flow_overlap"):
                earlier = schedules.unfinished(connection, row.workspace, row.path)
                if earlier is not None:
                    self._insert_ended(connection, tick, person, "skipped", waiting)
                    return False
            schedules.note_error(connection, row, None)
            schedules.add_tick(connection, _tick_row(tick))
            return True

        try:
            if person.role == "none":
                raise NotAllowed(f"{row.permissioned_as} is not a member of this workspace any more.", _LEFT)
            run = await self._starting.start_within(person, _start_of(tick), within)
        except StoreError:
            raise
        except FlowappError as error:
            await self._fail(tick, person, error)
            return
        if run is None and not taken:
            # another server has it, or the tick came before and was only put back by an edit of the schedule
            await self._store.database.write(lambda connection: self._pass_over(connection, tick))

    def _pass_over(self, connection: Connection, tick: _Tick) -> None:
        if self._store.runs.find(connection, tick.run_id) is not None:
            schedules.claim(connection, tick.row, tick.following)

    async def _fail(self, tick: _Tick, person: Identity, error: FlowappError) -> None:
        """What the schedule names is gone, or its person may not run it any more: that is a failed run."""
        message = f"{error.message} {error.hint}".strip()
        value = dumps({"error": {"name": "ScheduleError", "message": message}})
        result = await self._store.values.prepare(value)

        def work(connection: Connection) -> None:
            if not schedules.claim(connection, tick.row, tick.following):
                return
            if self._store.runs.find(connection, tick.run_id) is not None:
                return
            self._insert_ended(connection, tick, person, "failure", result)
            schedules.add_tick(connection, _tick_row(tick))
            schedules.note_error(connection, tick.row, message)

        await self._store.database.write(work)

    def _insert_ended(
        self, connection: Connection, tick: _Tick, person: Identity, status: str, result: Prepared
    ) -> None:
        """Store a run that never begins, so that people see what became of the tick."""
        row, document, args = tick.row, inline(_NOTHING), inline(JsonText("{}"))
        self._store.values.insert(connection, document, args, result)
        new = NewRun(
            workspace=row.workspace,
            kind="flow" if row.is_flow else "script",
            document=document.hash,
            args=args.hash,
            created_by=person.username,
            path=row.script_path,
            summary=row.summary,
            permissioned_as=row.permissioned_as,
            email=row.email,
            scheduled_for=text_of(tick.moment),
            schedule=row.path,
            trigger=dumps({"kind": "schedule", "event": None, "missed": tick.missed}),
        )
        self._store.runs.insert(connection, new, tick.run_id)
        schedules.end_at_once(connection, tick.run_id, status, result.hash, failed=status == "failure")


def _tick(row: ScheduleRow, now: datetime) -> _Tick | None:
    """The tick of a due schedule that is to be taken now: the latest that has come."""
    if row.next_at is None:
        return None
    cron, options = cron_of(row), Options.of(row)
    first = datetime.fromisoformat(row.next_at).astimezone(UTC)
    moment = cron.latest(first, now) or first
    missed = cron.count(first - _SECOND, moment - _SECOND, MOST_MISSED) if moment > first else 0
    return _Tick(row, options, moment, missed, next_tick(cron, options, max(moment, now)))


def _start_of(tick: _Tick) -> Start:
    row, options = tick.row, tick.options
    return Start(
        kind="flow" if row.is_flow else "script",
        path=row.script_path,
        args=loads(row.args) or {},
        job_id=tick.run_id,
        scheduled_for=tick.moment,
        schedule=row.path,
        tag=options.text("tag"),
        trigger=Trigger("schedule", more={"missed": tick.missed}),
        around=_around(row, options, tick.moment),
    )


def _around(row: ScheduleRow, options: Options, moment: datetime) -> JsonText | None:
    """The flow around what a schedule runs, where the schedule has retries or a script that may say no."""
    skip, retry = options.text("dynamic_skip"), options.retry
    if not skip and retry is None:
        return None
    modules: list[dict[str, Any]] = []
    if skip:
        at = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        transforms = {"scheduled_for": {"type": "static", "value": at}}
        modules.append(
            {
                "id": "dynamic_skip",
                "summary": "Whether to run",
                "value": {"type": "script", "path": skip, "input_transforms": transforms},
                "stop_after_if": {"expr": "result !== true", "skip_if_stopped": True},
            }
        )
    kind = "flow" if row.is_flow else "script"
    value = {"type": kind, "path": row.script_path, "input_transforms": {}}
    modules.append(
        {"id": "run", "value": value, "pass_flow_input_directly": True, **({"retry": retry} if retry else {})}
    )
    return dumps({"summary": row.summary, "value": {"modules": modules}})


def _tick_row(tick: _Tick) -> TickRow:
    return TickRow(
        run_id=tick.run_id,
        workspace=tick.row.workspace,
        schedule=tick.row.path,
        scheduled_for=text_of(tick.moment),
        missed=tick.missed,
    )
