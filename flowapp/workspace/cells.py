"""What the engine tells while it runs cells of a draft, turned into records, states, outputs and events.

The record of a finished cell is written inside the engine's own transaction (`saving`), so that a kill loses neither the
step nor the cell's record. Everything else is for pages that are open, and can be read again by those that are not.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText, dumps, loads
from flowapp.notebook.document import CellId, Document, Entry, StepId
from flowapp.notebook.records import CellRecord, Live, Taken
from flowapp.notebook.reruns import why_ran
from flowapp.notebook.staleness import CellState
from flowapp.store import drafts as draft_rows
from flowapp.store.clock import now
from flowapp.store.events import Event
from flowapp.store.runs import FINISHED
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, RunRow
from flowapp.workspace.cell_records import Chosen, record_of
from flowapp.workspace.context import Context
from flowapp.workspace.editing import states_now
from flowapp.workspace.open_drafts import OpenDraft, OpenDrafts
from flowapp.workspace.outputs import LOG_TAIL, Outputs
from flowapp.workspace.run_views import run_json, step_json

#: A "running" that is over sooner is not sent: it would only make the page draw twice.
SHOW_RUNNING_AFTER_S = 0.03
#: Iterations of a loop finish faster than anyone can read: a cell's output is sent at most this often.
OUTPUT_EVERY_S = 0.1


@dataclass(slots=True)
class CellRun:
    """A run of cells: the document it executes, and the results it has had so far."""

    draft_id: str
    document: Document
    on_old_inputs: bool
    taken: dict[StepId, Taken]
    #: the steps that somebody ran although they were up to date
    anew: frozenset[StepId] = frozenset()
    chosen: Chosen | None = None
    #: job path → cell and its new record, between the engine's transaction and its event
    records: dict[str, tuple[CellId, CellRecord]] = field(default_factory=dict)
    logs: dict[str, tuple[str, int]] = field(default_factory=dict)
    #: cell → when its output was last sent
    sent: dict[CellId, float] = field(default_factory=dict)
    waiting: dict[CellId, JobRow] = field(default_factory=dict)
    #: set when the first output has gone out, or the run is over
    first_news: asyncio.Event = field(default_factory=asyncio.Event)


class CellObserver:
    """The engine's observer. Methods but `saving` are called on the event loop, and return at once."""

    def __init__(self, context: Context, drafts: OpenDrafts, outputs: Outputs) -> None:
        self._context = context
        self._store: Store = context.store
        self._drafts = drafts
        self._outputs = outputs
        self._runs: dict[str, CellRun] = {}
        #: called when a draft's results have settled
        self.settled: list[Any] = []
        #: called with the id of a run of cells that is over, wherever it ran
        self.ended: list[Callable[[str], None]] = []

    def begin(self, run_id: str, cell_run: CellRun) -> None:
        """A run of cells was made; its steps will follow."""
        self._runs[run_id] = cell_run

    def executes(self, run_id: str) -> bool:
        """Whether this server started the run of cells, or executes it."""
        return run_id in self._runs

    def ended_elsewhere(self, run_id: str) -> None:
        """A run is over that this server may have started and another one executed."""
        cell_run = self._runs.pop(run_id, None)
        if cell_run is not None:
            cell_run.first_news.set()
        self._tell_ended(run_id)

    def is_of_one(self, run_id: str, cell: CellId) -> bool:
        """Whether a run that this server knows is of one iteration of this loop, which stays as it was."""
        chosen = self._runs[run_id].chosen if run_id in self._runs else None
        return chosen is not None and chosen.cell == cell

    def _tell_ended(self, run_id: str) -> None:
        for listener in self.ended:
            listener(run_id)

    async def first_news(self, run_id: str, seconds: float) -> bool:
        """Wait for the first output of a run, but not longer than `seconds`; whether it has gone out."""
        cell_run = self._runs.get(run_id)
        if cell_run is None:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(cell_run.first_news.wait(), seconds)
        return cell_run.first_news.is_set()

    # --- the engine's side ------------------------------------------------------------------------------------------

    def step_started(self, run: RunRow, job: JobRow) -> None:
        """A step began."""
        self._publish_step(run, job)
        if run.kind == "cells" and run.id not in self._runs:  # a run that an earlier server process began
            self._context.spawn(self._restore_soon(run), "taking up a run of cells")
        elif job.attempt > 1 and (cell_run := self._runs.get(run.id)) is not None:
            cell_run.logs.pop(job.path, None)  # that of the attempt before
        draft, cell = self._place(run, job)
        if draft is None or cell is None:
            return
        draft.live[cell] = Live("running", since=job.started_at or "", run_id=run.id, path=job.path)
        draft.live_runs[cell] = run.id
        asyncio.get_running_loop().call_later(SHOW_RUNNING_AFTER_S, self._show_running, draft, cell)

    def progressed(self, draft_id: str, run_id: str, path: str, percent: int) -> None:
        """A running step said how far it is. Of a loop's, only the iteration counts that its cell shows."""
        draft = self._drafts.peek(draft_id)
        entry = draft.document.outline.by_step.get(step_of(path)) if draft else None
        live = draft.live.get(entry.cell) if draft and entry else None
        if (
            draft is None
            or entry is None
            or live is None
            or (live.kind, live.run_id, live.path) != ("running", run_id, path)
        ):
            return
        draft.live[entry.cell] = replace(live, progress=percent)
        shown = draft.states.get(entry.cell)
        if shown is not None and (shown.kind, shown.run_id, shown.path) == ("running", run_id, path):
            # nothing else changes by it: a script that counts up must not have the states of all cells worked out each time
            self._publish_changed(draft, {**draft.states, entry.cell: replace(shown, progress=percent)})

    def saves(self, run: RunRow) -> bool:
        """Whether finished steps of a run are cells' records too."""
        return run.kind == "cells" and run.draft_id is not None

    def saving(self, connection: Connection, run: RunRow, job: JobRow) -> None:
        """Inside the engine's write of a finished step: write the cell's record too."""
        if run.draft_id is None or not self.saves(run):
            return
        cell_run = self._runs.get(run.id) or self._restore(connection, run)
        entry = cell_run.document.outline.by_step.get(step_of(job.path)) if cell_run else None
        if cell_run is None or entry is None:
            return
        if cell_run.chosen is not None and cell_run.chosen.cell == entry.cell:
            return  # the result of one iteration is none of the loop's
        if job.status == "canceled" and _has_result(connection, run.draft_id, entry.cell):
            return  # the result that the cell had is still its last one
        record = record_of(self._store, connection, cell_run.document, cell_run.taken, run, job, cell_run.chosen)
        if record is None:
            return
        because = self._because(connection, cell_run, entry, record)
        record = replace(record, on_old_inputs=cell_run.on_old_inputs, ran_because=because)
        if record.has_result:
            cell_run.taken[job.step_id] = Taken(job.result, run.id)
        else:
            cell_run.taken.pop(job.step_id, None)
        cell_run.records[job.path] = entry.cell, record
        draft_rows.put_records(connection, run.draft_id, {entry.cell: dumps(record.to_json())}, now())

    def _because(self, connection: Connection, cell_run: CellRun, entry: Entry, record: CellRecord) -> tuple[str, ...]:
        if (entry.parent is not None and record.iteration is None) or record.status != "success":
            return ()  # one of many iterations is like none before
        text = draft_rows.record(connection, cell_run.draft_id, entry.cell)
        before = CellRecord.from_json(loads(text)) if text else None
        return why_ran(cell_run.document, entry, before, record, anew=entry.step_id in cell_run.anew)

    def step_finished(self, run: RunRow, job: JobRow, args: JsonText | None, result: JsonText | None) -> None:
        """A step's row is stored. The texts are at hand, so nothing has to be read again."""
        self._publish_step(run, job)
        cell_run = self._runs.get(run.id)
        cell, record = cell_run.records.pop(job.path, (None, None)) if cell_run else (None, None)
        draft = self._drafts.peek(run.draft_id) if run.draft_id else None
        if cell_run is None or draft is None or cell is None or record is None:
            return
        draft.records[cell] = record
        draft.heads = {**record.scripts, **draft.heads}
        draft.live.pop(cell, None)
        draft.live_runs.pop(cell, None)
        # the output is what somebody waits for; states of a hundred cells take longer to work out
        self._show_output(run, job, cell_run, draft, cell, result)
        self.publish_states(draft)
        cell_run.first_news.set()

    def logged(self, run: RunRow, path: str, text: str, offset: int) -> None:
        """A running step printed something; `offset` counts the characters before it."""
        events = self._store.events
        events.publish(Event(f"run:{run.id}", "log", {"path": path, "text": text, "offset": offset}))
        cell_run = self._runs.get(run.id)
        if cell_run is None:
            return
        tail, size = cell_run.logs.get(path, ("", 0))
        cell_run.logs[path] = (tail + text)[-LOG_TAIL:], max(size, offset + len(text))
        entry = cell_run.document.outline.by_step.get(step_of(path))
        if entry is not None:
            data = {"cell": entry.cell, "run_id": run.id, "path": path, "text": text, "offset": offset}
            events.publish_here(Event(f"draft:{cell_run.draft_id}", "log", data))

    def streamed(self, run: RunRow, path: str, text: str, offset: int) -> None:
        """A running step streamed a part of its result; `offset` counts the characters before it."""
        events = self._store.events
        data = {"path": path, "text": text, "offset": offset}
        events.publish(Event(f"run:{run.id}", "stream", data))
        cell_run = self._runs.get(run.id)
        entry = cell_run and cell_run.document.outline.by_step.get(step_of(path))
        if cell_run and entry:
            at = {"cell": entry.cell, "run_id": run.id, **data}
            events.publish_here(Event(f"draft:{cell_run.draft_id}", "stream", at))

    def run_changed(self, run: RunRow) -> None:
        """A run has another status."""
        if run.kind != "cells" or run.draft_id is None:
            return
        data = {"run_id": run.id, "run_number": run.number, "status": run.status, "run": run_json(run)}
        self._store.events.publish_here(Event(f"draft:{run.draft_id}", "run", data))
        if run.status not in FINISHED:
            draft = self._drafts.peek(run.draft_id)
            if draft is not None and (run.status == "suspended" or _waits(draft, run)):
                self._context.spawn(self._show_waits(run), "waiting cells")
            return
        cell_run = self._runs.pop(run.id, None)
        if cell_run is not None:
            cell_run.first_news.set()
        draft = self._drafts.peek(run.draft_id)
        if draft is None:
            self._tell_ended(run.id)
            return
        for cell in [cell for cell, run_id in draft.live_runs.items() if run_id == run.id]:
            draft.live.pop(cell, None)
            draft.live_runs.pop(cell, None)
        self._tell_ended(run.id)
        self.publish_states(draft)
        if cell_run is not None:
            for cell, job in cell_run.waiting.items():
                self._context.spawn(self._send_output(run, job, draft, cell), "output")
        for listener in self.settled:
            listener(draft)

    async def _show_waits(self, run: RunRow) -> None:
        """Cells whose step waits for people, while the run rests; a run that goes on waits for nobody."""
        draft = self._drafts.peek(run.draft_id or "")
        if draft is None:
            return
        rows = await self._store.database.read(lambda c: self._store.approvals.of_run(c, run.id))
        entries = (draft.document.outline.by_step.get(_calling(row.path)) for row in rows if row.status == "open")
        waiting = {entry.cell for entry in entries if entry is not None}
        now = await self._store.runs.get(run.id)
        if now is None or now.status in FINISHED:
            return
        for cell in [cell for cell, live in draft.live.items() if live.kind == "waiting" and cell not in waiting]:
            if draft.live_runs.get(cell) == run.id:
                draft.live.pop(cell)
                draft.live_runs.pop(cell)
        for cell in waiting:
            draft.live[cell], draft.live_runs[cell] = Live("waiting"), run.id
        self.publish_states(draft)

    def script_stored(self, workspace: str, path: str, version: str) -> None:
        """A stored script has a new version: what ran or imported the one before is out of date."""
        for draft in self._drafts.all():
            if draft.row.workspace == workspace and draft.heads.get(path, version) != version:
                draft.heads = {**draft.heads, path: version}
                self.publish_states(draft)

    # --- the pages' side --------------------------------------------------------------------------------------------

    def publish_states(self, draft: OpenDraft) -> None:
        """Compute the states anew and send those that changed."""
        self._publish_changed(draft, states_now(draft, draft.document))

    def _publish_changed(self, draft: OpenDraft, states: dict[CellId, CellState]) -> None:
        before, draft.states = draft.states, states
        changed = {cell: state.to_json() for cell, state in draft.states.items() if before.get(cell) != state}
        if draft.shown is not None:
            draft.shown = replace(draft.shown, states=draft.states)
        if not changed:
            return
        if len(changed) == 1:
            ((cell, state),) = changed.items()
            event = Event(draft.topic, "state", {"cell": cell, "state": state})
        else:
            event = Event(draft.topic, "states", {"states": changed})
        self._store.events.publish_here(event)

    def _show_running(self, draft: OpenDraft, cell: CellId) -> None:
        live = draft.live.get(cell)
        if live is not None and live.kind == "running":
            self.publish_states(draft)

    def _show_output(
        self, run: RunRow, job: JobRow, cell_run: CellRun, draft: OpenDraft, cell: CellId, result: JsonText | None
    ) -> None:
        if not self._store.events.wanted_here(draft.topic):
            draft.outputs.pop(cell, None)
            return
        if "[" in job.path:
            since = time.monotonic() - cell_run.sent.get(cell, 0.0)
            if since < OUTPUT_EVERY_S:
                if cell not in cell_run.waiting:
                    loop = asyncio.get_running_loop()
                    loop.call_later(OUTPUT_EVERY_S - since, self._show_waiting, run, cell_run, draft, cell)
                cell_run.waiting[cell] = job
                return
            cell_run.sent[cell] = time.monotonic()
        tail, size = cell_run.logs.pop(job.path, ("", 0))
        output = self._outputs.quick(run, job, result, tail, size)
        if output is not None:
            self._publish_output(draft, cell, output)
        else:
            self._context.spawn(self._send_output(run, job, draft, cell, result), "output")

    def _show_waiting(self, run: RunRow, cell_run: CellRun, draft: OpenDraft, cell: CellId) -> None:
        job = cell_run.waiting.pop(cell, None)
        if job is not None:
            cell_run.sent[cell] = time.monotonic()
            self._context.spawn(self._send_output(run, job, draft, cell), "output")

    async def _send_output(
        self, run: RunRow, job: JobRow, draft: OpenDraft, cell: CellId, result: JsonText | None = None
    ) -> None:
        output = await self._outputs.of_job(run, job, result)
        record = draft.records.get(cell)
        if record is not None and (record.run_id, record.path) == (run.id, job.path):
            self._publish_output(draft, cell, output)

    def _publish_output(self, draft: OpenDraft, cell: CellId, output: dict[str, Any]) -> None:
        draft.outputs[cell] = output
        self._store.events.publish_here(Event(draft.topic, "output", {"cell": cell, "output": output}))

    def _publish_step(self, run: RunRow, job: JobRow) -> None:
        topic = f"run:{run.id}"
        if self._store.events.wanted(topic):
            self._store.events.publish(Event(topic, "step", {"step": step_json(job)}))

    def _place(self, run: RunRow, job: JobRow) -> tuple[OpenDraft | None, CellId | None]:
        cell_run = self._runs.get(run.id)
        if cell_run is None or run.draft_id is None:
            return None, None
        entry = cell_run.document.outline.by_step.get(step_of(job.path))
        return self._drafts.peek(run.draft_id), entry.cell if entry else None

    async def _restore_soon(self, run: RunRow) -> None:
        await self._store.database.read(lambda connection: self._restore(connection, run))

    def _restore(self, connection: Connection, run: RunRow) -> CellRun | None:
        """The binding of a run that an earlier server process began."""
        plan = loads(run.plan) if run.plan else {}
        text = draft_rows.value_text(connection, str(plan.get("notebook", "")))
        if text is None or run.draft_id is None:
            return None
        taken = {step: Taken(given.get("result"), given["run_id"]) for step, given in plan.get("given", {}).items()}
        done = draft_rows.results_of(connection, run.id)
        taken |= {step: Taken(result, run.id) for step, result in done.items()}
        document = Document.from_json(text)
        restored = CellRun(
            run.draft_id,
            document,
            bool(plan.get("on_old_inputs")),
            taken,
            frozenset(plan.get("anew") or ()),
            Chosen.from_json(document, plan.get("iteration")),
        )
        # The reading thread and the writer may both get here: the first binding holds records that must not be lost.
        return self._runs.setdefault(run.id, restored)


def _waits(draft: OpenDraft, run: RunRow) -> bool:
    """Whether a cell is shown to wait for people for the sake of a run."""
    return any(live.kind == "waiting" and draft.live_runs.get(cell) == run.id for cell, live in draft.live.items())


def _has_result(connection: Connection, draft_id: str, cell: CellId) -> bool:
    text = draft_rows.record(connection, draft_id, cell)
    return text is not None and CellRecord.from_json(loads(text)).has_result


def _calling(path: str) -> StepId:
    """The step of the notebook that something at a path belongs to: what is in a called flow, or a workflow, to the one that calls it."""
    return step_of(path.partition("/")[0]).partition("~")[0]


def step_of(path: str) -> StepId:
    """The step id at the end of a path such as `loop[3].b`; the path itself where that is of a called flow, or of a step's own work."""
    return path if "/" in path else path.rsplit(".", 1)[-1].split("[", 1)[0]
