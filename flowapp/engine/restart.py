"""Restarting a run from one of its steps: a new run that keeps what came before.

`restarted_from` of a run's row is JSON: `{flow_job_id, step_id, branch_or_iteration_n?, nested?}`. `flow_job_id` is the earlier
run. With `branch_or_iteration_n` a loop or branchall keeps its iterations (branches) before that one; `nested` is an object of
the same shape for a step inside of that iteration, of the branch that was taken, or of the flow that the step calls. Numbers are
those of the flow that is to run; where another branch ran under one than it has there, the restart is refused.

What is kept is copied when the new run begins: rows of finished steps, and the answers of people that let it go on then. A
wait that nobody approved is not kept: the new run asks again. So it does with other arguments or another document, because
what was approved was the run with the earlier ones.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.engine.errors import EngineError
from flowapp.engine.preprocess import STEP
from flowapp.engine.steps import inner_path
from flowapp.engine.values import CalledFlow, Module
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.openflow.walk import id_of, kind_of
from flowapp.store import approval_upkeep, states
from flowapp.store.runs import job_id, within
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, RunRow
from flowapp.store.wiping import DELETED

Flow = Callable[[str, int | None], Awaitable[CalledFlow]]
KEPT = frozenset({"success", "skipped", "reused"})


class RestartRefused(EngineError):
    """The run cannot be restarted there."""

    code = "engine.restart_refused"
    status = 400


@dataclass(frozen=True, slots=True)
class Restart:
    """Where a run begins again."""

    run_id: str
    step_id: str
    number: int | None = None
    nested: Restart | None = None


@dataclass(slots=True)
class Kept:
    """What the new run has from the beginning: finished steps, and containers that are in the middle of their work."""

    finished: list[JobRow] = field(default_factory=list)
    begun: list[JobRow] = field(default_factory=list)


def parse(text: JsonText) -> Restart:
    """What a row's (or request's) `restarted_from` says.

    Raises:
        RestartRefused: it has another shape.
    """
    return _parse(loads(text), "")


def _parse(value: Any, run_id: str) -> Restart:
    if not isinstance(value, Mapping) or not isinstance(value.get("step_id"), str) or not value["step_id"]:
        raise RestartRefused("A restart needs the id of a step (step_id).")
    number = value.get("branch_or_iteration_n")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
        raise RestartRefused(f"branch_or_iteration_n is not a number from 0 on: {number}")
    run_id = str(value.get("flow_job_id") or run_id)
    nested = value.get("nested")
    return Restart(run_id, value["step_id"], number, None if nested is None else _parse(nested, run_id))


async def kept(rows: Sequence[JobRow], document: Mapping[str, Any], restart: Restart, flow: Flow) -> Kept:
    """What of an earlier run's `rows` stays in a run of `document` that begins again at `restart`.

    `flow` gives the flows that steps call.

    Raises:
        RestartRefused: there is no such step, or one before it was not successful.
    """
    found = Kept()
    by_path = {row.path: row for row in rows}
    if STEP in by_path and by_path[STEP].status in KEPT:
        found.finished.append(by_path[STEP])
    await _list(by_path, document["value"]["modules"], "", restart, flow, found)
    return found


async def _list(
    rows: Mapping[str, JobRow], modules: Sequence[Module], prefix: str, restart: Restart, flow: Flow, found: Kept
) -> None:
    """A list of modules: everything before the step is kept."""
    if all(id_of(module) != restart.step_id for module in modules):
        raise RestartRefused(
            f"There is no step {restart.step_id} to begin at.", "Look at the ids of the flow that is to run."
        )
    for module in modules:
        path = prefix + id_of(module)
        row = rows.get(path)
        if id_of(module) == restart.step_id:
            await _inside(rows, module, path, restart, flow, found)
            return
        tolerated = row is not None and row.status == "failure" and module.get("continue_on_error") is True
        if row is None or row.ended_at is None or not (row.status in KEPT or tolerated):
            state = (
                "did not run" if row is None else "did not finish" if row.ended_at is None else f"ended in {row.status}"
            )
            message = f"The run cannot begin again at {restart.step_id}: step {path} before it {state}."
            raise RestartRefused(message, f"Begin at {id_of(module)}, or before.")
        if loads(row.meta or "{}").get(DELETED):
            message = f"The run cannot begin again at {restart.step_id}: the data of step {path} before it was deleted."
            raise RestartRefused(message, f"Begin at {id_of(module)}, or before.")
        found.finished += [other for name, other in rows.items() if within(name, path)]


async def _inside(
    rows: Mapping[str, JobRow], module: Module, path: str, restart: Restart, flow: Flow, found: Kept
) -> None:
    """The step to begin at: nothing of it is kept, unless the place is further inside."""
    number, nested, kind = restart.number, restart.nested, kind_of(module)
    if number is None and nested is None:
        return
    row = rows.get(path)
    if row is None:
        raise RestartRefused(f"Step {path} did not run, so nothing inside of it can be kept.")
    inner = inner_path(path, row.attempt)
    value = module["value"]
    modules: Sequence[Module]
    if kind in ("forloopflow", "whileloopflow", "branchall"):
        modules, number = _numbered(rows, module, path, inner, restart, found)
        prefix = f"{inner}[{number}]."
    elif kind == "branchone":
        modules, chosen = _taken(rows, module, path, inner, restart)
        prefix = f"{inner}[{chosen}]."
    elif kind == "flow":
        called = await flow(str(value.get("path") or ""), loads(row.meta or "{}").get("version"))
        modules, prefix = called.flow["value"]["modules"], f"{inner}/"
    else:
        raise RestartRefused(f"Step {path} holds no other steps.")
    found.begun.append(row)
    if nested is not None:
        await _list(rows, modules, prefix, nested, flow, found)


def _numbered(
    rows: Mapping[str, JobRow], module: Module, path: str, inner: str, restart: Restart, found: Kept
) -> tuple[Sequence[Module], int]:
    """Keep the iterations or branches before the one to begin in; the steps of that one, and its number."""
    number, kind, value = restart.number, kind_of(module), module["value"]
    if number is None:
        raise RestartRefused(f"Which iteration or branch of {path}? (branch_or_iteration_n)")
    if kind == "branchall" and number >= len(value["branches"]):
        raise RestartRefused(f"{path} has no branch {number}: it has {len(value['branches'])}, counted from 0.")
    known = {name: at for name in rows if (at := _number_in(inner, name)) is not None and at < number}
    whole = len(set(known.values()))
    if whole < number and not _empty(value, kind):
        raise RestartRefused(f"{path} has only {whole} iterations or branches to keep, not {number}.")
    if kind == "branchall":
        ran = _ran_in(rows, inner)
        for at, branch in enumerate(value["branches"][:number]):
            _require_same(path, str(at), branch.get("modules") or [], ran)
    found.finished += [rows[name] for name in known if rows[name].ended_at is not None]
    inside = value["branches"][number] if kind == "branchall" else value
    return inside.get("modules") or [], number


def _taken(
    rows: Mapping[str, JobRow], module: Module, path: str, inner: str, restart: Restart
) -> tuple[Sequence[Module], int | str]:
    """The steps of the branch that was taken, and its number or name."""
    value, chosen = module["value"], loads(rows[path].meta or "{}").get("branch")
    if chosen is None or restart.nested is None:
        raise RestartRefused(f"Name a step inside of the branch of {path} that was taken (nested).")
    if not isinstance(chosen, str) and chosen >= len(value["branches"]):
        raise RestartRefused(f"The flow that is to run has no branch {chosen} of {path} any more, which was taken.")
    modules = (value.get("default") if isinstance(chosen, str) else value["branches"][chosen].get("modules")) or []
    _require_same(path, str(chosen), modules, _ran_in(rows, inner))
    return modules, chosen


def _require_same(path: str, branch: str, modules: Sequence[Module], ran: Mapping[str, set[str]]) -> None:
    """What is kept of a branch is found by its number, and another version may have another branch under it.

    `ran` says where steps ran (`_ran_in`).

    Raises:
        RestartRefused: a step of the branch ran in another one only, or others ran in this one.
    """
    own = [ran[id_of(module)] for module in modules if id_of(module) in ran]
    others = bool(modules) and not own and any(branch in places for places in ran.values())
    if others or any(branch not in places for places in own):
        raise RestartRefused(
            f"In the flow that is to run, branch {branch} of {path} is not the one that ran there.",
            f"Begin at {path} as a whole, or run the version that the run had.",
        )


def _ran_in(rows: Iterable[str], inner: str) -> dict[str, set[str]]:
    """In which branches of the container whose steps begin with `inner` each step ran, by its id."""
    found: dict[str, set[str]] = {}
    for name in rows:
        if name.startswith(f"{inner}["):
            branch, _, step = name[len(inner) + 1 :].partition("].")
            found.setdefault(step, set()).add(branch)
    return found


def _number_in(inner: str, path: str) -> int | None:
    """The iteration or branch of the container whose steps begin with `inner` that a path is in; None where it is in none."""
    if not path.startswith(f"{inner}["):
        return None
    number, closed, _ = path[len(inner) + 1 :].partition("].")
    return int(number) if closed and number.isdecimal() else None


def _empty(value: Mapping[str, Any], kind: str) -> bool:
    return not value.get("modules") if kind != "branchall" else True


async def copy(store: Store, run: RunRow, owner: str, document: Mapping[str, Any], flow: Flow) -> list[JobRow]:
    """Give a run what it keeps of the earlier one. Doing it again does nothing more. Returns the new rows.

    Raises:
        RestartRefused: see `kept`; or the earlier run is gone.
    """
    restart = parse(JsonText(run.restarted_from or "null"))
    before = await store.runs.get(restart.run_id)
    if before is None or before.workspace != run.workspace:
        raise RestartRefused(f"The run {restart.run_id} that this one begins again is gone.")
    keep = await kept(await store.runs.steps(before.id), document, restart, flow)
    if not loads(run.trigger or "{}").get("event"):
        # this run's arguments are its own, not what a preprocessor makes of an event
        keep.finished = [row for row in keep.finished if row.path != STEP]
    rows = [_copied(row, run) for row in keep.finished]
    for row in keep.begun:
        again = _copied(row, run)
        again.status, again.result, again.ended_at, again.fingerprint = "running", None, None, None
        again.meta = dumps(
            {k: v for k, v in loads(again.meta or "{}").items() if k not in ("handled", "stop", "final")}
        )
        if before.args != run.args:
            again.args = None  # other arguments may give other items
        rows.append(again)
    paths = {row.path for row in keep.finished}

    def work(connection: Connection) -> None:
        # what the kept steps left for those after them; what later ones left goes along, since nobody noted whose it was
        states.copy(connection, before.id, run.id)
        for row in rows:
            store.runs.put_job(connection, row.model_dump(), owner)
        if (before.args, before.document) == (run.args, run.document):  # people approved that, and nothing else
            approval_upkeep.copy(connection, before.id, run.id, paths)

    await store.database.write(work)
    return rows


def _copied(row: JobRow, run: RunRow) -> JobRow:
    meta = {**loads(row.meta or "{}"), "kept_from": row.run_id}
    return JobRow(**{**row.model_dump(), "run_id": run.id, "id": job_id(run.id, row.path), "meta": dumps(meta)})
