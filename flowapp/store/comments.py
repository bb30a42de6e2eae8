"""Comments on the cells of drafts, and on the steps of deployed flows. They go with their draft, or with their flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.tables import CommentRow

_COMMENT = table(CommentRow)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose comments: those of a draft alone, and those of the flow at `flow` (a path in `workspace`) that it comes from."""

    draft_id: str
    workspace: str = ""
    flow: str | None = None

    @property
    def where(self) -> sa.ColumnElement[bool]:
        """What is true of its comments."""
        own = sa.and_(_COMMENT.c.draft_id == self.draft_id, _COMMENT.c.flow.is_(None))
        return own if self.flow is None else sa.or_(own, _of_flow(self.workspace, self.flow))


def of(connection: Connection, scope: Scope) -> list[CommentRow]:
    """All comments, oldest first."""
    return all_of(connection, CommentRow, _oldest_first(sa.select(_COMMENT).where(scope.where)))


def of_flow(connection: Connection, workspace: str, path: str) -> list[CommentRow]:
    """All comments on the steps of a flow, oldest first."""
    return all_of(connection, CommentRow, _oldest_first(sa.select(_COMMENT).where(_of_flow(workspace, path))))


def of_thread(connection: Connection, scope: Scope, thread: str) -> list[CommentRow]:
    """The comments of a thread, oldest first; none when there is no such thread."""
    query = sa.select(_COMMENT).where(scope.where, _COMMENT.c.thread == thread)
    return all_of(connection, CommentRow, _oldest_first(query))


def get(connection: Connection, scope: Scope, comment_id: str) -> CommentRow | None:
    """A comment that has words."""
    query = sa.select(_COMMENT).where(scope.where, _COMMENT.c.id == comment_id, _COMMENT.c.deleted_at.is_(None))
    return first(connection, CommentRow, query)


def count(connection: Connection, scope: Scope) -> int:
    """How many there are."""
    found = connection.execute(sa.select(sa.func.count()).select_from(_COMMENT).where(scope.where)).scalar()
    return int(found or 0)


def add(connection: Connection, row: CommentRow) -> None:
    """Insert a comment."""
    insert(connection, row)


def edit(connection: Connection, comment_id: str, text: str, at: str) -> None:
    """Other words for a comment."""
    connection.execute(sa.update(_COMMENT).where(_COMMENT.c.id == comment_id).values(text=text, edited_at=at))


def resolve(connection: Connection, thread: str, by: str | None, at: str | None) -> None:
    """Say of a thread that it is resolved, or with None twice that it is open again."""
    connection.execute(sa.update(_COMMENT).where(_COMMENT.c.id == thread).values(resolved_by=by, resolved_at=at))


def remove(connection: Connection, scope: Scope, row: CommentRow, at: str) -> None:
    """Take a comment away; the first of a thread that has answers only loses its words, and goes with the last answer."""
    thread = of_thread(connection, scope, row.thread)
    others = [one for one in thread if one.id not in (row.id, row.thread)]
    if row.id == row.thread and others:
        connection.execute(sa.update(_COMMENT).where(_COMMENT.c.id == row.id).values(text="", deleted_at=at))
        return
    gone = [row.id]
    if not others and thread and thread[0].deleted_at is not None:
        gone.append(row.thread)
    connection.execute(sa.delete(_COMMENT).where(_COMMENT.c.id.in_(gone)))


def forget(connection: Connection, draft_id: str) -> None:
    """The draft is deleted, and so is what was said about it alone."""
    connection.execute(sa.delete(_COMMENT).where(Scope(draft_id).where))


def hand_over(connection: Connection, draft_id: str, workspace: str, path: str, steps: Mapping[str, str]) -> None:
    """The draft was deployed: what was said about its cells (cell → step) is said about the flow at `path` from now on."""
    for row in of(connection, Scope(draft_id)):
        if row.cell_id in steps:
            values = {"workspace": workspace, "flow": path, "step_id": steps[row.cell_id]}
            connection.execute(sa.update(_COMMENT).where(_COMMENT.c.id == row.id).values(values))


def rename_steps(connection: Connection, workspace: str, path: str, names: Mapping[str, str]) -> None:
    """Steps of a flow have other names, all at once: two may have changed theirs with each other."""
    found = [row for row in of_flow(connection, workspace, path) if row.step_id in names]
    for row in found:
        name = names[str(row.step_id)]
        connection.execute(sa.update(_COMMENT).where(_COMMENT.c.id == row.id).values(step_id=name))


def follow_flow(connection: Connection, workspace: str, path: str, target: str) -> None:
    """The flow has another path; what was said about it goes along."""
    connection.execute(sa.update(_COMMENT).where(_of_flow(workspace, path)).values(flow=target))


def forget_flow(connection: Connection, workspace: str, path: str) -> None:
    """The flow is gone, and so is what was said about it: what is stored at its path later is another one."""
    connection.execute(sa.delete(_COMMENT).where(_of_flow(workspace, path)))


def _of_flow(workspace: str, path: str) -> sa.ColumnElement[bool]:
    return sa.and_(_COMMENT.c.flow == path, _COMMENT.c.workspace == workspace)


def _oldest_first(query: sa.Select[tuple[object, ...]]) -> sa.Select[tuple[object, ...]]:
    return query.order_by(_COMMENT.c.created_at, _COMMENT.c.id)
