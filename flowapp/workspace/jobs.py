"""Use-cases about jobs as OpenFlow's clients know them: reading, waiting for, canceling, progress and states.

Everything takes a job id, which may be a run's, a step's, an iteration's, a branch's or a called flow's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.errors import NotAllowed, NotFound
from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Target, missing, require
from flowapp.jsontext import NULL, JsonText, dumps
from flowapp.store import audit, jobs, states, wiping
from flowapp.store.events import Event
from flowapp.store.jobs import JobFilter, OneOf
from flowapp.store.large_values import ValueRef
from flowapp.store.runs import FINISHED, UNFINISHED
from flowapp.store.tables import RunRow
from flowapp.workspace import guard
from flowapp.workspace.cells import CellObserver
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest, DataDeleted, JobNotOver
from flowapp.workspace.job_logs import JobLogs
from flowapp.workspace.job_places import SINGLE, JobPlaces, Place
from flowapp.workspace.job_rights import readable
from flowapp.workspace.job_views import JobViews, State, root_of

MAX_STATE = 1 << 20
MOST_CANCELED = 1_000
#: A step's row is there 0.2 s after it began.
_ROW_TRIES = 12
_LOOK_AGAIN_S = 1.0


class Jobs:
    """Use-cases about single jobs. Lists are in `job_lists`."""

    def __init__(
        self, context: Context, places: JobPlaces, views: JobViews, logs: JobLogs, observer: CellObserver
    ) -> None:
        self._context = context
        self._observer = observer
        self._store = context.store
        self._places = places
        self._views = views
        self._logs = logs

    # --- reading ----------------------------------------------------------------------------------------------------

    async def get(self, identity: Identity, job: str, *, logs: bool = True, code: bool = True) -> dict[str, Any]:
        """The job with its flow status, arguments and result.

        Raises:
            NotFound: there is none of this id, or it must look so. (So do all methods here.)
        """
        place = await self._place(identity, job)
        text = await self._logs.tail(place) if logs else None
        return await self._views.full(place, code=code, logs=text)

    async def completed(self, identity: Identity, job: str) -> dict[str, Any]:
        """The same, of a job that is over.

        Raises:
            JobNotOver: it is not.
        """
        found = await self.get(identity, job)
        if found["type"] != "CompletedJob":
            raise JobNotOver(f"The job {job} is not over yet.", "Wait for it, or cancel it.")
        return found

    async def pieces(self, result: JsonText) -> AsyncIterator[bytes] | None:
        """The text of a large result, of which `result` is only what stands for it; None where it is the result itself."""
        reference = ValueRef.from_text(result)
        if reference is None or await self._store.values.find(reference) is None:
            return None
        return await self._store.blobs.pieces(reference.sha256)

    async def result(self, identity: Identity, job: str) -> JsonText:
        """The result's JSON text, or what stands for it: see `pieces`.

        Raises:
            JobNotOver: there is none yet.
            DataDeleted: it is gone.
        """
        place = await self._place(identity, job)
        state = await self._views.state(place)
        if not state.over:
            raise JobNotOver(f"The job {job} is not over yet.", "Wait for it, or cancel it.")
        return await self._kept(place, state)

    async def result_maybe(self, identity: Identity, job: str, *, started: bool = False) -> JsonText:
        """JSON text of `{"started", "completed", "success", "result"}`, null where not known; `started` asks for that one.

        `"deleted": true` where the result is gone.
        """
        place = await self._place(identity, job)
        state = await self._views.state(place)
        if not state.over:
            begun = state.running or state.started_at is not None
            return dumps({"started": begun if started else None, "completed": False, "success": None, "result": None})
        head = dumps(
            {"started": True if started else None, "completed": True, "success": state.success}
            | ({"deleted": True} if state.deleted else {})
        )
        # the result may be large: its text is put in as it is
        return JsonText(f'{head[:-1]},"result":{await self._views.result(place, state)}}}')

    async def args(self, identity: Identity, job: str) -> JsonText:
        """JSON text of the arguments."""
        return await self._views.args(await self._place(identity, job))

    async def root(self, identity: Identity, job: str) -> str:
        """The id of the topmost flow that the job belongs to; its own where there is none."""
        return root_of(await self._place(identity, job))

    async def result_by_id(self, identity: Identity, flow_job: str, step_id: str) -> JsonText:
        """The result of the step `step_id` of a flow: one directly in it first, else the newest anywhere below.

        Raises:
            NotFound: no such step has a result yet.
            DataDeleted: it is gone.
        """
        place = await self._place(identity, flow_job)
        prefix = place.prefix if place.is_flow else f"{place.path}["

        def read(connection: Connection) -> list[Any]:
            return jobs.named(connection, place.run.id, prefix, step_id)

        rows = [row for row in await self._store.database.read(read) if row.ended_at is not None]
        direct = [row for row in rows if row.path == prefix + step_id]
        if not rows:
            raise NotFound(f"Step {step_id} of this job has no result.", "It may not have run yet.")
        found = (direct or rows)[-1]
        step = Place(place.run, found.path, found)
        return await self._kept(step, await self._views.state(step))

    # --- waiting ----------------------------------------------------------------------------------------------------

    async def wait(self, identity: Identity, run: RunRow, seconds: float) -> tuple[JsonText, bool] | None:
        """Wait for a run that the identity has just started: what its `early_return` gave, else its result, and whether that
        is a failure's.

        None when neither comes in time. The right to run is enough: a token that may only run something gets its answer.
        """
        if run.created_by != identity.username or run.kind not in ("flow", "script"):
            require(identity, "run.read", guard.run_target(run))
        elif run.kind == "flow":
            require(identity, "flow.run", guard.flow_target(identity, run.path))
        else:
            require(identity, "script.run", guard.script_target(identity, run.path))
        subscription = self._store.events.subscribe([f"run:{run.id}"])
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        try:
            while True:
                now = await self._store.runs.get(run.id)
                if now is None:
                    raise missing("run")
                if now.early_result is not None:
                    return await self._store.values.get_held(now.early_result), False
                if now.status in FINISHED:
                    place = Place(now)
                    return await self._views.result(place, await self._views.state(place)), now.failed
                left = until - loop.time()
                if left <= 0:
                    return None
                try:
                    # events tell at once; looking again now and then does not depend on them
                    event = await asyncio.wait_for(anext(subscription), min(left, _LOOK_AGAIN_S))
                    while event.type not in ("run", "early", "lost"):
                        event = await asyncio.wait_for(anext(subscription), min(left, _LOOK_AGAIN_S))
                except TimeoutError:
                    continue
                except StopAsyncIteration:
                    return None
        finally:
            subscription.close()

    # --- canceling --------------------------------------------------------------------------------------------------

    async def cancel(self, identity: Identity, job: str, reason: str) -> str:
        """Cancel the run that the job belongs to, with all that it started; one that is over stays as it is.

        Returns its id.
        """
        place = await self._place(identity, job, "run.cancel")
        await self._cancel(identity, place.run, reason[:500])
        return place.run.id

    async def cancel_many(self, identity: Identity, wanted: Any, reason: str = "") -> list[str]:
        """Cancel several; those that the identity may not cancel (or that are over) are passed over. Returns their ids."""
        require(identity, "run.cancel", Target(identity.workspace, "run", owner=identity.username))
        if (
            not isinstance(wanted, list)
            or not all(isinstance(job, str) for job in wanted)
            or len(wanted) > MOST_CANCELED
        ):
            raise BadRequest(f"Send a JSON list of up to {MOST_CANCELED} job ids.")
        done: list[str] = []
        for job in wanted:
            try:
                place = await self._place(identity, job, "run.cancel")
            except (NotFound, NotAllowed):
                continue
            if place.run.status not in FINISHED:
                await self._cancel(identity, place.run, reason[:500])
                done.append(job)
        return done

    async def cancel_at(self, identity: Identity, path: str, reason: str = "") -> list[str]:
        """Cancel all jobs of the script or flow at `path` that the identity may cancel. Returns their ids."""
        require(identity, "run.cancel", Target(identity.workspace, "run", path=path, owner=identity.username))
        wanted = JobFilter(lists={"path": OneOf((path,)), "status": OneOf(UNFINISHED)})

        def read(connection: Connection) -> list[RunRow]:
            mine = readable(connection, identity)
            return jobs.page(connection, identity.workspace, mine, wanted, offset=0, limit=MOST_CANCELED)

        found = await self._store.database.read(read)
        return await self.cancel_many(identity, [run.id for run in found], reason)

    async def _cancel(self, identity: Identity, run: RunRow, reason: str) -> None:
        todo, seen = [run], {run.id}
        while todo:
            current = todo.pop()
            if current.status not in FINISHED:
                why = reason if current is run else f"{reason} (canceled with job {run.id})".strip()
                marked = await self._context.engine.cancel(current.id, identity.username, why) or ()
                await self._note(identity, "run.cancel", current, why)
                for one in marked:
                    if one.id not in seen:
                        seen.add(one.id)
                        await self._note(identity, "run.cancel", one, one.canceled_reason or "")
            # asked after the engine has stopped it: it starts nothing more
            for child in await self._store.database.read(partial(jobs.started_by, run_id=current.id)):
                if child.id not in seen:
                    seen.add(child.id)
                    todo.append(child)

    # --- states and progress ----------------------------------------------------------------------------------------

    async def user_state(self, identity: Identity, job: str, key: str) -> JsonText:
        """JSON text of what the flow keeps under `key`; null when nothing is.

        Raises:
            NotFound: the job is unknown or no flow.
        """
        place = await self._flow(identity, job, "run.read")
        return await self._store.database.read(lambda c: states.get(c, _states_of(place.run), key))

    async def set_user_state(self, identity: Identity, job: str, key: str, value: JsonText) -> None:
        """Keep a value for the flow, readable while it runs, waits, and after.

        Raises:
            NotFound: the job is unknown or no flow.
            BadRequest: more than 1 MB, or a key of more than 500 characters.
        """
        place = await self._flow(identity, job, "state.write")
        if len(value) > MAX_STATE or len(key) > 500:
            raise BadRequest("A flow's user state takes values of up to 1 MB.", "Keep big data in a result or a file.")
        await self._store.database.write(lambda c: states.set(c, _states_of(place.run), key, value))

    async def progress(self, identity: Identity, job: str) -> int | None:
        """Percent as the job itself said; None when it has not."""
        place = await self._place(identity, job)
        return place.run.progress if place.is_run else place.job.progress if place.job is not None else None

    async def set_progress(self, identity: Identity, job: str, percent: Any) -> None:
        """Note how far a job is, a whole number from 0 to 100, and tell whoever watches it."""
        place = await self._place(identity, job, "state.write")
        if not isinstance(percent, int) or isinstance(percent, bool) or not 0 <= percent <= 100:
            raise BadRequest("percent must be a whole number from 0 to 100.")
        run, path = place.run, place.path

        def note(connection: Connection) -> bool:
            found = jobs.set_progress(connection, run.id, path, percent)
            if found:
                self._store.events.after_commit(Event(f"run:{run.id}", "progress", {"path": path, "percent": percent}))
            return found

        for _ in range(_ROW_TRIES):
            if await self._store.database.write(note):
                if run.draft_id is not None:
                    self._observer.progressed(run.draft_id, run.id, path, percent)
                return
            await asyncio.sleep(0.05)  # the step began a moment ago, its row comes
        raise missing("run")

    async def worker_is_draining(self, identity: Identity, job: str) -> bool:
        """Whether the machine of a job takes no new ones: jobs of ours are never asked to leave."""
        require(identity, "workspace.read", guard.workspace_target(identity))
        return False

    async def identity_token(self, identity: Identity, audience: str) -> str:
        """A token that tells another service who a job is: this server signs none.

        Raises:
            BadRequest: always.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        raise BadRequest(
            f"Identity tokens (OIDC) are not supported, so there is none for {audience[:200]}.",
            "Keep a key of that service in a secret variable, and read it in the step.",
        )

    # --- deleting ---------------------------------------------------------------------------------------------------

    async def delete(self, identity: Identity, job: str) -> dict[str, Any]:
        """Take arguments, results and logs from a run that is over; its row stays. For admins. Returns the job as it was.

        Raises:
            JobNotOver: it is not.
        """
        require(identity, "member.manage", guard.workspace_target(identity))
        place = await self._place(identity, job)
        before = await self.completed(identity, place.run.id)
        empty = await self._store.values.prepare(NULL)

        await self._store.database.write(lambda c: wiping.wipe(self._store, c, [place.run.id], empty))
        await self._note(identity, "run.delete", place.run, "")
        return {**before, "deleted": True}

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _kept(self, place: Place, state: State) -> JsonText:
        """The result of a job that is over."""
        if state.deleted:
            raise DataDeleted(
                f"The arguments, result and logs of the job {place.id} were deleted after it ended.",
                "Its flow, step or script asked for that (delete_after_secs), or an admin did it.",
            )
        return await self._views.result(place, state)

    async def _place(self, identity: Identity, job: str, action: Action = "run.read") -> Place:
        return await self._places.find(identity, action, job)

    async def _flow(self, identity: Identity, job: str, action: Action) -> Place:
        place = await self._place(identity, job, action)
        if not place.is_flow or place.run.kind in SINGLE:
            raise NotFound("This job is not a flow.", "Flow user states belong to flows.")
        return place

    async def _note(self, identity: Identity, action: str, run: RunRow, reason: str) -> None:
        await self._store.database.write(
            lambda connection: audit.add(
                connection,
                workspace=identity.workspace,
                by=identity.username,
                action=action,
                target=run.path,
                detail=f"run {run.number}: {reason}",
            )
        )


def _states_of(run: RunRow) -> str:
    return states.key_of(run.id, run.draft_id)
