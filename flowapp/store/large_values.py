"""Values that are too large to be held: written piece by piece into the blob store, and handed around as a reference.

The reference is text like any value's. It has the form of one to a stored file, and names besides the value that it stands for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from flowapp.jsontext import DIGEST_BYTES, JsonText, dumps, loads
from flowapp.store.blobs import REFERENCE, BlobRef, Blobs
from flowapp.store.errors import ValueTooLarge

#: bytes: what is larger is not read into memory for expressions and arguments
MOST_IN_MEMORY = 64 << 20
_VALUE = "value"
_LONGEST = 400
_HASH_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class ValueRef:
    """Stands for a value: its hash, the blob that holds its text, and the size of that in bytes."""

    hash: str
    sha256: str
    size: int

    def to_text(self) -> JsonText:
        """As the engine hands it around, and as values hold it that others are made of."""
        shown = BlobRef(self.sha256, self.size, "application/json", "result.json").to_json()
        shown[REFERENCE][_VALUE] = self.hash
        return dumps(shown)

    @classmethod
    def from_json(cls, value: Any) -> ValueRef | None:
        """The reference that a JSON value looks like. Whether it is one, `Values.known` says."""
        blob = BlobRef.from_json(value)
        digest = value[REFERENCE].get(_VALUE) if blob is not None else None
        if blob is None or not isinstance(digest, str) or len(digest) != 2 * DIGEST_BYTES:
            return None
        return cls(digest, blob.sha256, blob.size) if _HASH_DIGITS.issuperset(digest) else None

    @classmethod
    def from_text(cls, text: str) -> ValueRef | None:
        """The same of JSON text."""
        if len(text) > _LONGEST or not text.startswith(f'{{"{REFERENCE}"'):
            return None
        return cls.from_json(loads(text))


def require_small(size: int) -> None:
    """Ask whether a value of so many bytes may be read into memory.

    Raises:
        ValueTooLarge: it may not; the message says what to do.
    """
    if size > MOST_IN_MEMORY:
        raise ValueTooLarge(
            f"A result of {size / (1 << 20):.1f} MB is used here, and at most {MOST_IN_MEMORY >> 20} MB can be handed "
            "to expressions and steps. Let its step return less (in SQL: fewer columns, a sum, LIMIT), or keep the rows "
            "in the database or in a file of ./shared."
        )


class ValueWriter:
    """A value under construction. `write` and `discard` are for a thread, one call after the other."""

    def __init__(self, blobs: Blobs, known: Callable[[ValueRef], Awaitable[None]]) -> None:
        """`known` is told of the value once its content is safe."""
        self._blobs = blobs
        self._known = known
        self._making = blobs.begin()
        self._digest = hashlib.blake2b(digest_size=DIGEST_BYTES)

    def write(self, piece: bytes) -> None:
        """Append JSON text.

        Raises:
            OSError: it cannot be stored.
        """
        self._digest.update(piece)
        self._making.write(piece)

    async def finish(self) -> JsonText:
        """All of it is there: its reference.

        Raises:
            OSError: it cannot be stored.
            StoreError: likewise.
        """
        made = await self._blobs.take(self._making)
        reference = ValueRef(self._digest.hexdigest(), made.sha256, made.size)
        await self._known(reference)
        return reference.to_text()

    def discard(self) -> None:
        """Nothing is left of what was not finished."""
        self._making.discard()
