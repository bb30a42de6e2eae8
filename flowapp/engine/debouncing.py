"""Debouncing: of several jobs with one key in a short time only the last one goes. Here: the rule, and a step's wait for its turn.

A step that another one goes for ends as skipped, and with it what comes after it up to the end of its iteration, its branch
beside others, its called flow or its run: the one that goes does that work too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flowapp.engine import inputs, stops
from flowapp.engine.inputs import Evaluated
from flowapp.engine.scripts import key_of
from flowapp.engine.values import Debounce, Done, Replaced
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store.runs import job_id

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.steps import Try

WITH_INPUTS = frozenset({"rawscript", "script", "flow"})
_KEY = "debounce_key"
"""In a step's meta: the key under which it waits. It must not become another one when its inputs are evaluated again."""


def rule_of(settings: Mapping[str, Any]) -> Debounce | None:
    """The rule that a flow (or the `debouncing` of a module) sets, still without its key; None when it sets no delay."""
    delay = settings.get("debounce_delay_s")
    if not isinstance(delay, (int, float)) or isinstance(delay, bool) or delay <= 0:
        return None
    most, longest = settings.get("max_total_debounces_amount"), settings.get("max_total_debouncing_time")
    return Debounce(
        key="",
        delay_s=float(delay),
        accumulate=tuple(str(name) for name in settings.get("debounce_args_to_accumulate") or ()),
        longest_s=float(longest) if longest else None,
        most=int(most) if most is not None else None,
    )


def result(instead: str) -> JsonText:
    """What a job gives for which the job `instead` goes."""
    return dumps({"debounced_by": instead})


async def pass_in(interpreter: Interpreter, work: Try) -> Done | None:
    """Wait for a step's turn. None: it goes, with what others brought in `work.evaluated`; else its recorded end.

    Raises:
        Parked: it is not its turn yet, and nothing else of the run goes on.
        NotAvailable: this server has no limits to ask.
    """
    settings, turns = work.module.get("debouncing") or {}, interpreter.ports.turns
    rule = rule_of(settings)
    if rule is None or turns is None:
        return None
    given = await inputs.of_attempt(interpreter, work) if work.info.kind in WITH_INPUTS else Evaluated(dumps({}), None)
    if isinstance(given, Done):
        return None  # the attempt ends with this failure, and with all that belongs to one
    known = work.recorded.meta.get(_KEY) if work.recorded is not None else None
    key = str(known) if known is not None else _key_of(interpreter, work, settings, given.args)
    work.info, rule = work.info.noted(**{_KEY: key}), replace(rule, key=key)
    journal, shown = interpreter.ports.journal, given.kept or given.args
    if known is None:
        await journal.open(work.info, work.attempt, shown).save()
    job, brought = job_id(interpreter.run_id, work.info.path), _brought(rule, shown)
    turn = await turns.ask(job, rule, brought)
    while turn.due is not None:
        await interpreter.ports.waiting.until(turn.due)
        turn = await turns.ask(job, rule, brought)
    if turn.instead is not None:
        value, stop = result(turn.instead), Replaced(skipped=True)
        await journal.open(work.info, work.attempt, shown).close("skipped", value, notes={"stop": stops.noted(stop)})
        return Done(value, stop=stop, skipped=True)
    if turn.args is not None:
        work.evaluated = _with(given, turn.args)
    return None


def _key_of(interpreter: Interpreter, work: Try, settings: Mapping[str, Any], args: JsonText) -> str:
    """Without a key of its own: every run that comes to this step, whatever its arguments. Keys of runs are others."""
    frame, own = interpreter.frame, settings.get("debounce_key")
    return f"step {key_of(str(own), args)}" if own else f"step of {frame.path or frame.job_id}: {work.info.step_id}"


def _brought(rule: Debounce, args: JsonText) -> JsonText | None:
    """The arguments to collect, as they may be stored: without what variables and resources gave."""
    if not rule.accumulate:
        return None
    given = loads(args)
    return dumps({name: given[name] for name in rule.accumulate if name in given})


def _with(given: Evaluated, collected: JsonText) -> Evaluated:
    """The arguments with what others brought before the step's own, which may hold what is not stored."""
    found = loads(collected)
    kept = {**loads(given.kept or given.args), **found}
    if given.kept is None:
        return replace(given, args=dumps(kept))
    own, hidden = loads(given.args), loads(given.kept)
    for name, items in found.items():
        mine = own.get(name)
        if isinstance(mine, list) and isinstance(items, list):
            others = items[: len(items) - len(mine)] if hidden.get(name) != mine else None
            own[name] = items if others is None else [*others, *mine]
    return replace(given, args=dumps(own), kept=dumps(kept))
