"""What the engine costs. Prints one JSON object per line; times in milliseconds, medians with minimum and maximum.

    python benchmarks/engine.py [quick]

`deployed`: runs of trivial Python steps with everything real (SQLite, DBOS, expression processes, isolated runtimes).
`engine share`: the same with a leaf that answers at once, so what is left is ours: one evaluated expression, the full step row,
its log and its events.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
from flowapp.engine import Engine, EngineConfig
from flowapp.engine.leaves import RunsJobs
from flowapp.expressions import Batch, Evaluator, Expression
from flowapp.jsontext import dumps, loads
from flowapp.runtimes import Runtimes, RuntimeSettings
from flowapp.runtimes.jobs import Job, Outcome
from flowapp.store.runs import NewRun
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


class Bench:
    """An engine and a way to time runs of it."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self.store, self.engine = store, engine

    async def run(self, count: int) -> float:
        """Milliseconds from the start request to the end of a run of `count` steps."""
        values = self.store.values
        document, args = await values.put_value(dumps(sequence(count))), await values.put_value(dumps({"x": 0}))
        new = NewRun("main", "flow", document, args, "admin", permissioned_as="u/admin")
        run = await self.store.runs.create(new)
        started = time.perf_counter()
        await self.engine.start_run(run.id)
        row = await self.engine.finished(run.id)
        milliseconds = (time.perf_counter() - started) * 1000
        assert row.result is not None
        assert loads(await values.get_value(row.result)) == {"v": count}, row.status
        return milliseconds

    async def several(self, count: int, times: int) -> list[float]:
        """Runs one after the other, the first thrown away."""
        await self.run(count)
        return [await self.run(count) for _ in range(times)]

    async def at_once(self, flows: int, count: int) -> float:
        """Milliseconds until `flows` runs of `count` steps, started together, are done."""
        started = time.perf_counter()
        await asyncio.gather(*[self.run(count) for _ in range(flows)])
        return (time.perf_counter() - started) * 1000


def say(what: str, found: list[float], steps: int) -> None:
    """One line of output."""
    median = statistics.median(found)
    line = {"what": what, "ms": median, "min": min(found), "max": max(found), "ms_per_step": median / steps}
    print(json.dumps({key: round(v, 3) if isinstance(v, float) else v for key, v in line.items()}), flush=True)


async def expressions(evaluator: Evaluator, quick: bool) -> None:
    """One expression over 1 KB: through a process, and as a plain path."""
    value = dumps({"list": [{"n": number} for number in range(30)], "text": "x" * 500})
    for what, text in (("expression, 1 KB", "results.a.list[3].n + 1"), ("plain path, 1 KB", "results.a.list[3].n")):
        found = []
        for _ in range(100 if quick else 500):
            started = time.perf_counter()
            await evaluator.evaluate(Batch([Expression(text)], results={"a": value}))
            found.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.001)
        say(what, found, 1)


async def measure(home: Path, evaluator: Evaluator, runtimes: RunsJobs, what: str, quick: bool) -> None:
    """The runs, on a data folder of their own."""
    store = await Store.open("", home)
    engine = Engine(store, evaluator, runtimes, EngineConfig())
    await engine.start()
    bench = Bench(store, engine)
    try:
        say(f"{what}: 1 step", await bench.several(1, 10), 1)
        say(f"{what}: 40 steps", await bench.several(40, 3 if quick else 9), 40)
        say(f"{what}: 8 flows x 40 steps at once", [await bench.at_once(8, 40) for _ in range(3)], 320)
        if not quick:
            say(f"{what}: 1000 steps", await bench.several(1000, 2), 1000)
    finally:
        await engine.close()
        await store.close()


async def main(quick: bool) -> None:
    """Everything."""
    evaluator = Evaluator()
    await evaluator.start()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        await expressions(evaluator, quick)
        await measure(home / "null", evaluator, NullRuntimes(), "engine share", quick)
        runtimes = Runtimes(RuntimeSettings(home=home / "real", min_isolation="none"))
        (home / "real").mkdir()
        await runtimes.start()
        try:
            await measure(home / "real", evaluator, runtimes, f"deployed ({runtimes.isolation.level})", quick)
        finally:
            await runtimes.close()
    await evaluator.close()


if __name__ == "__main__":
    asyncio.run(main("quick" in sys.argv))
