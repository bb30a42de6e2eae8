"""A server process for the crash test: `python crash_server.py <home> <effects file> <run id | new>`.

Each step of its flow adds a line to the effects file when its work is done. Prints the run's id, then its end as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))
from flowapp.jsontext import loads
from flowapp.runtimes.jobs import Job
from tests.integration.engine.harness import FakeRuntimes, flow_of, server, step

STEPS = 40
ITERATIONS = 20


def flow() -> dict[str, Any]:
    """40 steps one after the other, then a parallel loop of 20: 60 leaves."""
    steps = [step(f"s{n}", "work", {"x": f"results.s{n - 1}.x + 1" if n else "flow_input.x + 1"}) for n in range(STEPS)]
    body = step("b", "work", {"x": "flow_input.iter.value + 1"})
    iterator = {"type": "javascript", "expr": f"Array.from({{length: {ITERATIONS}}}, (_, i) => i)"}
    loop = {"type": "forloopflow", "iterator": iterator, "parallel": True, "parallelism": 4, "modules": [body]}
    return flow_of(*steps, {"id": "l", "value": loop})


def say(line: str) -> None:
    """A line for the test that reads along."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(home: Path, effects: Path, run_id: str) -> None:
    """Run the flow, or wait for the end of a run that an earlier process began."""

    async def work(job: Job, log: Any) -> Any:
        log(f"{job.env['WM_FLOW_STEP_ID']} in {os.getpid()}\n")
        await asyncio.sleep(0.02)
        with effects.open("a") as file:
            file.write(f"{job.id}\n")
        return loads(job.args)

    async with server(home, FakeRuntimes({"work": work})) as made:
        if run_id == "new":
            run_id = (await made.create(flow(), {"x": 0})).id
            await made.engine.start_run(run_id)
        say(run_id)
        row, result = await made.ended(run_id)
        steps = {s.path: [s.status, s.id] for s in await made.store.runs.steps(run_id)}
        say(json.dumps({"status": row.status, "result": result, "steps": steps}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
