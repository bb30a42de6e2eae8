"""The file of a backup: a tar archive, compressed by zstd. `tar --zstd -tf FILE` lists it.

Its first member, `backup.json`, says what it is; what follows are members whose names are known, and nothing else is read.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import zstandard

from flowapp.store.backups.errors import BackupUnusable

FORMAT = 1
_MANIFEST = "backup.json"
OURS, ENGINES, DUMP, KEY = "database/flowapp.db", "database/dbos.db", "database/postgresql.dump", "secret.key"
BLOBS, SHARED, OBJECTS = "blobs/", "shared/", "objects/"
_KNOWN = re.compile(
    rf"{OURS}|{ENGINES}|{DUMP}|{KEY}|blobs/[0-9a-f]{{2}}/[0-9a-f]{{64}}\.zst|(?:shared|objects)/(?!.*(?:^|/)\.\.(?:/|$)).+",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    `database`: sqlite or postgresql. `schema`: its revision. `key`: by which one knows the key of the secrets, from which it
    cannot be found; empty where there was none. `with_key`: whether the key itself is in the backup.
    """

    flowapp: str
    made_at: str
    database: str
    schema: str
    key: str
    with_key: bool
    format: int = FORMAT


class Writer:
    """Adds members to a backup."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def text(self, name: str, content: bytes) -> None:
        """Add a member with this content, for its owner only."""
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o600
        self._tar.addfile(info, io.BytesIO(content))

    def file(self, name: str, source: Path) -> None:
        """Add a file; one that is gone meanwhile, or is no plain file, is left out."""
        with contextlib.suppress(FileNotFoundError):
            info = self._tar.gettarinfo(source, name)
            if info is not None and info.isreg():
                with source.open("rb") as content:
                    self._tar.addfile(info, content)

    def folder(self, name: str, source: Path) -> None:
        """Add all plain files below a folder under `name`, which ends in a slash."""
        for file in sorted(source.rglob("*")):
            if file.is_file() and not file.is_symlink():
                self.file(name + file.relative_to(source).as_posix(), file)


@contextlib.contextmanager
def writing(target: Path, manifest: Manifest) -> Iterator[Writer]:
    """Write a backup; the file is there only when all of it is.

    Raises:
        OSError: it cannot be written.
    """
    partial = target.with_name(f"{target.name}.part")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    try:
        compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
        with (
            partial.open("wb") as file,
            compressor.stream_writer(file) as stream,
            tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            writer = Writer(tar)
            writer.text(_MANIFEST, json.dumps(asdict(manifest), indent=2).encode())
            yield writer
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup. `content` is read once, before the next member is asked for."""

    name: str
    mode: int
    content: IO[bytes]


@contextlib.contextmanager
def reading(source: Path) -> Iterator[tuple[Manifest, Iterator[Member]]]:
    """What a backup says of itself, and its members.

    Raises:
        BackupUnusable: it is no backup, damaged (also while members are read), or of a later version.
    """
    try:
        with (
            source.open("rb") as file,
            zstandard.ZstdDecompressor().stream_reader(file) as stream,
            tarfile.open(fileobj=stream, mode="r|") as tar,
        ):
            yield _manifest(tar), _members(tar)
    except (zstandard.ZstdError, tarfile.TarError, EOFError) as error:
        raise BackupUnusable(f"{source} is no backup of Flowapp, or is damaged ({error}).") from None


def _manifest(tar: tarfile.TarFile) -> Manifest:
    first = tar.next()
    content = tar.extractfile(first) if first is not None and first.name == _MANIFEST else None
    try:
        found: Any = json.load(content) if content is not None else None
        if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
            raise BackupUnusable(
                f"The backup was made by a later version of Flowapp ({found.get('flowapp')}).",
                "Restore it with that one.",
            )
        return Manifest(**found)
    except (ValueError, TypeError):
        raise BackupUnusable("The file is no backup of Flowapp.", "`flowapp backup FILE` makes one.") from None


def _members(tar: tarfile.TarFile) -> Iterator[Member]:
    while (info := tar.next()) is not None:
        content = tar.extractfile(info) if info.isreg() else None
        if content is None or not _KNOWN.fullmatch(info.name):
            raise BackupUnusable(f"The backup holds {info.name!r}, which no backup has.", "Do not use it.")
        yield Member(info.name, info.mode & 0o777, content)
