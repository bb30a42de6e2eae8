"""What the cells in a loop gave in one of its iterations: the notebook shows the last one, and any other on request."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.notebook.document import CellId, Entry
from flowapp.openflow.walk import LOOP_KINDS
from flowapp.store import iterations
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.outputs import Outputs

#: Iterations that are listed; any other can be asked for by its number.
LISTED = 500


class Iterations:
    """The use-cases behind the choice of an iteration."""

    def __init__(self, context: Context, drafts: Drafts, outputs: Outputs) -> None:
        self._store = context.store
        self._drafts = drafts
        self._outputs = outputs

    async def listing(self, identity: Identity, draft_id: str, cell: CellId) -> dict[str, Any]:
        """`{"run_id", "total", "reused", "items": [{"index", "status", "run_number"?}]}` of a loop's last run; total 0 where it has not run.

        `reused` of them computed nothing: what their scripts gave was kept from equal work before. Items with a `run_number`
        have run by themselves since then, in that run, and may not have been among those of the last run.

        Raises:
            BadRequest: the cell is no loop.
        """
        draft = await self._drafts.open(identity, "draft.read", draft_id)
        entry = _loop(draft, cell)
        place = await self._place(draft, entry)

        def read(connection: Connection) -> tuple[dict[int, str], int, dict[int, iterations.Alone]]:
            alone = self._alone(connection, draft, entry)
            if place is None:
                return {}, 0, alone
            return iterations.statuses(connection, *place), iterations.reused(connection, *place), alone

        found, reused, alone = await self._store.database.read(read)
        total = max(found, default=-1) + 1
        items: dict[int, dict[str, Any]] = {index: {"index": index, "status": found[index]} for index in found}
        for index, run in alone.items():
            status = "failure" if run.status in ("failure", "canceled") else "success"
            items[index] = {"index": index, "status": status, "run_number": run.run_number}
        listed = [items[index] for index in sorted(items)][:LISTED]
        return {"run_id": place[0] if place else None, "total": total, "reused": reused, "items": listed}

    async def outputs(self, identity: Identity, draft_id: str, cell: CellId, index: int) -> dict[str, Any]:
        """`{"run_id", "index", "outputs": {cell: OutputView or null}}`: all cells in the loop, as they were in one iteration.

        It is that of the loop's last run, or the one that has run by itself since then.

        Raises:
            BadRequest: the cell is no loop, or the loop has not run.
        """
        draft = await self._drafts.open(identity, "draft.read", draft_id)
        entry = _loop(draft, cell)
        alone = await self._store.database.read(lambda connection: self._alone(connection, draft, entry))
        place = (alone[index].run_id, entry.step_id) if index in alone else await self._place(draft, entry)
        if place is None:
            raise BadRequest(f"The loop {entry.step_id} has not run.", "Run it first.")
        run_id, path = place
        paths = await self._store.database.read(lambda connection: iterations.paths(connection, run_id, path, index))
        inside = draft.document.outline.within(entry)[1:]
        places = {each.cell: (run_id, paths[each.step_id]) for each in inside if each.step_id in paths}
        views = await self._outputs.of_cells(places) if places else {}
        return {"run_id": run_id, "index": index, "outputs": {each.cell: views.get(each.cell) for each in inside}}

    def _alone(self, connection: Connection, draft: OpenDraft, entry: Entry) -> dict[int, iterations.Alone]:
        """The iterations that have run by themselves since the last run of the loop.

        Of a loop that has not run, or was forgotten, those that its cells show.
        """
        record = draft.records.get(entry.cell)
        found = iterations.alone(connection, draft.id, entry.step_id, record.run_number if record is not None else 0)
        if record is not None:
            return found
        inside = (draft.records.get(each.cell) for each in draft.document.outline.within(entry)[1:])
        shown = {each.run_id for each in inside if each is not None}
        return {index: run for index, run in found.items() if run.run_id in shown}

    async def _place(self, draft: OpenDraft, entry: Entry) -> tuple[str, str] | None:
        """The run in which the loop ran last, and the path of its iterations in it."""
        record = draft.records.get(entry.cell)
        if record is None:
            return None
        job = await self._store.runs.step(record.run_id, record.path)
        attempt = job.attempt if job is not None else 1
        return record.run_id, record.path if attempt == 1 else f"{record.path}~{attempt}"


def _loop(draft: OpenDraft, cell: CellId) -> Entry:
    entry = draft.document.entry(cell)
    if entry is None or entry.kind not in LOOP_KINDS:
        raise BadRequest(f"Cell {cell} is not a loop.", "Only loops have iterations.")
    return entry
