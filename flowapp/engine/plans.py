"""What of its document a run is to run, as its row says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.engine.errors import RunNotFound
from flowapp.engine.suspend import answers_of
from flowapp.engine.values import Plan
from flowapp.jsontext import JsonText, loads
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow


async def plan_of(store: Store, run: RunRow) -> Plan:
    """The plan of a run of some cells; everything for any other run.

    Raises:
        RunNotFound: a result that the run builds on is gone.
    """
    if not run.plan:
        return Plan()
    plan = loads(run.plan)
    given: dict[str, JsonText] = {}
    answers: dict[str, Mapping[str, JsonText]] = {}
    for step_id, source in (plan.get("given") or {}).items():
        run_id, path = str(source["run_id"]), str(source["path"])
        row = await store.runs.step(run_id, path)
        if row is None or row.result is None:
            message = f"The result of {step_id} that this run builds on is gone"
            raise RunNotFound(message, f"Run {step_id} again.")
        given[str(step_id)] = await store.values.get_held(row.result)
        answered = await answers_of(store, run_id, path)
        if answered is not None:
            answers[str(step_id)] = answered
    chosen = plan.get("iteration")
    return Plan(
        run=None if plan.get("run") is None else tuple(_texts(plan["run"])),
        given=given,
        answers=answers,
        reuse=bool(plan.get("reuse")),
        never=frozenset(_texts(plan.get("never"))),
        anew=frozenset(_texts(plan.get("anew"))),
        iteration=(str(chosen["step"]), int(chosen["index"])) if chosen else None,
    )


def _texts(items: Any) -> list[str]:
    return [str(item) for item in items or ()]
