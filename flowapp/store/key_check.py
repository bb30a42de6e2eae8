"""Servers that share a database must share the key of its secrets; the database knows by a text sealed with it."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flowapp.store.database import Database
from flowapp.store.errors import StoreError
from flowapp.store.secret_box import SecretBox
from flowapp.store.sql import Sql

_PLACE = ("", "key check")
_ADD = Sql("INSERT INTO fact (name, value) VALUES ('secret_key', :value) ON CONFLICT (name) DO NOTHING")
_REPLACE = Sql("UPDATE fact SET value = :value WHERE name = 'secret_key'")
_READ = Sql("SELECT value FROM fact WHERE name = 'secret_key'")


class SecretKeyDiffers(StoreError):
    """The secrets of this database were encrypted with another key than this server has."""

    code = "store.secret_key_differs"


async def check_key(database: Database, box: SecretBox) -> None:
    """Make sure that this server has the key of the database's secrets; the first server's key becomes that.

    Raises:
        SecretKeyDiffers: it has another one.
    """

    def work(connection: Connection) -> str:
        _ADD.run(connection, {"value": box.seal(*_PLACE, "the key fits")})
        return str(_READ.run(connection).scalar_one())

    known = await database.write(work)
    # alone, a server may go on without the key that was lost: its secrets are set again one by one, as each says
    if database.shared and not box.opens(*_PLACE, known):
        raise SecretKeyDiffers(
            "The secrets in this database were encrypted with another key than this server has.",
            "Give every server the same FLOWAPP_SECRET_KEY, or the secret.key of the first one's data folder.",
        )


def key_fits(connection: Connection, box: SecretBox) -> bool:
    """Whether the database's secrets were encrypted with this key; also where there is none that says so."""
    found = _READ.run(connection).scalar()
    return found is None or box.opens(*_PLACE, str(found))


def change_key(connection: Connection, box: SecretBox) -> None:
    """Inside a write that seals all secrets anew: from now on this is the database's key."""
    _REPLACE.run(connection, {"value": box.seal(*_PLACE, "the key fits")})
