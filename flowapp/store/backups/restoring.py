"""Making an installation of a backup. There must be none yet where it goes."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

from flowapp.store.backups import archive, copying
from flowapp.store.backups.archive import Manifest, Member
from flowapp.store.backups.errors import BackupError, BackupUnusable, RestoreRefused
from flowapp.store.backups.making import ENGINES_FILE, KEY_FILE, Place
from flowapp.store.database import database_file, is_postgres
from flowapp.store.home import lock_home
from flowapp.store.migrations import known

_STAGE = "restore.tmp"


def restore(source: Path, place: Place) -> Manifest:
    """Make an installation of a backup; either all of it is there afterwards, or its database is not.

    Raises:
        BackupUnusable: the file is no backup, is damaged, or of a later version.
        RestoreRefused: there is an installation already, or its key differs.
        BackupError: it cannot be read or written.
        HomeInUse: a server uses the data folder.
    """
    try:
        with archive.reading(source) as (manifest, members), closing(lock_home(place.home)):
            _require_room(manifest, place)
            stage = place.home / _STAGE
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir(mode=0o700)
            try:
                for member in members:
                    _unpack(member, stage)
                _move(manifest, stage, place)
            finally:
                shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        raise BackupError(f"{error.filename or source} cannot be used ({error.strerror}).") from None
    return manifest


def _require_room(manifest: Manifest, place: Place) -> None:
    kind = "postgresql" if is_postgres(place.url) else "sqlite"
    if manifest.database != kind:
        raise RestoreRefused(
            f"The backup is one of {manifest.database}, and DATABASE_URL names one of {kind}.",
            "Set DATABASE_URL to a database of the same kind.",
        )
    if manifest.schema not in known():
        raise BackupUnusable(
            f"The backup was made by a later version of Flowapp ({manifest.flowapp}).", "Restore it with that one."
        )
    if kind == "postgresql":
        if copying.has_tables(place.url):
            raise RestoreRefused("The database that DATABASE_URL names is not empty.", "Create a new one.")
    else:
        for file in (
            database_file(place.url, place.home),
            place.home / ENGINES_FILE,
            place.home / "blobs",
            place.home / "objects",
        ):
            if file.exists():
                raise RestoreRefused(
                    f"There is an installation already: {file}.", "Choose an empty folder: FLOWAPP_HOME=<folder>."
                )
    if manifest.key and place.key_mark not in ("", manifest.key):
        raise RestoreRefused(
            "The key here is not the one that the backup's secrets were encrypted with.",
            f"Set FLOWAPP_SECRET_KEY or {KEY_FILE} to that one, or take it away to restore without it.",
        )


def _unpack(member: Member, stage: Path) -> None:
    target = stage / member.name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with target.open("xb") as file:
        shutil.copyfileobj(member.content, file)
        file.flush()
        os.fsync(file.fileno())
    # what steps left in the folders that they share keeps its mode: the next step may be another user
    target.chmod(member.mode if member.name.startswith(archive.SHARED) else 0o600)


def _move(manifest: Manifest, stage: Path, place: Place) -> None:
    """Put everything in its place: our database last, since it is what makes an installation."""
    needed = archive.DUMP if manifest.database == "postgresql" else archive.OURS
    if not (stage / needed).exists():
        raise BackupUnusable("The backup holds no database.", "Do not use it.")
    if manifest.database == "postgresql":
        copying.restore_postgres(place.url, stage / archive.DUMP)
    if (stage / archive.KEY).exists() and not place.key_mark:
        (stage / archive.KEY).replace(place.home / KEY_FILE)
    for name in ("blobs", "objects"):
        if (stage / name).exists():
            (stage / name).replace(place.home / name)
    if (stage / "shared").exists():
        _move_shared(stage / "shared", place.shared)
    if manifest.database == "postgresql":
        return
    if (stage / archive.ENGINES).exists():
        (stage / archive.ENGINES).replace(place.home / ENGINES_FILE)
    target = database_file(place.url, place.home)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(stage / archive.OURS, target)


def _move_shared(source: Path, target: Path) -> None:
    """The folders of runs, open to every job as they are when they are made."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not target.exists():
        source.replace(target)
        for folder in (target, *(entry for entry in target.rglob("*") if entry.is_dir())):
            folder.chmod(0o755 if folder == target else 0o777)
