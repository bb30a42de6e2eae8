"""A run opened in the notebook: a draft of what ran, with the run's input as its sample and each step's result in its cell."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.jsontext import dumps, loads
from flowapp.notebook.document import Document
from flowapp.notebook.records import Taken
from flowapp.store import drafts
from flowapp.store.runs import FINISHED
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, RunRow
from flowapp.workspace import guard
from flowapp.workspace.cell_records import HAVE_RESULT, record_of
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.new_drafts import NewDrafts, read_document


class OpenedRuns:
    """The use-case of going on with a run in the notebook."""

    def __init__(self, store: Store, new_drafts: NewDrafts) -> None:
        self._store = store
        self._new_drafts = new_drafts

    async def open(self, identity: Identity, run_id: str) -> dict[str, str]:
        """Make a draft of a flow's run that is over, and return `{"id", "path"}`.

        The draft stands at the flow's path unless the person has one there already. Of a loop the cells hold what the last
        iteration gave.

        Raises:
            NotFound, NotAllowed: the run may not be read, or no drafts be made.
            BadRequest: it is a run of cells, or not over.
        """
        run = await guard.run_row(self._store, identity, "run.read", run_id)
        require(identity, "draft.create", guard.workspace_target(identity))
        if run.draft_id is not None or run.kind not in ("flow", "flowpreview"):
            raise BadRequest("Only runs of flows can be opened in the notebook.", "Runs of cells have their notebook.")
        if run.status not in FINISHED:
            raise BadRequest("The run is not over yet.", "Wait for its end, or cancel it.")
        flow = loads(await self._store.values.get_value(run.document))
        document = await asyncio.to_thread(read_document, flow, "")
        document = replace(document, sample=await self._sample(run))
        jobs = await self._store.runs.steps(run.id)

        def records(connection: Connection) -> Mapping[str, str]:
            return _records(self._store, connection, document, run, jobs)

        mine = await self._store.database.read(lambda c: drafts.list_of(c, identity.workspace, identity.username))
        there = run.version is not None and bool(run.path) and all(row.path != run.path for row in mine)
        path, version = (run.path, run.version) if there else ("", None)
        title = run.summary or run.path.rpartition("/")[2]
        return await self._new_drafts.store_new(identity, document, path, title, version, records)

    async def _sample(self, run: RunRow) -> dict[str, Any]:
        """The run's input; one that is too long to be kept beside the document is left out."""
        place = await self._store.values.locate(run.args)
        found = loads(place.text) if place.text is not None else {}
        return found if isinstance(found, dict) else {}


def _records(
    store: Store, connection: Connection, document: Document, run: RunRow, jobs: Sequence[JobRow]
) -> dict[str, str]:
    """The record of each cell, as if the run had been one of cells: in the order in which the steps ended.

    Of the iterations of a loop, which may be thousands, only what the last one gave is made a record.
    """
    taken: dict[str, Taken] = {}
    found: dict[str, str] = {}
    ended = sorted((job for job in jobs if job.ended_at), key=lambda job: job.ended_at or "")
    last = {job.step_id: job.path for job in ended}
    for job in ended:
        if last[job.step_id] == job.path:
            record = record_of(store, connection, document, taken, run, job)
            if record is not None:
                found[document.outline.by_step[job.step_id].cell] = dumps(record.to_json())
        if job.status in HAVE_RESULT and job.result is not None:
            taken[job.step_id] = Taken(job.result, run.id)
        else:
            taken.pop(job.step_id, None)
    return found
