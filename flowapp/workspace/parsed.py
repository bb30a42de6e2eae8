"""Questions about stored values, asked without ever blocking the event loop.

Small values are parsed here (in a thread unless tiny) and kept for a while; big ones stay in the values process.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

from flowapp.jsontext import JsonText, loads
from flowapp.store.stores import Store
from flowapp.workspace import large_parts
from flowapp.workspace.errors import OutputMissing, OutputUnreadable
from flowapp.workspace.tree import PathMissing
from flowapp.workspace.values_process import BigValueFailed, BigValues, answer

TINY = 32 * 1024
BIG = 1 << 20
KEPT_CHARACTERS = 8 << 20


class Parsed:
    """Answers about values by their hash. See `values_process.answer` for the requests."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._big = BigValues()
        self._kept: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._kept_characters = 0

    async def ask(self, digest: str, request: dict[str, Any], text: JsonText | None = None) -> Any:
        """The answer as a JSON value; `text` spares reading the value where the caller has it.

        Raises:
            OutputMissing: there is nothing at the path asked for.
            OutputUnreadable: too big for the memory or the time.
        """
        content = b"".join([piece async for piece in self.stream(digest, request, text)])
        return loads(content.decode("utf-8", "surrogatepass"))

    async def stream(self, digest: str, request: dict[str, Any], text: JsonText | None = None) -> AsyncIterator[bytes]:
        """The answer in pieces, as it is made."""
        try:
            if text is not None and len(text) <= TINY:
                for piece in answer(self._parse(digest, text), request):
                    yield piece
                return
            place = await self._store.values.locate(digest)
            if place.blob is not None and place.size > BIG:
                async for piece in self._big.ask(await self._store.blobs.local(place.blob), request):
                    yield piece
                return
            known = text or place.text or await self._store.values.get_value(digest)
            for piece in await asyncio.to_thread(lambda: list(answer(self._parse(digest, JsonText(known)), request))):
                yield piece
        except PathMissing as error:
            raise OutputMissing(f"{error} in this output.", "The result may be of another shape than before.") from None
        except BigValueFailed as error:
            raise OutputUnreadable(str(error), "Download it, or let the step return less.") from error

    def now(self, digest: str, request: dict[str, Any], text: JsonText) -> Any:
        """The answer about a tiny value (at most `TINY` characters), at once."""
        content = b"".join(answer(self._parse(digest, text), request))
        return loads(content.decode("utf-8", "surrogatepass"))

    async def close(self) -> None:
        """End the values process."""
        await self._big.close()

    def _parse(self, digest: str, text: JsonText) -> Any:
        known = self._kept.get(digest)
        if known is not None:
            return known[1]
        value = large_parts.shown(text)
        if digest in self._kept:  # parsed in two threads at once: it counts only once
            return value
        self._kept[digest] = len(text), value
        self._kept_characters += len(text)
        while self._kept_characters > KEPT_CHARACTERS and len(self._kept) > 1:
            self._kept_characters -= self._kept.popitem(last=False)[1][0]
        return value
