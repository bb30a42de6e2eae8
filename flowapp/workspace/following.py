"""What follows when a run that a schedule started has ended: failures and successes in a row are counted, handlers started.

First the end is counted and what follows is noted, in one transaction; then that is done, each under an id that follows from
the run's. So it happens once on any number of servers, and any of them may be killed at any point.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.engine.timer import next_look
from flowapp.errors import FlowappError
from flowapp.jsontext import dumps, loads
from flowapp.store import schedules
from flowapp.store.errors import StoreError
from flowapp.store.schedules import AT_ONCE, EndedTick
from flowapp.store.tables import RunRow, ScheduleRow
from flowapp.workspace.context import Context
from flowapp.workspace.runnables import Start, Trigger
from flowapp.workspace.schedule_shapes import Options, handler
from flowapp.workspace.starting import Starting

log = logging.getLogger(__name__)
_HANDLERS = uuid.UUID("53a1d0a2-6a0f-5d0e-8a3c-7f1c0b8f9d21")

#: What a handler is told that came out of a run: nobody wrote it, so no reference to a secret in it counts.
_DATA = ("error", "success_result")


@dataclass(frozen=True, slots=True)
class Counted:
    """Failures and successes in a row, the run at hand included. Failures stay known while successes follow them."""

    failures: int
    successes: int

    def handlers(self, options: Options) -> list[str]:
        """Which handlers this calls for."""
        if self.successes == 0:
            times = options.times("on_failure_times")
            exact = options.truth("on_failure_exact")
            wanted = ["on_failure"] if self.failures == times or (self.failures > times and not exact) else []
        else:
            recovered = self.failures > 0 and self.successes == options.times("on_recovery_times")
            wanted = [*(["on_recovery"] if recovered else []), "on_success"]
        return [name for name in wanted if options.text(name)]


def count(failures: int, successes: int, *, failed: bool) -> Counted:
    """The counters after one more run."""
    if failed:
        return Counted((failures if successes == 0 else 0) + 1, 0)
    return Counted(failures, successes + 1)


class FollowSchedules:
    """Draws the consequences of the ends of runs. A duty of the timer."""

    name = "following the runs of schedules"

    def __init__(self, context: Context, starting: Starting) -> None:
        self._context = context
        self._store = context.store
        self._starting = starting

    async def look(self, now: datetime) -> datetime:
        """Look at every run of a schedule that has ended."""
        ended = await self._store.database.read(schedules.ended_ticks)
        for each in ended:
            try:
                await self._follow(each)
            except StoreError:
                raise
            except Exception:
                log.exception("what follows from run %s of schedule %s failed", each.tick.run_id, each.tick.schedule)
        return next_look(now, now if len(ended) == AT_ONCE else None)

    async def _follow(self, ended: EndedTick) -> None:
        run, tick = ended.run, ended.tick
        # somebody canceled it, or it was skipped: that says nothing about the schedule
        if run is None or run.status not in ("success", "failure"):
            await self._store.database.write(lambda c: schedules.close_tick(c, tick.run_id))
            return
        if tick.todo is None:
            todo = await self._store.database.write(lambda c: self._count(c, ended))
        else:
            todo = loads(tick.todo)
        if todo is None:
            return
        row = await self._store.database.read(lambda c: schedules.get(c, tick.workspace, tick.schedule))
        if row is not None:
            for name in todo["handlers"]:
                await self._handle(row, run, name, Counted(todo["failures"], todo["successes"]))
        await self._store.database.write(lambda c: schedules.close_tick(c, tick.run_id))

    def _count(self, connection: Connection, ended: EndedTick) -> dict[str, Any] | None:
        """Count the end, once. What is to be done then; None when there is nothing (more) to do."""
        tick = ended.tick
        row = schedules.counting(connection, tick)
        if row is None:
            if schedules.get(connection, tick.workspace, tick.schedule) is None:
                schedules.close_tick(connection, tick.run_id)
            return None
        counted = count(row.failures, row.successes, failed=ended.run is not None and ended.run.failed)
        values = {"failures": counted.failures, "successes": counted.successes}
        schedules.change(connection, row.workspace, row.path, values)
        handlers = counted.handlers(Options.of(row))
        if not handlers:
            schedules.close_tick(connection, tick.run_id)
            return None
        todo = {"handlers": handlers, **values}
        schedules.set_todo(connection, tick.run_id, dumps(todo))
        return todo

    async def _handle(self, row: ScheduleRow, run: RunRow, name: str, counted: Counted) -> None:
        options = Options.of(row)
        if not options.text(name):
            return  # taken away since
        handler_id = str(uuid.uuid5(_HANDLERS, f"{run.id}/{name}"))

        def within(connection: Connection) -> bool:
            held = schedules.hold_tick(connection, run.id)
            return held and self._store.runs.find(connection, handler_id) is None

        try:
            is_flow, path = handler(options.text(name))
            start = Start(
                kind="flow" if is_flow else "script",
                path=path,
                args={**await self._report(row, run, name, counted), **options.mapping(f"{name}_extra_args")},
                job_id=handler_id,
                parent_job=run.id,
                trigger=Trigger("schedule", more={"schedule": row.path, "handler": name, "data": list(_DATA)}),
            )
            username = row.permissioned_as.removeprefix("u/")
            person = await self._context.sessions.identity_named(username, row.workspace)
            await self._starting.start_within(person, start, within)
        except StoreError:
            raise
        except FlowappError as error:
            message = f"{name}: {error.message}"
            log.warning("schedule %s of %s: %s", row.path, row.workspace, message)
            await self._store.database.write(lambda c: schedules.note_error(c, row, message))

    async def _report(self, row: ScheduleRow, run: RunRow, name: str, counted: Counted) -> dict[str, Any]:
        """What a handler is told."""
        told: dict[str, Any] = {
            "path": row.script_path,
            "is_flow": row.is_flow,
            "schedule_path": row.path,
            "workspace_id": row.workspace,
            "job_id": run.id,
        }
        if name == "on_failure":
            error = _error_of(await self._result(run))
            return {**told, "error": error, "started_at": run.started_at, "failed_times": counted.failures}
        told |= {"success_result": await self._result(run), "success_started_at": run.started_at}
        if name == "on_recovery":
            before = run.ended_at or run.created_at
            failed = await self._store.database.read(
                lambda c: schedules.last_failure(c, row.workspace, row.path, before)
            )
            told["success_times"] = counted.successes
            told["error"] = _error_of(await self._result(failed)) if failed else None
            told["error_started_at"] = failed.started_at if failed else None
        return told

    async def _result(self, run: RunRow) -> Any:
        return loads(await self._store.values.get_held(run.result)) if run.result else None


def _error_of(result: Any) -> Any:
    found = result.get("error") if isinstance(result, Mapping) else None
    return found if found is not None else result
