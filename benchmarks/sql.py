"""How long a trivial SQL step takes, per database: `python -m benchmarks.sql [jobs]`. One JSON line per figure.

first: the first job of a database on this server; warm: jobs with a pause; sustained: one job after the other; parallel: four at
a time. Times in milliseconds, from calling `run` to its answer; isolation, result and, where there is one, the way to the
database's server (of this machine) included, engine not.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.runtimes import say
from flowapp.jsontext import JsonText
from flowapp.runtimes import Job, Runtimes, RuntimeSettings
from tests.support.mysql import mysql_server
from tests.support.postgres import USER, postgres_server

CODE = {
    "sqlite": "-- :a (int)\nSELECT :a + 1 AS a",
    "duckdb": "-- $a (int)\nSELECT $a + 1 AS a",
    "postgresql": "-- $1 a (int)\nSELECT $1 + 1 AS a",
    "mysql": "-- :a (int)\nSELECT :a + 1 AS a",
}
#: in which DuckDB's next database is open
PAUSE_S = 0.4


async def once(runtimes: Runtimes, language: str, database: dict[str, Any]) -> float:
    args = {"a": 1, "database": database} if database else {"a": 1}
    begun = time.perf_counter()
    job = Job("b", language, CODE[language], JsonText(json.dumps(args)), owner="bench")
    outcome = await runtimes.run(job, lambda _text: None)
    assert outcome.error is None, outcome.error
    return (time.perf_counter() - begun) * 1000


async def measure(runtimes: Runtimes, language: str, database: dict[str, Any], jobs: int) -> None:
    say(language, "first", [await once(runtimes, language, database)])
    warm = []
    for _ in range(jobs):
        await asyncio.sleep(PAUSE_S)
        warm.append(await once(runtimes, language, database))
    say(language, "warm", warm)
    for at_once in (1, 4):
        begun = time.perf_counter()
        times: list[float] = []
        left = iter(range(jobs))

        async def worker(left: Any = left, times: list[float] = times) -> None:
            for _ in left:
                times.append(await once(runtimes, language, database))

        await asyncio.gather(*(worker() for _ in range(at_once)))
        wall_ms = (time.perf_counter() - begun) * 1000
        say(language, "sustained" if at_once == 1 else f"parallel {at_once}", times, wall_ms)


async def main(jobs: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="flowapp-bench-") as home,
        postgres_server() as postgres,
        mysql_server() as mysql,
    ):
        address = {"host": "127.0.0.1", "port": postgres.port, "user": USER, "password": postgres.password}
        databases: dict[str, dict[str, Any]] = {
            "postgresql": {**address, "dbname": "postgres"},
            "mysql": dict(mysql.resource),
        }
        runtimes = Runtimes(RuntimeSettings(home=Path(home)))
        await runtimes.start()
        await asyncio.sleep(1)
        for language in CODE:
            await measure(runtimes, language, databases.get(language, {}), jobs)
        await runtimes.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60))
