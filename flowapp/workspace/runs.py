"""Running: cells of a draft, deployed flows; canceling; what ran."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.errors import AccessError
from flowapp.access.identity import Identity
from flowapp.access.policy import Allowed, decide, require
from flowapp.jsontext import dumps, loads
from flowapp.notebook.document import CellId, Document
from flowapp.notebook.plan import MODES, Mode, Plan, just, not_yet, plan
from flowapp.notebook.records import Live
from flowapp.notebook.trials import trial_of
from flowapp.store import audit, drafts, jobs
from flowapp.store.runs import FINISHED, NewRun
from flowapp.store.tables import RunRow
from flowapp.workspace import cell_plans, editing, guard
from flowapp.workspace.cells import CellObserver
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.editing import Staged
from flowapp.workspace.errors import AsksFirst, BadRequest, NothingToRun, WorkspaceError
from flowapp.workspace.follow_ups import FollowUps, Later, remaining
from flowapp.workspace.job_rights import readable
from flowapp.workspace.open_drafts import OpenDraft, tell_others
from flowapp.workspace.run_query import ALL_RUNS, RunQuery
from flowapp.workspace.run_views import noted, progress_json, step_json, titles_of
from flowapp.workspace.runnables import Start, Trigger
from flowapp.workspace.starting import Starting

MAX_PAGE = 100
NEWS_FIRST_S = 0.05
PAGE_DRAWS_S = 0.02


@dataclass(frozen=True, slots=True)
class _Started:
    """A run of cells that was made, its plan, and what runs after it. Without cells in its plan it was at work before."""

    run: RunRow
    plan: Plan
    later: tuple[CellId, ...]


class Runs:
    """Use-cases about runs."""

    def __init__(self, context: Context, drafts: Drafts, observer: CellObserver, starting: Starting) -> None:
        self._context = context
        self._starting = starting
        self._store = context.store
        self._drafts = drafts
        self._observer = observer
        self._follow_ups = FollowUps(context)
        self._follow_ups.go_on = self._go_on
        observer.ended.append(self._follow_ups.ended)

    # --- cells ------------------------------------------------------------------------------------------------------

    async def run_cells(
        self,
        identity: Identity,
        draft_id: str,
        cells: Sequence[CellId],
        *,
        mode: str = "auto",
        operations: Any = None,
        client: str = "",
        confirmed: Sequence[CellId] = (),
        iteration: int | None = None,
    ) -> dict[str, Any]:
        """Save flushed edits, plan, and start a run of cells; answers when it has started.

        Args:
            identity: who runs.
            draft_id: the draft.
            cells: what to run, by `mode` (see `notebook.plan`).
            mode: auto, old_results, stale, all, up_to, from.
            operations: edits of the page that are to be saved first (JSON), or None.
            client: the page.
            confirmed: cells with outside effects whose repetition the person agreed to.
            iteration: of the one loop in `cells` only this iteration, from 0; the loop keeps its result and its state.

        Returns:
            `{"run_id", "run_number", "change": Change or None, "plan": {"run", "given", "later"?}}`; `later` (of the mode stale)
            are cells at work, and those that run after them. The run is one at work where nothing can start before.

        Raises:
            NothingToRun: nothing is out of date, or the cells run already.
            AsksFirst: cells of the plan that ran before have outside effects and are not confirmed.
            BadRequest: there is no such mode, or no iteration to choose.
            EditRejected, DraftConflict: see `Drafts.edit`.
        """
        if mode not in MODES:
            raise BadRequest(f"There is no mode {mode!r}.", f"Use one of {', '.join(sorted(MODES))}.")
        draft = await self._drafts.open(identity, "draft.run", draft_id)
        if operations:
            require(identity, "draft.edit", guard.draft_target(draft.row))
        async with draft.lock:

            async def attempt() -> _Started:
                edit = editing.stage(draft, identity, operations, client) if operations else None
                return await self._start(draft, identity, edit, list(cells), mode, frozenset(confirmed), iteration)

            started = await self._drafts.retrying(draft, attempt)
            run, planned = started.run, started.plan
            if planned.run:
                await self._context.engine.start_run(run.id, run)
            change = None
            if operations:
                # working out what the edit changed competes with the run for the processor: a quick result goes first
                if await self._observer.first_news(run.id, NEWS_FIRST_S):
                    await asyncio.sleep(PAGE_DRAWS_S)
                change = await self._drafts.tell(draft, client)
            else:
                self._observer.publish_states(draft)
        shown = {"run": list(planned.run), "given": list(planned.given)}
        shown |= {"later": list(started.later)} if started.later else {}
        return {"run_id": run.id, "run_number": run.number, "change": change, "plan": shown}

    async def cancel_draft(self, identity: Identity, draft_id: str) -> list[str]:
        """Cancel all running cells of a draft; returns the runs."""
        draft = await self._drafts.open(identity, "draft.run", draft_id)
        self._follow_ups.drop(draft.id)
        async with draft.lock:  # what is just being started is canceled too
            runs = sorted(set(draft.live_runs.values()))
        for run_id in runs:
            await self._context.engine.cancel(run_id, identity.username, "canceled in the notebook")
        self._observer.publish_states(draft)
        await self._audit(identity, "run.cancel", draft.row.path, ", ".join(runs))
        return runs

    async def _go_on(self, waited: OpenDraft, later: Later) -> None:
        """Start what waited for cells at work, as far as it still has to run and may."""
        try:
            with contextlib.suppress(WorkspaceError, AccessError):  # the draft is gone, or they may run it no more
                present = await self._follow_ups.present(later)
                draft = await self._drafts.open(present.identity, "draft.run", waited.id)
                async with draft.lock:
                    if not self._follow_ups.is_wanted(waited, later):
                        return
                    started = await self._drafts.retrying(draft, lambda: self._start_rest(draft, present))
                    if started is not None and started.plan.run:
                        await self._context.engine.start_run(started.run.id, started.run)
        finally:
            self._follow_ups.started(waited.id, later)
            self._observer.publish_states(waited)

    async def _start_rest(self, draft: OpenDraft, later: Later) -> _Started | None:
        cells = remaining(draft, editing.states_now(draft, draft.document), later)
        if not cells:
            return None
        return await self._start(draft, later.identity, None, cells, "auto", later.confirmed, None, waits=True)

    async def _start(
        self,
        draft: OpenDraft,
        identity: Identity,
        edit: Staged | None,
        cells: list[CellId],
        mode: str,
        confirmed: frozenset[CellId],
        iteration: int | None,
        *,
        waits: bool = False,
    ) -> _Started:
        document = edit.document if edit else draft.document
        states = editing.states_now(draft, document)
        tried = trial_of(document, cells)
        chosen = cell_plans.chosen_of(document, cells, mode, iteration)
        having = cell_plans.having(draft, document)
        planned = Plan((tried.cell,), having) if tried else plan(document, states, cells, _mode(mode))
        busy = {cell: run_id for cell, run_id in draft.live_runs.items() if not self._observer.is_of_one(run_id, cell)}
        later = not_yet(document, planned, draft.live) if waits or mode == "stale" else ()
        if not waits and later and all(cell in draft.live for cell in planned.run):
            later = ()  # nothing but what is at work, or waits already
        self._refuse(draft, document, planned, confirmed, bool(later))
        if later:
            ready = set(planned.run) - set(later)
            if all(states[cell].base == "pinned" for cell in ready):  # they only hand on their values to what waits
                later, ready = planned.run, set()
            planned = just(document, states, ready)
        put = Later(identity, later, busy, confirmed)
        if not planned.run:
            return await self._wait(draft, edit, put, planned)
        anew = cell_plans.anew(draft, document, states, cells, chosen)
        cell_run = cell_plans.binding(draft, document, planned, anew, chosen)
        flow = tried.flow if tried else document.flow
        notebook, args = document.to_json(), dumps(document.flow_args())
        values = self._store.values
        prepared = [values.inline(notebook), values.inline(dumps(flow)), await values.prepare(args)]
        if tried and tried.event is not None:
            prepared.append(await values.prepare(dumps(tried.event)))
        at = editing.timestamp()
        new = NewRun(
            workspace=identity.workspace,
            kind="cells",
            path=draft.row.path,
            summary=cell_plans.summary(document, planned, chosen),
            draft_id=draft.id,
            document=prepared[1].hash,
            args=prepared[2].hash,
            plan=dumps(cell_plans.plan_json(document, draft, planned, prepared[0].hash, anew, tried, chosen)),
            trigger=dumps({"kind": "ui", "event": prepared[3].hash}) if len(prepared) > 3 else None,
            created_by=identity.username,
            permissioned_as=identity.permissioned_as,
        )

        def work(connection: Connection) -> tuple[RunRow, int | None]:
            edit_id = None
            if edit is not None:
                edit_id = editing.save(connection, edit, notebook, at)
                tell_others(self._store.events, draft.id)
            self._store.values.insert(connection, *prepared)
            run = self._store.runs.insert(connection, new)
            detail = f"run {run.number}: {', '.join(cell_plans.steps(document, planned.run))}"
            audit.add(
                connection,
                workspace=identity.workspace,
                by=identity.username,
                action="draft.run",
                target=draft.row.path,
                detail=detail,
            )
            return run, edit_id

        run, edit_id = await self._store.database.write(work)
        if edit is not None:
            editing.adopt(edit, at, edit_id)
        for position, cell in enumerate(planned.run, 1):
            draft.live[cell] = Live("queued", position=position)
            draft.live_runs[cell] = run.id
        self._observer.begin(run.id, cell_run)
        if later:
            self._follow_ups.put(draft, put)
        return _Started(run, planned, later)

    async def _wait(self, draft: OpenDraft, edit: Staged | None, later: Later, planned: Plan) -> _Started:
        """Nothing can start before what is at work is over: save the edit, and answer with the run that is waited for."""
        run = await self._store.runs.get(next(iter(draft.live_runs.values()), ""))
        if run is None:
            raise NothingToRun("What was running is over.", "Run again.")
        if edit is not None:
            saved, at = edit, editing.timestamp()
            text = saved.document.to_json()

            def work(connection: Connection) -> int | None:
                tell_others(self._store.events, draft.id)
                return editing.save(connection, saved, text, at)

            editing.adopt(saved, at, await self._store.database.write(work))
        self._follow_ups.put(draft, later)
        return _Started(run, planned, later.cells)

    def _refuse(
        self, draft: OpenDraft, document: Document, planned: Plan, confirmed: frozenset[CellId], waits: bool
    ) -> None:
        if not planned.run:
            raise NothingToRun(
                "There is nothing to run: every cell has a current result.", "Run a cell itself to compute it again."
            )
        busy = [cell for cell in planned.run if cell in draft.live]
        if busy and not waits:
            names = ", ".join(cell_plans.steps(document, busy))
            raise NothingToRun(f"{names} is running already.", "Wait for it, or cancel it first.")
        by_cell = document.outline.by_cell
        idle = [cell for cell in planned.asks if by_cell[cell].unit not in draft.live]
        asks = [cell for cell in idle if cell in draft.records and cell not in confirmed]
        if asks:
            names = ", ".join(cell_plans.steps(document, asks))
            raise AsksFirst(
                f"{names} has effects outside of Flowapp and has run before.", "Confirm to let it happen again.", asks
            )

    # --- flows ------------------------------------------------------------------------------------------------------

    async def run_flow(self, identity: Identity, path: str, args: dict[str, Any]) -> RunRow:
        """Start the latest deployed version of a flow.

        Raises:
            NotFound: no flow is deployed at `path`, or it must look so.
            NotAllowed: the role does not include running.
            UploadTooLarge: a text of over 50 MB among the arguments.
        """
        start = Start("flow", args, path=path, trigger=Trigger("ui"))
        return await self._starting.start(identity, start)

    async def cancel(self, identity: Identity, run_id: str, reason: str) -> RunRow:
        """Cancel a run; one that is over stays as it is.

        Raises:
            NotFound, NotAllowed: see `guard.run_row`.
        """
        run = await guard.run_row(self._store, identity, "run.cancel", run_id)
        if run.status not in FINISHED:
            await self._context.engine.cancel(run.id, identity.username, reason[:500])
            await self._audit(identity, "run.cancel", run.path, f"run {run.number}: {reason}")
        return run

    # --- reading ----------------------------------------------------------------------------------------------------

    async def listing(
        self,
        identity: Identity,
        *,
        wanted: RunQuery = ALL_RUNS,
        page: int = 1,
        per_page: int = 30,
        draft_id: str | None = None,
    ) -> list[dict[str, Any]]:
        """Runs, newest first; `page` counts from 1 (0 is page 1 too). Runs that the identity may not read are left out.

        Raises:
            BadRequest: a filter cannot be read.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        size = max(1, min(per_page, MAX_PAGE))
        narrowed = wanted.filter(draft_id)
        offset = (max(1, page) - 1) * size

        def read(connection: Connection) -> list[dict[str, Any]]:
            mine = readable(connection, identity)
            found = jobs.page(connection, identity.workspace, mine, narrowed, offset=offset, limit=size)
            return noted(connection, identity.workspace, found)

        return await self._store.database.read(read)

    async def detail(self, identity: Identity, run_id: str) -> dict[str, Any]:
        """`{"run", "steps", "titles", "schema", "may_…": bool}` of one run.

        `titles` also names the steps that have not begun; `schema` is that of the input of the version that ran. What the caller
        may do: `may_share` make links to it, `may_cancel` it, `may_run` its flow again, `may_open` it as a draft, or a run of cells
        in its draft.
        """
        run = await guard.run_row(self._store, identity, "run.read", run_id)
        jobs = await self._store.runs.steps(run.id)
        document = loads(await self._store.values.get_value(run.document))
        titles = titles_of(document)
        (shown,) = await self._store.database.read(lambda connection: noted(connection, run.workspace, [run]))
        shown |= progress_json(run)
        args = await self._store.values.locate(run.args)
        if args.text is not None:
            found = loads(args.text)
            shown["args_keys"] = list(found) if isinstance(found, dict) else []
        if run.failed and run.result is not None:
            result = await self._store.values.locate(run.result)
            value = loads(result.text) if result.text is not None else None
            shown["error"] = value.get("error") if isinstance(value, dict) else None
        if run.status == "canceled":
            shown["cancel"] = {"by": run.canceled_by, "reason": run.canceled_reason}
        steps = [step_json(job, titles) for job in jobs]
        schema = document.get("schema") or {}
        may = {**_may(identity, run), "may_open": await self._may_open(identity, run)}
        return {"run": shown, "steps": steps, "titles": titles, "schema": schema, **may}

    async def _may_open(self, identity: Identity, run: RunRow) -> bool:
        draft_id = run.draft_id
        if draft_id is None:
            return guard.may(identity, "draft.create", guard.workspace_target(identity))
        draft = await self._store.database.read(lambda connection: drafts.get(connection, draft_id))
        return draft is not None and guard.may(identity, "draft.read", guard.draft_target(draft))

    async def _audit(self, identity: Identity, action: str, target: str, detail: str) -> None:
        await self._store.database.write(
            lambda connection: audit.add(
                connection,
                workspace=identity.workspace,
                by=identity.username,
                action=action,
                target=target,
                detail=detail,
            )
        )


def _may(identity: Identity, run: RunRow) -> dict[str, bool]:
    """What the page of a run offers to this identity."""
    flow = guard.flow_target(identity, run.path)
    return {
        "may_share": guard.may(identity, "run.share", guard.run_target(run)),
        "may_cancel": guard.may(identity, "run.cancel", guard.run_target(run)),
        "may_run": guard.may(identity, "flow.run" if run.kind == "flow" else "draft.run", flow),
    }


def may_read(identity: Identity, run: RunRow) -> bool:
    """Whether a run belongs into this identity's lists."""
    return isinstance(decide(identity, "run.read", guard.run_target(run)), Allowed)


def _mode(mode: str) -> Mode:
    found: Mode = next(name for name in ("auto", "old_results", "stale", "all", "up_to", "from") if name == mode)
    return found
