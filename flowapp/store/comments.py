"""Comments on the cells of drafts. They go with their draft."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.tables import CommentRow

_COMMENT = table(CommentRow)


def of_draft(connection: Connection, draft_id: str) -> list[CommentRow]:
    """All comments of a draft, oldest first."""
    query = sa.select(_COMMENT).where(_COMMENT.c.draft_id == draft_id)
    return all_of(connection, CommentRow, query.order_by(_COMMENT.c.created_at, _COMMENT.c.id))


def of_thread(connection: Connection, draft_id: str, thread: str) -> list[CommentRow]:
    """The comments of a thread, oldest first; none when there is no such thread in the draft."""
    query = sa.select(_COMMENT).where(_COMMENT.c.draft_id == draft_id, _COMMENT.c.thread == thread)
    return all_of(connection, CommentRow, query.order_by(_COMMENT.c.created_at, _COMMENT.c.id))


def get(connection: Connection, draft_id: str, comment_id: str) -> CommentRow | None:
    """A comment of the draft that has words."""
    query = sa.select(_COMMENT).where(
        _COMMENT.c.draft_id == draft_id, _COMMENT.c.id == comment_id, _COMMENT.c.deleted_at.is_(None)
    )
    return first(connection, CommentRow, query)


def count(connection: Connection, draft_id: str) -> int:
    """How many comments a draft has."""
    found = connection.execute(sa.select(sa.func.count()).where(_COMMENT.c.draft_id == draft_id)).scalar()
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


def remove(connection: Connection, row: CommentRow, at: str) -> None:
    """Take a comment away; the first of a thread that has answers only loses its words, and goes with the last answer."""
    thread = of_thread(connection, row.draft_id, row.thread)
    others = [one for one in thread if one.id not in (row.id, row.thread)]
    if row.id == row.thread and others:
        connection.execute(sa.update(_COMMENT).where(_COMMENT.c.id == row.id).values(text="", deleted_at=at))
        return
    gone = [row.id]
    if not others and thread and thread[0].deleted_at is not None:
        gone.append(row.thread)
    connection.execute(sa.delete(_COMMENT).where(_COMMENT.c.id.in_(gone)))


def forget(connection: Connection, draft_id: str) -> None:
    """The draft is deleted, and so is what was said about it."""
    connection.execute(sa.delete(_COMMENT).where(_COMMENT.c.draft_id == draft_id))
