"""Agents that stream: the real `openai` client against a server that streams well, badly, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.jsontext import JsonText, loads
from tests.support.chat_server import Says, event, in_pieces, said, spoken
from tests.unit.engine.agent_desk import PRICE, Desk, desk, error_of, price
from tests.unit.engine.fakes import script
from tests.unit.net.http_server import Answer as Reply


def lines(text: str) -> list[dict[str, Any]]:
    assert text == "" or text.endswith("\n")
    return [loads(JsonText(line)) for line in text.splitlines()]


def words(text: str) -> list[str]:
    found = lines(text)
    assert {line["type"] for line in found} <= {"token_delta"}
    return [line["content"] for line in found]


async def test_an_answer_is_streamed_and_is_in_the_result() -> None:
    async with desk(in_pieces(*spoken("It ", "is ", "", "four."))) as at:
        done = await at.run(at.agent(streaming=True))
        result = loads(done.value)
        assert not done.failed and result["output"] == "It is four."
        assert words(at.world.streamed) == ["It ", "is ", "four."]
        assert result["wm_stream"] == at.world.streamed
        (asked,) = at.server.asked
        assert (asked["stream"], asked["stream_options"]) == (True, {"include_usage": True})
        assert at.world.rows["ask/0:model"]["meta"]["tokens"] == 25


@pytest.mark.parametrize("parallel", [False, True])
async def test_calls_are_put_together_and_told(parallel: bool) -> None:
    calls = [("price", {"item": "tea"}), ("price", {"item": "milk"})]
    turns = in_pieces(*spoken("Let me see. ", calls=calls)), in_pieces(*spoken("Eight."))
    async with desk(*turns, **{PRICE: lambda item, **_: {"price": item}}) as at:
        done = await at.run(at.agent(price(), value={"parallel": parallel}, streaming=True))
        assert loads(done.value)["output"] == "Eight.", done.value
        told = lines(at.world.streamed)
        assert told[0] == {"type": "token_delta", "content": "Let me see. "}
        assert told[-1] == {"type": "token_delta", "content": "Eight."}
        tea = [line for line in told if line.get("call_id") == "call-0"]
        assert tea == [
            {"type": "tool_call", "call_id": "call-0", "function_name": "price"},
            {
                "type": "tool_call_arguments",
                "call_id": "call-0",
                "function_name": "price",
                "arguments": '{"item": "tea"}',
            },
            {"type": "tool_execution", "call_id": "call-0", "function_name": "price"},
            {
                "type": "tool_result",
                "call_id": "call-0",
                "function_name": "price",
                "result": '{"price":"tea"}',
                "success": True,
            },
        ]
        assert len([line for line in told if line.get("call_id") == "call-1"]) == 4
        assert [call["function"]["arguments"] for call in at.server.asked[1]["messages"][1]["tool_calls"]] == [
            '{"item": "tea"}',
            '{"item": "milk"}',
        ]


async def test_calls_of_servers_that_number_none() -> None:
    made = [
        event(tool_calls=[{"id": "x", "function": {"name": "price", "arguments": '{"item"'}}]),
        event(tool_calls=[{"function": {"arguments": ': "tea"}'}}]),
        event(tool_calls=[{"id": "y", "function": {"name": "price", "arguments": {"item": "milk"}}}]),
        event("tool_calls"),
    ]
    async with desk(in_pieces(*made), said("ok"), **{PRICE: lambda item, **_: item}) as at:
        done = await at.run(at.agent(price(), streaming=True))
        assert not done.failed, done.value
        results = [
            (line["call_id"], line["result"]) for line in lines(at.world.streamed) if line["type"] == "tool_result"
        ]
        assert results == [("x", "tea"), ("y", "milk")]


async def test_a_call_that_fails_is_told_as_one() -> None:
    async with desk(in_pieces(*spoken(calls=[("nothing", {})])), in_pieces(*spoken("ok"))) as at:
        await at.run(at.agent(price(), streaming=True))
        (result,) = [line for line in lines(at.world.streamed) if line["type"] == "tool_result"]
        assert result["success"] is False and "There is no function nothing" in result["result"]


async def test_a_server_that_does_not_stream_answers_in_one_piece() -> None:
    async with desk(said("Four.")) as at:
        done = await at.run(at.agent(streaming=True))
        assert loads(done.value)["output"] == "Four."
        assert words(at.world.streamed) == ["Four."]


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("refused", [{"stream_options"}, {"stream_options", "stream"}])
async def test_servers_that_refuse_a_part_of_the_question(refused: set[str], status: int) -> None:
    def picky(request: Any) -> Reply:
        if refused & set(request):
            return Reply({"error": {"message": "unknown field"}}, status=status)
        return in_pieces(*spoken("Four."))(request) if request.get("stream") else said("Four.")

    async with desk(picky) as at:
        done = await at.run(at.agent(streaming=True))
        assert loads(done.value)["output"] == "Four."
        assert words(at.world.streamed) == ["Four."]


def endless(what: str, given: Any) -> Says:
    return in_pieces(event(content="It "), *[event(**{what: given})] * 9, event("stop"))


TEXT = "x" * 1_000_000
LONG: dict[str, Any] = {
    "refusal": TEXT,
    "annotations": [{"type": "url_citation", "url_citation": {"url": TEXT}}],
    "executed_tools": [{"type": "browser_search", "output": TEXT}],
    "tool_calls": [{"index": 0, "id": "x", "function": {"name": TEXT, "arguments": ""}}],
}
BROKEN = {
    "without an end": (in_pieces(event(content="It "), b"data: [DONE]\n\n"), "ModelMalformed", "broke off"),
    "cut": (
        in_pieces(event(content="It "), b"", cut=True),
        "ModelUnreachable",
        "connection to the model's server was cut",
    ),
    "given up": (
        in_pieces(event(content="It "), b'data: {"error": {"message": "x"}}\n\n'),
        "ModelUnreachable",
        "gave up",
    ),
    "no JSON": (in_pieces(event(content="It "), b"data: <html>\n\n"), "ModelMalformed", "cannot be read"),
    "too long": (in_pieces(*spoken("It ", finish="length")), "ModelMalformed", "cut off"),
    "refused": (in_pieces(*spoken("It ", finish="content_filter")), "ModelRefused", "declined"),
    "refused in words": (
        in_pieces(event(content="It "), event(refusal="I ca"), event(refusal="nnot."), event("stop")),
        "ModelRefused",
        "declined",
    ),
    **{
        f"endless {what}": (endless(what, given), "ModelMalformed", "longer than agreed")
        for what, given in LONG.items()
    },
}


@pytest.mark.parametrize("how", BROKEN)
async def test_an_answer_that_breaks_off_fails_the_step(how: str) -> None:
    turn, name, message = BROKEN[how]
    async with desk(turn) as at:
        done = await at.run(at.agent(streaming=True))
        error = error_of(done)
        assert (error["name"], error["step_id"]) == (name, "ask") and message in error["message"]
        assert words(at.world.streamed) == ["It "], "what was heard is shown"
        assert at.world.statuses() == {"ask": "failure", "ask/0:model": "failure"}


async def test_nothing_is_told_of_what_nobody_waits_for() -> None:
    async with desk(said("Four.")) as at:
        done = await at.run(at.agent(streaming=False))
        assert "wm_stream" not in loads(done.value) and at.world.streamed == ""
        assert "stream" not in at.server.asked[0]


async def test_secrets_are_masked_also_where_pieces_share_one() -> None:
    async def run(at: Desk) -> Any:
        at.models.masks.note("run", "s3cret")
        return await at.run(at.agent(price(), streaming=True))

    turns = in_pieces(*spoken("It is s3c", "ret.", calls=[("price", {"item": "s3cret"})])), in_pieces(*spoken("ok s3"))
    async with desk(*turns, **{PRICE: lambda item, **_: f"of {item}"}) as at:
        result = loads((await run(at)).value)
        assert "s3cret" not in at.world.streamed and "s3cret" not in result["wm_stream"]
        told = lines(at.world.streamed)
        assert "".join(line["content"] for line in told if line["type"] == "token_delta") == "It is *****.ok s3"
        assert [line["result"] for line in told if line["type"] == "tool_result"] == ["of *****"]


async def test_what_is_recorded_is_told_again_in_one_piece() -> None:
    turns = in_pieces(*spoken("Let me ", "see. ", calls=[("price", {"item": "tea"})])), in_pieces(*spoken("Four."))
    async with desk(*turns, **{PRICE: lambda **_: 4}) as at:
        first = loads((await at.run(at.agent(price(), streaming=True))).value)
        del at.world.rows["ask"]  # as when the server was killed before the end
        at.world.streamed = ""
        again = loads((await at.run(at.agent(price(), streaming=True))).value)
        assert len(at.server.asked) == 2
        assert again["messages"] == first["messages"]
        assert lines(at.world.streamed)[0]["content"] == "Let me see. "
        assert [line["type"] for line in lines(at.world.streamed)] == [
            "token_delta",
            "tool_call",
            "tool_call_arguments",
            "tool_execution",
            "tool_result",
            "token_delta",
        ]
        assert again["wm_stream"] == at.world.streamed


async def test_an_agent_that_is_no_last_step_streams_too() -> None:
    async with desk(in_pieces(*spoken("Four.")), give=lambda: 1) as at:
        done = await at.run(at.agent(streaming=True), script("give"))
        assert done.value == "1" and words(at.world.streamed) == ["Four."]


async def test_streaming_is_true_or_false() -> None:
    async with desk(said("Four.")) as at:
        error = error_of(await at.run(at.agent(streaming="yes")))
        assert error["message"] == "streaming is true or false, and not 'yes'."


async def test_the_pages_that_a_model_has_read_come_along() -> None:
    page = {"type": "url_citation", "url_citation": {"url": "https://tea.example.com/", "title": "Tea"}}
    events = [event(content="Four."), event(annotations=[page]), event("stop")]
    async with desk(in_pieces(*events)) as at:
        result = loads((await at.run(at.agent(streaming=True))).value)
        assert result["messages"][-1]["annotations"][0]["url_citation"]["url"] == "https://tea.example.com/"
        assert words(at.world.streamed) == ["Four."]
