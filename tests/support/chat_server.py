"""A server that speaks OpenAI's chat completions and says what a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.unit.net.http_server import Answer, HttpServer, Request, http_server

Says = Callable[[Any], Answer]
"""What the model answers to a request's body."""


def said(content: str | None = None, *calls: tuple[str, Any], finish: str = "stop", **message: Any) -> Answer:
    """A turn of the model: text, or calls of functions with their arguments (text, or a value that becomes JSON)."""
    made = [
        {
            "id": f"call-{index}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for index, (name, given) in enumerate(calls)
    ]
    words = {"role": "assistant", "content": content, **({"tool_calls": made} if made else {}), **message}
    choice = {"index": 0, "finish_reason": "tool_calls" if made else finish, "message": words}
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    return Answer(
        {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    )


@dataclass
class ChatServerDouble:
    """The running server: `turns` are said one after the other, the last one again and again."""

    http: HttpServer
    turns: list[Answer | Says] = field(default_factory=list)
    held_from: int | None = None
    """From this request on (counted from 1) nobody gets an answer until `go` is set."""
    go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{self.http.url}/v1"

    @property
    def asked(self) -> list[Any]:
        """The bodies of the requests so far."""
        return [request.json for request in self.http.requests]


@asynccontextmanager
async def chat_server(*turns: Answer | Says) -> AsyncIterator[ChatServerDouble]:
    """Start one on a free port of this machine."""
    made: list[ChatServerDouble] = []

    async def answer(request: Request) -> Answer:
        server = made[0]
        if server.held_from is not None and len(server.asked) >= server.held_from:
            await server.go.wait()
        turn = server.turns.pop(0) if len(server.turns) > 1 else server.turns[0]
        return turn(request.json) if callable(turn) else turn

    async with http_server(answer) as http:
        made.append(ChatServerDouble(http, list(turns)))
        yield made[0]


def event(finish: str | None = None, **delta: Any) -> bytes:
    """An event of an answer in pieces."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return (
        b"data: " + json.dumps({"id": "x", "object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"
    )


def spoken(*texts: str, calls: Sequence[tuple[str, Any]] = (), finish: str = "stop") -> list[bytes]:
    """The events of a turn that comes in pieces; the arguments of each call come in two."""
    made = [event(content=text) for text in texts]
    for index, (name, given) in enumerate(calls):
        text = given if isinstance(given, str) else json.dumps(given)
        begun = {"id": f"call-{index}", "type": "function", "function": {"name": name, "arguments": text[:3]}}
        made.append(event(tool_calls=[{"index": index, **begun}]))
        made.append(event(tool_calls=[{"index": index, "function": {"arguments": text[3:]}}]))
    usage = {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}}
    made.append(event("tool_calls" if calls else finish))
    return [*made, b"data: " + json.dumps(usage).encode() + b"\n\n", b"data: [DONE]\n\n"]


def in_pieces(*events: bytes, hold: asyncio.Event | None = None, cut: bool = False) -> Says:
    """A turn of these events. The last one waits for `hold`; with `cut` the connection ends instead of it."""

    async def body() -> AsyncIterator[bytes]:
        for one in events[:-1]:
            yield one
        if hold is not None:
            await hold.wait()
        if cut:
            raise RuntimeError("cut")
        yield events[-1]

    return lambda _: Answer(body())
