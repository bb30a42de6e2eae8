"""A bucket of S3. Addresses are signed by a library; what is sent goes by our own client, which judges each connection.

A library's client would follow redirects of the bucket's host to wherever they lead.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

import httpx2
import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from flowapp.net.client import open_client
from flowapp.net.policy import AddressPolicy
from flowapp.store.errors import ObjectMissing, ObjectsAway

if TYPE_CHECKING:  # the library has this name for type checkers only
    from obstore.store import S3Config

MAX_FILE = 5 << 30
"""Bytes. It is also what S3 takes in one piece."""
_STEP = 1 << 20
_TIMEOUT_S = 60.0
_SIGNED_FOR = timedelta(minutes=15)
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket with what opens it.

    `endpoint` is `https://host[:port]`; empty for Amazon's own of the region. With `path_style` the bucket's name is the first
    part of the path, otherwise the first of the host. `policy` says which addresses are called; files on their way wait
    in the folder `spool`.
    """

    name: str
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    endpoint: str
    path_style: bool
    token: str = field(repr=False)
    policy: AddressPolicy
    spool: Path


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is there: its size in bytes, its media type ("" where the place keeps none), and its content in pieces.

    Call `close` when no more is read, also where nothing was: it ends what the place still sends.
    """

    size: int
    media_type: str
    chunks: AsyncIterator[bytes]
    close: Callable[[], Awaitable[None]]


async def put(bucket: Bucket, key: str, chunks: AsyncIterable[bytes], media_type: str) -> None:
    """Keep a file. It waits in a file without a name until all of it is here: S3 wants to know its size.

    Raises:
        ObjectsAway: the bucket does not take it.
        AddressRefused: the server must not call its host.
    """
    with tempfile.TemporaryFile(dir=bucket.spool) as file:
        async for chunk in chunks:
            await asyncio.to_thread(file.write, chunk)
        size = file.tell()
        file.seek(0)
        headers = {"content-length": str(size), **({"content-type": media_type} if media_type else {})}
        async with _asked(bucket, "PUT", key, headers, _pieces(file)) as answer:
            if answer.status_code != 200:
                raise _refused(answer, await _code(answer))


async def get(bucket: Bucket, key: str) -> Found:
    """A file.

    Raises:
        ObjectMissing: there is none.
        ObjectsAway: the bucket does not answer, or not so.
        AddressRefused: the server must not call its host.
    """
    async with AsyncExitStack() as asked:
        answer = await asked.enter_async_context(_asked(bucket, "GET", key))
        size = answer.headers.get("content-length", "")
        if answer.status_code != 200 or not size.isdecimal():
            code = await _code(answer)
            raise missing(key) if _says_missing(answer, code) else _refused(answer, code)
        opened = asked.pop_all()

    async def content() -> AsyncGenerator[bytes]:
        async with opened:
            async for chunk in answer.aiter_bytes(_STEP):
                yield chunk

    chunks = content()

    async def close() -> None:
        await chunks.aclose()
        await opened.aclose()  # of a content that nobody began to read

    return Found(int(size), answer.headers.get("content-type", ""), chunks, close)


async def delete(bucket: Bucket, key: str) -> None:
    """Take a file away; one that is not there is gone already.

    Raises:
        ObjectsAway: the bucket does not do that.
        AddressRefused: the server must not call its host.
    """
    async with _asked(bucket, "DELETE", key) as answer:
        if answer.status_code not in (200, 204):
            code = await _code(answer)
            if not _says_missing(answer, code):
                raise _refused(answer, code)


def missing(key: str) -> ObjectMissing:
    """The error about a file that is not there."""
    return ObjectMissing(f"There is no file {key[:200]!r}.", "It may have been deleted, or be kept in another storage.")


def away(reason: str) -> ObjectsAway:
    """The error of a place that does not do what it is asked to."""
    return ObjectsAway(
        f"The storage of files does not do that: {reason}.", "Are its host, region, bucket and keys right?"
    )


@asynccontextmanager
async def _asked(
    bucket: Bucket,
    method: Literal["GET", "PUT", "DELETE"],
    key: str,
    headers: dict[str, str] | None = None,
    content: AsyncIterable[bytes] | None = None,
) -> AsyncIterator[httpx2.Response]:
    try:
        url = await obstore.sign_async(_opened(bucket), method, key, _SIGNED_FOR)
    except (BaseError, ValueError) as error:
        raise away(str(error).partition("\n")[0][:200]) from None
    async with open_client(bucket.policy, timeout_s=_TIMEOUT_S, max_bytes=MAX_FILE) as client:
        try:
            async with client.stream(method, url, headers=headers, content=content) as answer:
                yield answer
        except httpx2.HTTPError as error:
            # without the address: it is signed
            raise away(f"{type(error).__name__} at {bucket.endpoint or 'Amazon'}") from None


async def _code(answer: httpx2.Response) -> str:
    """What S3 calls the error of an answer, "" where it does not say."""
    text = ""
    async for chunk in answer.aiter_text(2048):
        text = chunk
        break
    found = _CODE.search(text)
    return found[1] if found else ""


def _says_missing(answer: httpx2.Response, code: str) -> bool:
    """Whether it is the file that is not there. A bucket that is not there is no news of a file."""
    return answer.status_code == 404 and code in ("", "NoSuchKey")


def _refused(answer: httpx2.Response, code: str) -> ObjectsAway:
    if answer.is_redirect:
        return away(f"it answers {answer.status_code}, as if the bucket were elsewhere")
    return away(f"it answers {answer.status_code}{f' ({code})' if code else ''}")


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, _STEP):
        yield chunk


def _opened(bucket: Bucket) -> S3Store:
    config: S3Config = {
        "bucket": bucket.name,
        "region": bucket.region,
        "access_key_id": bucket.access_key,
        "secret_access_key": bucket.secret_key,
        "virtual_hosted_style_request": not bucket.path_style,
    }
    if bucket.endpoint:
        scheme, _, host = bucket.endpoint.partition("://")
        config["endpoint"] = bucket.endpoint if bucket.path_style else f"{scheme}://{bucket.name}.{host}"
    if bucket.token:
        config["session_token"] = bucket.token
    return S3Store(config=config)
