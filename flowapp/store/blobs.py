"""Big content (uploaded files, large values), compressed, by its hash: files in the data folder of the one process that owns
it, or rows where several machines share a PostgreSQL database (`blob_rows.py`).

Nothing here knows whose content it is: who may read a blob is decided where the reference to it is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeVar

import zstandard

from flowapp.store.compressing import Compressed, Compressing, compressed, remove_leftovers, untouched
from flowapp.store.errors import BlobMissing

T = TypeVar("T")
REFERENCE = "$flowapp:blob"
_READ_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A reference to a blob; it stands for the blob's text wherever a value holds it. `size` is in bytes, uncompressed."""

    sha256: str
    size: int
    media_type: str = ""
    name: str = ""

    def to_json(self) -> dict[str, Any]:
        """The form in which stored arguments hold it: one key, `$flowapp:blob`."""
        fields = {"sha256": self.sha256, "size": self.size, "media_type": self.media_type, "name": self.name}
        return {REFERENCE: fields}

    @classmethod
    def from_json(cls, value: Any) -> BlobRef | None:
        """The reference that a JSON value is, or None when it is something else."""
        if not isinstance(value, dict) or len(value) != 1:
            return None
        fields = value.get(REFERENCE)
        if not isinstance(fields, dict) or not is_sha256(fields.get("sha256")):
            return None
        size = fields.get("size")
        return cls(
            fields["sha256"],
            size if isinstance(size, int) else 0,
            str(fields.get("media_type") or ""),
            str(fields.get("name") or ""),
        )


def is_sha256(text: object) -> bool:
    """Whether this is 64 lower-case hex digits: what may become part of a file name."""
    return isinstance(text, str) and len(text) == 64 and all(c in "0123456789abcdef" for c in text)


class Blobs(ABC):
    """Contents by the hash of what they hold. Compression runs in two threads of its own, so it never holds the event loop."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where contents are while they are compressed."""
        self._folder = folder
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="blobs")

    async def put(self, data: bytes | Iterable[bytes], *, media_type: str = "", name: str = "") -> BlobRef:
        """Store content (once, whoever stores it again) and return its reference; durable when this returns."""
        made = await self._in_thread(self._put, data)
        return BlobRef(made.sha256, made.size, media_type, name)

    def begin(self) -> Compressing:
        """Content that comes little by little; see `take`."""
        return Compressing(self._folder)

    async def take(self, making: Compressing) -> Compressed:
        """Store what was made by `begin`; durable when this returns.

        Raises:
            OSError: there is no space left.
        """

        def work() -> Compressed:
            made = making.finish()
            self._take(made)
            return made

        return await self._in_thread(work)

    async def read(self, sha256: str) -> bytes:
        """The whole content.

        Raises:
            BlobMissing: there is no such blob.
        """
        return await self._in_thread(self.read_now, sha256)

    async def read_text(self, sha256: str) -> str:
        """The content as UTF-8 text; bytes that are not UTF-8 become replacement characters."""
        return (await self.read(sha256)).decode("utf-8", "replace")

    async def pieces(self, sha256: str) -> AsyncIterator[bytes]:
        """The content piece by piece; that there is such a blob is known when this returns.

        Raises:
            BlobMissing: there is none.
        """
        return self._read_pieces(await self._in_thread(lambda: open(self._local(sha256), "rb")))

    async def _read_pieces(self, file: IO[bytes]) -> AsyncIterator[bytes]:
        with file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
            while piece := await self._in_thread(reader.read, _READ_STEP):
                yield piece

    async def local(self, sha256: str) -> Path:
        """A file on this machine that holds the compressed content, for another process to read.

        Raises:
            BlobMissing: there is no such blob.
        """
        return await self._in_thread(self._local, sha256)

    async def older_than(self, moment: datetime) -> list[str]:
        """The blobs that were last stored before `moment`."""
        return await self._in_thread(self._older_than, moment)

    async def remove(self, sha256s: Sequence[str], before: datetime) -> int:
        """Remove blobs, except those that were stored again at `before` or later; returns how many."""
        return await self._in_thread(self._remove, sha256s, before)

    def read_now(self, sha256: str) -> bytes:
        """`read` for code that is not on the event loop."""
        with self._compressed(sha256) as source, zstandard.ZstdDecompressor().stream_reader(source) as reader:
            return b"".join(iter(lambda: reader.read(_READ_STEP), b""))

    def close(self) -> None:
        """Stop the threads after what they are doing."""
        self._threads.shutdown()

    async def _in_thread(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def _put(self, data: bytes | Iterable[bytes]) -> Compressed:
        with compressed(data, self._folder) as made:
            self._take(made)
            return made

    @abstractmethod
    def _take(self, made: Compressed) -> None: ...

    @abstractmethod
    def _compressed(self, sha256: str) -> IO[bytes]: ...

    @abstractmethod
    def _local(self, sha256: str) -> Path: ...

    @abstractmethod
    def _older_than(self, moment: datetime) -> list[str]: ...

    @abstractmethod
    def _remove(self, sha256s: Sequence[str], before: datetime) -> int: ...


class FileBlobs(Blobs):
    """Compressed files named by their hash, under `<home>/blobs`."""

    def __init__(self, home: Path) -> None:
        super().__init__(home / "blobs")
        self._changing = threading.Lock()

    def path(self, sha256: str) -> Path:
        """Where a blob's compressed file is.

        Raises:
            BlobMissing: `sha256` is not a hash, so it names no file.
        """
        return self._folder / checked(sha256)[:2] / f"{sha256}.zst"

    def _take(self, made: Compressed) -> None:
        target = self.path(made.sha256)
        with self._changing:
            if target.exists():
                os.utime(target)
            else:
                target.parent.mkdir(exist_ok=True, mode=0o700)
                os.replace(made.file, target)

    def _compressed(self, sha256: str) -> IO[bytes]:
        try:
            return open(self.path(sha256), "rb")
        except FileNotFoundError:
            raise missing(sha256) from None

    def _local(self, sha256: str) -> Path:
        path = self.path(sha256)
        if not path.exists():
            raise missing(sha256)
        return path

    def _older_than(self, moment: datetime) -> list[str]:
        before = moment.timestamp()
        remove_leftovers(self._folder, before)
        return [file.name.removesuffix(".zst") for file in untouched(self._folder, "??/*.zst", before)]

    def _remove(self, sha256s: Sequence[str], before: datetime) -> int:
        removed = 0
        for sha256 in sha256s:
            path = self.path(sha256)
            with self._changing, contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    removed += 1
        return removed


def checked(sha256: str) -> str:
    """The hash, which may become part of a file name.

    Raises:
        BlobMissing: it is none.
    """
    if not is_sha256(sha256):
        raise BlobMissing("Not a blob name")
    return sha256


def missing(sha256: str) -> BlobMissing:
    """The error about a blob that is not there."""
    return BlobMissing(f"The stored content {sha256[:12]} is gone", "It may have been deleted by retention.")
