"""What in a workspace names a person or a group: looked at before one of them goes."""

from __future__ import annotations

import json
import re

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import loads
from flowapp.store import acls, flow_versions, folders, groups
from flowapp.store.rows import table
from flowapp.store.tables import FlowVersionRow, ResourceRow, ScheduleRow, ScriptRow, VariableRow

_KINDS = (
    ("flow", FlowVersionRow),
    ("script", ScriptRow),
    ("variable", VariableRow),
    ("resource", ResourceRow),
    ("schedule", ScheduleRow),
)


def of_member(connection: Connection, workspace: str, username: str) -> list[str]:
    """What is somebody's: groups, parts in folders, schedules that run as them, things under their own path."""
    schedule = table(ScheduleRow)
    mine = sa.select(schedule.c.path).where(
        schedule.c.workspace == workspace, schedule.c.permissioned_as == f"u/{username}"
    )
    return [
        *(f"in group {name}" for name in sorted(groups.of_user(connection, workspace, username))),
        *_parts(connection, workspace, f"u/{username}"),
        *(f"schedule {path} runs as them" for path in sorted(connection.execute(mine).scalars())),
        *_under(connection, workspace, f"u/{username}/"),
    ]


def of_group(connection: Connection, workspace: str, name: str) -> list[str]:
    """What names a group: parts in folders, approvals of deployed flows, things under its path."""
    asked = re.compile(rf"user_groups_required.{{0,2000}}?{re.escape(json.dumps(name))}", re.DOTALL)
    approvals = [
        f"flow {row.path} may ask it for approval"
        for row in flow_versions.heads(connection, workspace)
        if asked.search(row.document)
    ]
    return [
        *_parts(connection, workspace, f"g/{name}"),
        *approvals,
        *_under(connection, workspace, f"g/{name}/"),
    ]


def _parts(connection: Connection, workspace: str, who: str) -> list[str]:
    found = []
    for row in folders.listing(connection, workspace):
        part = loads(row.extra_perms).get(who)
        if who in loads(row.owners):
            found.append(f"owner of folder {row.name}")
        elif part is not None:
            found.append(f"{'writes in' if part else 'sees'} folder {row.name}")
    for one in acls.of_person(connection, workspace, who):
        found.append(f"{'writes' if one.write else 'sees'} {one.kind} {one.path}")
    return found


def _under(connection: Connection, workspace: str, start: str) -> list[str]:
    """`flow u/ada/x` for what has a path that begins so."""
    found = []
    for word, kind in _KINDS:
        rows = table(kind)
        inside = sa.and_(rows.c.workspace == workspace, rows.c.path.startswith(start, autoescape=True))
        paths = connection.execute(sa.select(rows.c.path).distinct().where(inside)).scalars()
        found += [f"{word} {path}" for path in sorted(paths)]
    return found
