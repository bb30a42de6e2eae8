"""What comes in parts, a result or a file: each is checked by itself and handed on, so that the whole is never in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import orjson

from flowapp.jsontext import JsonText
from flowapp.runtimes.guest import frames
from flowapp.runtimes.guest.parts import Joined
from flowapp.runtimes.jobs import FileWriter, Job, ResultWriter


class Broken(Exception):
    """What came is no part of a result, or more than was agreed on."""


class InParts(Protocol):
    """What one job sends in parts. One call comes after the other, and `close` in any case, at the end."""

    kinds: bytes
    """The frames that are its parts."""

    @property
    def begun(self) -> bool:
        """Whether it is here, and not in the answer."""

    async def take(self, kind: bytes, body: bytes) -> None:
        """The next part.

        Raises:
            Broken: it is none.
            Exception: see `ResultWriter.write`.
        """

    async def finish(self) -> JsonText:
        """There are no more parts: what stands for all of them.

        Raises:
            Broken: a part is missing.
            Exception: see `ResultWriter.finish`.
        """

    async def close(self, kept: bool) -> None:
        """It is over. Whatever was not finished is forgotten, and a file that was, too, unless it is `kept`."""


def parts_of(job: Job) -> InParts | None:
    """What a job may send in parts: a file where it makes one, else its result."""
    if job.file is not None:
        return RowsFile(job.file(), job.limits.file_bytes)
    return None if job.large is None else LargeResult(job.large, job.limits.rows_bytes)


class RowsFile:
    """The file of one job, of which an empty one is a file too. Its content is the job's own."""

    kinds = frames.FILE
    begun = True

    def __init__(self, writer: FileWriter, most: int) -> None:
        self._writer = writer
        self._left = most

    async def take(self, _kind: bytes, body: bytes) -> None:
        """See `InParts`."""
        self._left -= len(body)
        if self._left < 0:
            raise Broken("more than was agreed on")
        await self._writer.write(body)

    async def finish(self) -> JsonText:
        """See `InParts`."""
        return await self._writer.finish()

    async def close(self, kept: bool) -> None:
        """See `InParts`."""
        if not kept:
            await self._writer.discard()


class LargeResult:
    """The result of one job, see `InParts`."""

    kinds = frames.LIST + frames.ITEMS + frames.LIST_END

    def __init__(self, make: Callable[[], ResultWriter], most: int) -> None:
        self._make = make
        self._left = most
        self._writer: ResultWriter | None = None
        self._joined = Joined()

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

    async def close(self, kept: bool) -> None:
        """See `InParts`. Nobody knows of a value that is stored and not kept."""
        if self._writer is not None:
            await asyncio.to_thread(self._writer.discard)
