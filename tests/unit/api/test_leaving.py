"""Work ends with the connection of whoever waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from flowapp.api.leaving import while_connected
from flowapp.workspace.errors import BadRequest


def asking(left: asyncio.Event) -> Request:
    """A request whose body was read, of a caller who stays until `left`."""

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


async def test_the_answer_of_the_work_is_given() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert await while_connected(asking(asyncio.Event()), work()) == 7


async def test_an_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise ValueError("as it is")

    with pytest.raises(ValueError, match="as it is"):
        await while_connected(asking(asyncio.Event()), work())


@pytest.mark.parametrize("how", ["the caller leaves", "the server stops"])
async def test_the_work_is_cancelled_when(how: str) -> None:
    left, begun, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.ensure_future(while_connected(asking(left), work()))
    await begun.wait()
    if how == "the caller leaves":
        left.set()
        with pytest.raises(BadRequest):
            await waiting
    else:
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert ended.is_set()
