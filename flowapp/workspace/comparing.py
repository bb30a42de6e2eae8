"""Two runs side by side, step by step: what ran, on which input, with which result, and whether the code was the same."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import missing
from flowapp.jsontext import canonical, loads
from flowapp.openflow.walk import walk
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, RunRow
from flowapp.workspace import guard
from flowapp.workspace.run_views import run_json, step_json, titles_of

#: What of a module is no part of what it computes.
_WORDS = ("id", "summary", "modules", "branches", "default")


class Comparing:
    """The use-case of comparing two runs. Both have to be readable; another's run looks like one that is not there."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def compare(self, identity: Identity, first: str, second: str) -> dict[str, Any]:
        """`{"a", "b", "same", "steps"}`.

        `a` and `b` are runs; `same` says of the whole runs whether `args`, `result` and `code` are equal. A step is
        `{"path", "step_id", "title", "a", "b", "same"}`, in the order in which they began; `a` or `b` is None where the step
        did not run, and `same` then has None for what cannot be compared.

        Raises:
            NotFound, NotAllowed: see `guard.run_row`.
        """
        runs = [await guard.run_row(self._store, identity, "run.read", run_id) for run_id in (first, second)]
        flows = [loads(await self._store.values.get_value(run.document)) for run in runs]
        jobs = [{job.path: job for job in await self._store.runs.steps(run.id)} for run in runs]
        steps = await asyncio.to_thread(_steps, flows, jobs)  # a loop may have thousands
        whole = {"args": runs[0].args == runs[1].args, "result": _result(runs[0]) == _result(runs[1])}
        same = {**whole, "code": canonical(flows[0]) == canonical(flows[1])}
        return {"a": run_json(runs[0]), "b": run_json(runs[1]), "same": same, "steps": steps}

    async def module(self, identity: Identity, run_id: str, step_id: str) -> dict[str, Any]:
        """The OpenFlow module of a step as it was when the run began, without what is nested in it.

        Raises:
            NotFound: there is no such run or step, or it must look so.
        """
        run = await guard.run_row(self._store, identity, "run.read", run_id)
        flow = loads(await self._store.values.get_value(run.document))
        found = next((place.module for place in walk(flow) if place.step_id == step_id), None)
        if found is None:
            raise missing("step")
        return _own(found)


def _steps(flows: Sequence[Mapping[str, Any]], jobs: Sequence[Mapping[str, JobRow]]) -> list[dict[str, Any]]:
    code = [_definitions(flow) for flow in flows]
    titles = titles_of(flows[0]) | titles_of(flows[1])
    return [_step(path, jobs[0].get(path), jobs[1].get(path), code, titles) for path in in_order(jobs[0], jobs[1])]


def _step(
    path: str,
    first: JobRow | None,
    second: JobRow | None,
    code: list[dict[str, str]],
    titles: Mapping[str, str],
) -> dict[str, Any]:
    one = first or second
    assert one is not None
    known = [definitions.get(one.step_id) for definitions in code]
    return {
        "path": path,
        "step_id": one.step_id,
        "title": titles.get(one.step_id, ""),
        "a": step_json(first, titles) if first else None,
        "b": step_json(second, titles) if second else None,
        "same": {
            "code": known[0] == known[1] if None not in known else None,
            "args": first.args == second.args if first and second else None,
            "result": _outcome(first) == _outcome(second) if first and second else None,
        },
    }


def _result(run: RunRow) -> tuple[str | None, bool]:
    return run.result, run.failed


def _outcome(job: JobRow) -> tuple[str | None, bool]:
    return job.result, job.status in ("failure", "canceled")


def in_order(first: Collection[str], second: Collection[str]) -> list[str]:
    """All paths: those of the second run, and after each one those that only the first run had there."""
    after: dict[str, list[str]] = {}
    before = ""  # no step's path: the beginning
    for path in first:
        if path in second:
            before = path
        else:
            after.setdefault(before, []).append(path)
    return [*after.get("", ()), *(path for known in second for path in (known, *after.get(known, ())))]


def _definitions(flow: Mapping[str, Any]) -> dict[str, str]:
    """Step id → what the step is, as text: its module without its name and without what is nested in it."""
    return {place.step_id: canonical(_own(place.module)) for place in walk(flow)}


def _own(module: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: item for key, item in module.items() if key not in _WORDS}
    value = module.get("value")
    if isinstance(value, Mapping):
        own["value"] = {key: item for key, item in value.items() if key not in _WORDS}
        branches = value.get("branches")
        if isinstance(branches, list):
            shown = [branch for branch in branches if isinstance(branch, Mapping)]
            own["value"]["branches"] = [
                {key: item for key, item in branch.items() if key != "modules"} for branch in shown
            ]
    return own
