"""Agent steps through the whole engine: what is kept of them, what a killed server leaves, and that keys stay secret."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store.runs import job_id
from flowapp.store.tables import JobRow, RunRow
from tests.integration.engine.agent_server import TOOL, agent
from tests.integration.engine.harness import FakeRuntimes, Server, flow_of, server
from tests.support.chat_server import chat_server, said

PROGRAM = Path(__file__).with_name("agent_server.py")
KEY = "sk-very-secret"


class Stored:
    """A resource that holds a model's address, and its key as a variable."""

    url = ""

    async def lookup(self, run: RunRow, kind: str, path: str) -> JsonText | None:
        found = {"u/admin/ai": {"base_url": self.url, "api_key": "$var:u/admin/key"}, "u/admin/key": KEY}.get(path)
        return None if found is None else dumps(found)


class Watching:
    """What pages are told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def step_started(self, run: RunRow, job: JobRow) -> None:
        self.told.append(f"{job.path} {job.meta}")

    def saves(self, run: RunRow) -> bool:
        return False

    def saving(self, *_: Any) -> None:
        pass

    def step_finished(self, run: RunRow, job: JobRow, args: Any, result: Any) -> None:
        self.told.append(f"{job.path} {args} {result} {job.meta}")

    def logged(self, run: RunRow, path: str, text: str, offset: int) -> None:
        self.told.append(text)

    def streamed(self, run: RunRow, path: str, text: str, offset: int) -> None:
        self.told.append(text)

    def run_changed(self, run: RunRow) -> None:
        pass


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Server]:
    runtimes = FakeRuntimes({TOOL: lambda job, log: {"price": 4}})
    async with server(tmp_path, runtimes, secrets=Stored(), observer=Watching()) as opened:
        yield opened


PROVIDER = {"kind": "customai", "resource": "$res:u/admin/ai", "model": "m"}


async def test_keys_reach_the_model_and_nothing_that_is_kept(made: Server) -> None:
    async with chat_server(said(None, ("price", {"item": "tea"})), said("Four.")) as model:
        Stored.url = model.url
        row, result = await made.run(flow_of(agent(model.url, provider=PROVIDER, system_prompt="$var:u/admin/key")))
        assert (row.status, result["output"]) == ("success", "Four.")
        assert model.http.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert model.asked[0]["messages"][0] == {"role": "system", "content": KEY}
        steps = await made.store.runs.steps(row.id)
        assert {step.path: step.status for step in steps} == {
            "ask": "success",
            "ask/0:model": "success",
            "ask/1:p": "success",
            "ask/2:model": "success",
        }
        kept = [await made.value(digest) for step in steps for digest in (step.args, step.result) if digest]
        watching: Any = made.engine.observer
        assert KEY not in f"{kept} {result} {watching.told} {[step.meta for step in steps]}"
        assert {"kind": "customai", "resource": "$res:u/admin/ai", "model": "m"} in [
            args["provider"] for args in kept if isinstance(args, dict) and "provider" in args
        ]


async def test_a_model_that_names_a_secret_gets_none(made: Server) -> None:
    """The reference stands in the document, so it would count if a person had written it into the tool's input."""
    call = ("price", {"item": "$var:u/admin/key"})
    async with chat_server(said(None, call), said("ok")) as model:
        Stored.url = model.url
        await made.run(flow_of(agent(model.url, provider=PROVIDER, system_prompt="$var:u/admin/key")))
        assert made.runtimes.jobs == []
        assert "cannot refer to variables" in model.asked[1]["messages"][-1]["content"]


async def test_a_tool_call_is_a_job_of_its_own(made: Server) -> None:
    async with chat_server(said(None, ("price", {"item": "tea"})), said("Four.")) as model:
        row, result = await made.run(flow_of(agent(model.url)))
        (job,) = made.runtimes.jobs
        assert (job.id, loads(job.args)) == (job_id(row.id, "ask/1:p"), {"item": "tea"})
        (told,) = [m for m in result["messages"] if m["role"] == "tool"]
        assert told["agent_action"]["job_id"] == job.id


async def test_a_tool_runs_again_in_each_run_of_a_cell(made: Server) -> None:
    async with chat_server(*[said(None, ("price", {"item": "tea"})), said("Four.")] * 2) as model:
        for _ in range(2):
            await made.run(flow_of(agent(model.url)), kind="cells", plan=dumps({"run": ["ask"], "reuse": True}))
        assert len(made.runtimes.jobs) == 2


async def test_canceling_a_run_ends_the_question(made: Server) -> None:
    async with chat_server(said("late")) as model:
        model.held_from = 1
        run = await made.create(flow_of(agent(model.url)))
        await made.engine.start_run(run.id)
        while not model.asked:
            await asyncio.sleep(0.01)
        await made.engine.cancel(run.id, "ada", "enough")
        row, _ = await asyncio.wait_for(made.ended(run.id), 60)
        assert row.status == "canceled"
        assert {step.status for step in await made.store.runs.steps(run.id)} == {"canceled"}


async def test_kill_9_between_a_call_and_the_next_turn(tmp_path: Path) -> None:
    home, effects = tmp_path / "home", tmp_path / "effects"
    effects.touch()

    async def begin(url: str, run_id: str) -> asyncio.subprocess.Process:
        arguments = [sys.executable, str(PROGRAM), str(home), str(effects), url, run_id]
        return await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)

    async with chat_server(said(None, ("price", {"item": "tea"})), said("Four.")) as model:
        model.held_from = 2
        first = await begin(model.url, "new")
        assert first.stdout is not None
        run_id = (await first.stdout.readline()).decode().strip()
        while len(model.asked) < 2:
            assert first.returncode is None
            await asyncio.sleep(0.005)
        os.kill(first.pid, signal.SIGKILL)
        await first.wait()
        model.go.set()
        second = await begin(model.url, run_id)
        out, _ = await asyncio.wait_for(second.communicate(), 60)
        end = json.loads(out.decode().splitlines()[-1])

    assert end["status"] == "success"
    assert end["result"]["output"] == "Four."
    assert set(end["steps"]) == {"ask", "ask/0:model", "ask/1:p", "ask/2:model"}
    assert len(effects.read_text().splitlines()) == 1
    # the first turn was asked for once, the one that was cut off twice, with the same words
    assert [len(body["messages"]) for body in model.asked] == [1, 3, 3]
    assert model.asked[1] == model.asked[2]
