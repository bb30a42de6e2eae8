"""A stored file that a job writes piece by piece: the storage reads on when it can, and the job waits for it meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any

from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, dumps
from flowapp.runtimes.errors import ResultRefused
from flowapp.workspace.objects import Target


class _Dropped(Exception):
    """Ends the content of a file that will not be finished, so that nothing of it is kept."""


class WrittenFile:
    """See `runtimes.jobs.FileWriter`."""

    def __init__(self, target: Target, named: Mapping[str, Any]) -> None:
        """`named` is what stands for the file when it is there."""
        self._target = target
        self._named = named
        self._pieces: asyncio.Queue[bytes | _Dropped | None] = asyncio.Queue(1)
        self._keeping: asyncio.Task[str] | None = None

    async def write(self, piece: bytes) -> None:
        """See `FileWriter`."""
        await self._hand_over(piece)

    async def finish(self) -> JsonText:
        """See `FileWriter`."""
        await self._hand_over(None)
        await self._kept(self._begun())
        return dumps(self._named)

    async def discard(self) -> None:
        """See `FileWriter`."""
        keeping = self._keeping
        if keeping is None:
            return
        with contextlib.suppress(Exception):
            await self._either(self._pieces.put(_Dropped()), keeping)
            await asyncio.shield(keeping)
            await self._target.drop()

    async def _hand_over(self, piece: bytes | None) -> None:
        keeping = self._begun()
        await self._either(self._pieces.put(piece), keeping)
        if keeping.done():
            await self._kept(keeping)

    def _begun(self) -> asyncio.Task[str]:
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._target.fill(self._content()))
        return self._keeping

    async def _either(self, put: Coroutine[Any, Any, None], keeping: asyncio.Task[str]) -> None:
        """Hand a piece over, unless the storage does not go on."""
        handing = asyncio.create_task(put)
        try:
            await asyncio.wait([handing, keeping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            handing.cancel()

    async def _content(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            if isinstance(piece, _Dropped):
                raise piece
            yield piece

    async def _kept(self, keeping: asyncio.Task[str]) -> None:
        try:
            await asyncio.shield(keeping)
        except FlowappError as error:
            raise ResultRefused(f"{error.message} {error.hint}".strip()) from error
