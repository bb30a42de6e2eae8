"""Comments on cells: threads of one level, which are resolved and opened again.

A cell of a draft that is a step of the deployed flow is commented on as that step: whoever may read the flow reads it, in their own draft
of it too, and it stays when the draft is deleted. What is said of any other cell belongs to its draft, until the cell is deployed;
then it becomes the flow's (`step_names.py`).

A comment stays with its cell when that is renamed or moved. When a cell is deleted its comments are kept: those of a draft are there
again when the deletion is undone, those of a flow are told of as comments on a step that the draft does not have.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Target, missing, require
from flowapp.notebook.document import CellId, StepId
from flowapp.store import audit, comments, identities
from flowapp.store.clock import now
from flowapp.store.comments import Scope
from flowapp.store.events import Event
from flowapp.store.tables import CommentRow
from flowapp.workspace import flow_news, guard, step_names
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.stored import flag_in, required_text, text_in

LONGEST = 4000
"""Characters of a comment."""
MOST = 1000
"""Comments of a draft and its flow together."""
Deed = Literal["create", "edit", "delete", "resolve", "reopen"]


class Comments:
    """Use-cases about comments on cells."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._store = context.store
        self._drafts = drafts

    async def listing(self, identity: Identity, draft_id: str) -> dict[str, Any]:
        """`{"me", "flow", "steps", "threads": [{"id", "cell", "step", "shared", "resolved", "comments"}]}`, oldest first.

        `flow`: the path of the flow whose readers see what is said of `steps`, which are ids of cells; null when there is none.
        `shared`: the thread is one of these; `cell` is null where this draft has no such cell, and `step` what the flow calls it.
        Threads of cells that are deleted are among them. `resolved` is `{"by", "name", "at"}` or null. A comment is `{"id",
        "author", "name", "text", "created_at", "edited_at", "deleted", "may": {"edit", "delete"}}`.

        Raises:
            NotFound, NotAllowed: see `Drafts.open`.
        """
        draft = await self._drafts.open(identity, "draft.read", draft_id)
        scope = _scope(identity, draft)

        def read(connection: Connection) -> tuple[list[CommentRow], dict[CellId, StepId], dict[str, str]]:
            rows = comments.of(connection, scope)
            return rows, _steps(connection, scope, draft), _names(connection, rows)

        rows, steps, names = await self._store.database.read(read)
        cells = step_names.cells_of(steps, draft.document)
        threads = [
            {**thread, "cell": cells.get(thread["step"]) if thread["shared"] else thread["cell"]}
            for thread in _threads(identity, rows, names)
        ]
        return {"me": identity.username, "flow": scope.flow, "steps": list(steps), "threads": threads}

    async def of_flow(self, identity: Identity, path: str) -> dict[str, Any]:
        """What is said of the steps of a deployed flow: as `listing`, where `cell` is null in all threads.

        Raises:
            NotFound, NotAllowed: nothing is deployed at the path, or it must look so.
        """
        await guard.flow_row(self._store, identity, "flow.read", path)

        def read(connection: Connection) -> tuple[list[CommentRow], dict[str, str]]:
            rows = comments.of_flow(connection, identity.workspace, path)
            return rows, _names(connection, rows)

        rows, names = await self._store.database.read(read)
        threads = [{**thread, "cell": None} for thread in _threads(identity, rows, names)]
        return {"me": identity.username, "flow": path, "steps": [], "threads": threads}

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
        made, scope = secrets.token_hex(8), _scope(identity, draft)

        def work(connection: Connection) -> CommentRow:
            if comments.count(connection, scope) >= MOST:
                raise BadRequest(f"There are {MOST} comments.", "Delete some that nobody needs.")
            found = comments.of_thread(connection, scope, thread) if thread else []
            if thread and not found:
                raise missing("thread of comments")
            step = None if found else _steps(connection, scope, draft).get(cell)
            row = CommentRow(
                id=made,
                draft_id=draft_id,
                cell_id=found[0].cell_id if found else cell,
                workspace=draft.row.workspace,
                flow=found[0].flow if found else scope.flow if step is not None else None,
                step_id=found[0].step_id if found else step,
                thread=thread or made,
                author=identity.username,
                text=text,
                created_at=now(),
            )
            _require_to_comment(identity, row)
            comments.add(connection, row)
            if found and found[0].resolved_at is not None:
                comments.resolve(connection, thread, None, None)
            return row

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

        def work(connection: Connection) -> CommentRow:
            row = _of(connection, identity, _scope(identity, draft), comment_id, "comment.edit")
            comments.edit(connection, row.id, _words(body), now())
            return row

        await self._write(identity, draft, "edit", work)
        return {"id": comment_id}

    async def delete(self, identity: Identity, draft_id: str, comment_id: str) -> None:
        """Take one's own comment away; an admin takes anybody's.

        Raises:
            NotFound, NotAllowed: as `edit` does.
        """
        draft = await self._drafts.open(identity, "draft.comment", draft_id)
        scope = _scope(identity, draft)

        def work(connection: Connection) -> CommentRow:
            row = _of(connection, identity, scope, comment_id, "comment.delete")
            comments.remove(connection, scope, row, now())
            return row

        await self._write(identity, draft, "delete", work)

    async def resolve(self, identity: Identity, draft_id: str, thread: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Say that a thread is resolved, or with `{"resolved": false}` that it is open again. Saying it twice changes nothing.

        Raises:
            NotFound, NotAllowed: see `Drafts.open`; NotFound also for a thread that is not there.
            BadRequest: `resolved` is not a boolean.
        """
        draft = await self._drafts.open(identity, "draft.comment", draft_id)
        resolved = flag_in(body, "resolved", True)

        def work(connection: Connection) -> CommentRow | None:
            found = comments.of_thread(connection, _scope(identity, draft), thread)
            if not found:
                raise missing("thread of comments")
            _require_to_comment(identity, found[0])
            if (found[0].resolved_at is not None) == resolved:
                return None
            comments.resolve(connection, thread, *((identity.username, now()) if resolved else (None, None)))
            return found[0]

        await self._write(identity, draft, "resolve" if resolved else "reopen", work)
        return {"thread": thread, "resolved": resolved}

    async def _write(
        self, identity: Identity, draft: OpenDraft, deed: Deed, work: Callable[[Connection], CommentRow | None]
    ) -> None:
        """Do it, tell the pages that may know of it on all servers, and note it in the audit trail. The words are in neither of them."""

        def all_of_it(connection: Connection) -> None:
            row = work(connection)
            if row is None:
                return
            entry = draft.document.outline.by_cell.get(row.cell_id)
            audit.add(
                connection,
                workspace=draft.row.workspace,
                by=identity.username,
                action=f"comment.{deed}",
                target=draft.row.path,
                detail=f"cell {row.step_id or (entry.step_id if entry else row.cell_id)}",
            )
            if row.flow is None:
                told = Event(draft.topic, "comments", {"cell": row.cell_id})
            else:
                told = Event(flow_news.topic(row.workspace, row.flow), "comments", {"step": row.step_id})
            self._store.events.after_commit(told)

        await self._store.database.write(all_of_it)


def _scope(identity: Identity, draft: OpenDraft) -> Scope:
    """The comments that may be known in a draft: those of its flow for who may read that."""
    row = draft.row
    shared = flow_news.topic_for(identity, row.path, draft.base_version) is not None
    return Scope(row.id, row.workspace, row.path if shared else None)


def _steps(connection: Connection, scope: Scope, draft: OpenDraft) -> dict[CellId, StepId]:
    """The cells that are steps of the flow, with what it calls them now."""
    return {} if scope.flow is None else step_names.present_names(connection, draft)


def _names(connection: Connection, rows: list[CommentRow]) -> dict[str, str]:
    people = {name for row in rows for name in (row.author, row.resolved_by) if name}
    return identities.names(connection, people) if people else {}


def _of(connection: Connection, identity: Identity, scope: Scope, comment_id: str, action: Action) -> CommentRow:
    row = comments.get(connection, scope, comment_id)
    if row is None:
        raise missing("comment")
    require(identity, action, _target(identity, row))
    return row


def _require_to_comment(identity: Identity, row: CommentRow) -> None:
    """That of a draft was asked when it was opened."""
    if row.flow is not None:
        require(identity, "flow.comment", guard.flow_target(identity, row.flow))


def _target(identity: Identity, row: CommentRow) -> Target:
    return Target(identity.workspace, "comment", path=row.flow or "", owner=row.author, of="flow")


def _words(body: Mapping[str, Any]) -> str:
    """The text of a comment, without blank lines around it.

    Raises:
        BadRequest: there is none, or it is too long.
    """
    text = text_in(body, "text", limit=LONGEST).strip()
    return text or required_text({"text": text}, "text")


def _threads(identity: Identity, rows: list[CommentRow], names: Mapping[str, str]) -> list[dict[str, Any]]:
    threads: dict[str, list[CommentRow]] = {}
    for row in rows:
        threads.setdefault(row.thread, []).append(row)
    return [_thread(identity, each, names) for each in threads.values()]


def _thread(identity: Identity, rows: list[CommentRow], names: Mapping[str, str]) -> dict[str, Any]:
    head = rows[0]
    by, at = head.resolved_by, head.resolved_at
    return {
        "id": head.thread,
        "cell": head.cell_id,
        "step": head.step_id,
        "shared": head.flow is not None,
        "resolved": {"by": by, "name": names.get(by or "", by), "at": at} if at is not None else None,
        "comments": [_comment(identity, row, names) for row in rows],
    }


def _comment(identity: Identity, row: CommentRow, names: Mapping[str, str]) -> dict[str, Any]:
    target = _target(identity, row)
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
