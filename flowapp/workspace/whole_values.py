"""JSON texts with the large results that they refer to, for downloads. None of them is held."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from flowapp.store.blobs import REFERENCE
from flowapp.store.large_values import ValueRef
from flowapp.store.stores import Store

#: quotes within texts are escaped, so this is found nowhere else
_REFERENCE = re.compile(r'\{"' + re.escape(REFERENCE) + r'":\{[^{}]*\}\}')


async def whole(store: Store, text: str) -> AsyncIterator[bytes]:
    """The pieces of a compact JSON text, those of large results in their places."""
    position = 0
    for found in _REFERENCE.finditer(text):
        reference = ValueRef.from_text(found[0])
        if reference is None or await store.values.find(reference) is None:
            continue
        yield _bytes(text[position : found.start()])
        async for piece in await store.blobs.pieces(reference.sha256):
            yield piece
        position = found.end()
    yield _bytes(text[position:])


async def with_parts(store: Store, values: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same of several texts, one after the other."""
    async for value in values:
        if REFERENCE.encode() not in value:
            yield value
            continue
        async for piece in whole(store, value.decode("utf-8", "surrogatepass")):
            yield piece


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
