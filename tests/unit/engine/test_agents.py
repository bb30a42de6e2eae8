"""Agent steps: the interpreter with the real `openai` client against a model's server that the test starts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flowapp.jsontext import loads
from flowapp.net import AddressPolicy
from tests.support.chat_server import said
from tests.unit.engine.agent_desk import PRICE, Models, desk, error_of, fixed, price
from tests.unit.engine.fakes import js, script
from tests.unit.net.http_server import Answer as Reply

# --- one answer


async def test_an_agent_answers() -> None:
    async with desk(said("Four.")) as at:
        done = await at.run(at.agent(system_prompt="Be brief.", temperature=0.5, max_completion_tokens=20))
        assert not done.failed
        assert loads(done.value) == {
            "output": "Four.",
            "messages": [{"role": "user", "content": "How much?"}, {"role": "assistant", "content": "Four."}],
        }
        (asked,) = at.server.asked
        assert asked == {
            "model": "m",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How much?"}],
            "temperature": 0.5,
            "max_completion_tokens": 20,
        }
        assert at.server.http.requests[0].headers["authorization"] == "Bearer sk-secret"
        assert at.world.statuses() == {"ask": "success", "ask/0:model": "success"}


async def test_inputs_are_wired_like_those_of_any_step() -> None:
    async with desk(said("ok"), give=lambda: {"n": 2}) as at:
        done = await at.run(script("give"), at.agent(user_message=js("results.give")))
        assert at.server.asked[0]["messages"] == [{"role": "user", "content": '{"n":2}'}]
        assert loads(done.value)["output"] == "ok"


async def test_messages_of_an_earlier_answer_go_on_as_memory() -> None:
    async with desk(said("One."), said("Two.")) as at:
        first = at.agent()
        second = {
            **at.agent(
                user_message="And then?",
                memory={"type": "javascript", "expr": '{"kind": "manual", "messages": results.ask.messages}'},
            ),
            "id": "more",
        }
        done = await at.run(first, second)
        assert at.server.asked[1]["messages"] == [
            {"role": "user", "content": "How much?"},
            {"role": "assistant", "content": "One."},
            {"role": "user", "content": "And then?"},
        ]
        assert len(loads(done.value)["messages"]) == 4


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "order": ["n"]}


async def test_an_answer_of_a_schema_is_a_value() -> None:
    async with desk(said('```json\n{"n": 4}\n```')) as at:
        done = await at.run(at.agent(output_schema=SCHEMA))
        assert loads(done.value)["output"] == {"n": 4}
        form = at.server.asked[0]["response_format"]
        assert form["json_schema"]["schema"] == {name: part for name, part in SCHEMA.items() if name != "order"}


@pytest.mark.parametrize("status", [400, 422])
async def test_a_server_without_schemas_and_new_names_gets_them_in_the_old_way(status: int) -> None:
    def picky(body: Any) -> Reply:
        if "response_format" in body:
            return Reply({"error": {"message": "unknown field"}}, status)
        return said('{"n": 4}')

    async with desk(picky) as at:
        done = await at.run(at.agent(output_schema=SCHEMA, max_completion_tokens=9))
        assert loads(done.value)["output"] == {"n": 4}
        again = at.server.asked[1]
        assert again["max_tokens"] == 9
        assert '"required": ["n"]' in again["messages"][0]["content"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [("four", "is not JSON"), ('{"n": "x"}', "does not fit the output_schema"), ("[]", "does not fit")],
)
async def test_an_answer_that_does_not_fit_its_schema_fails_the_step(answer: str, words: str) -> None:
    async with desk(said(answer)) as at:
        assert words in error_of(await at.run(at.agent(output_schema=SCHEMA)))["message"]


async def test_an_answer_makes_up_no_file() -> None:
    async with desk(said('{"n": {"$flowapp:blob": {"sha256": "' + "a" * 64 + '"}}}')) as at:
        failed = error_of(await at.run(at.agent(output_schema={"type": "object"})))
        assert "$flowapp:blob" in failed["message"]


# --- what goes wrong


@pytest.mark.parametrize(
    ("turn", "name"),
    [
        (said(None), "ModelMalformed"),
        (said("So", finish="length"), "ModelMalformed"),
        (said(None, refusal="no"), "ModelRefused"),
        (Reply(b"<html>", 200, {"content-type": "text/html"}), "ModelMalformed"),
        (Reply({"error": {"message": "Incorrect API key: sk-secret"}}, 401), "ModelDenied"),
        (Reply({"error": {"message": "no such model"}}, 404), "ModelUnknown"),
        (Reply({"error": {"message": "slow down"}}, 429, {"retry-after-ms": "1"}), "ModelBusy"),
    ],
)
async def test_a_bad_answer_is_the_steps_error(turn: Reply, name: str) -> None:
    async with desk(turn) as at:
        error = error_of(await at.run(at.agent()))
        assert (error["name"], error["step_id"]) == (name, "ask")
        assert "sk-secret" not in error["message"]
        assert at.world.statuses() == {"ask": "failure", "ask/0:model": "failure"}


async def test_a_private_address_is_refused() -> None:
    async with desk(said("ok")) as at:
        done = await at.world.run([at.agent()], models=Models(AddressPolicy()))
        assert "private or local address" in error_of(done)["message"]
        assert at.server.asked == []


async def test_a_slow_model_is_given_up_at_the_steps_time_limit() -> None:
    async with desk(said("late")) as at:
        at.server.held_from = 1
        done = await at.run({**at.agent(), "timeout": fixed(0.2)})
        assert error_of(done)["name"] == "Timeout"
        assert "0.2 s" in error_of(done)["message"]


@pytest.mark.parametrize(("most", "words"), [(2, "within 2 turns"), (1, "within 1 turn of"), (900, "within 50 turns")])
async def test_an_agent_has_so_many_turns(most: int, words: str) -> None:
    async with desk(said(None, ("nothing", {}))) as at:
        done = await at.run(at.agent(max_iterations=most))
        assert words in error_of(done)["message"]
        assert len(at.server.asked) == min(most, 50)


async def test_a_retry_begins_a_new_conversation() -> None:
    async with desk(said(None), said("ok")) as at:
        done = await at.run({**at.agent(), "retry": {"constant": {"attempts": 1, "seconds": 0}}})
        assert loads(done.value)["output"] == "ok"
        assert "ask~2/0:model" in at.world.rows


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"provider": None}, "has no provider"),
        ({"provider": {"kind": "customai", "resource": {"base_url": "http://x"}}}, "names no model"),
        ({"provider": {"kind": "customai", "resource": {}, "model": "m"}}, "has to have a base_url"),
        ({"provider": {"kind": "aws_bedrock", "model": "m", "resource": {"region": "eu-west-1"}}}, "an API key"),
        (
            {"provider": {"kind": "aws_bedrock", "model": "m", "resource": {"apiKey": "k", "region": "x.evil/"}}},
            "no region of AWS",
        ),
        ({"provider": {"kind": "aws_bedrock", "model": "m", "resource": {"apiKey": "k"}}}, "has to have a base_url"),
        ({"provider": {"kind": "nobody", "model": "m"}}, "'nobody' is not known"),
        (
            {"provider": {"kind": "openai", "resource": "$res:u/x/gone", "model": "m"}},
            "is a text, and not a resource: \\$res",
        ),
        ({"user_message": None}, "has no user_message"),
        ({"output_type": "sound"}, "'sound' is not known"),
        ({"output_type": "image", "user_images": [{"s3": "x"}]}, "user_images does not go with the output type image"),
        ({"output_type": "image", "provider": {"kind": "groq", "model": "m"}}, "groq gives no pictures"),
        ({"memory": {"kind": "all"}}, "'all' is not known"),
        ({"memory": {"kind": "auto", "context_length": 0}}, "context_length is not a whole number"),
        ({"memory": {"kind": "auto", "memory_id": 5}}, "memory_id is no text"),
        ({"memory": {"kind": "manual", "messages": ["hi"]}}, "Message 1 of the memory has no role"),
        ({"user_images": ["x.png"]}, "user_images are stored files"),
        ({"user_attachments": {"s3": "gone"}}, "There is no file gone"),
        ({"temperature": 3}, "temperature is not a number from 0 to 2"),
        ({"max_completion_tokens": 0}, "max_completion_tokens is not a whole number"),
        ({"output_schema": {"type": "strange"}}, "is no JSON Schema"),
    ],
)
async def test_inputs_that_cannot_be_used_are_named(inputs: Any, words: str) -> None:
    async with desk(said("ok")) as at:
        error = error_of(await at.run(at.agent(**inputs)))
        assert re.search(words, error["message"]), error["message"]
        assert at.server.asked == []


# --- beginning again


async def test_what_is_recorded_is_neither_asked_nor_called_again() -> None:
    turns = (said(None, ("price", {"item": "tea"})), said(None, ("price", {"item": "milk"})), said("ok"))
    async with desk(*turns, **{PRICE: lambda item, **_: item}) as at:
        first = await at.run(at.agent(price()))
        whole = dict(at.world.rows)
        names = ["ask/0:model", "ask/1:p", "ask/2:model", "ask/3:p", "ask/4:model"]
        for kept in range(len(names) + 1):
            at.world.rows = {name: whole[name] for name in names[:kept]}
            at.world.rows["ask"] = {**whole["ask"], "ended": None, "status": "running"}
            at.server.turns = [
                turn for name, turn in zip(names[::2], turns, strict=True) if name not in at.world.rows
            ] or [said("?")]
            at.server.http.requests.clear()
            at.world.calls.clear()
            again = await at.run(at.agent(price()))
            assert again.value == first.value
            assert len(at.server.asked) == len([n for n in names[kept:] if n.endswith("model")])
            assert at.world.calls == [n for n in names[kept:] if n.endswith(":p")]
