"""Giving all secrets of a database another key, while no server works with it.

The new key lies beside the old one (`secret.key.next`) before the first secret is sealed with it, and takes the old one's place
when all are. Whoever is killed in between leaves both, and the database says which of them is its own: `settle` at the next
start goes on from there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store import executors, model_settings
from flowapp.store.database import Database
from flowapp.store.errors import StoreError
from flowapp.store.key_check import SecretKeyDiffers, change_key, key_fits
from flowapp.store.model_settings import KEY_PATH
from flowapp.store.rows import table
from flowapp.store.secret_box import KEY_FILE, SecretBox
from flowapp.store.tables import LeafRow, VariableRow, WorkspaceRow

NEXT_FILE = f"{KEY_FILE}.next"
#: a server or worker that was heard of so lately may be at work
_SILENT_S = 10.0
_VARIABLE, _WORKSPACE, _LEAF = table(VariableRow), table(WorkspaceRow), table(LeafRow)


class RotationRefused(StoreError):
    """Secrets cannot be sealed anew now; nothing has changed."""

    code = "store.rotation_refused"
    status = 409


@dataclass(frozen=True, slots=True)
class Rotated:
    """How much was sealed anew."""

    variables: int
    models: int


async def rotate(database: Database, home: Path, key: str, new_key: str) -> Rotated:
    """Seal every secret of the database with another key. No server or worker may be running.

    Args:
        database: the database.
        home: the data folder, which the caller has locked.
        key: the text that the present key comes from; empty for the file in the data folder.
        new_key: the text that the new key comes from; empty for a new file in the data folder.

    Raises:
        SecretKeyDiffers: the present key is not the database's.
        SecretUnreadable: a secret cannot be decrypted; nothing has changed.
        RotationRefused: servers or workers are at work, or scripts wait for a worker.
    """
    if not key:
        await settle(database, home)
    old = SecretBox(home, key)
    new = SecretBox(home, new_key, NEXT_FILE)

    def work(connection: Connection) -> Rotated:
        _refuse_in_use(connection, shared=database.shared)
        if not key_fits(connection, old):
            raise SecretKeyDiffers(
                "The secrets in this database were encrypted with another key than the one at hand.",
                "Set FLOWAPP_SECRET_KEY, or put the right secret.key into the data folder.",
            )
        done = Rotated(_variables(connection, old, new), _models(connection, old, new))
        change_key(connection, new)
        return done

    done = await database.write(work)
    if not new_key:
        _take_place(home)
    return done


async def settle(database: Database, home: Path) -> None:
    """After a rotation that was cut off: keep the key that is the database's, and drop the other."""
    if not (home / NEXT_FILE).exists():
        return
    new = SecretBox(home, file=NEXT_FILE)
    if await database.read(lambda connection: key_fits(connection, new)):
        _take_place(home)
    else:
        (home / NEXT_FILE).unlink()


def _take_place(home: Path) -> None:
    os.replace(home / NEXT_FILE, home / KEY_FILE)
    folder = os.open(home, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refuse_in_use(connection: Connection, *, shared: bool) -> None:
    if shared and executors.alive(connection, _SILENT_S):
        raise RotationRefused(
            "Servers or workers use this database.", f"Stop all of them, and wait {_SILENT_S:g} seconds."
        )
    waiting = connection.execute(sa.select(sa.func.count()).select_from(_LEAF).where(_LEAF.c.outcome.is_(None)))
    if waiting.scalar_one():
        raise RotationRefused(
            "Scripts wait for a worker, and what they are to run is encrypted with the present key.",
            "Start the servers and workers, and let the runs end (or cancel them) first.",
        )


def _variables(connection: Connection, old: SecretBox, new: SecretBox) -> int:
    found = sa.select(_VARIABLE.c.workspace, _VARIABLE.c.path, _VARIABLE.c.value).where(_VARIABLE.c.is_secret)
    rows = connection.execute(found).all()
    for workspace, path, value in rows:
        sealed = new.seal(workspace, path, old.open(workspace, path, value))
        mine = (_VARIABLE.c.workspace == workspace, _VARIABLE.c.path == path)
        connection.execute(sa.update(_VARIABLE).where(*mine).values(value=sealed))
    return len(rows)


def _models(connection: Connection, old: SecretBox, new: SecretBox) -> int:
    count = 0
    for workspace in connection.execute(sa.select(_WORKSPACE.c.id)).scalars().all():
        stored = model_settings.of(connection, workspace)
        if stored.sealed_key:
            clear = old.open(workspace, KEY_PATH, stored.sealed_key)
            sealed = new.seal(workspace, KEY_PATH, clear)
            model_settings.change(connection, workspace, replace(stored, sealed_key=sealed))
            count += 1
    return count
