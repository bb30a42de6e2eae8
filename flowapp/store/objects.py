"""Files that scripts keep: in a folder of the server, or in a bucket of S3 (or of what speaks like it).

Nothing here knows whose they are. Keys are relative paths of `/`-separated names.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore

from flowapp.store import buckets
from flowapp.store.buckets import Bucket, Found, away, missing

_PART = 6 << 20
_PARTS_AT_ONCE = 2
_READ_STEP = 1 << 20
_LEFT_S = 86_400.0
#: What a file is called while it is written.
UNFINISHED = re.compile(r"#\d+$")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder on this machine; it is made with its first file."""

    path: Path


Place: TypeAlias = Folder | Bucket


async def put(place: Place, key: str, chunks: AsyncIterable[bytes], media_type: str = "") -> None:
    """Keep a file, in the place of one that has the key. It is there wholly or, where `chunks` raises, not at all.

    Raises:
        ObjectsAway: the place does not take it.
    """
    if isinstance(place, Bucket):
        return await buckets.put(place, key, chunks, media_type)
    try:
        # a folder keeps no media types; they follow from names there
        await obstore.put_async(
            _opened(place), key, chunks, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE, use_multipart=True
        )
    except (BaseError, OSError, ValueError) as error:
        raise _away(error) from error


async def get(place: Place, key: str) -> Found:
    """A file.

    Raises:
        ObjectMissing: there is none.
        ObjectsAway: the place does not answer.
    """
    if isinstance(place, Bucket):
        return await buckets.get(place, key)
    try:
        found = await obstore.get_async(_opened(place), key)
    except FileNotFoundError:
        raise missing(key) from None
    except (BaseError, OSError, ValueError) as error:
        raise _away(error) from error
    return Found(found.meta["size"], "", aiter(found.stream(min_chunk_size=_READ_STEP)), _nothing_to_close)


async def delete(place: Place, key: str) -> None:
    """Take a file away; one that is not there is gone already."""
    if isinstance(place, Bucket):
        return await buckets.delete(place, key)
    try:
        await obstore.delete_async(_opened(place), key)
    except FileNotFoundError:
        return
    except (BaseError, OSError, ValueError) as error:
        raise _away(error) from error


def tidy(folder: Path) -> None:
    """Remove what servers that were killed left half written below a folder of places: whatever rests for a day."""
    for file in folder.rglob("*"):
        try:
            if UNFINISHED.search(file.name) and time.time() - file.stat().st_mtime > _LEFT_S and file.is_file():
                file.unlink()
        except FileNotFoundError:
            continue


async def _nothing_to_close() -> None:
    """A file of a folder is opened anew for each part, and closed after it."""


def _opened(place: Folder) -> LocalStore:
    place.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return LocalStore(prefix=place.path)


def _away(error: Exception) -> Exception:
    # the library's text goes on with a dump of its own insides, which names the server's folders
    reason = error.strerror if isinstance(error, OSError) else str(error).partition("\n")[0].partition(": /")[0][:200]
    return away(reason or type(error).__name__)
