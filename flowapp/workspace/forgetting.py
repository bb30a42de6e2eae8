"""Dropping results of cells on request: what a draft shows of them, and what is kept for reuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.engine.leaves import rights, rights_of
from flowapp.notebook.document import CellId
from flowapp.store import audit, drafts
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.open_drafts import OpenDraft, tell_others


class Forgetting:
    """The use-case behind "Forget the result"."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._store = context.store
        self._drafts = drafts

    async def forget(self, identity: Identity, draft_id: str, cells: Sequence[CellId], client: str) -> dict[str, Any]:
        """Make cells, with all inside of them, count as not run; returns the Change.

        What they gave is no longer taken for equal work either, so that the next run computes it: neither what runs of this draft
        kept, nor what runs with the caller's rights did. What others keep by other runs stays theirs. Runs keep their results.

        Raises:
            BadRequest: no cell is named, one is not there, or one runs.
        """
        draft = await self._drafts.open(identity, "draft.run", draft_id)
        async with draft.lock:
            await self._drafts.ready(draft)
            wanted = _with_inner(draft, cells)
            await self._drop(draft, identity, wanted)
            for cell in wanted:
                draft.records.pop(cell, None)
                draft.outputs.pop(cell, None)
            return await self._drafts.tell(draft, client)

    async def _drop(self, draft: OpenDraft, identity: Identity, cells: Sequence[CellId]) -> None:
        records = [draft.records[cell] for cell in cells if cell in draft.records]
        runs = {run_id: await self._store.runs.get(run_id) for run_id in {record.run_id for record in records}}
        workspace, path = draft.row.workspace, draft.row.path
        own = rights(workspace, identity.permissioned_as)
        steps = ", ".join(draft.document.outline.by_cell[cell].step_id for cell in cells)[:500]

        def work(connection: Connection) -> None:
            drafts.forget_records(connection, draft.id, cells)
            for record in records:
                run = runs[record.run_id]
                if run is None:
                    continue
                kept = {own} | ({rights_of(run)} if run.draft_id == draft.id else set())
                for of in sorted(kept):
                    self._store.results.forget(connection, workspace, of, run.id, record.path)
            by = identity.username
            audit.add(connection, workspace=workspace, by=by, action="draft.forget", target=path, detail=steps)
            tell_others(self._store.events, draft.id)

        await self._store.database.write(work)


def _with_inner(draft: OpenDraft, cells: Sequence[CellId]) -> list[CellId]:
    outline = draft.document.outline
    gone = [cell for cell in cells if cell not in outline.by_cell]
    if not cells or gone:
        raise BadRequest(
            f"Cell {gone[0]} is no longer there." if gone else "Name a cell whose result is to be dropped."
        )
    found = dict.fromkeys(inner.cell for cell in cells for inner in outline.within(outline.by_cell[cell]))
    for entry in (outline.by_cell[cell] for cell in found):
        if draft.live.keys() & {entry.cell, entry.unit}:
            raise BadRequest(f"{entry.step_id} is running.", "Cancel it or wait for it first.")
    return list(found)
