"""How long a trivial job takes, per language: `python -m benchmarks.runtimes [jobs] [seconds]`. One JSON line per figure.

First how long reading the signature of a script of a hundred lines takes after each change. Then jobs. cold: the first job of a pool without idle processes; warm: jobs with a pause in which the pool refills; sustained: one, two
and eight at a time without a pause for so many seconds (10), so that every refill is paid for, and Python also for a minute. Times in milliseconds, from
calling `run` to its answer; isolation, log and result included, engine and database not. Go: compiled before, and what is
compiled is kept. With packages: installed before; warm jobs find them loaded, and some of the sustained ones have to load them
themselves. The pools have the size that a server gives them (FLOWAPP_IDLE_RUNNERS).
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.signature_scripts import figures  # noqa: E402
from flowapp.jsontext import JsonText  # noqa: E402
from flowapp.runtimes import Job, Runtimes, RuntimeSettings  # noqa: E402

CODE = {
    "python3": "def main(a):\n    print('got', a)\n    return {'a': a}\n",
    "deno": "export function main(a: number) { console.log('got', a); return { a }; }\n",
    "bash": 'a="$1"\necho "got $a"\n',
    "bun": "export function main(a: number) { console.log('got', a); return { a }; }\n",
    "go": """package inner

import "fmt"

func main(a int) map[string]int {
	fmt.Println("got", a)
	return map[string]int{"a": a}
}
""",
}
#: of which fewer jobs are run warm, because their processes take longer to come
SLOW = ("deno", "bun")
#: what is compiled before it is measured, and not measured cold: a first run would measure the compiler
BUILT = ("go",)
#: what is measured warm and sustained, but not cold: a first run would measure the registry
PACKAGES = {
    "python3+requests": "import requests\ndef main(a):\n    return {'a': a, 'v': requests.__version__}\n",
    "deno+zod": "import { z } from 'zod@3.23.8';\nexport const main = (a: number) => ({ a: z.number().parse(a) });\n",
    "deno+windmill-client": "import * as w from 'windmill-client@1.339.1';\nexport const main = (a: number) => typeof w.getVariable;\n",
}
AT_ONCE = (1, 2, 8)
#: what is also run for a minute, eight at a time
LONG, LONG_S = "python3", 60.0
#: seconds in which a pool is full again
PAUSE = {
    "python3": 0.02,
    "bash": 0.02,
    "deno": 0.15,
    "bun": 0.15,
    "go": 0.02,
    "python3+requests": 0.6,
    "deno+zod": 0.5,
    "deno+windmill-client": 0.8,
}


async def once(runtimes: Runtimes, language: str) -> float:
    begun = time.perf_counter()
    code = CODE.get(language) or PACKAGES[language]
    job = Job("b", language.partition("+")[0], code, JsonText('{"a":1}'))
    outcome = await runtimes.run(job, lambda _text: None)
    assert outcome.error is None, outcome.error
    return (time.perf_counter() - begun) * 1000


def say(language: str, what: str, times: list[float], wall_ms: float | None = None) -> None:
    ordered = sorted(times)
    line = {
        "language": language,
        "what": what,
        "jobs": len(times),
        "median_ms": round(statistics.median(times), 2),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)], 2),
        "min_ms": round(ordered[0], 2),
    }
    if wall_ms is not None:
        line["ms_per_job"] = round(wall_ms / len(times), 2)
        line["jobs_per_s"] = round(1000 * len(times) / wall_ms)
    print(json.dumps(line), flush=True)


async def cold(language: str) -> None:
    times = []
    for _ in range(5):
        with tempfile.TemporaryDirectory(prefix="flowapp-bench-") as home:
            runtimes = Runtimes(RuntimeSettings(home=Path(home), idle=0, idle_deno=0, idle_bun=0))
            await runtimes.start()
            times.append(await once(runtimes, language))
            await runtimes.close()
    say(language, "cold", times)


async def warm(runtimes: Runtimes, language: str, jobs: int) -> None:
    times = []
    for _ in range(jobs):
        await asyncio.sleep(PAUSE[language])
        times.append(await once(runtimes, language))
    say(language, "warm", times)


async def sustained(runtimes: Runtimes, language: str, seconds: float, at_once: int) -> None:
    begun = time.perf_counter()
    times: list[float] = []

    async def worker() -> None:
        while time.perf_counter() - begun < seconds:
            times.append(await once(runtimes, language))

    await asyncio.gather(*(worker() for _ in range(at_once)))
    say(language, f"sustained, {at_once} at a time, {seconds:g} s", times, (time.perf_counter() - begun) * 1000)


def idle_memory() -> float:
    """Megabytes of all processes below this one, shared pages by their share (PSS). The holders of process namespaces are one
    address space, and count once.
    """
    sizes: dict[object, int] = {}
    waiting = [os.getpid()]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            for pid in map(int, task.read_text().split()):
                waiting.append(pid)
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                rows = dict(row.split(":", 1) for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
                sizes[name if name == "flowapp-spaces" else pid] = int(rows["Pss"].split()[0])
    return sum(sizes.values()) / 1024


async def main(jobs: int, seconds: float) -> None:
    for figure in figures():
        print(json.dumps(figure), flush=True)
    with tempfile.TemporaryDirectory(prefix="flowapp-bench-") as home:
        runtimes = Runtimes(RuntimeSettings(home=Path(home), idle=6))
        begun = time.perf_counter()
        await runtimes.start()
        started = (time.perf_counter() - begun) * 1000
        print(json.dumps({"what": "start", "ms": round(started), "isolation": runtimes.isolation.level}), flush=True)
        await asyncio.sleep(5)
        print(json.dumps({"what": "idle memory of all pools", "mb": round(idle_memory())}), flush=True)
        for language in CODE:
            count = jobs if language not in SLOW else max(jobs // 8, 10)
            if language in BUILT:
                await once(runtimes, language)
            await warm(runtimes, language, count)
            for at_once in AT_ONCE:
                await sustained(runtimes, language, seconds, at_once)
            if language == LONG:
                await sustained(runtimes, language, LONG_S, AT_ONCE[-1])
            await asyncio.sleep(0.5)
        for language in PACKAGES:
            for _ in range(4):  # installs them, then makes them hot
                await once(runtimes, language)
                await asyncio.sleep(1)
            count = max(jobs // 10, 10)
            await warm(runtimes, language, count)
            for at_once in AT_ONCE:
                await sustained(runtimes, language, seconds, at_once)
        await runtimes.close()
    for language in CODE:
        if language not in BUILT:
            await cold(language)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, float(sys.argv[2]) if len(sys.argv) > 2 else 10.0))
