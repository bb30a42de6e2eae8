"""The result of an SQL cell, written row by row: a small one is held and answered whole, a large one leaves in parts.

What is held of a large one is a part, or a single row where that is more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from json.encoder import encode_basestring
from typing import Any

from flowapp.runtimes.guest.frames import ITEMS, LIST, LIST_END, limit_text
from flowapp.runtimes.guest.parts import Joined
from flowapp.runtimes.guest.sql_rows import encode

#: bytes: a result of up to this much is answered whole
HELD = 4 << 20
#: bytes: about this much is sent at once
PIECE = 256 << 10

Send = Callable[[bytes, bytes], None]
"""Sends a part: its kind and body, see `frames`."""


class TooLarge(Exception):
    """The rows are more than is kept; the message says what to do."""


class JsonRows:
    """The result under construction: at most `limit` bytes held, or `most` bytes sent where `send` takes them."""

    def __init__(self, limit: int, send: Send | None = None, most: int = 0) -> None:
        self._limit = limit
        self._piece = min(PIECE, limit)
        self._send = send
        self._most = limit if send is None else most
        self._next = self._most if send is None else min(HELD, limit, most)
        self._sending = False
        self._waiting: list[tuple[bytes, bytes]] = []
        self._items = bytearray()
        self._size = 0

    def begin(self) -> None:
        """A list begins."""
        self._part(LIST)

    def end(self) -> None:
        """The list that began last is over."""
        self._part(LIST_END)

    def add(self, text: str) -> None:
        """The next value, as JSON text: of the list that is open, or the whole result where there is none.

        Raises:
            TooLarge: with it a limit is passed.
        """
        value = text.encode("utf-8", "replace")
        size, items = len(value), self._items
        self._size += size + 1
        if size > self._limit:
            raise TooLarge(
                f"One row is larger than the {limit_text(self._limit)} that a row may have. Select less of it."
            )
        if self._size > self._next:
            self._passed()
        if items:
            if len(items) + size >= self._piece:
                self._flush()
            else:
                items += b","
        items += value

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, first: bool, scalar: bool) -> int:
        """Append a list of rows, or, with `first`, the first of them (null when there is none); how many there were.

        A row is an object; with `scalar` it is the value of its first column.

        Raises:
            TooLarge: a limit is passed.
        """
        keys = [encode_basestring(name) + ":" for name in distinct(columns)]
        count = 0
        if not first:
            self.begin()
        for row in rows:
            if not first or count == 0:
                self.add(encode(row[0]) if scalar else _object(keys, row))
            count += 1
        if not first:
            self.end()
        elif count == 0:
            self.add("null")
        return count

    def rest(self) -> bytes:
        """The whole result where nothing was sent, else nothing: the last part is sent then."""
        self._flush()
        if self._sending:
            return b""
        if self._waiting[0][0] == ITEMS:
            return self._waiting[0][1]
        joined = Joined()
        return b"".join([joined.text(*part) for part in self._waiting])

    def _part(self, kind: bytes) -> None:
        self._flush()
        self._size += 1
        if self._size > self._next:
            self._passed()
        self._pass_on(kind, b"")

    def _flush(self) -> None:
        if self._items:
            self._pass_on(ITEMS, bytes(self._items))
            self._items.clear()

    def _pass_on(self, kind: bytes, body: bytes) -> None:
        if self._send is not None and self._sending:
            self._send(kind, body)
        else:
            self._waiting.append((kind, body))

    def _passed(self) -> None:
        """The result has reached the size at which it begins to be sent, or may not grow any more."""
        if self._size > self._most:
            raise TooLarge(
                f"The rows are larger than the {limit_text(self._most)} that are kept. Select less, or add a LIMIT."
            )
        # A value by itself is no list, and is answered whole whatever its size.
        if self._send is not None and self._waiting:
            self._sending, self._next = True, self._most
            for part in self._waiting:
                self._send(*part)
            self._waiting.clear()


def _object(keys: list[str], row: Sequence[Any]) -> str:
    return "{" + ",".join([key + encode(value) for key, value in zip(keys, row, strict=True)]) + "}"


def distinct(columns: Sequence[str]) -> list[str]:
    """Names of columns, equal ones numbered: an object cannot hold two of one name."""
    found: list[str] = []
    for name in columns:
        number, distinct = 1, name
        while distinct in found:
            number += 1
            distinct = f"{name}_{number}"
        found.append(distinct)
    return found
