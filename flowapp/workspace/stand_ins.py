"""Stand-ins of cells that are made from results: which results there are to choose from, and keeping one.

The value of a result comes from where it is stored, never from who asks: so references to files in it are kept, which nobody
could send (`blob_guard`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.jsontext import loads
from flowapp.notebook.document import CellId
from flowapp.notebook.operations.types import KeepStandIn, Operation, UseStandIn
from flowapp.notebook.stand_ins import LARGEST
from flowapp.store import cell_results
from flowapp.store.tables import JobRow, RunRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest, OutputMissing
from flowapp.workspace.job_rights import readable
from flowapp.workspace.job_views import is_deleted
from flowapp.workspace.stored import flag_in, required_text, text_in

SHOWN = 20
OF_ONE_RUN = 5
"""So many iterations of one run are listed."""
LOOKED_AT = 200
"""So many runs are looked through: in some, the step was mocked or its result deleted."""
PREVIEW = 160


class StandIns:
    """The use-cases behind "use result of run …"."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._store = context.store
        self._drafts = drafts

    async def results(self, identity: Identity, draft_id: str, cell: CellId) -> list[dict[str, Any]]:
        """The latest results of a cell, newest first: of runs of the draft, and of the flow that is deployed at its path.

        Each is `{"run_id", "run_number", "path", "of" ("draft" or "flow"), "status", "at", "preview", "size", "fits"}`;
        `preview` is "" and `fits` false for one that is too large to be kept. Runs that the caller may not read are left out, and
        so is what was deleted, and of a loop what one iteration gave that ran by itself.

        Raises:
            BadRequest: the draft has no such cell.
        """
        draft = await self._drafts.open(identity, "draft.read", draft_id)
        entry = draft.document.entry(cell)
        if entry is None:
            raise BadRequest("There is no such cell in this draft.", "Load the page anew.")
        row, step = draft.row, entry.step_id

        def read(connection: Connection) -> list[tuple[RunRow, JobRow]]:
            found: list[tuple[RunRow, JobRow]] = []
            mine = readable(connection, identity)
            for run in cell_results.runs(connection, row.workspace, mine, row.id, row.path, step, limit=LOOKED_AT):
                jobs = cell_results.of_run(connection, run.id, step, limit=OF_ONE_RUN)
                found += [(run, job) for job in jobs if not _says(job, "mock") and not is_deleted(job)]
                if len(found) >= SHOWN:
                    break
            return found[:SHOWN]

        return [await self._line(run, job) for run, job in await self._store.database.read(read)]

    async def keep(self, identity: Identity, draft_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a result as a stand-in: `{"client"?, "cell", "name", "run_id", "path"?, "use"?}`; answers the Change.

        `path` is the step's place in the run; `use` puts it in force at once.

        Raises:
            NotFound: there is no such run, or the caller may not read it.
            OutputMissing: the step has no result in that run, or it was deleted.
            EditRejected: no such cell, no name, too many stand-ins, or a value that is too large.
        """
        await self._drafts.open(identity, "draft.edit", draft_id)
        cell, name = required_text(body, "cell"), text_in(body, "name", limit=200)
        run = await guard.run_row(self._store, identity, "run.read", required_text(body, "run_id"))
        path = text_in(body, "path", limit=2000)
        job = await self._store.runs.step(run.id, path)
        if job is None or job.result is None:
            raise OutputMissing("This step has no result in that run.", "Choose another run.")
        if _says(job, "only"):  # whoever reads the loop expects a list of what all gave
            raise OutputMissing("In that run only one iteration of the loop ran.", "Choose a run of the whole loop.")
        if is_deleted(job):  # its result reads as null, which the step never gave
            raise OutputMissing("This result was deleted.", "Choose another run.")
        place = await self._store.values.locate(job.result)
        if place.text is None or len(place.text) > LARGEST:
            raise BadRequest(
                f"The result is larger than the {LARGEST // 1024} KB that a stand-in may have.",
                "Type a smaller value of the same shape.",
            )
        operations: list[Operation] = [KeepStandIn(cell, name, loads(place.text))]
        if flag_in(body, "use"):
            operations.append(UseStandIn(cell, name.strip()))
        return await self._drafts.apply(identity, draft_id, operations, text_in(body, "client", limit=200))

    async def _line(self, run: RunRow, job: JobRow) -> dict[str, Any]:
        assert job.result is not None
        place = await self._store.values.locate(job.result)
        fits = place.text is not None and len(place.text) <= LARGEST
        return {
            "run_id": run.id,
            "run_number": run.number,
            "path": job.path,
            "of": "flow" if run.kind == "flow" else "draft",
            "status": job.status,
            "at": job.ended_at or run.created_at,
            "preview": (place.text or "")[:PREVIEW] if fits else "",
            "size": place.size,
            "fits": fits,
        }


def _says(job: JobRow, name: str) -> bool:
    """Whether the row is no result of the step itself: `mock` is what a stand-in gave, `only` (an index) one iteration's."""
    meta = (loads(job.meta) or {}) if job.meta else {}
    value = meta.get(name)  # `in (None, False)` would take index 0 for False
    return value is not None and value is not False
