"""Changing what is stored of a flow as a whole: archiving, renaming, deleting all of its versions."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store.flows import version
from flowapp.store.rows import all_of, first, table
from flowapp.store.runs import UNFINISHED
from flowapp.store.tables import FlowVersionRow, JobRow, RunRow
from flowapp.store.values import Values

_VERSION, _RUN, _JOB = table(FlowVersionRow), table(RunRow), table(JobRow)


def newest(connection: Connection, workspace: str, path: str) -> FlowVersionRow | None:
    """The newest version, archived or not."""
    query = sa.select(_VERSION).where(_VERSION.c.workspace == workspace, _VERSION.c.path == path)
    return first(connection, FlowVersionRow, query.order_by(_VERSION.c.version.desc()))


def heads(connection: Connection, workspace: str, *, archived: bool = False) -> list[FlowVersionRow]:
    """The newest version of every flow with its document, last stored first."""
    latest = sa.select(sa.func.max(_VERSION.c.id)).where(_VERSION.c.workspace == workspace).group_by(_VERSION.c.path)
    query = sa.select(_VERSION).where(_VERSION.c.id.in_(latest), _VERSION.c.archived.is_(archived))
    return all_of(connection, FlowVersionRow, query.order_by(_VERSION.c.id.desc()))


def archive(connection: Connection, workspace: str, path: str, archived: bool) -> int:
    """Archive all versions, or bring them back; how many there are."""
    where = (_VERSION.c.workspace == workspace, _VERSION.c.path == path)
    return connection.execute(sa.update(_VERSION).where(*where).values(archived=archived)).rowcount


def rename(connection: Connection, workspace: str, path: str, target: str) -> None:
    """Give all versions another path, at which there must be none."""
    where = (_VERSION.c.workspace == workspace, _VERSION.c.path == path)
    connection.execute(sa.update(_VERSION).where(*where).values(path=target))


def keep_for_runs(connection: Connection, values: Values, workspace: str, path: str) -> None:
    """Before a flow goes away from its path: the runs that are inside of it go on with the version that they began with.

    Its document is kept with the step that calls it, as `document` (a value's hash) in the step's meta.
    """
    under_way = sa.select(_RUN.c.id).where(_RUN.c.workspace == workspace, _RUN.c.status.in_(UNFINISHED))
    calls = sa.select(_JOB).where(_JOB.c.run_id.in_(under_way), _JOB.c.kind == "flow", _JOB.c.ended_at.is_(None))
    for row in all_of(connection, JobRow, calls):
        meta = loads(row.meta) if row.meta else {}
        found = None
        if meta.get("flow") == path and "document" not in meta:
            found = version(connection, workspace, path, int(meta["version"]))
        if found is not None:
            document = values.inline(JsonText(found.document))
            values.insert(connection, document)
            mine = (_JOB.c.run_id == row.run_id, _JOB.c.path == row.path)
            changed = dumps({**meta, "document": document.hash})
            connection.execute(sa.update(_JOB).where(*mine).values(meta=changed))


def delete(connection: Connection, workspace: str, path: str) -> int:
    """Take all versions away; how many there were. Runs keep the document that they ran."""
    where = (_VERSION.c.workspace == workspace, _VERSION.c.path == path)
    return connection.execute(sa.delete(_VERSION).where(*where)).rowcount
