"""Comments on the cells of a draft: threads of one level, which are resolved and opened again.

A comment belongs to the id of its cell, which stays when the cell is renamed, moved or deployed. When the cell is deleted its
comments are kept and not shown; they are there again when the deletion is undone. They go with the draft.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Target, missing, require
from flowapp.store import audit, comments, identities
from flowapp.store.clock import now
from flowapp.store.events import Event
from flowapp.store.tables import CommentRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.stored import flag_in, required_text, text_in

LONGEST = 4000
"""Characters of a comment."""
MOST = 1000
"""Comments of a draft."""
Deed = Literal["create", "edit", "delete", "resolve", "reopen"]


class Comments:
    """Use-cases about comments on cells."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._store = context.store
        self._drafts = drafts

    async def listing(self, identity: Identity, draft_id: str) -> dict[str, Any]:
        """`{"me", "threads": [{"id", "cell", "resolved", "comments"}]}`, oldest first; also of cells that are deleted.

        `resolved` is `{"by", "name", "at"}` or null. A comment is `{"id", "author", "name", "text", "created_at",
        "edited_at", "deleted", "may": {"edit", "delete"}}`.

        Raises:
            NotFound, NotAllowed: see `Drafts.open`.
        """
        await self._drafts.open(identity, "draft.read", draft_id)

        def read(connection: Connection) -> tuple[list[CommentRow], dict[str, str]]:
            rows = comments.of_draft(connection, draft_id)
            people = {name for row in rows for name in (row.author, row.resolved_by) if name}
            return rows, identities.names(connection, people) if people else {}

        rows, names = await self._store.database.read(read)
        threads: dict[str, list[CommentRow]] = {}
        for row in rows:
            threads.setdefault(row.thread, []).append(row)
        return {"me": identity.username, "threads": [_thread(identity, each, names) for each in threads.values()]}

    async def create(self, identity: Identity, draft_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Write one: `{"cell", "text"}` begins a thread, `{"thread", "text"}` answers in one, and opens it again.

        Raises:
            NotFound, NotAllowed: see `Drafts.open`; NotFound also for a thread that is not there.
            BadRequest: no such cell in the draft, no text, a long one, or too many comments.
        """
        draft = await self._drafts.open(identity, "draft.comment", draft_id)
        text, thread, cell = _words(body), text_in(body, "thread", limit=100), text_in(body, "cell", limit=200)
        if not thread and cell not in draft.document.outline.by_cell:
            raise BadRequest("There is no such cell in this draft.", 'Send {"cell": "<id>", "text": "…"}.')
        made = secrets.token_hex(8)

        def work(connection: Connection) -> str:
            if comments.count(connection, draft_id) >= MOST:
                raise BadRequest(f"This draft has {MOST} comments.", "Delete some that nobody needs.")
            found = comments.of_thread(connection, draft_id, thread) if thread else []
            if thread and not found:
                raise missing("thread of comments")
            row = CommentRow(
                id=made,
                draft_id=draft_id,
                cell_id=found[0].cell_id if found else cell,
                thread=thread or made,
                author=identity.username,
                text=text,
                created_at=now(),
            )
            comments.add(connection, row)
            if found and found[0].resolved_at is not None:
                comments.resolve(connection, thread, None, None)
            return row.cell_id

        await self._write(identity, draft, "create", work)
        return {"id": made, "thread": thread or made}

    async def edit(self, identity: Identity, draft_id: str, comment_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Other words for one's own comment: `{"text"}`.

        Raises:
            NotFound, NotAllowed: see `Drafts.open`; NotFound also for a comment that is not there, NotAllowed for
                somebody else's.
            BadRequest: no text, or a long one.
        """
        draft = await self._drafts.open(identity, "draft.comment", draft_id)

        def work(connection: Connection) -> str:
            row = _of(connection, identity, draft, comment_id, "comment.edit")
            comments.edit(connection, row.id, _words(body), now())
            return row.cell_id

        await self._write(identity, draft, "edit", work)
        return {"id": comment_id}

    async def delete(self, identity: Identity, draft_id: str, comment_id: str) -> None:
        """Take one's own comment away; an admin takes anybody's.

        Raises:
            NotFound, NotAllowed: as `edit` does.
        """
        draft = await self._drafts.open(identity, "draft.comment", draft_id)

        def work(connection: Connection) -> str:
            row = _of(connection, identity, draft, comment_id, "comment.delete")
            comments.remove(connection, row, now())
            return row.cell_id

        await self._write(identity, draft, "delete", work)

    async def resolve(self, identity: Identity, draft_id: str, thread: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Say that a thread is resolved, or with `{"resolved": false}` that it is open again. Saying it twice changes nothing.

        Raises:
            NotFound, NotAllowed: see `Drafts.open`; NotFound also for a thread that is not there.
            BadRequest: `resolved` is not a boolean.
        """
        draft = await self._drafts.open(identity, "draft.comment", draft_id)
        resolved = flag_in(body, "resolved", True)

        def work(connection: Connection) -> str | None:
            found = comments.of_thread(connection, draft_id, thread)
            if not found:
                raise missing("thread of comments")
            if (found[0].resolved_at is not None) == resolved:
                return None
            comments.resolve(connection, thread, *((identity.username, now()) if resolved else (None, None)))
            return found[0].cell_id

        await self._write(identity, draft, "resolve" if resolved else "reopen", work)
        return {"thread": thread, "resolved": resolved}

    async def _write(
        self, identity: Identity, draft: OpenDraft, deed: Deed, work: Callable[[Connection], str | None]
    ) -> None:
        """Do it, tell the draft's pages on all servers, and note it in the audit trail. The words are in neither of them."""

        def all_of_it(connection: Connection) -> None:
            cell = work(connection)
            if cell is None:
                return
            entry = draft.document.outline.by_cell.get(cell)
            audit.add(
                connection,
                workspace=draft.row.workspace,
                by=identity.username,
                action=f"comment.{deed}",
                target=draft.row.path,
                detail=f"cell {entry.step_id if entry else cell}",
            )
            self._store.events.after_commit(Event(draft.topic, "comments", {"cell": cell}))

        await self._store.database.write(all_of_it)


def _of(connection: Connection, identity: Identity, draft: OpenDraft, comment_id: str, action: Action) -> CommentRow:
    row = comments.get(connection, draft.id, comment_id)
    if row is None:
        raise missing("comment")
    require(identity, action, _target(draft.row.workspace, row))
    return row


def _target(workspace: str, row: CommentRow) -> Target:
    return Target(workspace, "comment", owner=row.author)


def _words(body: Mapping[str, Any]) -> str:
    """The text of a comment, without blank lines around it.

    Raises:
        BadRequest: there is none, or it is too long.
    """
    text = text_in(body, "text", limit=LONGEST).strip()
    return text or required_text({"text": text}, "text")


def _thread(identity: Identity, rows: list[CommentRow], names: Mapping[str, str]) -> dict[str, Any]:
    head = rows[0]
    by, at = head.resolved_by, head.resolved_at
    return {
        "id": head.thread,
        "cell": head.cell_id,
        "resolved": {"by": by, "name": names.get(by or "", by), "at": at} if at is not None else None,
        "comments": [_comment(identity, row, names) for row in rows],
    }


def _comment(identity: Identity, row: CommentRow, names: Mapping[str, str]) -> dict[str, Any]:
    target = _target(identity.workspace, row)
    there = row.deleted_at is None
    return {
        "id": row.id,
        "author": row.author,
        "name": names.get(row.author, row.author),
        "text": row.text,
        "created_at": row.created_at,
        "edited_at": row.edited_at,
        "deleted": not there,
        "may": {
            "edit": there and guard.may(identity, "comment.edit", target),
            "delete": there and guard.may(identity, "comment.delete", target),
        },
    }
