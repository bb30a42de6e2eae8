"""A small HTTP server for tests: answers each request with what a function makes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What goes out; a body that is not bytes is sent as JSON, pieces of bytes one after the other until they end."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class HttpServer:
    """A running server and the requests it got."""

    port: int
    host: str = "127.0.0.1"
    requests: list[Request] = field(default_factory=list)
    #: a client has gone while it was being answered in pieces
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@asynccontextmanager
async def http_server(
    answer: Callable[[Request], Awaitable[Answer]], host: str = "127.0.0.1"
) -> AsyncIterator[HttpServer]:
    """Serve on a free port of this machine."""
    found = HttpServer(0, host)
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ", 2)
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            request = Request(method, target, headers, body)
            found.requests.append(request)
            reply = await answer(request)
            if isinstance(reply.body, AsyncIterator):
                await _in_pieces(found, reader, writer, reply)
                return
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            lines = {
                "content-type": "application/json",
                "content-length": str(len(data)),
                "connection": "close",
                **reply.headers,
            }
            text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            writer.write(f"HTTP/1.1 {reply.status} X\r\n{text}\r\n".encode() + data)
            await writer.drain()
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(serve, host, 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _in_pieces(
    found: HttpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: Answer
) -> None:
    """Send what an iterator gives, in chunks; it is closed early when the client leaves, and cut when it raises."""
    lines = {"content-type": "text/event-stream", "transfer-encoding": "chunked", **reply.headers}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"HTTP/1.1 {reply.status} X\r\n{text}\r\n".encode())

    async def send() -> None:
        async for piece in reply.body:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    sending = asyncio.ensure_future(send())
    leaving = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not sending.done():
            found.left.set()
        elif sending.exception() is not None and not isinstance(sending.exception(), ConnectionError):
            writer.transport.abort()
    finally:
        sending.cancel()
        leaving.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)
