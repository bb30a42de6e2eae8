"""Content on its way into the blob store: compressed into a temporary file piece by piece, and hashed at the same time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

LEVEL = 3
_SUFFIX = ".part"
#: no file is written to after such a pause
_LONGEST_PAUSE_S = 86400.0


@dataclass(frozen=True, slots=True)
class Compressed:
    """Content that is ready: its hash and size (bytes, uncompressed), and the compressed file."""

    sha256: str
    size: int
    file: Path


class Compressing:
    """A temporary file of `folder` under construction. Used in one thread at a time; `discard` in any case, at the end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=folder, suffix=_SUFFIX)
        self._path = Path(name)
        self._file = os.fdopen(handle, "wb")
        self._writer = zstandard.ZstdCompressor(level=LEVEL).stream_writer(self._file, closefd=False)
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, piece: bytes) -> None:
        """Append to it.

        Raises:
            OSError: there is no space left.
        """
        self._digest.update(piece)
        self._size += len(piece)
        self._writer.write(piece)

    def finish(self) -> Compressed:
        """All of it is there, and safe on disk.

        Raises:
            OSError: as `write`.
        """
        self._writer.flush(zstandard.FLUSH_FRAME)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Compressed(self._digest.hexdigest(), self._size, self._path)

    def discard(self) -> None:
        """Remove the file, unless it was moved away."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)


@contextlib.contextmanager
def compressed(data: bytes | Iterable[bytes], folder: Path) -> Iterator[Compressed]:
    """Compress content into a temporary file of `folder`, which is removed afterwards unless it was moved away."""
    making = Compressing(folder)
    try:
        for piece in (data,) if isinstance(data, bytes) else data:
            making.write(piece)
        yield making.finish()
    finally:
        making.discard()


def remove_leftovers(folder: Path, before: float) -> None:
    """Remove what a server that was killed left behind; nothing that was written to in the day before (a timestamp)."""
    for file in untouched(folder, f"*{_SUFFIX}", before - _LONGEST_PAUSE_S):
        file.unlink(missing_ok=True)


def untouched(folder: Path, pattern: str, before: float) -> Iterator[Path]:
    """The files of a folder that were last written to before a timestamp. Some may vanish while one looks."""
    for file in folder.glob(pattern):
        with contextlib.suppress(FileNotFoundError):
            if file.stat().st_mtime < before:
                yield file
