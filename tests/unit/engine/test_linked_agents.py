"""Agents that are resources: what the resource decides, and what the step that names it does."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.jsontext import loads
from tests.support.chat_server import said
from tests.unit.engine.agent_desk import AI, PRICE, Desk, desk, error_of, fixed, price
from tests.unit.engine.fakes import js

PATH = "f/team/helper"


def resource(at: Desk, **more: Any) -> dict[str, Any]:
    """The resource as Windmill has it: plain values, and tools with the bindings that they come with."""
    provider = {"kind": "customai", "resource": {"api_key": "sk-secret", "base_url": at.server.url}, "model": "shared"}
    tools = [price(item=AI, count=fixed(2), currency=js("flow_input.money"))]
    return {"provider": provider, "system_prompt": "Be brief.", "temperature": 0.5, "tools": tools, **more}


def step(value: Any = None, **inputs: Any) -> dict[str, Any]:
    given = {"user_message": "How much?", **inputs}
    transforms = {name: one if isinstance(one, dict) and "type" in one else fixed(one) for name, one in given.items()}
    return {"id": "ask", "value": {"type": "aiagent", "agent": PATH, "input_transforms": transforms, **(value or {})}}


TURNS = (said(None, ("price", {"item": "tea"})), said("Six."))


def told(item: str, count: int, currency: str) -> str:
    return f"{count} {currency} for {item}"


async def test_the_resource_is_the_agent_and_the_step_asks() -> None:
    async with desk(*TURNS, **{PRICE: told}) as at:
        at.models.resources[PATH] = resource(at)
        done = await at.run(step(), args={"money": "CHF"})
        first, second = at.server.asked
        assert (first["model"], first["temperature"]) == ("shared", 0.5)
        system, user = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "How much?"}
        assert first["messages"] == [system, user]
        assert second["messages"][-1]["content"] == "2 CHF for tea"
        assert loads(done.value)["output"] == "Six."
        assert list(at.world.statuses()) == ["ask", "ask/0:model", "ask/1:p", "ask/2:model"]


async def test_the_step_binds_inputs_of_tools() -> None:
    async with desk(*TURNS, **{PRICE: told}) as at:
        shared = at.models.resources[PATH] = resource(at)
        bound = {"p": {"currency": js("results.a"), "count": None}, "other": {"x": fixed(1)}}
        await at.run({"id": "a", "value": {"type": "identity"}}, step({"tool_inputs": bound}), args={"money": "CHF"})
        assert "count" not in at.server.asked[0]["tools"][0]["function"]["parameters"]["properties"]
        assert at.server.asked[1]["messages"][-1]["content"].startswith("2 {")
        assert shared["tools"][0]["value"]["input_transforms"]["currency"] == js("flow_input.money")


async def test_a_step_with_tools_of_its_own_may_bind_them_too() -> None:
    async with desk(*TURNS, **{PRICE: told}) as at:
        bound = {"tool_inputs": {"p": {"count": fixed(7)}}}
        await at.run(at.agent(price(), value=bound))
        assert at.server.asked[1]["messages"][-1]["content"] == "7 EUR for tea"


async def test_what_the_resource_decides_the_step_does_not() -> None:
    async with desk(said("Hello.")) as at:
        at.models.resources[PATH] = resource(at, user_message="Who are you?", tools=None)
        other = [price()]
        done = await at.run(
            step({"tools": other}, system_prompt="Be long.", user_message=None, provider={"kind": "no"})
        )
        (asked,) = at.server.asked
        assert [message["content"] for message in asked["messages"]] == ["Be brief.", "Who are you?"]
        assert "tools" not in asked
        assert loads(done.value)["messages"][0]["content"] == "Who are you?"


async def test_its_tools_are_chosen_by_the_step() -> None:
    async with desk(said("Hello.")) as at:
        at.models.resources[PATH] = resource(at)
        await at.run(step(enabled_tools=[]))
        assert "tools" not in at.server.asked[0]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("f/team/nobody", "The agent f/team/nobody is not there"),
        ("$res:f/team/nobody", "The agent f/team/nobody is not there"),
    ],
)
async def test_a_resource_that_is_not_there(agent: str, words: str) -> None:
    async with desk() as at:
        done = await at.run(step({"agent": agent}))
        assert words in error_of(done)["message"]


async def test_an_incomplete_one_is_the_steps_error() -> None:
    async with desk() as at:
        at.models.resources[PATH] = resource(at, provider=None)
        assert "no provider" in error_of(await at.run(step()))["message"]
