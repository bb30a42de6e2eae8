"""One process of a cluster: `python cluster_server.py <home> <database url> <effects file> <kind> <tags,…>`.

Reads commands as lines (`start <run>`, `cancel <run>`, `wake <run>`) and answers each with a line. The database may be "" for
a server of its own on SQLite. Scripts add lines `<step path> <job id> <pid>` to the effects file when their work is done.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))
from flowapp.engine import durable
from flowapp.engine.cluster import new_executor
from flowapp.jsontext import loads
from flowapp.runtimes.jobs import Job, Outcome
from tests.integration.engine.harness import FakeRuntimes, Server, server


class Effects(FakeRuntimes):
    """Scripts whose effects a test sees. `cancel` is one too."""

    def __init__(self, file: Path) -> None:
        leaves = {"work": self.work, "hold": self.hold, "rows": self.rows, "talk": self.talk}
        super().__init__({**leaves, "@workflow": self.workflow})
        self.file = file

    def note(self, *words: object) -> None:
        """Add a line, at once and whole."""
        with self.file.open("a") as file:
            file.write(" ".join(map(str, words)) + "\n")

    async def work(self, job: Job, log: Any) -> Any:
        """Takes `seconds`, returns `x`."""
        args = loads(job.args)
        log(f"working in {os.getpid()}\n")
        await asyncio.sleep(args.get("seconds", 0.01))
        self.note("done", job.id, os.getpid())
        return args.get("x")

    async def talk(self, job: Job, log: Any) -> Any:
        """Streams its result."""
        log(f"talks in {os.getpid()}\nWM_STREAM: one \nWM_STREAM: two\n")
        self.note("done", job.id, os.getpid())

    async def hold(self, job: Job, log: Any) -> Any:
        """Goes on until the file `release` beside the effects is there."""
        self.note("begun", job.id, os.getpid())
        log(f"holding in {os.getpid()}\n")
        while not self.file.with_name("release").exists():
            await asyncio.sleep(0.01)
        self.note("done", job.id, os.getpid())
        return loads(job.args).get("x")

    async def workflow(self, job: Job, log: Any) -> Any:
        """A workflow as code with two tasks: `here`, and `away` for the tag gpu, which holds."""
        checkpoint = loads(job.checkpoint or "{}")
        key, completed = checkpoint.get("_executing_key"), checkpoint["completed_steps"]
        if key == "away":
            await self.hold(job, log)
        if key is not None:
            self.note("done", job.id, os.getpid())
            return {"type": "complete", "result": os.getpid()}
        self.note("round", job.id, os.getpid())
        tags = {"here": None, "away": "gpu"}
        steps: list[dict[str, Any]] = [
            {"name": each, "script": each, "key": each, "args": {}, "dispatch_type": "inline", "tag": tag}
            for each, tag in tags.items()
            if each not in completed
        ]
        if steps:
            return {"type": "dispatch", "mode": "parallel", "steps": steps}
        return {"type": "complete", "result": completed}

    async def rows(self, job: Job, log: Any) -> Outcome:
        """A list of 1000 numbers, in parts."""
        assert job.large is not None
        writer = job.large()
        for piece in (b"[0", *(b",%d" % n for n in range(1, 1000)), b"]"):
            writer.write(piece)
        self.note("done", job.id, os.getpid())
        return Outcome(None, None, 1.0, "fake", stored=await writer.finish())

    async def cancel(self, job_id: str, /) -> bool:
        """Also an effect."""
        self.note("canceled", job_id, os.getpid())
        return True


async def obey(made: Server, line: str) -> None:
    """Carry out one command."""
    command, _, run_id = line.strip().partition(" ")
    if command == "start":
        await made.engine.start_run(run_id)
    elif command == "cancel":
        await made.engine.cancel(run_id, "admin", "enough")
    elif command == "wake":
        await made.engine.wake(run_id)


async def main(home: Path, url: str, effects: Path, kind: str, tags: str) -> None:
    """Serve until the input ends."""
    durable.POLL_S = float(os.environ.get("POLL_S", durable.POLL_S))
    me = new_executor(kind, tuple(tags.split(",")))
    loop = asyncio.get_running_loop()
    async with server(home, Effects(effects), url, me) as made:
        say(f"{me.id}")
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            await obey(made, line)
            say("done")


def say(line: str) -> None:
    """A line for the test that reads along."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4], sys.argv[5]))
