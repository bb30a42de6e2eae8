"""Big content (uploaded files, large values) as compressed files named by their hash, under `<home>/blobs`.

Nothing here knows whose content it is: who may read a blob is decided where the reference to it is read.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from flowapp.store.errors import BlobMissing

LEVEL = 3
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


class Blobs:
    """The blob files of one data folder. Compression runs in two threads of its own, so it never holds the event loop."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "blobs"
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="blobs")

    async def put(self, data: bytes | Iterable[bytes], *, media_type: str = "", name: str = "") -> BlobRef:
        """Store content (once, whoever stores it again) and return its reference; durable when this returns."""
        loop = asyncio.get_running_loop()
        sha256, size = await loop.run_in_executor(self._threads, self._put, data)
        return BlobRef(sha256, size, media_type, name)

    async def read(self, sha256: str) -> bytes:
        """The whole content.

        Raises:
            BlobMissing: there is no such blob.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.read_now, sha256)

    async def read_text(self, sha256: str) -> str:
        """The content as UTF-8 text; bytes that are not UTF-8 become replacement characters."""
        return (await self.read(sha256)).decode("utf-8", "replace")

    def read_now(self, sha256: str) -> bytes:
        """`read` for code that is not on the event loop."""
        try:
            with open(self.path(sha256), "rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
                return b"".join(iter(lambda: reader.read(_READ_STEP), b""))
        except FileNotFoundError:
            raise BlobMissing(
                f"The stored content {sha256[:12]} is gone", "It may have been deleted by retention."
            ) from None

    def path(self, sha256: str) -> Path:
        """Where a blob's compressed file is.

        Raises:
            BlobMissing: `sha256` is not a hash, so it names no file.
        """
        if not is_sha256(sha256):
            raise BlobMissing("Not a blob name")
        return self._folder / sha256[:2] / f"{sha256}.zst"

    def close(self) -> None:
        """Stop the threads after what they are doing."""
        self._threads.shutdown()

    def _put(self, data: bytes | Iterable[bytes]) -> tuple[str, int]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        digest, size = hashlib.sha256(), 0
        handle, temporary = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                with zstandard.ZstdCompressor(level=LEVEL).stream_writer(file, closefd=False) as writer:
                    for chunk in (data,) if isinstance(data, bytes) else data:
                        digest.update(chunk)
                        size += len(chunk)
                        writer.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            sha256 = digest.hexdigest()
            target = self.path(sha256)
            if not target.exists():
                target.parent.mkdir(exist_ok=True, mode=0o700)
                os.replace(temporary, target)
            return sha256, size
        finally:
            Path(temporary).unlink(missing_ok=True)
