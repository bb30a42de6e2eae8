"""What a whole run passes before its first step, and gives back after its last: debouncing, concurrency, the flow's cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from flowapp.engine import caching, debouncing, timeouts
from flowapp.engine.bound import BoundCache, NotAvailable
from flowapp.engine.ports import Limits, Waiting
from flowapp.engine.scripts import key_of
from flowapp.engine.values import Debounce, Done, Limit
from flowapp.jsontext import JsonText, canonical, loads
from flowapp.notebook.fingerprint import fingerprint
from flowapp.store.clock import text_of
from flowapp.store.stores import Store
from flowapp.store.tables import ResultRow, RunRow

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter


_WENT = "went"
"""What `RunRow.limit_key` says of a debounced run whose turn it was."""


async def pass_in(
    store: Store, limits: Limits | None, waiting: Waiting, run: RunRow, flow: Mapping[str, Any]
) -> JsonText | Done:
    """Wait for the run's turn; the arguments to go with, or the end of a run for which another one goes.

    Raises:
        Parked: it is not its turn yet.
        NotAvailable: this server has no limits to ask.
    """
    value, args = flow["value"], await store.values.get_value(run.args)
    rule, limit = debounce_of(value, run, args), limit_of(value, _place(run), args)
    if rule is None and limit is None:
        return args
    if limits is None:
        raise NotAvailable("Concurrency limits and debouncing are not available here")
    if rule is not None and run.limit_key != _WENT:
        brought = args if rule.accumulate else None
        turn = await limits.debounce(run, run.id, rule, brought)
        while turn.due is not None:
            await waiting.until(turn.due)
            turn = await limits.debounce(run, run.id, rule, brought)
        if turn.instead is not None:
            return Done(debouncing.result(turn.instead), skipped=True)
        args = turn.args or args
        # asking again would begin another wait: that the run went, and with what, is kept with it
        prepared = await store.values.prepare(args)

        def went(connection: Connection) -> None:
            store.values.insert(connection, prepared)
            store.runs.went(connection, run.id, prepared.hash, _WENT)

        await store.database.write(went)
        run.args, run.limit_key = prepared.hash, _WENT
    if limit is not None:
        await take(limits, waiting, run, run.id, limit, run.priority)
    return args


async def take(limits: Limits, waiting: Waiting, run: RunRow, job_id: str, limit: Limit, priority: int) -> None:
    """Wait until a job may start under a limit; of those that wait, a higher priority goes first."""
    while (again := await limits.take(run, job_id, limit, priority)) is not None:
        await waiting.until(again)


async def pass_out(store: Store, limits: Limits | None, run: RunRow, flow: Mapping[str, Any]) -> None:
    """The run is over: another one may go."""
    if limits is None or run.plan or not flow["value"].get("concurrent_limit"):
        return
    limit = limit_of(flow["value"], _place(run), await store.values.get_value(run.args))
    if limit is not None:
        await limits.give_back(run, run.id, limit)


def limit_of(value: Mapping[str, Any], place: str, args: JsonText) -> Limit | None:
    """A flow's own concurrency limit; without a key it counts for the flow at `place`."""
    most = value.get("concurrent_limit")
    if not isinstance(most, int) or isinstance(most, bool) or most <= 0:
        return None
    key = str(value.get("concurrency_key") or place)
    return Limit(key_of(key, args), most, float(value.get("concurrency_time_window_s") or 0.0))


def held(run: RunRow, flow: Mapping[str, Any], args: JsonText) -> frozenset[str]:
    """The concurrency keys under which a whole run has a place while it goes on."""
    limit = None if run.plan else limit_of(flow["value"], _place(run), args)
    return frozenset() if limit is None else frozenset({limit.key})


def debounce_of(value: Mapping[str, Any], run: RunRow, args: JsonText) -> Debounce | None:
    """A flow's own debouncing. Without a key, runs with the same arguments are the same."""
    rule = debouncing.rule_of(value)
    if rule is None:
        return None
    key = value.get("debounce_key")
    if key:
        return replace(rule, key=key_of(str(key), args))
    given = loads(args)
    if isinstance(given, dict):
        given = {name: item for name, item in given.items() if name not in rule.accumulate}
    told = fingerprint("debounce", _place(run), None, canonical(given))
    return replace(rule, key=f"{_place(run)}:{told}")


async def cached(
    store: Store,
    run: RunRow,
    flow: Mapping[str, Any],
    args: JsonText,
    cache: BoundCache,
    interpreter: Interpreter,
    *,
    begun: bool,
) -> Done:
    """Run the flow, or take what an equal one gave not longer than `cache_ttl` seconds ago. Only successes count.

    A synchronous caller gets what `early_return` gave then. A run of which a step has `begun` goes on; one that only waited
    for its turn looks. One that begins again at a step is there to run that step; and what it keeps may come from other
    arguments.
    """
    ttl = flow["value"].get("cache_ttl")
    if not ttl or run.restarted_from:
        return await timeouts.flow(interpreter, args)
    key = await caching.of_run(interpreter, run.document, args)
    if key is None:
        return await timeouts.flow(interpreter, args)
    if not begun:
        found, early = await cache.find(key, float(ttl)), await cache.find(_early(key), float(ttl))
        if found is not None and early is not None:
            await interpreter.ports.journal.early(early.value)
        if found is not None:
            return Done(found.value)
    done = await timeouts.flow(interpreter, args)
    if not done.failed and not done.skipped and done.stop is None:
        prepared = await store.values.prepare(done.value)
        moment = interpreter.ports.clock.now()
        took = _milliseconds(run.started_at, moment)
        kept = {key: prepared.hash} | ({_early(key): run.early_result} if run.early_result else {})
        rows = [
            ResultRow(
                workspace=run.workspace,
                rights=cache.rights,
                fingerprint=name,
                value=value,
                run_id=run.id,
                run_number=run.number,
                path="",
                duration_ms=took,
                at=text_of(moment),
            )
            for name, value in kept.items()
        ]

        def keep(connection: Connection) -> None:
            store.values.insert(connection, prepared)
            for row in rows:
                store.results.put(connection, row)

        await store.database.write(keep)
    return done


def _early(key: str) -> str:
    """Under which fingerprint the early answer of a cached flow is kept."""
    return fingerprint("early", key, None, JsonText(""))


def _place(run: RunRow) -> str:
    return run.path or f"draft:{run.draft_id or run.id}"


def _milliseconds(start: str | None, end: datetime) -> float:
    return 0.0 if start is None else round((end - datetime.fromisoformat(start)).total_seconds() * 1000, 3)
