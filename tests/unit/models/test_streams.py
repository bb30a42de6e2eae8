"""Answers in pieces: the real `openai` client against servers that stream well, badly, for ever or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from flowapp.models import (
    GrowingText,
    ModelBusy,
    ModelClient,
    ModelDenied,
    ModelFailed,
    ModelMalformed,
    ModelRefused,
    ModelSettings,
    ModelTimeout,
    ModelUnreachable,
)
from tests.unit.models.test_client import SCHEMA, completion
from tests.unit.net.http_server import Answer, HttpServer, Request, http_server

DONE = b"data: [DONE]\n\n"


def event(text: str | None = None, finish: str | None = None, **delta: Any) -> bytes:
    """A piece of an answer, as a server sends it."""
    choice = {"index": 0, "delta": {"content": text, **delta}, "finish_reason": finish}
    return (
        b"data: " + json.dumps({"id": "x", "object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"
    )


def usage(tokens: int) -> bytes:
    return b"data: " + json.dumps({"choices": [], "usage": {"total_tokens": tokens}}).encode() + b"\n\n"


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


@asynccontextmanager
async def streaming(
    answer: Any, timeout_s: float = 5.0, stream_s: float = 5.0
) -> AsyncIterator[tuple[ModelClient, HttpServer]]:
    """A client, and a server that answers with what `answer(request)` makes."""

    async def respond(request: Request) -> Answer:
        made: Answer = answer(request)
        return made

    async with http_server(respond) as server:
        client = ModelClient(
            ModelSettings("small", "secret-key", f"{server.url}/v1", timeout_s=timeout_s, stream_s=stream_s)
        )
        try:
            yield client, server
        finally:
            await client.close()


async def told(client: ModelClient, heard: list[str]) -> Any:
    return await client.told("Be brief.", "How many?", SCHEMA, "answer", hear=heard.append)


async def test_pieces_are_heard_and_make_one_checked_answer() -> None:
    parts = (b": hello\n\n", event('{"n'), event('": '), event("3}"), event(finish="stop"), usage(31), DONE)
    heard: list[str] = []
    async with streaming(lambda _: Answer(pieces(*parts))) as (client, server):
        answer = await told(client, heard)
        assert (answer.value, answer.tokens) == ({"n": 3}, 31)
        assert heard == ['{"n', '": ', "3}"]
        assert server.requests[0].json["stream"] is True
        assert server.requests[0].json["stream_options"] == {"include_usage": True}


async def test_what_has_come_is_heard_before_the_rest_is_there() -> None:
    more = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield event('{"n": ')
        await more.wait()
        yield event("3}", "stop")

    heard: list[str] = []

    def hear(piece: str) -> None:
        heard.append(piece)
        more.set()  # without being heard there is no rest

    async with streaming(lambda _: Answer(slow())) as (client, _):
        answer = await client.told("s", "u", SCHEMA, "answer", hear=hear)
    assert (answer.value, answer.tokens, len(heard)) == ({"n": 3}, None, 2)


async def test_a_server_that_does_not_stream_answers_in_one_piece() -> None:
    heard: list[str] = []
    async with streaming(lambda _: completion('{"n": 3}')) as (client, _):
        assert (await told(client, heard)).value == {"n": 3}
    assert heard == []


async def test_a_server_that_refuses_to_stream_is_asked_without() -> None:
    def picky(request: Request) -> Answer:
        refused = Answer({"error": {"message": "stream is not supported"}}, 400)
        return refused if "stream" in request.json else completion('{"n": 3}')

    async with streaming(picky) as (client, server):
        assert (await told(client, [])).value == {"n": 3}
        assert len(server.requests) == 3


async def cut() -> AsyncIterator[bytes]:
    yield event('{"n": ')
    raise RuntimeError("the machine goes down")


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield event("x" * 1000)


@pytest.mark.parametrize(
    ("answer", "failure", "words"),
    [
        (lambda: Answer(cut()), ModelUnreachable, "was cut"),
        (lambda: Answer(pieces(event('{"n": '))), ModelMalformed, "broke off"),
        (lambda: Answer(pieces(event('{"n": '), b"data: {nonsense\n\n")), ModelMalformed, "cannot be read"),
        (
            lambda: Answer(pieces(event('{"n": '), b'data: {"error": {"message": "overloaded"}}\n\n')),
            ModelUnreachable,
            "gave up",
        ),
        (lambda: Answer(pieces(b"data: [1]\n\n")), ModelMalformed, "cannot be read"),
        (lambda: Answer(pieces(DONE)), ModelMalformed, "broke off"),
        (lambda: Answer(pieces(event('{"n": "three"}', "stop"))), ModelMalformed, "agreed form"),
        (lambda: Answer(pieces(event('{"n": ', "length"))), ModelMalformed, "cut off"),
        (
            lambda: Answer(pieces(event(refusal="I cannot"), event(refusal=" do that", finish="stop"))),
            ModelRefused,
            "declined",
        ),
        (lambda: Answer(endless()), ModelMalformed, "longer than agreed"),
        (lambda: Answer({"error": {"message": "bad key"}}, 401), ModelDenied, "key"),
        (lambda: Answer({"error": {"message": "slow down"}}, 429, {"retry-after-ms": "1"}), ModelBusy, "credit"),
    ],
)
async def test_every_bad_stream_is_a_typed_failure(answer: Any, failure: type[ModelFailed], words: str) -> None:
    async with streaming(lambda _: answer()) as (client, _):
        with pytest.raises(failure, match=words) as raised:
            await told(client, [])
    assert "secret-key" not in f"{raised.value.message}{raised.value.hint}"


async def dumb() -> AsyncIterator[bytes]:
    yield event('{"n": ')
    await asyncio.Event().wait()


async def trickle() -> AsyncIterator[bytes]:
    while True:
        yield b": still here\n\n"
        await asyncio.sleep(0.01)


async def test_a_silence_is_as_long_as_a_question_may_take_and_the_whole_has_an_end_too() -> None:
    async with streaming(lambda _: Answer(dumb()), timeout_s=0.2) as (client, server):
        with pytest.raises(ModelTimeout):
            await told(client, [])
        await asyncio.wait_for(server.left.wait(), 5)
    async with streaming(lambda _: Answer(trickle()), timeout_s=0.2, stream_s=0.4) as (client, _):
        with pytest.raises(ModelTimeout):
            await told(client, [])


async def test_who_stops_waiting_closes_the_connection_to_the_model() -> None:
    heard = asyncio.Event()
    async with streaming(lambda _: Answer(dumb())) as (client, server):
        asking = asyncio.ensure_future(client.told("s", "u", SCHEMA, "answer", hear=lambda _: heard.set()))
        await asyncio.wait_for(heard.wait(), 5)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(server.left.wait(), 5)


class TestGrowingText:
    TEXT = 'He said "no" \\ and\n left 🙂 – ça va'

    @pytest.mark.parametrize("ascii_only", [True, False])
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
    def test_pieces_of_any_size_make_the_text(self, size: int, ascii_only: bool) -> None:
        whole = json.dumps({"message": self.TEXT, "changes": []}, ensure_ascii=ascii_only)
        growing = GrowingText("message")
        assert "".join(growing.feed(whole[at : at + size]) for at in range(0, len(whole), size)) == self.TEXT

    @pytest.mark.parametrize("head", ['{"message":"', ' {\n "message" : "', '```json\n{"message": "'])
    def test_it_may_begin_in_several_ways(self, head: str) -> None:
        growing = GrowingText("message")
        assert growing.feed(head + "Hel") == "Hel"
        assert growing.feed('lo", "message": "again') == "lo"
        assert growing.feed("more") == ""

    @pytest.mark.parametrize(
        "whole", ['{"changes": [], "message": "x"}', "I think that", "[" * 500, '{"message": 5}', ""]
    )
    def test_anything_else_says_nothing(self, whole: str) -> None:
        growing = GrowingText("message")
        assert "".join(growing.feed(character) for character in whole * 3) == ""

    def test_half_a_character_is_no_reason_to_fail(self) -> None:
        growing = GrowingText("message")
        assert growing.feed('{"message": "a\\ud83d') == "a"
        assert growing.feed("b\\q") == "\ufffdb"
        assert growing.feed("more") == ""
