"""What a value only refers to: stored files, and results that are too large to be held.

Only the server makes such references, for whose they are: a script's result that holds one is refused.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from flowapp.jsontext import JsonText, dumps, loads
from flowapp.runtimes.errors import ResultRefused
from flowapp.store import large_values
from flowapp.store.blobs import REFERENCE, BlobRef
from flowapp.store.errors import ValueTooLarge
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


def hands_on(text: JsonText, sources: Iterable[JsonText]) -> bool:
    """Whether all files that the value of an expression refers to are in what the expression could see.

    Whoever knows the hash of a file must not get its content by writing a reference to it.
    """
    if not makes_up_reference(text):
        return True
    seen = [files_in(loads(source)) for source in sources if REFERENCE in source]
    return files_in(loads(text)) <= set().union(*seen)


def files_in(value: Any) -> set[str]:
    """The hashes of the files that a value refers to, at any depth."""
    if isinstance(value, list):
        return set().union(*map(files_in, value))
    if not isinstance(value, dict):
        return set()
    file = BlobRef.from_json(value)
    return {file.sha256} if file is not None else set().union(*map(files_in, value.values()))


def _plain(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return letter if letter not in '"\\' else " "


class Budget:
    """How much may still be read into memory; texts that are expanded for one step share one.

    A file costs nothing where it is needed first: how large it may be was decided when it was uploaded.
    """

    def __init__(self) -> None:
        self._left = large_values.MOST_IN_MEMORY
        self.files: dict[str, str] = {}
        """The texts of files by their hash, each read once."""

    def take(self, size: int) -> None:
        """So many bytes are going to be read, or written once more.

        Raises:
            ValueTooLarge: that is too much; the message says what to do.
        """
        large_values.require_small(size)
        self._left -= size
        if self._left < 0:
            raise ValueTooLarge(
                f"Results of more than {large_values.MOST_IN_MEMORY >> 20} MB together are used here. Use fewer of "
                "them in one step, or let their steps return less (in SQL: fewer columns, a sum, LIMIT)."
            )


async def expand(store: Store, text: JsonText, budget: Budget | None = None) -> JsonText:
    """Replace references, at any depth: those to files by the texts that they hold, those to large results by the results.

    Raises:
        ValueTooLarge: the results are too large to be read into memory, one of them or together.
        ValueMissing: a result is gone.
        BlobMissing: a file is gone.
    """
    if REFERENCE not in text:
        return text
    reader = _Reader(store, budget or Budget())
    reference = ValueRef.from_text(text)
    if reference is not None:
        found = await reader.result(reference)
        if found is not None:
            return found
    value = await reader.expanded(loads(text))
    # what is uploaded may be large, and putting it together again must not hold everybody else up
    return await asyncio.to_thread(_text, value)


@dataclass(frozen=True, slots=True)
class _Reader:
    store: Store
    budget: Budget

    async def result(self, reference: ValueRef) -> JsonText | None:
        """The text of a large result; None where the reference stands for none."""
        values = self.store.values
        found = await values.find(reference)
        if found is None:
            await values.size_of(reference.hash)  # where it is gone, that is an error: nothing else stands for it
            return None
        self.budget.take(found.size)
        return await values.get_value(found.hash)

    async def expanded(self, value: Any) -> Any:
        """A parsed value with its references replaced."""
        if isinstance(value, list):
            return [await self.expanded(item) for item in value]
        if isinstance(value, dict):
            reference = ValueRef.from_json(value)
            if reference is not None and (found := await self.result(reference)) is not None:
                return orjson.Fragment(found)
            file = BlobRef.from_json(value)
            if file is not None:
                return await self._file(file)
            return {name: await self.expanded(item) for name, item in value.items()}
        return value

    async def _file(self, file: BlobRef) -> str:
        files = self.budget.files
        if file.sha256 in files:
            self.budget.take(len(files[file.sha256]))
        else:
            files[file.sha256] = await self.store.blobs.read_text(file.sha256)
        return files[file.sha256]


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
