"""Making a backup."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flowapp import __version__
from flowapp.store.backups import archive, copying
from flowapp.store.backups.archive import Manifest
from flowapp.store.backups.errors import BackupError
from flowapp.store.beside import engine_of, schema_of
from flowapp.store.clock import text_of
from flowapp.store.database import database_file, is_postgres
from flowapp.store.objects import UNFINISHED
from flowapp.store.secret_box import SecretBox

KEY_FILE = "secret.key"
ENGINES_FILE = "dbos.db"
_STAGE = "backup-%d.tmp"


@dataclass(frozen=True, slots=True)
class Place:
    """An installation: its database, data folder, key ("" for the one in the folder) and the shared folders of its runs."""

    url: str
    home: Path
    key: str
    shared: Path

    @property
    def key_mark(self) -> str:
        """By which a backup knows the key; empty where there is none."""
        if not self.key and not (self.home / KEY_FILE).exists():
            return ""
        return SecretBox(self.home, self.key).key_for("backups").hex()


def make(place: Place, target: Path, *, with_key: bool) -> Manifest:
    """Make a backup of an installation, whether or not a server works on it.

    Raises:
        BackupError: the target is there already or cannot be written, or a database cannot be copied.
        DatabaseUnsupported: there is no database.
        DatabaseAway: PostgreSQL does not answer.
    """
    if target.exists():
        raise BackupError(f"{target} is there already.", "Choose another name; nothing was overwritten.")
    manifest = _manifest(place, with_key=with_key)
    try:
        with _stage(place.home) as stage:
            databases = _copied(place, stage)
            _link_files(place.home / "blobs", stage / "blobs", "??/*.zst")
            _link_files(place.home / "objects", stage / "objects", "**/*")
            with archive.writing(target, manifest) as writer:
                for name, file in databases.items():
                    writer.file(name, file)
                writer.folder(archive.BLOBS, stage / "blobs")
                writer.folder(archive.OBJECTS, stage / "objects")
                writer.folder(archive.SHARED, place.shared)
                if with_key and not place.key:
                    writer.file(archive.KEY, place.home / KEY_FILE)
    except OSError as error:
        raise BackupError(f"{error.filename or target} cannot be written ({error.strerror}).") from None
    return manifest


def _manifest(place: Place, *, with_key: bool) -> Manifest:
    engine = engine_of(place.url, place.home)
    try:
        schema = schema_of(engine)
    finally:
        engine.dispose()
    if schema is None:
        raise BackupError("There is nothing to back up: the database has no tables of Flowapp.")
    if with_key and place.key:
        raise BackupError(
            "The key is in FLOWAPP_SECRET_KEY, not in a file, and is not put into a backup.", "Leave --with-key out."
        )
    if with_key and not place.key_mark:
        raise BackupError(f"There is no {KEY_FILE} in {place.home}.", "Leave --with-key out.")
    return Manifest(
        flowapp=__version__,
        made_at=text_of(datetime.now(UTC)),
        database="postgresql" if is_postgres(place.url) else "sqlite",
        schema=schema,
        key=place.key_mark,
        with_key=with_key,
    )


def _copied(place: Place, stage: Path) -> dict[str, Path]:
    """Copies of the databases, by their names in the backup. Their order matters: see the package's docstring."""
    if is_postgres(place.url):
        copying.dump_postgres(place.url, stage / "postgresql.dump")
        return {archive.DUMP: stage / "postgresql.dump"}
    made: dict[str, Path] = {}
    engines = place.home / ENGINES_FILE
    if engines.exists():
        copying.copy_sqlite(engines, stage / ENGINES_FILE)
        made[archive.ENGINES] = stage / ENGINES_FILE
    copying.copy_sqlite(database_file(place.url, place.home), stage / "flowapp.db")
    made[archive.OURS] = stage / "flowapp.db"
    return made


def _link_files(source: Path, target: Path, pattern: str) -> None:
    """Keep the contents that there are now from being removed while the archive is written."""
    for file in source.glob(pattern):
        if not file.is_file() or UNFINISHED.search(file.name):
            continue
        linked = target / file.relative_to(source)
        linked.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, linked)
        except FileNotFoundError:
            continue
        except OSError:  # a file system without links
            shutil.copyfile(file, linked)


@contextmanager
def _stage(home: Path) -> Iterator[Path]:
    """A folder for copies, in the data folder: only its owner may enter. Those of killed backups go."""
    for left in home.glob(_STAGE.replace("%d", "*")):
        if not Path(f"/proc/{left.stem.partition('-')[2]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    stage = home / (_STAGE % os.getpid())
    stage.mkdir(parents=True, mode=0o700)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
