"""A result that comes in parts: each is checked by itself and handed on, so that the whole is never in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import orjson

from flowapp.jsontext import JsonText
from flowapp.runtimes.guest import frames
from flowapp.runtimes.guest.parts import Joined
from flowapp.runtimes.jobs import Job, ResultWriter

KINDS = frames.LIST + frames.ITEMS + frames.LIST_END


class Broken(Exception):
    """What came is no part of a result, or more than was agreed on."""


class LargeResult:
    """The result of one job. One call comes after the other, and `close` in any case, at the end."""

    def __init__(self, make: Callable[[], ResultWriter], most: int) -> None:
        self._make = make
        self._left = most
        self._writer: ResultWriter | None = None
        self._joined = Joined()

    @classmethod
    def of(cls, job: Job) -> LargeResult | None:
        """For a job whose result may come in parts."""
        return None if job.large is None else cls(job.large, job.limits.rows_bytes)

    @property
    def begun(self) -> bool:
        """Whether there was a part: the result is here then, and not in the answer."""
        return self._writer is not None

    async def take(self, kind: bytes, body: bytes) -> None:
        """The next part.

        Raises:
            Broken: it is none.
            Exception: see `ResultWriter.write`.
        """
        await asyncio.to_thread(self._take, kind, body)

    def _take(self, kind: bytes, body: bytes) -> None:
        try:
            if kind == frames.ITEMS and not orjson.loads(b"[" + body + b"]"):
                raise Broken("an empty part")
            text = self._joined.text(kind, body)
        except ValueError as error:
            raise Broken(str(error)) from error
        self._left -= len(text)
        if self._left < 0:
            raise Broken("more than was agreed on")
        if self._writer is None:
            self._writer = self._make()
        self._writer.write(text)

    async def finish(self) -> JsonText:
        """There are no more parts: what stands for the result.

        Raises:
            Broken: a part is missing.
            Exception: see `ResultWriter.finish`.
        """
        if self._writer is None or not self._joined.complete:
            raise Broken("it has no end")
        return await self._writer.finish()

    async def close(self) -> None:
        """Whatever was not finished is forgotten."""
        if self._writer is not None:
            await asyncio.to_thread(self._writer.discard)
