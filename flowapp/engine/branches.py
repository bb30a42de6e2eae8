"""Branches: the first whose predicate is true, or all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flowapp.engine import timeouts
from flowapp.engine.errors import error_value
from flowapp.engine.loops import settled, side_by_side
from flowapp.engine.scope import Scope, array_text
from flowapp.engine.values import Attempt, Done, Module, Recorded
from flowapp.expressions import Expression, ExpressionFailed
from flowapp.jsontext import JsonText
from flowapp.openflow.walk import id_of, kind_of

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.steps import Try

DEFAULT = "default"


async def branch_one(interpreter: Interpreter, work: Try) -> Attempt:
    """`branchone`: the first branch whose predicate is true, else the default; an empty one passes the previous result on."""
    value, info, scope, known = work.module["value"], work.info, work.scope, work.known
    chosen: int | str | Done
    if known is not None and "branch" in known.meta:
        chosen = known.meta["branch"]
    else:
        chosen = await _choose(interpreter, value.get("branches") or [], scope, info.step_id)
    if isinstance(chosen, Done):
        return chosen, interpreter.ports.journal.open(info, work.attempt, None), None
    step = interpreter.ports.journal.open(info.noted(branch=chosen), work.attempt, None)
    await step.save()
    branch = value.get(DEFAULT) if isinstance(chosen, str) else value["branches"][chosen].get("modules")
    if not branch:
        return Done(scope.previous), step, None
    inside = scope.child()
    done = await timeouts.step(
        interpreter, work, lambda: interpreter.sequence(branch, inside, f"{work.inner}[{chosen}].")
    )
    scope.expose(inside)
    # what is no result of a step inside is a result of this one, and a step skipped inside does not make this one skipped
    return replace(done, final=False, skipped=False) if done.final or done.skipped else done, step, None


async def branch_all(interpreter: Interpreter, work: Try) -> Attempt:
    """`branchall`: every branch; the result is an array by branch."""
    value, scope = work.module["value"], work.scope
    branches: list[dict[str, Any]] = list(value.get("branches") or [])
    parallel = value.get("parallel") is not False
    info = work.info.noted(branches=len(branches), parallel=parallel)
    step = interpreter.ports.journal.open(info, work.attempt, None)
    await step.save()
    scopes = [scope.child() for _ in branches]

    async def branch(index: int) -> Done:
        modules = branches[index].get("modules") or []
        done = await interpreter.sequence(modules, scopes[index], f"{work.inner}[{index}].")
        if done.failed and branches[index].get("skip_failure"):
            return Done(done.value)
        return done

    async def all_of_them() -> Done:
        if not parallel:
            return await _one_by_one(len(branches), branch)
        width = interpreter.rules.most_parallel
        return settled(await side_by_side(interpreter, len(branches), width, branch), skip=False)

    done = await timeouts.step(interpreter, work, all_of_them)
    for inside in scopes:
        scope.expose(inside)
    return done, step, None


async def recall(interpreter: Interpreter, module: Module, recorded: Recorded, scope: Scope, inner: str) -> None:
    """Make the results inside a finished branch module readable again after a restart."""
    value = module["value"]
    lists: dict[int | str, Any] = {i: b.get("modules") for i, b in enumerate(value.get("branches") or [])}
    if "branch" in recorded.meta:
        chosen = recorded.meta["branch"]
        lists = {chosen: value.get(DEFAULT) if chosen == DEFAULT else lists.get(chosen)}
    for name, modules in lists.items():
        for inside in modules or []:
            path = f"{inner}[{name}].{id_of(inside)}"
            found = await interpreter.ports.journal.recall(path)
            if found is None or not found.finished:
                continue
            scope.results.maps[0].setdefault(id_of(inside), found.value)
            if kind_of(inside) in ("branchone", "branchall"):
                deeper = path if found.attempt == 1 else f"{path}~{found.attempt}"
                await recall(interpreter, inside, found, scope, deeper)


async def _one_by_one(count: int, branch: Any) -> Done:
    values: list[JsonText] = []
    for index in range(count):
        done: Done = await branch(index)
        values.append(done.value)
        if done.failed:
            return Done(array_text(values), failed=True, handled=done.handled)
        if done.stop is not None:
            return Done(array_text(values), stop=done.stop)
    return Done(array_text(values))


async def _choose(
    interpreter: Interpreter, branches: list[dict[str, Any]], scope: Scope, step_id: str
) -> int | str | Done:
    """All predicates in one round trip; the first true one counts, and a failing one only if none before it is true."""
    predicates = [Expression(str(branch.get("expr") or ""), predicate=True) for branch in branches]
    answers = await interpreter.values(scope, predicates) if predicates else []
    for position, answer in enumerate(answers):
        if isinstance(answer, ExpressionFailed):
            message = f"The condition of branch {position + 1} of {step_id}: {answer.message}"
            return Done(error_value(answer.name, message, step_id=step_id, line=answer.line), failed=True)
        if answer == "true":
            return position
    return DEFAULT
