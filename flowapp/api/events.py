"""Server-sent events: one stream per page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from flowapp.api.auth import App, Caller, token_of
from flowapp.jsontext import dumps
from flowapp.workspace.streams import Message

router = APIRouter(prefix="/api/w/{ws}")
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


@router.get("/events")
async def events(
    request: Request, caller: Caller, workspace: App, topics: Annotated[str, Query(max_length=4000)] = ""
) -> Response:
    """What happens to drafts and runs: `topics=draft:<id>,run:<id>,runs`."""
    token, _ = token_of(request)

    async def still_valid() -> bool:
        person = await workspace.sessions.person(token)
        return person is not None and await workspace.sessions.identity(person, caller.workspace) == caller

    wanted = [topic for topic in topics.split(",") if topic]
    messages = await workspace.streams.open(caller, wanted, still_valid)
    return StreamingResponse(_encoded(messages), media_type="text/event-stream", headers=_HEADERS)


async def _encoded(messages: AsyncIterator[Message | None]) -> AsyncIterator[bytes]:
    async for message in messages:
        if message is None:
            yield b": ping\n\n"
        else:
            yield b"data: " + dumps(message).encode("utf-8", "surrogatepass") + b"\n\n"
