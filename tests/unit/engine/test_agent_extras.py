"""Agent steps beyond one text: what they remember of earlier runs, files that go along, pictures; other providers' addresses."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from flowapp.engine.agents.opening import latest
from flowapp.engine.agents.settings import settings_of
from flowapp.engine.ports import FileContent
from flowapp.jsontext import loads
from tests.support.chat_server import said
from tests.unit.engine.agent_desk import PRICE, desk, error_of, price
from tests.unit.net.http_server import Answer as Reply

AUTO = {"kind": "auto", "context_length": 4, "memory_id": "m"}
PNG = b"\x89PNG\r\n\x1a\n picture"


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def drawn(**more: Any) -> Reply:
    return Reply({"created": 1, "data": [{"b64_json": base64.b64encode(PNG).decode(), **more}]})


class TestMemory:
    async def test_a_later_run_is_told_what_was_said_and_tools_with_it(self) -> None:
        turns = (said(None, ("price", {"item": "tea"})), said("Four."), said("Eight."))
        async with desk(*turns, **{PRICE: lambda **_: 4}) as at:
            first = await at.run(at.agent(price(), memory=AUTO, system_prompt="Brief."))
            at.world.rows.clear()  # another run
            at.models.said = {key: {"earlier": next(iter(jobs.values()))} for key, jobs in at.models.said.items()}
            second = await at.run(at.agent(memory=AUTO, system_prompt="Brief.", user_message="And two?"))
            call = {"name": "price", "arguments": '{"item": "tea"}'}
            assert at.server.asked[-1]["messages"] == [
                {"role": "system", "content": "Brief."},
                user("How much?"),
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"id": "call-0", "type": "function", "function": call}],
                },
                {"role": "tool", "tool_call_id": "call-0", "content": "4"},
                {"role": "assistant", "content": "Four."},
                user("And two?"),
            ]
            assert len(loads(first.value)["messages"]) == 4
            assert loads(second.value)["messages"] == [user("And two?"), {"role": "assistant", "content": "Eight."}]

    async def test_what_the_run_itself_has_said_is_no_earlier_message(self) -> None:
        async with desk(said("One."), said("Two.")) as at:
            await at.run(at.agent(memory=AUTO))
            at.world.rows.clear()
            await at.run(at.agent(memory=AUTO))
            assert at.server.asked[1]["messages"] == [user("How much?")]
            ((_, jobs),) = at.models.said.items()
            assert list(jobs.values()) == [[user("How much?"), {"role": "assistant", "content": "Two."}]]

    async def test_an_answer_that_failed_is_not_remembered(self) -> None:
        async with desk(said("no JSON")) as at:
            await at.run(at.agent(memory=AUTO, output_schema={"type": "object"}))
            assert at.models.said == {}

    async def test_an_agent_in_a_called_flow_has_a_memory_of_its_own(self) -> None:
        async with desk(said("One."), said("Two.")) as at:
            inner = {"value": {"modules": [at.agent(memory=AUTO, user_message="Inside?")]}}
            at.world.flows["f/inner"] = [inner]
            await at.run(at.agent(memory=AUTO), {"id": "call", "value": {"type": "flow", "path": "f/inner"}})
            assert len(at.models.said) == 2

    @pytest.mark.parametrize(
        ("roles", "length", "kept"),
        [
            ("ua", 4, "ua"),
            ("uataua", 4, "ua"),
            ("uataua", 6, "uataua"),
            ("uata", 2, ""),
            ("", 3, ""),
        ],
    )
    def test_the_latest_messages_begin_with_a_question(self, roles: str, length: int, kept: str) -> None:
        names = {"u": "user", "a": "assistant", "t": "tool"}
        found = latest([{"role": names[role]} for role in roles], length)
        assert [one["role"] for one in found] == [names[role] for role in kept]


class TestFiles:
    async def test_pictures_and_documents_go_along_and_stay_references_in_the_result(self) -> None:
        async with desk(said("A cat.")) as at:
            at.models.files = {
                "u/x/cat.png": FileContent("cat.png", "image/png", PNG),
                "terms.pdf": FileContent("terms.pdf", "application/pdf", b"%PDF"),
            }
            files = {"user_images": [{"s3": "u/x/cat.png"}], "user_attachments": {"s3": "terms.pdf", "storage": "b"}}
            done = await at.run(at.agent(**files))
            encoded = base64.b64encode(PNG).decode()
            assert at.server.asked[0]["messages"] == [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "How much?"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}},
                        {
                            "type": "file",
                            "file": {"filename": "terms.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
                        },
                    ],
                }
            ]
            assert loads(done.value)["messages"][0] == user("How much?")
            assert encoded not in json.dumps(at.world.rows, default=str)

    async def test_files_go_with_a_question_only(self) -> None:
        memory = {"kind": "manual", "messages": [user("Hi"), {"role": "assistant", "tool_calls": []}]}
        async with desk(said("ok")) as at:
            error = error_of(await at.run(at.agent(user_images=[{"s3": "x"}], memory=memory, user_message=None)))
            assert "user_images and user_attachments go with" in error["message"] and at.server.asked == []


class TestPictures:
    async def test_an_answer_is_a_stored_file(self) -> None:
        async with desk(drawn()) as at:
            done = await at.run(at.agent(output_type="image", system_prompt="In blue.", user_message="A cat"))
            assert loads(done.value) == {"output": {"s3": "new.png"}, "messages": [user("A cat")]}
            assert at.models.files["new.png"].content == PNG
            assert at.server.asked == [{"model": "m", "prompt": "In blue.\n\nA cat", "n": 1}]
            assert at.server.http.requests[0].target.endswith("/images/generations")
            again = await at.run(at.agent(output_type="image", user_message="A cat"))
            assert again == done and len(at.server.asked) == 1  # it is recorded

    async def test_a_picture_is_of_the_prompt_and_the_question_alone(self) -> None:
        earlier = [user("A dog"), {"role": "assistant", "tool_calls": []}]
        async with desk(drawn()) as at:
            memory = {"kind": "manual", "messages": earlier}
            await at.run(at.agent(output_type="image", memory=memory, system_prompt="In blue.", user_message="A cat"))
            assert at.server.asked[0]["prompt"] == "In blue.\n\nA cat"

    async def test_without_a_question_there_is_no_picture(self) -> None:
        memory = {"kind": "manual", "messages": [user("A dog")]}
        async with desk(drawn()) as at:
            error = error_of(await at.run(at.agent(output_type="image", memory=memory, user_message=None)))
            assert "user_message" in error["message"] and at.server.asked == []

    async def test_a_picture_at_an_address_is_fetched(self) -> None:
        async with desk() as at:
            at.server.turns[:] = [
                Reply({"data": [{"url": f"{at.server.url}/made.png"}]}),
                Reply(PNG, headers={"content-type": "image/png"}),
            ]
            done = await at.run(at.agent(output_type="image"))
            assert at.models.files["new.png"].content == PNG, done

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (Reply({"data": []}), "gave no picture"),
            (Reply({"data": [{"b64_json": "PGh0bWw+"}]}), "gave no picture"),
            (Reply({"data": [{"b64_json": "§"}]}), "cannot be read"),
            (Reply({"data": [{"url": "http://10.1.2.3/secret"}]}), "10.1.2.3"),
            (Reply({"data": [{"url": "http://127.0.0.1:1/gone.png"}]}), "cannot be fetched"),
            (Reply({"data": [{"url": "http://[nonsense"}]}), "cannot be fetched"),
            (Reply({"data": [{"url": "ftp://127.0.0.1/x.png"}]}), "cannot be fetched"),
            (Reply({"error": {"message": "no"}}, status=401), "key"),
        ],
    )
    async def test_what_is_no_picture_fails_the_step(self, answer: Reply, words: str) -> None:
        async with desk(answer) as at:
            error = error_of(await at.run(at.agent(output_type="image")))
            assert words in error["message"]
            assert at.world.statuses()["ask/0:model"] == "failure"


@pytest.mark.parametrize(
    ("provider", "address"),
    [
        ({"kind": "anthropic", "resource": {"apiKey": "k"}}, "https://api.anthropic.com/v1"),
        (
            {"kind": "aws_bedrock", "resource": {"apiKey": "k", "region": "us-west-2"}},
            "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1",
        ),
        (
            {"kind": "aws_bedrock", "resource": {"api_key": "k", "base_url": "https://gate.example"}},
            "https://gate.example",
        ),
    ],
)
def test_other_providers_are_asked_where_they_speak_the_same_protocol(provider: dict[str, Any], address: str) -> None:
    args = {"provider": {**provider, "model": "m"}, "user_message": "Hi"}
    server = settings_of(args, args).server
    assert (server.base_url, server.key) == (address, "k")


async def test_a_schema_is_told_in_words_too_for_servers_that_pass_over_it() -> None:
    async with desk(said('{"n": 1}')) as at:
        done = await at.run(at.agent(output_schema={"type": "object", "required": ["n"]}))
        assert loads(done.value)["output"] == {"n": 1}
        (asked,) = at.server.asked
        assert asked["response_format"]["json_schema"]["schema"] == {"type": "object", "required": ["n"]}
        assert '"required": ["n"]' in asked["messages"][0]["content"]
