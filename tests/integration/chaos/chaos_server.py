"""A process of the chaos test: `python chaos_server.py <home> <database url> <folder> <kind> <tags,…>`.

It stores and begins the runs that `<folder>/plan.json` names (those that nobody has stored yet), answers what waits for
people, and adds a line to `<folder>/effects` when a script begins and ends. Every process does all of that, and is killed at
any moment. Where the environment names a file in CHAOS_DIES_DECIDING, the first process that has decided a wait makes the file
and kills itself: the decision is in the database, and nobody has been told.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError

sys.path.insert(0, str(Path(__file__).parents[3]))
from flowapp.engine.cluster import new_executor
from flowapp.errors import FlowappError
from flowapp.jsontext import dumps, loads
from flowapp.runtimes.jobs import Job
from flowapp.settings import Settings
from flowapp.store import flows
from flowapp.store.approval_shapes import Answer
from flowapp.store.clock import now, text_of
from flowapp.store.errors import StoreError
from flowapp.store.runs import NewRun
from flowapp.store.tables import FlowVersionRow
from flowapp.workspace.app import Workspace
from tests.integration.engine.harness import Server, flow_of, server, step
from tests.integration.schedules.scheduling import ADMIN, Described

LOOK_S = 0.05
SCHEDULED = "f/chaos/ticks"


class Tending:
    """Does what the plan wants."""

    def __init__(self, made: Server, folder: Path) -> None:
        self.made, self.folder = made, folder
        self.started: set[str] = set()
        self.answered: set[str] = set()

    async def forever(self) -> None:
        """Look at the plan again and again."""
        while True:
            for wanted in json.loads((self.folder / "plan.json").read_text()):
                with suppress(IntegrityError, StoreError):  # another process stored the run, or answered
                    if wanted["id"] not in self.started:
                        await self.start(wanted)
                    if wanted["asks"] and wanted["id"] not in self.answered:
                        await self.answer(wanted["id"])
            await asyncio.sleep(LOOK_S)

    async def start(self, wanted: dict[str, Any]) -> None:
        """Store a run and begin it, or let the timer do that where it is to begin later."""
        self.started.add(wanted["id"])
        store = self.made.store
        if await store.runs.get(wanted["id"]) is not None:
            return
        document, args = await store.values.put_value(dumps(wanted["flow"])), await store.values.put_value(dumps({}))
        later = wanted.get("later_s")
        at = None if later is None else text_of(datetime.now(UTC) + timedelta(seconds=later))
        new = NewRun("main", "flow", document, args, "admin", path="f/x/y", permissioned_as="u/admin", wake_at=at)
        await store.runs.create(new, wanted["id"])
        if at is None:
            await self.made.engine.start_run(wanted["id"])

    async def answer(self, run_id: str) -> None:
        """Approve what waits."""
        approvals, database = self.made.store.approvals, self.made.store.database
        for row in await database.read(lambda c: approvals.of_run(c, run_id)):
            self.answered.add(run_id)
            if row.status == "open":
                answer = Answer(
                    job_id=row.job_id,
                    resume_id=1,
                    workspace="main",
                    approved=True,
                    run_id=run_id,
                    payload=dumps({"n": 4}),
                )
                await database.write(lambda c, answer=answer: approvals.decide(c, answer))  # type: ignore[misc]
                die_deciding()
                await self.made.engine.wake(run_id)


async def keep_schedule(made: Server, home: Path) -> None:
    """Have the timer fire schedules; there is one, of every two seconds, once the first server has made it."""
    assert isinstance(made.runtimes, Described)
    workspace = Workspace(
        made.store, made.engine, made.evaluator, made.runtimes, Settings(home=home, secret_key="tests")
    )
    await workspace.start()
    for duty in workspace.duties:
        made.engine.timer.add(duty)
    workspace.schedules.soon = made.engine.timer.soon
    if home.name == "home0":
        document = dumps(flow_of(step("a", "work", {"x": "20"}), step("b", "work", {"x": "results.a + 1"})))
        row = FlowVersionRow(
            workspace="main", path=SCHEDULED, version=0, document=document, created_by="admin", created_at=now()
        )
        with suppress(FlowappError, IntegrityError):  # it is there
            await made.store.database.write(lambda c: flows.add(c, row))
            given = {"schedule": "*/2 * * * * *", "timezone": "UTC", "is_flow": True, "script_path": SCHEDULED}
            await workspace.schedules.create(ADMIN, {"path": SCHEDULED, **given})


def die_deciding() -> None:
    """The kill between a decision's commit and the next segment."""
    name = os.environ.get("CHAOS_DIES_DECIDING")
    if name is not None:
        with suppress(FileExistsError):
            os.close(os.open(name, os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)


async def main(home: Path, url: str, folder: Path, kind: str, tags: str) -> None:
    """Serve until killed."""

    def note(*words: object) -> None:
        with (folder / "effects").open("a") as file:
            file.write(" ".join(map(str, words)) + "\n")

    async def work(job: Job, log: Any) -> Any:
        args = loads(job.args)
        note("begun", job.id)
        log(f"in {os.getpid()}\n")
        await asyncio.sleep(args.get("seconds", 0.02))
        note("done", job.id)
        return args.get("x")

    me = new_executor(kind, tuple(tags.split(",")))
    async with server(home, Described({"work": work}), url, me) as made:
        if kind == "server":
            await keep_schedule(made, home)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await Tending(made, folder).forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4], sys.argv[5]))
