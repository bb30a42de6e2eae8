"""Agents that stream, through the whole engine: what is kept, what a cancel leaves, and what an interrupted one goes on with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flowapp.store.logs import stream_of
from tests.integration.engine.agent_server import TOOL, agent
from tests.integration.engine.harness import FakeRuntimes, Server, flow_of, server
from tests.integration.engine.made_server import Watching
from tests.support.chat_server import chat_server, event, in_pieces, spoken

FIRST = '{"type":"token_delta","content":"It is "}\n'


async def kept(made: Server, run_id: str) -> str:
    return (await made.store.logs.read(run_id, stream_of("ask"))).text


async def until(ready: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not await ready():
            await asyncio.sleep(0.01)


async def test_what_is_streamed_is_kept_and_told(tmp_path: Path) -> None:
    watching, hold = Watching(), asyncio.Event()
    async with (
        chat_server(in_pieces(*spoken("It is ", "four."), hold=hold)) as model,
        server(tmp_path, FakeRuntimes(), observer=watching) as made,
    ):
        run = await made.create(flow_of(agent(model.url, streaming=True)))
        await made.engine.start_run(run.id)

        async def told() -> bool:
            return (await kept(made, run.id)).endswith('"four."}\n')

        await until(told)
        hold.set()
        row, result = await made.ended(run.id)
        assert (row.status, result["output"]) == ("success", "It is four.")
        assert result["wm_stream"] == await kept(made, run.id)
        streamed = [event for event in watching.heard if event[0] == "stream"]
        assert "".join(event[2] for event in streamed) == result["wm_stream"]
        assert streamed[0][1:] == ("ask", FIRST, 0)


async def test_a_cancel_leaves_the_model_and_keeps_what_was_said(tmp_path: Path) -> None:
    async with (
        chat_server(in_pieces(*spoken("It is ", "four."), hold=asyncio.Event())) as model,
        server(tmp_path, FakeRuntimes()) as made,
    ):
        run = await made.create(flow_of(agent(model.url, streaming=True)))
        await made.engine.start_run(run.id)

        async def begun() -> bool:
            return bool(await kept(made, run.id))

        await until(begun)
        await made.engine.cancel(run.id, "ada", "enough")
        row, _ = await asyncio.wait_for(made.ended(run.id), 60)
        assert row.status == "canceled"
        await asyncio.wait_for(model.http.left.wait(), 60)
        assert (await kept(made, run.id)).startswith(FIRST)


async def test_an_interrupted_agent_begins_its_stream_anew(tmp_path: Path) -> None:
    """The first process has streamed more than the second will: nothing of that stays."""
    long = [f"piece {n} of many, " for n in range(50)]
    runtimes = FakeRuntimes({TOOL: lambda job, log: 4})
    turns = (
        in_pieces(*spoken("Let me ", "see. ", calls=[("price", {"item": "tea"})])),
        in_pieces(*spoken(*long), hold=asyncio.Event()),
        in_pieces(*spoken("Four.")),
    )
    async with chat_server(*turns) as model:
        async with server(tmp_path, runtimes) as made:
            run = await made.create(flow_of(agent(model.url, streaming=True)))
            await made.engine.start_run(run.id)

            async def much() -> bool:
                return "piece 49" in await kept(made, run.id)

            await until(much)
        async with server(tmp_path, runtimes) as made:
            row, result = await asyncio.wait_for(made.ended(run.id), 60)
            assert (row.status, result["output"]) == ("success", "Four.")
            assert await kept(made, run.id) == result["wm_stream"]
            assert "piece" not in result["wm_stream"]
            assert result["wm_stream"].startswith('{"type":"token_delta","content":"Let me see. "}\n')
    assert len(runtimes.jobs) == 1, "the tool ran once"


async def test_one_that_is_interrupted_in_its_first_turn_and_then_says_nothing_leaves_no_stream(tmp_path: Path) -> None:
    turns = (
        in_pieces(*spoken("It is ", "four."), hold=asyncio.Event()),
        in_pieces(event(refusal="I cannot."), event("stop")),
    )
    async with chat_server(*turns) as model:
        async with server(tmp_path, FakeRuntimes()) as made:
            run = await made.create(flow_of(agent(model.url, streaming=True)))
            await made.engine.start_run(run.id)

            async def begun() -> bool:
                return bool(await kept(made, run.id))

            await until(begun)
        async with server(tmp_path, FakeRuntimes()) as made:
            row, _ = await asyncio.wait_for(made.ended(run.id), 60)
            assert row.status == "failure"
            assert await kept(made, run.id) == ""
