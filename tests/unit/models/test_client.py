"""The model client: the real `openai` client against a server that answers well, badly, late or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from flowapp.models import (
    Budget,
    ModelBudgetSpent,
    ModelBusy,
    ModelClient,
    ModelDenied,
    ModelFailed,
    ModelMalformed,
    ModelRefused,
    ModelSettings,
    ModelTimeout,
    ModelTooLong,
    ModelUnknown,
    ModelUnreachable,
    estimated,
)
from flowapp.net import AddressPolicy
from flowapp.net.errors import PolicyInvalid
from tests.unit.net.http_server import Answer, HttpServer, Request, http_server

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


def completion(content: str | None, finish: str = "stop", **message: Any) -> Answer:
    """A chat completion."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    return Answer(
        {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    )


@asynccontextmanager
async def client_of(
    answer: Callable[[Request], Awaitable[Answer]] | Answer, budget: Budget | None = None, timeout_s: float = 5.0
) -> AsyncIterator[tuple[ModelClient, HttpServer]]:
    """A client and the server it talks to."""

    async def respond(request: Request) -> Answer:
        return answer if isinstance(answer, Answer) else await answer(request)

    async with http_server(respond) as server:
        settings = ModelSettings("small", "secret-key", f"{server.url}/v1", timeout_s)
        client = ModelClient(settings, budget=budget)
        try:
            yield client, server
        finally:
            await client.close()


async def ask(client: ModelClient) -> dict[str, Any]:
    return await client.ask("Be brief.", "How many?", SCHEMA, "answer")


async def test_a_good_answer_is_an_object_of_the_schema() -> None:
    async with client_of(completion('{"n": 3}')) as (client, server):
        assert await ask(client) == {"n": 3}
        request = server.requests[0]
        assert (request.method, request.target) == ("POST", "/v1/chat/completions")
        assert request.headers["authorization"] == "Bearer secret-key"
        assert request.json["model"] == "small"
        assert request.json["response_format"]["json_schema"] == {"name": "answer", "schema": SCHEMA, "strict": True}


async def test_a_fenced_answer_is_read() -> None:
    async with client_of(completion('```json\n{"n": 3}\n```')) as (client, _):
        assert await ask(client) == {"n": 3}


async def test_a_server_without_schemas_gets_it_in_words() -> None:
    async def picky(request: Request) -> Answer:
        if "response_format" in request.json:
            return Answer({"error": {"message": "unknown response_format"}}, 400)
        return completion('{"n": 4}')

    async with client_of(picky) as (client, server):
        assert await ask(client) == {"n": 4}
        assert json.dumps(SCHEMA) in server.requests[1].json["messages"][0]["content"]


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (completion("not json"), ModelMalformed),
        (completion('{"n": "three"}'), ModelMalformed),
        (completion("[1]"), ModelMalformed),
        (completion(None), ModelMalformed),
        (completion('{"n": ', finish="length"), ModelMalformed),
        (Answer({"choices": []}), ModelMalformed),
        (Answer({"choices": [5]}), ModelMalformed),
        (Answer([]), ModelMalformed),
        (completion(None, refusal="I cannot do that."), ModelRefused),
        (completion("", finish="content_filter"), ModelRefused),
        (Answer({"error": {"message": "bad key"}}, 401), ModelDenied),
        (Answer({"error": {"message": "no"}}, 403), ModelDenied),
        (Answer({"error": {"message": "no such model"}}, 404), ModelUnknown),
        (Answer({"detail": "Not Found"}, 404), ModelUnreachable),
        (Answer(b"<html>", 404, {"content-type": "text/html"}), ModelUnreachable),
        (Answer({"error": {"message": "slow down"}}, 429, {"retry-after-ms": "1"}), ModelBusy),
        (Answer({"error": {"message": "broken"}}, 500, {"retry-after-ms": "1"}), ModelUnreachable),
        (Answer(b"<html>", 200, {"content-type": "text/html"}), ModelMalformed),
    ],
)
async def test_every_bad_answer_is_a_typed_failure(answer: Answer, failure: type[ModelFailed]) -> None:
    async with client_of(answer) as (client, _):
        with pytest.raises(failure) as raised:
            await ask(client)
    assert "secret-key" not in f"{raised.value.message}{raised.value.hint}"


async def test_a_slow_model_is_given_up() -> None:
    async def slow(request: Request) -> Answer:
        await asyncio.sleep(30)
        return completion('{"n": 3}')

    async with client_of(slow, timeout_s=0.2) as (client, _):
        with pytest.raises(ModelTimeout, match=r"within 0\.2 s"):
            await ask(client)


async def test_a_server_that_is_not_there() -> None:
    async with http_server(lambda request: asyncio.sleep(0, completion("{}"))) as server:
        settings = ModelSettings("small", "k", f"{server.url}/v1")
    client = ModelClient(settings)
    with pytest.raises(ModelUnreachable):
        await ask(client)
    await client.close()


async def test_a_redirect_of_the_model_is_not_followed_into_the_private_network() -> None:
    async def inside(request: Request) -> Answer:
        return completion('{"n": 1}')

    async with http_server(inside) as private:
        away = Answer(status=307, headers={"location": f"{private.url}/v1/chat/completions"})
        async with client_of(away) as (client, _):
            with pytest.raises(ModelUnreachable):
                await ask(client)
        assert private.requests == []


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(PolicyInvalid):
        ModelClient(ModelSettings("m", "k", "not an address"))


class TestTokensOfAMessage:
    @staticmethod
    def settings(server: HttpServer, tokens: int) -> ModelSettings:
        return ModelSettings("small", "k", f"{server.url}/v1", message_tokens=tokens)

    async def test_what_would_be_longer_is_not_asked(self) -> None:
        async with http_server(lambda request: asyncio.sleep(0, completion('{"n": 3}'))) as server:
            client = ModelClient(self.settings(server, 1000))
            with pytest.raises(ModelTooLong, match=r"about 1,0\d\d tokens.*1,000"):
                await client.ask("Be brief.", "x" * 4000, SCHEMA, "answer")
            assert server.requests == []
            await client.close()

    async def test_the_answer_gets_what_the_question_leaves(self) -> None:
        async with http_server(lambda request: asyncio.sleep(0, completion('{"n": 3}'))) as server:
            client = ModelClient(self.settings(server, 1000))
            await client.ask("Be brief.", "x" * 2000, SCHEMA, "answer")
            assert 400 < server.requests[0].json["max_completion_tokens"] < 500
            await client.close()

    def test_characters_of_other_scripts_are_a_token_each(self) -> None:
        assert estimated("abcdefgh") == 2
        assert estimated("漢字", "abcd") == 3


async def test_a_policy_that_does_not_name_a_private_server_keeps_it_from_being_asked() -> None:
    async with http_server(lambda request: asyncio.sleep(0, completion('{"n": 3}'))) as server:
        client = ModelClient(ModelSettings("small", "k", f"{server.url}/v1"), AddressPolicy())
        with pytest.raises(ModelUnreachable, match="private or local address"):
            await ask(client)
        assert server.requests == []
        await client.close()


class TestBudget:
    async def test_is_settled_with_the_true_number_and_then_keeps_from_asking(self) -> None:
        budget = Budget(2050)
        async with client_of(completion('{"n": 3}'), budget) as (client, server):
            await ask(client)
            assert budget.used == 25
            await ask(client)
            with pytest.raises(ModelBudgetSpent):
                await ask(client)
            assert len(server.requests) == 2

    async def test_a_failed_question_costs_nothing(self) -> None:
        budget = Budget()
        async with client_of(Answer({}, 401), budget) as (client, _):
            with pytest.raises(ModelDenied):
                await ask(client)
        assert budget.used == 0

    def test_starts_again_each_day(self) -> None:
        now = [0.0]
        budget = Budget(10, clock=lambda: now[0])
        budget.reserve(10)
        with pytest.raises(ModelBudgetSpent):
            budget.reserve(1)
        now[0] = 86_400.0
        assert budget.reserve(1) == 1

    def test_keys_do_not_show_in_texts(self) -> None:
        assert "secret" not in repr(ModelSettings("m", "secret"))
