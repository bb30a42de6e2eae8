"""What the engine costs: `python -m benchmarks.engine [quick]`. One JSON object per line; times in milliseconds.

`deployed`: runs of trivial Python steps with everything real (database, DBOS, expression processes, isolated runtimes).
`engine share`: the same with a leaf that answers at once, so what is left is ours: one evaluated expression, the full step row,
its log and its events. Loops: `identity` iterations (each has its row) and 200 parallel ones of two scripts. `waits`: runs that
rest, and how soon the next step begins after an answer, on started servers. `peers`: DBOS by itself and Prefect, whose steps are
plain functions in their own process.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.engine import peers, waits
from benchmarks.engine.bench import NullRuntimes, identities, opened, pairs, say
from flowapp.engine.leaves import RunsJobs
from flowapp.expressions import Batch, Evaluator, Expression
from flowapp.jsontext import dumps
from flowapp.runtimes import Runtimes, RuntimeSettings
from tests.support.postgres import PostgresServer, postgres_server


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
        say(what, found)


async def sequences(home: Path, url: str, evaluator: Evaluator, runtimes: RunsJobs, what: str, quick: bool) -> None:
    """Steps one after the other, and eight flows at once."""
    async with opened(home, url, evaluator, runtimes) as bench:
        say(f"{what}: 1 step", await bench.several(1, 10), 1)
        say(f"{what}: 40 steps", await bench.several(40, 3 if quick else 9), 40)
        say(f"{what}: 8 flows x 40 steps at once", [await bench.at_once(8, 40) for _ in range(3)], 320)
        if not quick:
            say(f"{what}: 1000 steps", await bench.several(1000, 2), 1000)


async def loops(home: Path, url: str, evaluator: Evaluator, database: str, quick: bool) -> None:
    """Cost per iteration, which should not grow with their number."""
    async with opened(home, url, evaluator, NullRuntimes()) as bench:
        await bench.time(identities(10))
        for count in (100, 1000) if quick else (100, 1000, 10_000):
            times = [await bench.time(identities(count)) for _ in range(5 if count < 1000 else 2)]
            say(f"{database}: {count} iterations of identity", times, count)
        found = [await bench.time(pairs(200)) for _ in range(3)]
        say(f"{database}: 200 parallel iterations x 2 steps, engine share", found, 400)


async def inside(folder: Path, postgres: PostgresServer, quick: bool) -> None:
    """Everything that is measured in this process."""
    evaluator = Evaluator()
    await evaluator.start()
    await expressions(evaluator, quick)
    databases = {"sqlite": "", "postgresql": postgres.create("share")}
    for name, url in databases.items():
        home = folder / name
        await sequences(home / "null", url, evaluator, NullRuntimes(), f"{name}, engine share", quick)
        await loops(home / "loops", postgres.create("loops") if url else "", evaluator, name, quick)
        settings = RuntimeSettings(home=home / "real", min_isolation="none")
        settings.home.mkdir(parents=True)
        runtimes = Runtimes(settings)
        await runtimes.start()
        try:
            what = f"{name}, deployed ({runtimes.isolation.level})"
            await sequences(home / "real", postgres.create("real") if url else "", evaluator, runtimes, what, quick)
        finally:
            await runtimes.close()
    await evaluator.close()


def main(quick: bool) -> None:
    """Everything."""
    with tempfile.TemporaryDirectory() as folder, postgres_server() as postgres:
        asyncio.run(inside(Path(folder), postgres, quick))
        waits.main(Path(folder), postgres, quick)
        peers.main(Path(folder), quick)


if __name__ == "__main__":
    main("quick" in sys.argv)
