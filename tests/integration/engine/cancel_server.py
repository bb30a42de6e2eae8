"""A server that dies while it cancels a run: `python cancel_server.py <home> <database url> <moment>`.

The run has a child under way, a grandchild under way, a child that sleeps and one that has not begun; none would ever end by itself.
Prints their ids. `moment`: it dies when the wish is `noted`, or when the run is `over` and others may not be.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
from flowapp.store.runs import job_id
from flowapp.store.tables import RunRow
from tests.integration.engine.harness import FakeRuntimes, Server, flow_of, server, step
from tests.integration.engine.made_server import Watching

HANG = flow_of(step("a", "hang"))
ASLEEP = flow_of(step("s", "give", sleep={"type": "static", "value": 600}))


async def hang(job: object, log: object) -> None:
    await asyncio.Event().wait()


def runtimes() -> FakeRuntimes:
    """Scripts that never end, and scripts that do."""
    return FakeRuntimes({"hang": hang, "give": lambda job, log: 1})


async def family(made: Server) -> dict[str, str]:
    """The ids of a run and of all that its jobs have started, each as far as it gets."""
    parent = await made.create(HANG)
    child = await made.create(HANG, parent_run=job_id(parent.id, "a"))
    below = await made.create(HANG, parent_run=job_id(child.id, "a"))
    asleep = await made.create(ASLEEP, parent_run=parent.id)
    for run in (parent, child, below, asleep):
        await made.engine.start_run(run.id)
    for run in (parent, child, below):
        while not await made.store.runs.steps(run.id):
            await asyncio.sleep(0.01)
    while (found := await made.store.runs.get(asleep.id)) is None or found.status != "suspended":
        await asyncio.sleep(0.01)
    queued = await made.create(HANG, parent_run=job_id(below.id, "a"))
    return {"parent": parent.id, "child": child.id, "below": below.id, "asleep": asleep.id, "queued": queued.id}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def died(run_id: str) -> None:
    die()


async def main(home: Path, url: str, moment: str) -> None:
    """Cancel the run, and die on the way."""

    class Dying(Watching):
        def saves(self, run: RunRow) -> bool:
            return False

        def run_changed(self, run: RunRow) -> None:
            if moment == "over" and run.id == ids.get("parent") and run.status == "canceled":
                die()

    ids: dict[str, str] = {}
    async with server(home, runtimes(), url, observer=Dying()) as made:
        async with asyncio.timeout(20):
            ids |= await family(made)
        sys.stdout.write(f"{json.dumps(ids)}\n")
        sys.stdout.flush()
        if moment == "noted":
            made.engine._canceled = died  # type: ignore[method-assign]  # the first that is done about the wish
        await made.engine.cancel(ids["parent"], "ada", "enough")
        await asyncio.sleep(20)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
