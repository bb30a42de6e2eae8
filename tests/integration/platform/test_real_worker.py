"""The command `flowapp worker` as operators start it, beside a server on one real PostgreSQL, with jobs that use the PyPI client."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from flowapp.store import leaves
from flowapp.store.tables import LeafRow
from tests.live import Live, live
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).resolve().parents[3]
SECRET = "hush-hush-123"
NOWHERE = "postgresql://ada:hunter2@127.0.0.1:1/none"
KEY = "the same key on all machines, and long enough"
TAKEN_OVER_S = 45.0  #: 5 s until it counts as gone; the rest is for a machine that has other work
#: The argument of a program that a step starts, by which it is found among the descendants of the process that runs the step.
MARK = "86399.25"
#: Both steps: they say that they have begun, and go on when this attempt is let go.
CODE = f"""
import os
import subprocess
import time

import wmill

def main(x: int):
    job = os.environ["WM_JOB_ID"]
    begun = (wmill.get_state() or {{}}).get(job, 0) + 1
    wmill.set_state({{job: begun}})
    secret = wmill.get_variable("f/team/secret")
    print(f"attempt {{begun}} with {{secret}}", flush=True)
    mark = subprocess.Popen(["sleep", "{MARK}"])
    while os.environ["WM_FLOW_STEP_ID"] + str(begun) not in wmill.get_variable("f/team/go").split():
        time.sleep(0.05)
    mark.kill()
    wmill.set_variable("f/team/done", wmill.get_variable("f/team/done") + os.environ["WM_FLOW_STEP_ID"])
    total = x + int(wmill.get_variable("f/team/plain"))
    return {{"sum": total, "letters": len(secret), "begun": begun, "group": os.environ["WM_WORKER_GROUP"]}}
"""


def step(step_id: str, code: str, tag: str = "", **transforms: str) -> dict[str, Any]:
    given = {name: {"type": "javascript", "expr": expr} for name, expr in transforms.items()}
    value: dict[str, Any] = {
        "type": "rawscript", "language": "python3", "content": code, "input_transforms": given,
    }  # fmt: skip
    return {"id": step_id, "value": {**value, **({"tag": tag} if tag else {})}}


FLOW = [step("a", CODE, "gpu", x="flow_input.x"), step("b", CODE, x="results.a.sum")]


def environment(home: Path, **more: str) -> dict[str, str]:
    """What an operator sets; with kept bytecode, as scripts/run has it."""
    ours = ("FLOWAPP_", "DATABASE_URL", "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**inherited, "FLOWAPP_HOME": str(home), "FLOWAPP_IDLE_RUNNERS": "1", **more}


async def command(home: Path, *words: str, **more: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    program = str(ROOT / "scripts" / "flowapp")
    env = environment(home, **more)
    return await asyncio.create_subprocess_exec(program, *words, cwd=home.parent, env=env, stdout=pipe, stderr=pipe)


class Team:
    """A server in this process, and workers that are processes of their own."""

    def __init__(self, server: Live, folder: Path, url: str) -> None:
        self.server, self.folder, self.url = server, folder, url
        self.workers: list[asyncio.subprocess.Process] = []

    async def worker(self, number: int) -> None:
        """Start one with its own data folder, and wait until it takes work."""
        more = {"DATABASE_URL": self.url, "FLOWAPP_URL": self.server.url, "FLOWAPP_SECRET_KEY": KEY}
        tags = f"gpu,worker{number}"
        made = await command(self.folder / f"worker-{number}", "worker", "--tags", tags, **more)
        self.workers.append(made)
        assert made.stdout is not None
        said = (await asyncio.wait_for(made.stdout.readline(), 120)).decode()
        assert re.fullmatch(rf"Flowapp \S+: this worker takes gpu, worker{number}\.\n", said), said

    async def close(self) -> None:
        """End those that are left."""
        for process in self.workers:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def run(self) -> str:
        """Start the flow with nothing let go yet; the job's id."""
        await self.put("go", "-")
        await self.put("done", "-")
        return (await self.server.post("jobs/run/f/f/team/report", {"x": 2})).text

    async def put(self, name: str, value: str) -> None:
        """Change a variable; steps go on when their names are in `go`."""
        await self.server.post(f"variables/update/f/team/{name}", {"value": value}, status=200)

    async def at_work(self, but: int = 0) -> int:
        """The process that runs a step now, once one does; another one than `but`."""
        known = {os.getpid(), *(worker.pid for worker in self.workers)}
        async with asyncio.timeout(TAKEN_OVER_S):
            while not (found := holders(known) - {but}):
                await asyncio.sleep(0.05)
        assert len(found) == 1, "a step runs in two places, and neither is frozen"
        return found.pop()

    def of(self, pid: int) -> asyncio.subprocess.Process:
        """The worker with this process id."""
        return next(worker for worker in self.workers if worker.pid == pid)

    async def finish(self, job: str, begun: int) -> dict[str, Any]:
        """Let both steps go and hold their outcome against how often the tagged one began; the tagged one's job."""
        await self.put("go", f"a{begun}")
        await self.at_work_in_server()
        await self.put("go", f"a{begun} b1")
        ended = await self.server.ended(job)
        common = {"letters": len(SECRET), "begun": 1, "group": "default"}
        assert (ended["success"], ended["result"]) == (True, {"sum": 82, **common})
        assert (await self.server.get("variables/get/f/team/done"))["value"] == "-ab"
        modules = ended["flow_status"]["modules"]
        assert [module["type"] for module in modules] == ["Success", "Success"]
        tagged = await self.server.get(f"jobs_u/get/{modules[0]['job']}")
        assert tagged["result"] == {**common, "sum": 42, "begun": begun, "group": "gpu"}
        assert f"attempt {begun} with " in tagged["logs"]
        found = await self.server.get(f"jobs/list?parent_job={job}&tag=gpu")
        assert (tagged["tag"], [each["id"] for each in found]) == ("gpu", [tagged["id"]])
        return dict(tagged)

    async def answer(self, job: str) -> LeafRow:
        """What is kept of the tagged step's answer, and whose it is."""
        found = await self.server.services.workspace.store.database.read(lambda c: leaves.get(c, job, "a", 1))
        assert found is not None
        return found

    async def at_work_in_server(self) -> None:
        """Wait until the step after the tagged one runs, which is in this process."""
        known = {os.getpid(), *(worker.pid for worker in self.workers)}
        async with asyncio.timeout(TAKEN_OVER_S):
            while os.getpid() not in holders(known):
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def team(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, postgres_tables: str
) -> AsyncIterator[Team]:
    folder = tmp_path_factory.mktemp("team")
    url = postgres.create("real_worker", postgres_tables)
    async with live(folder / "server", url, secret_key=KEY) as server:
        made = Team(server, folder, url)
        await server.post("folders/create", {"name": "team"}, status=200)
        for name, value in (("plain", "40"), ("secret", SECRET), ("go", "-"), ("done", "-")):
            body = {"path": f"f/team/{name}", "value": value, "is_secret": name == "secret", "description": ""}
            await server.post("variables/create", body)
        await server.post("flows/create", {"path": "f/team/report", "summary": "", "value": {"modules": FLOW}})
        try:
            await asyncio.gather(*(made.worker(number) for number in range(3)))
            yield made
        finally:
            await made.close()
    postgres.drop("real_worker")


def holders(known: set[int]) -> set[int]:
    """Which of the processes run a step: the nearest above each program that a step started."""
    parents: dict[int, int] = {}
    named: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            named += [int(entry.name)] if MARK.encode() in (entry / "cmdline").read_bytes().split(b"\0") else []
    found: set[int] = set()
    for place in named:
        while place and place not in known:
            place = parents.get(place, 0)
        found |= {place} - {0}
    return found


async def test_a_tagged_step_runs_in_a_worker_and_the_next_one_in_the_server(team: Team) -> None:
    job = await team.run()
    assert team.of(await team.at_work())
    await team.finish(job, begun=1)


async def test_what_a_frozen_worker_answers_when_it_thaws_is_refused(team: Team) -> None:
    job = await team.run()
    frozen = team.of(await team.at_work())
    frozen.send_signal(signal.SIGSTOP)
    try:
        assert team.of(await team.at_work(frozen.pid)) is not frozen
        tagged = await team.finish(job, begun=2)
        ended, believed = await team.server.get(f"jobs_u/get/{job}"), await team.answer(job)
    finally:
        frozen.send_signal(signal.SIGCONT)
    # what it ran went on meanwhile, and failed when the run was over and its token with it: that is what it answers now
    own = {"language": "python3", "content": "def main():\n    return 5", "tag": f"worker{team.workers.index(frozen)}"}
    later = (await team.server.post("jobs/run/preview", own)).text
    assert (await team.server.ended(later))["result"] == 5, "it is of use again, after it has answered"
    assert await team.answer(job) == believed
    assert await team.server.get(f"jobs_u/get/{tagged['id']}") == tagged
    assert await team.server.get(f"jobs_u/get/{job}") == ended
    assert (await team.server.get("variables/get/f/team/done"))["value"] == "-ab"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
async def test_another_worker_does_the_step_of_one_that_goes(team: Team, number: signal.Signals, status: int) -> None:
    job = await team.run()
    first = team.of(await team.at_work())
    first.send_signal(number)
    assert await asyncio.wait_for(first.wait(), 60) == status
    assert first.stderr is not None
    assert b"Traceback" not in await first.stderr.read()
    assert team.of(await team.at_work(first.pid)) is not first
    await team.finish(job, begun=2)


@pytest.mark.parametrize(
    ("words", "settings", "status", "said"),
    [
        (["--tagz", "gpu"], {}, 2, "No such option: --tagz"),
        (["--tags", "g/pu"], {}, 1, "'g/pu' is not a tag."),
        ([], {}, 1, "With SQLite, the one server runs everything itself."),
        ([], {"DATABASE_URL": NOWHERE}, 1, "Set FLOWAPP_URL"),
        ([], {"DATABASE_URL": NOWHERE, "FLOWAPP_URL": "http://127.0.0.1:9"}, 1, "refused. Is it running"),
    ],
)
async def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, words: list[str], settings: dict[str, str], status: int, said: str
) -> None:
    process = await command(tmp_path / "home", "worker", *words, **settings)
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    text = errors.decode()
    assert (process.returncode, out) == (status, b"")
    assert text.startswith("flowapp: ")
    assert text.count("\n") == 1, text
    assert said in text
    assert "hunter2" not in text
