"""Blobs as rows: every server and worker on a PostgreSQL database finds them, in pieces of a megabyte.

Writing and reading go piece by piece, so a large content is never in memory twice. Both happen in the blobs' own threads and
transactions: a content of a gigabyte must not occupy the threads that steps are written in.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from flowapp.store.blobs import Blobs, checked, missing
from flowapp.store.clock import now, text_of
from flowapp.store.compressing import Compressed, remove_leftovers, untouched
from flowapp.store.postgres import lost_or_same
from flowapp.store.sql import Sql

PIECE = 1 << 20
_ADD = Sql("INSERT INTO blob (sha256, size, created_at) VALUES (:sha256, :size, :at) ON CONFLICT (sha256) DO NOTHING")
_TOUCH = Sql("UPDATE blob SET created_at = :at WHERE sha256 = :sha256")
_ADD_PIECE = Sql("INSERT INTO blob_chunk (sha256, position, data) VALUES (:sha256, :position, :data)")
_KNOWN = Sql("SELECT 1 FROM blob WHERE sha256 = :sha256")
_PIECE = Sql("SELECT data FROM blob_chunk WHERE sha256 = :sha256 AND position = :position")
_OLD = Sql("SELECT sha256 FROM blob WHERE created_at < :before")
_REMOVE = Sql("DELETE FROM blob WHERE sha256 = :sha256 AND created_at < :before")
_REMOVE_PIECES = Sql("DELETE FROM blob_chunk WHERE sha256 = :sha256")


class RowBlobs(Blobs):
    """The blobs of a PostgreSQL database. `<home>/blob-cache` keeps those that another process has to read from a file."""

    def __init__(self, engine: Engine, home: Path) -> None:
        super().__init__(home / "blob-cache")
        self._engine = engine

    def _take(self, made: Compressed) -> None:
        try:
            with self._engine.begin() as connection, open(made.file, "rb") as file:
                self._store(connection, made.sha256, made.size, file)
        except DBAPIError as error:
            raise lost_or_same(error) from error

    def _store(self, connection: Connection, sha256: str, size: int, file: IO[bytes]) -> None:
        row = {"sha256": sha256, "size": size, "at": now()}
        # the header's row makes others who store the same content wait; they find it stored then
        if _ADD.run(connection, row).rowcount == 0 and _TOUCH.run(connection, row).rowcount:
            return
        # where retention removed it between the two statements, it is new after all
        _ADD.run(connection, row)
        for position, piece in enumerate(iter(lambda: file.read(PIECE), b"")):
            _ADD_PIECE.run(connection, {"sha256": sha256, "position": position, "data": piece})

    def _compressed(self, sha256: str) -> IO[bytes]:
        return cast(IO[bytes], io.BufferedReader(_Pieces(self._pieces(checked(sha256))), PIECE))

    def _pieces(self, sha256: str) -> Iterator[bytes]:
        try:
            with self._engine.connect() as connection:
                if _KNOWN.run(connection, {"sha256": sha256}).first() is None:
                    raise missing(sha256)
                position = 0
                while found := _PIECE.run(connection, {"sha256": sha256, "position": position}).first():
                    yield bytes(found[0])
                    position += 1
        except DBAPIError as error:
            raise lost_or_same(error) from error

    def _local(self, sha256: str) -> Path:
        path = self._folder / f"{checked(sha256)}.zst"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(dir=self._folder, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.writelines(self._pieces(sha256))
                os.replace(temporary, path)
            finally:
                Path(temporary).unlink(missing_ok=True)
        os.utime(path)
        return path

    def _older_than(self, moment: datetime) -> list[str]:
        self._tidy_cache(moment)
        with self._engine.connect() as connection:
            return [row[0] for row in _OLD.run(connection, {"before": text_of(moment)})]

    def _remove(self, sha256s: Sequence[str], before: datetime) -> int:
        removed = 0
        for sha256 in sha256s:
            with self._engine.begin() as connection:
                gone = _REMOVE.run(connection, {"sha256": sha256, "before": text_of(before)}).rowcount
                if gone:
                    _REMOVE_PIECES.run(connection, {"sha256": sha256})
                removed += gone
        return removed

    def _tidy_cache(self, moment: datetime) -> None:
        remove_leftovers(self._folder, moment.timestamp())
        for file in untouched(self._folder, "*.zst", moment.timestamp()):
            file.unlink(missing_ok=True)


class _Pieces(io.RawIOBase):
    """Pieces as a stream of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._source = pieces
        self._rest = next(pieces, b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # the base names any buffer
        if not self._rest:
            self._rest = next(self._source, b"")
        part = self._rest[: len(buffer)]
        buffer[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)
