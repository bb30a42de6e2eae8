"""An engine on a database of its own, a leaf that costs nothing, and a way to time runs."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import statistics
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from flowapp.engine import Engine, EngineConfig
from flowapp.engine.cluster import DEFAULT_TAG, new_executor
from flowapp.engine.leaves import RunsJobs
from flowapp.engine.places import ManyPlaces, OnePlace, Places
from flowapp.expressions import Evaluator
from flowapp.jsontext import dumps, loads
from flowapp.runtimes.jobs import Job, Outcome
from flowapp.store.runs import NewRun
from flowapp.store.secret_box import SecretBox
from flowapp.store.stores import Store

CODE = "def main(x):\n    return {'v': x + 1}\n"


class NullRuntimes:
    """A leaf that costs nothing: it adds one in this process."""

    async def run(self, job: Job, on_log: Callable[[str], None], /) -> Outcome:
        on_log("working\n")
        return Outcome(dumps({"v": loads(job.args)["x"] + 1}), None, 0.0, "none")

    async def cancel(self, job_id: str, /) -> bool:
        return False

    def shared_folder(self, name: str, /) -> Path:
        return Path(name)

    def drop_shared_folder(self, name: str, /) -> None:
        """There is none."""


def sequence(count: int) -> dict[str, Any]:
    """`count` steps, each reading the one before through a real expression (no plain path)."""

    def step(number: int) -> dict[str, Any]:
        expr = f"results.s{number - 1}.v + 0" if number else "flow_input.x + 0"
        value = {"type": "rawscript", "language": "python3", "content": CODE}
        return {"id": f"s{number}", "value": {**value, "input_transforms": {"x": {"type": "javascript", "expr": expr}}}}

    return {"summary": "", "value": {"modules": [step(number) for number in range(count)]}}


def loop(count: int, body: list[dict[str, Any]], *, parallel: bool) -> dict[str, Any]:
    """A loop of `count` iterations."""
    iterator = {"type": "javascript", "expr": f"Array.from({{length: {count}}}, (_, i) => i)"}
    value = {"type": "forloopflow", "iterator": iterator, "parallel": parallel, "modules": body}
    return {"summary": "", "value": {"modules": [{"id": "l", "value": value}]}}


def identities(count: int) -> dict[str, Any]:
    """A sequential loop whose iterations do nothing; each of them has a row all the same."""
    return loop(count, [{"id": "i", "value": {"type": "identity"}}], parallel=False)


def pairs(count: int) -> dict[str, Any]:
    """A parallel loop with two scripts in each iteration."""

    def step(name: str, expr: str) -> dict[str, Any]:
        value = {"type": "rawscript", "language": "python3", "content": CODE}
        return {"id": name, "value": {**value, "input_transforms": {"x": {"type": "javascript", "expr": expr}}}}

    return loop(count, [step("a", "flow_input.iter.value + 0"), step("b", "results.a.v + 0")], parallel=True)


class Bench:
    """An engine and a way to time runs of it."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self.store, self.engine = store, engine

    async def time(self, document: dict[str, Any], expected: Any = None) -> float:
        """Milliseconds from the start request to the end of a run, whose result must be `expected` where that is given."""
        values = self.store.values
        text, args = await values.put_value(dumps(document)), await values.put_value(dumps({"x": 0}))
        new = NewRun("main", "flow", text, args, "admin", permissioned_as="u/admin")
        run = await self.store.runs.create(new)
        started = time.perf_counter()
        await self.engine.start_run(run.id)
        row = await self.engine.finished(run.id)
        milliseconds = (time.perf_counter() - started) * 1000
        assert row.status == "success", row.status
        assert row.result is not None
        if expected is not None:
            assert loads(await values.get_value(row.result)) == expected
        return milliseconds

    async def run(self, count: int) -> float:
        """Milliseconds of `count` steps."""
        return await self.time(sequence(count), {"v": count})

    async def several(self, count: int, times: int) -> list[float]:
        """Runs one after the other, the first thrown away."""
        await self.run(count)
        return [await self.run(count) for _ in range(times)]

    async def at_once(self, flows: int, count: int) -> float:
        """Milliseconds until `flows` runs of `count` steps, started together, are done."""
        started = time.perf_counter()
        await asyncio.gather(*[self.run(count) for _ in range(flows)])
        return (time.perf_counter() - started) * 1000


@contextlib.asynccontextmanager
async def opened(home: Path, url: str, evaluator: Evaluator, runtimes: RunsJobs) -> AsyncIterator[Bench]:
    """An engine over SQLite (no `url`) or PostgreSQL, put together as a server does it."""
    store = await Store.open(url, home)
    engine = Engine(store, evaluator, runtimes, EngineConfig(), _places(store, url))
    await engine.start()
    gc.collect()
    gc.freeze()  # as `flowapp serve` does once it is ready
    try:
        yield Bench(store, engine)
    finally:
        await engine.close()
        await store.close()


def _places(store: Store, url: str) -> Places:
    if not url:
        return OnePlace(store.home)
    return ManyPlaces(store, url, SecretBox(store.home, ""), new_executor("serve", (DEFAULT_TAG,)))


def say(what: str, found: list[float], steps: int = 1, **more: Any) -> None:
    """One line of output."""
    median = statistics.median(found)
    line = {"what": what, "ms": median, "min": min(found), "max": max(found)}
    line |= {"ms_per_step": median / steps} if steps > 1 else {}
    line |= more
    print(json.dumps({key: round(v, 3) if isinstance(v, float) else v for key, v in line.items()}), flush=True)
