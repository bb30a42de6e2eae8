"""Which data of a run is to go some time after its end: what the flow, its steps, and the scripts and flows that they call ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowapp.engine.environment import SINGLE
from flowapp.engine.values import StepInfo
from flowapp.store.tables import RunRow

WISH = "delete_after_secs"
"""Also in the meta of a step that has such a wish."""


def seconds_of(settings: Mapping[str, Any]) -> float | None:
    """How many seconds after the run's end the data is to go; None when it is kept."""
    given = settings.get(WISH)
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return max(0.0, float(given))
    return 0.0 if settings.get("delete_after_use") else None


def noted(info: StepInfo, seconds: float | None) -> StepInfo:
    """The step with a wish noted; the shortest time counts."""
    before = info.meta.get(WISH)
    if seconds is None or (before is not None and before <= seconds):
        return info
    return replace(info, meta={**info.meta, WISH: seconds})


def wishes(run: RunRow, flow: Mapping[str, Any], steps: Mapping[str, float]) -> dict[str, float]:
    """The seconds by path, "" for the whole run; `steps` are the wishes of its steps. A single script is its run."""
    found = dict(steps)
    own = seconds_of(flow.get("value") or {})
    whole = [own, *(found.values() if run.kind in SINGLE else ())]
    shortest = min((seconds for seconds in whole if seconds is not None), default=None)
    if run.kind in SINGLE:
        found.clear()
    return found if shortest is None else {**found, "": shortest}
