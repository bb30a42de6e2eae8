"""Beginning a finished run again from one of its steps: a new run, which keeps what came before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.access.errors import NotAllowed
from flowapp.access.identity import Identity
from flowapp.access.policy import missing
from flowapp.engine import restart
from flowapp.engine.values import CalledFlow
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.openflow import documents
from flowapp.openflow.walk import walk
from flowapp.store.runs import FINISHED
from flowapp.store.tables import RunRow
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.job_places import JobPlaces
from flowapp.workspace.library import Library
from flowapp.workspace.runnables import Start, Trigger
from flowapp.workspace.starting import Starting

MOST_ID = 2**31 - 1
"""Ids of versions are counted from 1; a database takes no larger ones."""


class Restarting:
    """Use-cases about restarts."""

    def __init__(self, context: Context, places: JobPlaces, starting: Starting, library: Library) -> None:
        self._store = context.store
        self._places = places
        self._starting = starting
        self._library = library

    async def restart(self, identity: Identity, job: str, wanted: Mapping[str, Any]) -> RunRow:
        """Start the flow of a finished run again at a step.

        Args:
            identity: who restarts.
            job: the run.
            wanted: `{"step_id", "branch_or_iteration_n"?, "nested"?, "flow_version"?, "args"?}`: the place, the id of the
                version that is to run (that of the run when not given), and other arguments than the run's.

        Raises:
            NotFound, NotAllowed: the run may not be read, or its flow may not be run.
            BadRequest: the job is not a flow's run that is over.
            RestartRefused: there is no such step, or one before it was not successful.
        """
        place = await self._places.find(identity, "run.read", job)
        before = place.run
        if before.kind not in ("flow", "flowpreview"):
            raise BadRequest("Only runs of flows can begin again at a step.", "Start it anew instead.")
        version_id = wanted.get("flow_version")
        if version_id is not None and (
            not isinstance(version_id, int) or isinstance(version_id, bool) or not 0 <= version_id <= MOST_ID
        ):
            raise BadRequest("flow_version must be the id of a version.", "See flows/get: version_id.")
        args = wanted.get("args")
        if args is not None and not isinstance(args, dict):
            raise BadRequest("args must be a JSON object.")
        if before.deleted and args is None:
            raise BadRequest("The arguments of this run were deleted.", "Send args, or start the flow anew.")
        old = loads(before.trigger) if before.trigger else {}
        start = Start(
            "flow" if before.kind == "flow" or version_id is not None else "flowpreview",
            args or {},
            path=before.path,
            version=before.version if version_id is None else None,
            version_id=version_id,
            document=await self._store.values.get_value(before.document) if before.kind == "flowpreview" else None,
            stored_args=before.args if args is None else None,
            # the event stays that of the run: its preprocessor's result is kept. Other arguments come in its place
            trigger=Trigger("restart", more={"event": old.get("event")} if old.get("event") and args is None else {}),
            tag=before.tag,
        )
        return await self.started(identity, start, {**_place_of(wanted), "flow_job_id": before.id})

    async def started(self, identity: Identity, start: Start, restarted_from: Mapping[str, Any]) -> RunRow:
        """Start `start` as a restart of the run that `restarted_from` names (`flow_job_id`). See `restart` for errors."""
        runnable = await self._starting.resolve(identity, start)
        parsed = restart.parse(dumps({**_place_of(restarted_from), "flow_job_id": restarted_from.get("flow_job_id")}))
        before = (await self._places.find(identity, "run.read", parsed.run_id)).run
        if before.permissioned_as != identity.permissioned_as and identity.role != "admin":
            # what is kept was computed with another person's rights, and the new run's steps read all of it
            raise NotAllowed("Only who started a run (or an admin) can begin it again.", "Start the flow anew instead.")
        if before.status not in FINISHED:
            raise BadRequest(f"The run {before.number} is not over yet.", "Wait for it, or cancel it first.")
        if before.id != parsed.run_id:
            raise missing("run")

        async def called(path: str, version: int | None) -> CalledFlow:
            asking = RunRow(**{**before.model_dump(), "permissioned_as": identity.permissioned_as})
            stored = await self._library.flow(asking, path, version)
            return CalledFlow(stored.path, stored.version, _parsed(stored.document))

        rows = await self._store.runs.steps(before.id)
        await restart.kept(rows, _parsed(runnable.document), parsed, called)
        noted = dumps({**_place_of(restarted_from), "flow_job_id": before.id})
        values = {name: getattr(start, name) for name in Start.__dataclass_fields__}
        return await self._starting.start(identity, Start(**{**values, "restarted_from": noted}))


def _place_of(wanted: Mapping[str, Any]) -> dict[str, Any]:
    names = ("step_id", "branch_or_iteration_n", "nested")
    return {name: wanted[name] for name in names if wanted.get(name) is not None}


def _parsed(text: JsonText) -> Mapping[str, Any]:
    flow: dict[str, Any] = loads(text)
    return documents.fill_ids(flow) if any(not place.step_id for place in walk(flow)) else flow
