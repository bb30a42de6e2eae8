"""Drafts: opening, editing, undo and redo, deleting. Every change is a list of notebook operations."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, missing, require
from flowapp.jsontext import dumps, loads
from flowapp.notebook.codec import decode_all, encode
from flowapp.notebook.document import CellId
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations import Operation
from flowapp.notebook.view import view
from flowapp.store import audit, comments, drafts, flows
from flowapp.store.events import Event
from flowapp.store.seen import Look
from flowapp.store.tables import DraftOperationRow, DraftRow
from flowapp.workspace import editing, guard
from flowapp.workspace.context import Context
from flowapp.workspace.editing import Staged, StaleDraft
from flowapp.workspace.errors import DraftConflict, EditedSince, EditRejected, NothingToUndo
from flowapp.workspace.open_drafts import OpenDraft, OpenDrafts, tell_others
from flowapp.workspace.outputs import Outputs

ATTEMPTS = 12
"""How often an edit is applied anew when other servers save the same draft at the same moment."""


class Drafts:
    """Use-cases about drafts."""

    def __init__(self, context: Context, open_drafts: OpenDrafts, outputs: Outputs) -> None:
        self._context = context
        self._store = context.store
        self._drafts = open_drafts
        self._outputs = outputs
        #: called (draft) after its document changed
        self.changed: list[Callable[[OpenDraft], None]] = []
        #: called (draft id) after a draft was deleted
        self.deleted: list[Callable[[str], Awaitable[None]]] = []

    async def open(self, identity: Identity, action: Action, draft_id: str) -> OpenDraft:
        """The draft, if the identity may do `action` to it.

        Raises:
            NotFound: there is none, or it must look so.
            NotAllowed: the role does not include the action.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        draft = await self._drafts.get(draft_id)
        if draft is None:
            raise missing("draft")
        require(identity, action, guard.draft_target(draft.row))
        if identity.username != draft.row.owner:
            path, about = draft.row.path, f"of {draft.row.owner}"
            self._store.seen.note(Look(identity.workspace, identity.username, "draft.view", path, about))
        return draft

    async def notebook(self, identity: Identity, draft_id: str) -> dict[str, Any]:
        """All that a page needs to show the draft, and the number of the newest version of its flow."""
        draft = await self.open(identity, "draft.read", draft_id)
        await self.fill_outputs(draft)
        newest = await self._newest(identity, draft.row)
        async with draft.lock:
            snapshot = await editing.snapshot(draft)
            draft.shown = snapshot
        for listener in self.changed:
            listener(draft)
        shown = view(
            snapshot.document,
            snapshot.states,
            snapshot.problems,
            code_versions=snapshot.code_versions,
            evaluated=snapshot.evaluated,
            outputs=snapshot.outputs,
        )
        problems = [problem.to_json() for problem in snapshot.problems]
        return {"draft": {**editing.draft_json(draft), "newest_version": newest}, **shown, "problems": problems}

    async def _newest(self, identity: Identity, row: DraftRow) -> int | None:
        """The number of the version that is deployed now, for who may know it."""
        if not guard.may(identity, "flow.read", guard.flow_target(identity, row.path)):
            return None
        return await self._store.database.read(lambda c: flows.newest_number(c, row.workspace, row.path))

    async def edit(self, identity: Identity, draft_id: str, operations: Any, client: str) -> dict[str, Any]:
        """Apply operations (JSON) to the newest document; returns the Change.

        Raises:
            DraftConflict: another client changed the code of a cell that these overwrite.
            EditRejected: the document core refused one; none is applied.
        """
        draft = await self.open(identity, "draft.edit", draft_id)
        return await self._apply(draft, client, lambda: editing.stage(draft, identity, operations, client))

    async def apply(
        self, identity: Identity, draft_id: str, operations: list[Operation], client: str = ""
    ) -> dict[str, Any]:
        """`edit` for operations made by the server (an upload, an accepted proposal)."""
        draft = await self.open(identity, "draft.edit", draft_id)
        return await self._apply(draft, client, lambda: editing.staged(draft, identity, operations, client))

    async def apply_made(
        self, identity: Identity, draft_id: str, make: Callable[[], list[Operation]], client: str
    ) -> dict[str, Any]:
        """`apply` for operations that are made of the newest document, as often as it is another one."""
        draft = await self.open(identity, "draft.edit", draft_id)
        return await self._apply(draft, client, lambda: editing.staged(draft, identity, make(), client))

    async def undo(self, identity: Identity, draft_id: str, client: str, version: int | None = None) -> dict[str, Any]:
        """Take back the last edit; returns the Change.

        Raises:
            NothingToUndo: there is none.
            EditedSince: it is not the edit that made this version of the draft.
        """
        draft = await self.open(identity, "draft.edit", draft_id)
        return await self._step_back(draft, identity, client, redo=False, version=version)

    async def redo(self, identity: Identity, draft_id: str, client: str) -> dict[str, Any]:
        """Do the edit again that was undone last; returns the Change.

        Raises:
            NothingToUndo: there is none.
        """
        draft = await self.open(identity, "draft.edit", draft_id)
        return await self._step_back(draft, identity, client, redo=True)

    async def delete(self, identity: Identity, draft_id: str) -> None:
        """Delete the draft. Its runs stay; running ones are canceled."""
        draft = await self.open(identity, "draft.delete", draft_id)
        for run_id in set(draft.live_runs.values()):
            await self._context.engine.cancel(run_id, identity.username, "the notebook was deleted")

        def work(connection: Connection) -> None:
            drafts.delete(connection, draft_id, editing.timestamp())
            comments.forget(connection, draft_id)
            row = draft.row
            audit.add(connection, workspace=row.workspace, by=identity.username, action="draft.delete", target=row.path)
            tell_others(self._store.events, draft_id, "deleted", by=identity.username)

        await self._store.database.write(work)
        for listener in self.deleted:
            await listener(draft_id)
        self._drafts.forget(draft_id)
        self._store.events.publish_here(Event(draft.topic, "deleted", {"by": identity.username}))

    async def _apply(self, draft: OpenDraft, client: str, stage: Callable[[], Staged]) -> dict[str, Any]:
        async with draft.lock:
            await self.retrying(draft, lambda: self._save(stage()))
            return await self.tell(draft, client)

    async def _save(self, edit: Staged) -> None:
        if not edit.operations:
            return
        text, at = edit.document.to_json(), editing.timestamp()

        def work(connection: Connection) -> int | None:
            edit_id = editing.save(connection, edit, text, at)
            tell_others(self._store.events, edit.draft.id)
            return edit_id

        edit_id = await self._store.database.write(work)
        editing.adopt(edit, at, edit_id)

    async def retrying(self, draft: OpenDraft, attempt: Callable[[], Awaitable[Any]]) -> Any:
        """Try again on the newest document when another server saved meanwhile."""
        await self.ready(draft)
        for last in range(ATTEMPTS):
            try:
                return await attempt()
            except StaleDraft:
                if last == ATTEMPTS - 1:
                    raise DraftConflict("This notebook is changed too fast from elsewhere.", "Try again.") from None
                if not await self._drafts.reload(draft):
                    raise missing("draft") from None
                await asyncio.sleep(random.uniform(0, 0.005) * last)  # noqa: S311 - so that two servers do not go on in step
        return None

    async def ready(self, draft: OpenDraft) -> None:
        """Before a change: note what pages show now, so that `tell` knows what differs."""
        if draft.shown is None:
            draft.shown = await editing.snapshot(draft)

    async def tell(self, draft: OpenDraft, client: str) -> dict[str, Any]:
        """The Change since pages were told last, sent to the other pages too."""
        mine, others = await editing.change(draft, client)
        self._store.events.publish_here(Event(draft.topic, "change", others))
        for listener in self.changed:
            listener(draft)
        return mine

    async def _step_back(
        self, draft: OpenDraft, identity: Identity, client: str, *, redo: bool, version: int | None = None
    ) -> dict[str, Any]:
        async with draft.lock:
            await self.retrying(draft, lambda: self._move(draft, identity, client, redo=redo, version=version))
            return await self.tell(draft, client)

    async def _move(
        self, draft: OpenDraft, identity: Identity, client: str, *, redo: bool, version: int | None
    ) -> None:
        find = drafts.next_redo if redo else drafts.last_edit
        row = await self._store.database.read(lambda connection: find(connection, draft.id))
        if row is None or row.id is None:
            word = "redo" if redo else "undo"
            raise NothingToUndo(f"There is nothing to {word}.")
        if version is not None and row.version != version:
            raise EditedSince(
                "This is not the last change any more.", f"The last one is: {row.label}. Undo takes back one at a time."
            )
        decoded = decode_all(loads(row.operations if redo else row.inverse))
        if isinstance(decoded, Rejected):
            raise EditRejected(decoded.code, decoded.message, decoded.hint)
        edit = editing.staged(draft, identity, decoded, client)
        await self._save_move(edit, row, redo=redo)

    async def _save_move(self, edit: Staged, row: DraftOperationRow, *, redo: bool) -> None:
        draft, text, at = edit.draft, edit.document.to_json(), editing.timestamp()
        edit_id = row.id
        assert edit_id is not None
        inverse = dumps([encode(operation) for operation in edit.inverse]) if redo else None
        columns = editing.document_columns(edit.document, text, edit.version, at)

        def work(connection: Connection) -> tuple[DraftOperationRow | None, DraftOperationRow | None]:
            if not drafts.save(connection, draft.id, draft.row.version, columns):
                raise StaleDraft
            drafts.mark_edit(connection, edit_id, undone=not redo, inverse=inverse)
            tell_others(self._store.events, draft.id)
            action = "draft.redo" if redo else "draft.undo"
            target = draft.row.path
            audit.add(
                connection, workspace=draft.row.workspace, by=edit.by, action=action, target=target, detail=row.label
            )
            return drafts.last_edit(connection, draft.id), drafts.next_redo(connection, draft.id)

        last, following = await self._store.database.write(work)
        draft.codes.follow(draft.document, edit.document, edit.client, {})
        editing.take_document(draft, edit.document, edit.version, at)
        draft.undo, draft.redo = (last.label if last else None), (following.label if following else None)
        draft.typing = None

    async def fill_outputs(self, draft: OpenDraft) -> dict[CellId, dict[str, Any]]:
        """Read the outputs of cells that have a record and whose output is not in memory; returns those by cell."""
        filled: dict[CellId, dict[str, Any]] = {}
        wanted = {
            cell: (record.run_id, record.path)
            for cell, record in draft.records.items()
            if cell in draft.document.outline.by_cell and draft.outputs.get(cell, {}).get("run_id") != record.run_id
        }
        if wanted:
            found = await self._outputs.of_cells(wanted)
            for cell, output in found.items():
                record = draft.records.get(cell)
                if record is not None and record.run_id == output["run_id"]:
                    draft.outputs[cell] = filled[cell] = output
        return filled
