r"""What `main` returns piece by piece: each piece is printed as a line that the server takes for the step's stream.

A line is `WM_STREAM: ` and the text, with its line ends written as `\n`, as Windmill's clients print it too.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeGuard

MARK = "WM_STREAM: "


def is_iterator(value: Any) -> TypeGuard[Iterator[Any]]:
    """A generator, or anything else that gives one piece after another and remembers where it is."""
    return hasattr(type(value), "__next__") and hasattr(type(value), "__iter__")


def is_async_iterator(value: Any) -> TypeGuard[AsyncIterator[Any]]:
    """The same, with waiting in between."""
    return hasattr(type(value), "__anext__") and hasattr(type(value), "__aiter__")


def tell(part: Any) -> str:
    """Stream a piece; its text."""
    text = str(part)
    if text:
        line = text.replace("\n", "\\n")
        sys.stdout.write(f"{MARK}{line}\n")
        sys.stdout.flush()
    return text


def joined(parts: Iterator[Any]) -> str:
    """Stream all pieces; the text that they are together."""
    return "".join([tell(part) for part in parts])


async def joined_async(parts: AsyncIterator[Any]) -> str:
    """The same for pieces that are waited for."""
    return "".join([tell(part) async for part in parts])
