"""Which step's stream is that of a job: a flow's is the one of its last step, in whatever flows and branches that stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from flowapp.openflow.walk import id_of
from flowapp.store.stores import Store
from flowapp.workspace.job_places import LOCKING, SINGLE, Place
from flowapp.workspace.runnables import SCRIPT_STEP

FlowValue = Callable[[Place], Awaitable[Mapping[str, Any]]]
_DEEPEST = 20


def printing_path(place: Place) -> str | None:
    """The step whose log and stream are the job's; flows, iterations and branches have none of their own."""
    if place.is_run:
        return SCRIPT_STEP if place.run.kind in SINGLE | LOCKING else None
    return place.path if place.job is not None else None


async def stream_path(store: Store, place: Place, value_of: FlowValue) -> str | None:
    """The step that streams for the job; None where a flow has none, or none has streamed yet.

    `value_of` gives the FlowValue whose steps stand at a place.
    """
    if not place.is_flow:
        return printing_path(place)
    streams = set(await store.logs.streams(place.run.id))
    return await _of_flow(store, place, value_of, streams, _DEEPEST) if streams else None


async def _of_flow(store: Store, place: Place, value_of: FlowValue, streams: set[str], depth: int) -> str | None:
    if depth == 0 or not any(path.startswith(place.prefix) for path in streams):
        return None
    modules = [module for module in (await value_of(place)).get("modules") or [] if isinstance(module, Mapping)]
    if not modules:
        return None
    last = place.prefix + id_of(modules[-1])
    if last in streams:
        return last
    inner = await _inside(store, place, last, streams)
    return None if inner is None else await _of_flow(store, inner, value_of, streams, depth - 1)


async def _inside(store: Store, place: Place, path: str, streams: set[str]) -> Place | None:
    """The flow or branch that the step at `path` goes on in; a loop, and branches beside each other, have no one stream."""
    row = await store.runs.step(place.run.id, path)
    if row is None or row.kind not in ("flow", "branchone"):
        return None
    if row.kind == "flow":
        return Place(place.run, path, row)
    inside = sorted(found for found in streams if found.startswith((f"{path}[", f"{path}~")))
    return Place(place.run, f"{inside[-1][: inside[-1].index(']', len(path)) + 1]}") if inside else None
