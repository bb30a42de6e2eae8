"""Schedules: flows and scripts that run by themselves. What happens at a tick is in `firing.py`.

A schedule runs with the rights that the person who edited it last has at the time of the run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import INSTANCE, Identity
from flowapp.access.policy import Allowed, Target, decide, missing, require
from flowapp.jsontext import dumps
from flowapp.store import acls, audit, schedules
from flowapp.store.clock import now, text_of
from flowapp.store.tables import ScheduleRow
from flowapp.workspace import guard
from flowapp.workspace.acl_marks import marked, marked_one
from flowapp.workspace.context import Context
from flowapp.workspace.cron import Cron
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.schedule_shapes import (
    HANDLERS,
    Change,
    Options,
    cron_of,
    handler,
    job_json,
    next_tick,
    read_change,
    schedule_json,
    stored,
)

MAX_PAGE = 100
PREVIEWED = 5
_PATH = re.compile(r"[ufg]/[A-Za-z0-9_.@-]+(?:/[A-Za-z0-9_.-]+)+")
_RUNNABLE = re.compile(r"(?:[ufg]|hub)/[A-Za-z0-9_.@-]+(?:/[A-Za-z0-9_.@-]+)+")


class Schedules:
    """Use-cases about schedules. `soon` is set by the composition: it tells the timer when a changed schedule is due."""

    def __init__(self, context: Context) -> None:
        self.soon: Callable[[datetime], None] | None = None
        self._database = context.store.database
        self._sessions = context.sessions

    async def create(self, identity: Identity, body: Mapping[str, Any]) -> str:
        """Add a schedule; returns its path.

        Raises:
            BadRequest: a field cannot be what it is.
            AlreadyThere: the path is taken.
            NotAllowed, NotFound: the identity may not write there, or may not run what it names.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        path = _path(body.get("path"), _PATH, "path")
        require(identity, "schedule.write", _target(identity, path))
        change = read_change(body)
        runs = _path(body.get("script_path"), _RUNNABLE, "script_path")
        is_flow, enabled = body.get("is_flow"), body.get("enabled", True)
        if not isinstance(is_flow, bool):
            raise BadRequest("is_flow must be true or false.", "It says whether script_path is a flow.")
        if enabled is not None and not isinstance(enabled, bool):
            raise BadRequest("enabled must be true or false.")
        self._may_run(identity, runs, is_flow, change)
        active = enabled is not False
        row = ScheduleRow(
            workspace=identity.workspace,
            path=path,
            schedule=change.cron.text,
            timezone=change.cron.zone.key,
            enabled=active,
            script_path=runs,
            is_flow=is_flow,
            email=identity.email,
            permissioned_as=identity.permissioned_as,
            edited_by=identity.username,
            edited_at=now(),
            **_changed(change),
        )
        row.next_at = next_tick(change.cron, Options(change.options), _moment()) if active else None

        def work(connection: Connection) -> None:
            if schedules.get(connection, identity.workspace, path) is not None:
                raise AlreadyThere(f"There is a schedule {path} already.", "Choose another path, or change that one.")
            schedules.add(connection, row)
            _audit(connection, identity, "schedule.create", path, f"{row.schedule} {row.timezone}: {runs}")

        await self._database.write(work)
        self._tell(row.next_at)
        return path

    async def update(self, identity: Identity, path: str, body: Mapping[str, Any]) -> str:
        """Change a schedule. What it runs and whether it is enabled stay; all other fields are replaced.

        From then on it runs with the rights of who changed it.

        Raises:
            BadRequest: a field cannot be what it is.
            NotFound, NotAllowed: see `get`, and the identity may not run what it names.
        """
        row = await self._row(identity, "schedule.write", path)
        change = read_change(body)
        self._may_run(identity, row.script_path, row.is_flow, change)
        values = {
            "schedule": change.cron.text,
            "timezone": change.cron.zone.key,
            "email": identity.email,
            "permissioned_as": identity.permissioned_as,
            "edited_by": identity.username,
            "edited_at": now(),
            **_changed(change),
        }

        def work(connection: Connection) -> str | None:
            present = schedules.get(connection, identity.workspace, path)
            if present is None:
                raise missing("schedule")
            following = next_tick(change.cron, Options(change.options), _moment()) if present.enabled else None
            schedules.change(connection, identity.workspace, path, {**values, "next_at": following})
            _audit(connection, identity, "schedule.update", path, f"{change.cron.text} {change.cron.zone.key}")
            return following

        self._tell(await self._database.write(work))
        return path

    async def set_enabled(self, identity: Identity, path: str, enabled: Any) -> str:
        """Switch a schedule on or off. Ticks that passed while it was off do not count.

        Raises:
            BadRequest: `enabled` is neither true nor false.
            NotFound, NotAllowed: see `get`.
        """
        await self._row(identity, "schedule.write", path)
        if not isinstance(enabled, bool):
            raise BadRequest("enabled must be true or false.", 'Send {"enabled": true}.')

        def work(connection: Connection) -> str | None:
            row = schedules.get(connection, identity.workspace, path)
            if row is None:
                raise missing("schedule")
            following = next_tick(cron_of(row), Options.of(row), _moment()) if enabled else None
            schedules.change(connection, identity.workspace, path, {"enabled": enabled, "next_at": following})
            _audit(connection, identity, "schedule.enable" if enabled else "schedule.disable", path, "")
            return following

        self._tell(await self._database.write(work))
        return path

    async def delete(self, identity: Identity, path: str) -> str:
        """Delete a schedule; a run that it started goes on.

        Raises:
            NotFound, NotAllowed: see `get`.
        """
        await self._row(identity, "schedule.write", path)

        def work(connection: Connection) -> None:
            if schedules.remove(connection, identity.workspace, path):
                acls.forget(connection, identity.workspace, "schedule", path)
                _audit(connection, identity, "schedule.delete", path, "")

        await self._database.write(work)
        self._sessions.rights_changed()
        return path

    async def get(self, identity: Identity, path: str) -> dict[str, Any]:
        """One schedule in Windmill's shape, with our `next_at`.

        Raises:
            NotFound: there is none, or it must look so.
            NotAllowed: the role does not include reading it.
        """
        found = schedule_json(await self._row(identity, "schedule.read", path))
        return await marked_one(self._database, identity.workspace, "schedule", found)

    async def exists(self, identity: Identity, path: str) -> bool:
        """Whether there is a schedule at a path that the identity may read."""
        require(identity, "workspace.read", guard.workspace_target(identity))
        row = await self._find(identity, path)
        return row is not None and isinstance(decide(identity, "schedule.read", _target(identity, path)), Allowed)

    async def listing(
        self,
        identity: Identity,
        *,
        page: int = 1,
        per_page: int = 30,
        runs: str | None = None,
        is_flow: bool | None = None,
        path_start: str = "",
        with_jobs: bool = False,
    ) -> list[dict[str, Any]]:
        """Schedules by path; `page` counts from 1 (0 is page 1 too). With jobs: the latest runs of each that have ended."""
        require(identity, "workspace.read", guard.workspace_target(identity))
        size = max(1, min(per_page, MAX_PAGE))
        rows = await self._database.read(
            lambda c: schedules.listing(c, identity.workspace, runs=runs, is_flow=is_flow, start=path_start)
        )
        shown = [row for row in rows if isinstance(decide(identity, "schedule.read", _target_of(row)), Allowed)]
        begin = (max(1, page) - 1) * size
        shown = shown[begin : begin + size]
        told = await marked(self._database, identity.workspace, "schedule", [schedule_json(row) for row in shown])
        if not with_jobs:
            return told
        jobs = await self._database.read(
            lambda c: [schedules.recent_runs(c, identity.workspace, row.path) for row in shown]
        )
        return [
            {**schedule, "jobs": [job_json(run) for run in runs_of]}
            for schedule, runs_of in zip(told, jobs, strict=True)
        ]

    def preview(self, identity: Identity, body: Mapping[str, Any], now: datetime | None = None) -> list[str]:
        """The next times of a schedule that need not be stored: of `{"schedule", "timezone", "cron_version"?}`.

        `identity` is a person in no workspace (`Sessions.account`).

        Raises:
            BadRequest: it is no schedule.
        """
        require(identity, "account.read", Target(INSTANCE, "account", owner=identity.username))
        cron = read_change({name: body.get(name) for name in ("schedule", "timezone", "cron_version")}).cron
        return _times(cron, now or _moment())

    def _may_run(self, identity: Identity, runs: str, is_flow: bool, change: Change) -> None:
        """Whoever stores a schedule must be one who may run all that it names: it runs with their rights."""
        named = [(is_flow, runs)]
        named += [handler(change.options[name]) for name in HANDLERS if change.options.get(name)]
        if change.options.get("dynamic_skip"):
            named.append((False, change.options["dynamic_skip"]))
        for flow, path in named:
            if not _RUNNABLE.fullmatch(path):
                raise BadRequest(f"{path[:80]!r} is not the path of a script or flow.", "Such as f/folder/name.")
            if flow:
                require(identity, "flow.run", guard.flow_target(identity, path))
            else:
                require(identity, "script.run", Target(identity.workspace, "script", path=path))

    async def _find(self, identity: Identity, path: str) -> ScheduleRow | None:
        return await self._database.read(lambda c: schedules.get(c, identity.workspace, path))

    async def _row(self, identity: Identity, action: Any, path: str) -> ScheduleRow:
        require(identity, "workspace.read", guard.workspace_target(identity))
        row = await self._find(identity, path)
        if row is None:
            raise missing("schedule")
        require(identity, action, _target_of(row))
        return row

    def _tell(self, following: str | None) -> None:
        if following is not None and self.soon is not None:
            self.soon(datetime.fromisoformat(following))


def _times(cron: Cron, start: datetime) -> list[str]:
    times = cron.after(start)
    return [text_of(moment) for _, moment in zip(range(PREVIEWED), times, strict=False)]


def _changed(change: Change) -> dict[str, Any]:
    return {
        "args": dumps(change.args),
        "summary": str(change.options.get("summary") or ""),
        "description": str(change.options.get("description") or ""),
        "options": stored(change.options),
    }


def _target(identity: Identity, path: str) -> Target:
    return Target(identity.workspace, "schedule", path=path)


def _target_of(row: ScheduleRow) -> Target:
    return Target(row.workspace, "schedule", path=row.path)


def _path(value: Any, form: re.Pattern[str], name: str) -> str:
    if not isinstance(value, str) or len(value) > 255 or not form.fullmatch(value) or ".." in value.split("/"):
        raise BadRequest(
            f"{name} is not a path: {str(value)[:80]!r}.", "Use u/<your name>/<name> or f/<folder>/<name>."
        )
    return value


def _moment() -> datetime:
    return datetime.now(UTC)


def _audit(connection: Connection, identity: Identity, action: str, path: str, detail: str) -> None:
    audit.add(connection, workspace=identity.workspace, by=identity.username, action=action, target=path, detail=detail)
