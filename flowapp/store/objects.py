"""Files that scripts keep: in a folder of the server, or in a bucket of S3 (or of what speaks like it).

Nothing here knows whose they are. Keys are relative paths of `/`-separated names, as `key_of` gives them.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from flowapp.store.errors import ObjectMissing, ObjectsAway

if TYPE_CHECKING:  # the library has these names for type checkers only
    from obstore.store import ClientConfig, S3Config

_PART = 6 << 20
_PARTS_AT_ONCE = 2
_READ_STEP = 1 << 20
_CONNECT_TIMEOUT, _TIMEOUT = "5s", "1h"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder on this machine; it is made with its first file."""

    path: Path


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket with what opens it. `endpoint` is `https://host[:port]`; empty for Amazon's own of the region."""

    name: str
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    endpoint: str = ""
    path_style: bool = False
    token: str = field(default="", repr=False)


Place: TypeAlias = Folder | Bucket


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is there: its size in bytes, its media type ("" where the place keeps none), and its content in pieces."""

    size: int
    media_type: str
    chunks: AsyncIterator[bytes]


async def put(place: Place, key: str, chunks: AsyncIterable[bytes], media_type: str = "") -> None:
    """Keep a file, in the place of one that has the key. It is there wholly or, where `chunks` raises, not at all.

    Raises:
        ObjectsAway: the place does not take it.
    """
    # a folder keeps no media types; they follow from names there
    attributes = {"Content-Type": media_type} if media_type and isinstance(place, Bucket) else None
    try:
        await obstore.put_async(
            _opened(place), key, chunks, attributes=attributes, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE
        )
    except (BaseError, OSError, ValueError) as error:
        raise _away(error) from error


async def get(place: Place, key: str) -> Found:
    """A file.

    Raises:
        ObjectMissing: there is none.
        ObjectsAway: the place does not answer.
    """
    try:
        found = await obstore.get_async(_opened(place), key)
    except FileNotFoundError:
        raise missing(key) from None
    except (BaseError, OSError, ValueError) as error:
        raise _away(error) from error
    media_type = found.attributes.get("Content-Type") or ""
    return Found(found.meta["size"], str(media_type), aiter(found.stream(min_chunk_size=_READ_STEP)))


async def delete(place: Place, key: str) -> None:
    """Take a file away; one that is not there is gone already."""
    try:
        await obstore.delete_async(_opened(place), key)
    except FileNotFoundError:
        return
    except (BaseError, OSError, ValueError) as error:
        raise _away(error) from error


def missing(key: str) -> ObjectMissing:
    """The error about a file that is not there."""
    return ObjectMissing(f"There is no file {key[:200]!r}.", "It may have been deleted, or be kept in another storage.")


def _opened(place: Place) -> LocalStore | S3Store:
    if isinstance(place, Folder):
        place.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return LocalStore(prefix=place.path)
    client: ClientConfig = {"connect_timeout": _CONNECT_TIMEOUT, "timeout": _TIMEOUT}
    config: S3Config = {
        "bucket": place.name,
        "region": place.region,
        "access_key_id": place.access_key,
        "secret_access_key": place.secret_key,
        "virtual_hosted_style_request": not place.path_style,
    }
    if place.endpoint:
        config["endpoint"] = place.endpoint
        client["allow_http"] = place.endpoint.startswith("http://")
    if place.token:
        config["session_token"] = place.token
    return S3Store(config=config, client_options=client, retry_config={"max_retries": 2})


def _away(error: Exception) -> ObjectsAway:
    # the library's text goes on with a dump of its own insides, which may name the server's folders
    reason = str(error).partition("\n")[0][:300] if not isinstance(error, OSError) else (error.strerror or "")
    return ObjectsAway(f"The storage of files does not do that: {reason or type(error).__name__}.")
