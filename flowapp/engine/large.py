"""What a value only refers to: stored files, and results that are too large to be held.

Only the server makes such references, for whose they are: a script's result that holds one is refused.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import orjson

from flowapp.jsontext import JsonText, dumps, loads
from flowapp.runtimes.errors import ResultRefused
from flowapp.store.blobs import REFERENCE, BlobRef
from flowapp.store.large_values import ValueRef, ValueWriter
from flowapp.store.stores import Store

MADE_UP = f"A result cannot hold the key {REFERENCE}"
_KEY = f'"{REFERENCE}"'
#: no honest encoder writes plain letters so
_ESCAPED = re.compile(r"\\u00([2-7][0-9a-fA-F])")


class CheckedWriter:
    """Takes a script's large result; see `runtimes.jobs.ResultWriter`."""

    def __init__(self, writer: ValueWriter) -> None:
        self._writer = writer

    def write(self, piece: bytes) -> None:
        """Append whole values.

        Raises:
            ResultRefused: they hold a reference.
        """
        if makes_up_reference(piece.decode("utf-8", "surrogatepass")):
            raise ResultRefused(MADE_UP)
        self._writer.write(piece)

    async def finish(self) -> JsonText:
        """What stands for the result from now on."""
        return await self._writer.finish()

    def discard(self) -> None:
        """Forget it, if it was not finished."""
        self._writer.discard()


def makes_up_reference(text: str) -> bool:
    """Whether what a script gave, or a part of that, holds a reference."""
    if _KEY in text:
        return True
    return _ESCAPED.search(text) is not None and _KEY in _ESCAPED.sub(_plain, text)


def _plain(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return letter if letter not in '"\\' else " "


async def expand(store: Store, text: JsonText) -> JsonText:
    """Replace references, at any depth: those to files by the texts that they hold, those to large results by the results.

    Raises:
        ValueTooLarge: a result is too large to be read into memory.
        ValueMissing: a result is gone.
        BlobMissing: a file is gone.
    """
    if REFERENCE not in text:
        return text
    reference = ValueRef.from_text(text)
    if reference is not None:
        found = await _result(store, reference)
        if found is not None:
            return found
    value = await _expanded(store, loads(text))
    # what is uploaded may be large, and putting it together again must not hold everybody else up
    return await asyncio.to_thread(_text, value)


async def _result(store: Store, reference: ValueRef) -> JsonText | None:
    if await store.values.find(reference) is None:
        await store.values.size_of(reference.hash)  # where it is gone, that is an error: nothing else stands for it
        return None
    reference.require_small()
    return await store.values.get_value(reference.hash)


async def _expanded(store: Store, value: Any) -> Any:
    if isinstance(value, list):
        return [await _expanded(store, item) for item in value]
    if isinstance(value, dict):
        reference = ValueRef.from_json(value)
        if reference is not None and (found := await _result(store, reference)) is not None:
            return orjson.Fragment(found)
        file = BlobRef.from_json(value)
        if file is not None:
            return await store.blobs.read_text(file.sha256)
        return {name: await _expanded(store, item) for name, item in value.items()}
    return value


def _text(value: Any) -> JsonText:
    try:
        return JsonText(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode())
    except TypeError:
        # integers past 64 bits, which orjson refuses and the standard library keeps
        return dumps(_parsed(value))


def _parsed(value: Any) -> Any:
    """The same with the texts of results as values."""
    if isinstance(value, orjson.Fragment):
        return loads(orjson.dumps(value).decode())
    if isinstance(value, list):
        return [_parsed(item) for item in value]
    if isinstance(value, dict):
        return {name: _parsed(item) for name, item in value.items()}
    return value
