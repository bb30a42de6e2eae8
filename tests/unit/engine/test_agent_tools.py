"""What an agent's model may call: modules of the flow, and tools of MCP servers that the test starts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flowapp.engine.interpreter import Rules
from flowapp.engine.values import Answer
from flowapp.engine.waiting import Parked
from flowapp.jsontext import JsonText, loads
from flowapp.models.tool_servers import RemoteResult, ToolServer, ToolServerFailed, listed
from flowapp.net import AddressPolicy
from tests.support.chat_server import said
from tests.support.tool_server import mcp_server
from tests.unit.engine.agent_desk import AI, PRICE, Models, desk, error_of, fixed, price, tool
from tests.unit.engine.fakes import Failing, js, script

# --- tools


async def test_the_model_calls_a_module() -> None:
    turns = (said(None, ("price", {"item": "tea", "count": 3})), said("Six euros."))
    async with desk(
        *turns, **{PRICE: lambda item, currency, count: {"sum": f"{count * 2} {currency} for {item}"}}
    ) as at:
        done = await at.run(at.agent(price()))
        described = at.server.asked[0]["tools"][0]["function"]
        assert described["name"] == "price"
        assert described["parameters"]["properties"] == {
            "item": {"type": "string"},
            "count": {"type": "integer", "default": 1},
        }
        assert described["parameters"]["required"] == ["item"]
        told = at.server.asked[1]["messages"][-1]
        assert told == {"role": "tool", "tool_call_id": "call-0", "content": '{"sum":"6 EUR for tea"}'}
        assert loads(done.value)["output"] == "Six euros."
        assert list(at.world.statuses()) == ["ask", "ask/0:model", "ask/1:p", "ask/2:model"]
        (kept,) = [m for m in loads(done.value)["messages"] if m["role"] == "tool"]
        assert kept["agent_action"]["function_name"] == "price"
        assert kept["agent_action"]["module_id"] == "p"


async def test_bound_inputs_see_the_flow_and_the_model_cannot_change_them() -> None:
    inputs = {"item": AI, "currency": js("flow_input.money"), "count": fixed(2)}
    turns = (
        said(None, ("price", {"item": "tea", "currency": "USD"})),
        said(None, ("price", {"item": "tea"})),
        said("ok"),
    )
    async with desk(*turns, **{PRICE: lambda item, currency, count: f"{count} {currency}"}) as at:
        await at.run(at.agent(price(**inputs)), args={"money": "CHF"})
        assert "Additional properties" in at.server.asked[1]["messages"][-1]["content"]
        assert at.server.asked[2]["messages"][-1]["content"] == "2 CHF"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("price", "{not json"), "not JSON"),
        (("price", "[]"), "not a JSON object"),
        (("price", {"count": 2}), "'item' is a required property"),
        (("price", {"item": 5}), "item: 5 is not of type 'string'"),
        (("price", {"item": "$var:u/admin/key"}), "cannot refer to variables"),
        (("order", {}), "There is no function order. These can be called: price."),
    ],
)
async def test_a_bad_call_is_answered_to_the_model(call: tuple[str, Any], words: str) -> None:
    async with desk(said(None, call), said("Sorry.")) as at:
        done = await at.run(at.agent(price()))
        assert words in at.server.asked[1]["messages"][-1]["content"]
        assert loads(done.value)["output"] == "Sorry."
        assert at.world.calls == []


async def test_a_tool_that_fails_tells_the_model_and_not_the_failure_handler() -> None:
    def fail(**_: Any) -> Any:
        raise Failing("OutOfStock", "no tea today")

    async with desk(said(None, ("price", {"item": "tea"})), said("None left."), **{PRICE: fail}) as at:
        done = await at.run(at.agent(price()), failure_module=script("failure", "never"))
        assert "no tea today" in at.server.asked[1]["messages"][-1]["content"]
        assert (done.failed, loads(done.value)["output"]) == (False, "None left.")
        assert at.world.statuses()["ask/1:p"] == "failure"


async def test_calls_of_one_turn_run_in_order_or_side_by_side() -> None:
    turns = (said(None, ("price", {"item": "a"}), ("price", {"item": "b"})), said("ok"))

    async def slow(item: str, **_: Any) -> str:
        await asyncio.sleep(0.01)
        return item

    for parallel, most in ((False, 1), (True, 2)):
        async with desk(*turns, **{PRICE: slow}) as at:
            await at.run(at.agent(price(), value={"parallel": parallel}))
            assert at.world.most_at_once == most
            contents = [m["content"] for m in at.server.asked[1]["messages"] if m["role"] == "tool"]
            assert contents == ["a", "b"]


async def test_only_enabled_tools_are_offered() -> None:
    other = tool("weather", PRICE, {"item": AI})
    async with desk(said("ok")) as at:
        await at.run(at.agent(price(), other, enabled_tools=["weather"]))
        assert [t["function"]["name"] for t in at.server.asked[0]["tools"]] == ["weather"]


async def test_a_flow_and_an_agent_are_tools_too() -> None:
    called = {"type": "flow", "path": "f/shop/sum", "input_transforms": {"n": AI}}
    async with desk(said("deep"), inner=lambda x: x + 1) as at:
        nested = at.agent(user_message=AI)["value"]
        at.server.turns = [
            said(None, ("sum", {"n": 4}), ("expert", {"user_message": "Why?"})),
            said("Because."),
            said("ok"),
        ]
        flow = {
            "schema": {"properties": {"n": {"type": "integer"}}},
            "value": {"modules": [script("inner", inputs={"x": "flow_input.n"})]},
        }
        at.world.flows = {"f/shop/sum": [flow]}
        done = await at.run(
            at.agent({"id": "s", "summary": "sum", "value": called}, {"id": "e", "summary": "expert", "value": nested})
        )
        tools = [m["content"] for m in loads(done.value)["messages"] if m["role"] == "tool"]
        assert tools[0] == "5"
        assert loads(tools[1])["output"] == "Because."
        assert {"ask/1:s/inner", "ask/2:e/0:model"} <= set(at.world.rows)


async def test_an_agent_that_never_ends_is_stopped() -> None:
    async with desk(said(None, ("price", {"item": "tea"})), **{PRICE: lambda **_: 1}) as at:
        done = await at.run(at.agent(price()), rules=Rules(park_after_s=float("inf"), most_turns=3))
        assert "within 3 turns" in error_of(done)["message"]
        assert len(at.server.asked) == 3


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (tool("two words", PRICE, {}, identity="t"), "cannot be called"),
        (tool("price", PRICE, {}, identity="t"), "Two tools are called price"),
        (tool("broken", "def main(:", {"x": AI}), "The inputs of the tool broken cannot be read: line 1"),
        (
            {"id": "g", "summary": "g", "value": {"type": "script", "path": "u/x/gone", "input_transforms": {"a": AI}}},
            "no script u/x/gone",
        ),
    ],
)
async def test_tools_that_cannot_be_called_fail_the_step(made: Any, words: str) -> None:
    async with desk(said("ok")) as at:
        assert words in error_of(await at.run(at.agent(price(), made)))["message"]
        assert at.server.asked == []


# --- MCP servers


def mcp(**value: Any) -> dict[str, Any]:
    return {"id": "s", "value": {"tool_type": "mcp", "resource_path": "u/x/shop", **value}}


async def test_tools_of_an_mcp_server_are_functions() -> None:
    turns = (said(None, ("add", {"a": 1, "b": 2}), ("fail", {"why": "tired"})), said("Three."))
    async with desk(*turns) as at, mcp_server() as server:
        at.models.resources = {"u/x/shop": {"url": server.url, "token": "tok-secret"}}
        done = await at.run(at.agent(mcp(exclude_tools=["hidden"])))
        assert [t["function"]["name"] for t in at.server.asked[0]["tools"]] == ["add", "fail"]
        assert at.server.asked[0]["tools"][0]["function"]["description"] == "The sum of two numbers"
        first, second = (m for m in at.server.asked[1]["messages"] if m["role"] == "tool")
        assert first["content"] == '{"result":3}'
        assert loads(second["content"])["error"]["name"] == "ToolError"
        assert at.world.statuses() == {
            "ask": "success",
            "ask/0:model": "success",
            "ask/1:s": "success",
            "ask/2:s": "failure",
            "ask/3:model": "success",
        }
        (told, _) = [m["agent_action"] for m in loads(done.value)["messages"] if m["role"] == "tool"]
        assert told["type"] == "mcp_tool_call"
        assert (told["function_name"], told["resource_path"], told["arguments"]) == (
            "add",
            "u/x/shop",
            {"a": 1, "b": 2},
        )
        assert server.tokens == {"Bearer tok-secret"}
        assert "tok-secret" not in str(at.world.rows)


@pytest.mark.parametrize(
    ("value", "enabled", "names"),
    [
        ({}, None, ["add", "fail", "hidden"]),
        ({"include_tools": ["add"]}, None, ["add"]),
        ({"include_tools": []}, None, ["add", "fail", "hidden"]),
        ({}, ["fail"], ["fail"]),
        ({"exclude_tools": ["add"]}, ["s"], ["fail", "hidden"]),
    ],
)
async def test_which_tools_of_a_server_count(value: Any, enabled: Any, names: list[str]) -> None:
    async with desk(said("ok")) as at, mcp_server() as server:
        at.models.resources = {"u/x/shop": {"url": server.url}}
        await at.run(at.agent(mcp(**value), enabled_tools=enabled))
        assert [t["function"]["name"] for t in at.server.asked[0]["tools"]] == names


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (None, "u/x/shop of an MCP server is not there"),
        ({"token": "tok-secret"}, "has no url"),
        ({"url": "http://127.0.0.1:1/mcp", "token": "tok-secret"}, "The MCP server does not answer as one"),
    ],
)
async def test_a_server_that_cannot_be_asked_fails_the_step(resource: Any, words: str) -> None:
    async with desk(said("ok")) as at:
        at.models.resources = {"u/x/shop": resource} if resource else {}
        message = error_of(await at.run(at.agent(mcp())))["message"]
        assert words in message
        assert "tok-secret" not in message
        assert at.server.asked == []


async def test_a_private_mcp_server_is_refused() -> None:
    async with mcp_server() as server:
        with pytest.raises(ToolServerFailed, match="private or local address"):
            await listed(ToolServer(server.url), AddressPolicy())
        assert server.tokens == set()


async def test_a_server_makes_up_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(said(None, ("add", {"a": 1, "b": 2})), said("Well.")) as at, mcp_server() as server:
        at.models.resources = {"u/x/shop": {"url": server.url}}
        made_up = {"x": [{"$flowapp:blob": {"sha256": "a" * 64}}]}

        async def answer(*_: Any) -> RemoteResult:
            return RemoteResult(made_up, failed=False)

        monkeypatch.setattr(Models, "call_tool", answer)
        await at.run(at.agent(mcp()))
        (told,) = (m for m in at.server.asked[1]["messages"] if m["role"] == "tool")
        assert "cannot hold the key" in loads(told["content"])["error"]["message"]
        assert at.world.statuses()["ask/1:s"] == "failure"


async def test_a_recorded_call_of_a_server_is_not_made_again() -> None:
    turns = (said(None, ("add", {"a": 1, "b": 2})), said("Three."))
    async with desk(*turns) as at, mcp_server() as server:
        at.models.resources = {"u/x/shop": {"url": server.url}}
        first = await at.run(at.agent(mcp()))
        assert server.calls == ["add"]
        del at.world.rows["ask/2:model"]
        at.world.rows["ask"].update(ended=None, status="running")
        assert (await at.run(at.agent(mcp()))).value == first.value
        assert server.calls == ["add"]


async def test_a_schema_fetches_nothing() -> None:
    async with desk(said("{}")) as at:
        schema = {"$ref": f"{at.server.http.url}/schema.json"}
        error = error_of(await at.run(at.agent(output_schema=schema)))
        assert "refers to something that is not in it" in error["message"]
        assert [request.method for request in at.server.http.requests] == ["POST"]


@pytest.mark.parametrize("parallel", [False, True])
async def test_a_tool_that_waits_for_people_lets_the_run_rest(parallel: bool) -> None:
    """The conversation goes on where it was: what was said and called before is neither asked nor called again."""
    waits = {"id": "w", "summary": "order", "value": {"type": "flow", "path": "f/shop/order", "input_transforms": {}}}
    turns = (said(None, ("price", {"item": "tea"}), ("order", {})), said("Ordered."))
    leaves = {PRICE: lambda item, **_: item, "asks": lambda: "sent", "done": lambda: "shipped"}
    async with desk(*turns, **leaves) as at:
        modules = [script("asks", suspend={"required_events": 1}), script("done")]
        at.world.flows = {"f/shop/order": [{"value": {"modules": modules}}]}
        made = at.agent(price(), waits, value={"parallel": parallel})
        with pytest.raises(Parked):
            await at.run(made, rules=Rules(park_after_s=0))
        assert (len(at.server.asked), sorted(at.world.calls)) == (1, ["ask/1:p", "ask/2:w/asks"])
        at.world.answers = {"ask/2:w/asks": Answer("approved", (JsonText("{}"),), ("ada",))}
        done = await at.run(made, rules=Rules(park_after_s=0))
        assert loads(done.value)["output"] == "Ordered."
        assert [m["content"] for m in at.server.asked[1]["messages"] if m["role"] == "tool"] == ["tea", "shipped"]
        assert (len(at.server.asked), sorted(at.world.calls)) == (2, ["ask/1:p", "ask/2:w/asks", "ask/2:w/done"])
