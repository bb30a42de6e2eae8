"""References to uploaded files (`{"$flowapp:blob": …}`) in what clients send.

The server makes them when it stores a file; a client may hand one on, and may not make one up: whoever knows a hash must not
get the content of another workspace by it.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.jsontext import dumps
from flowapp.store import blob_owners
from flowapp.store.blobs import REFERENCE
from flowapp.store.database import Database
from flowapp.workspace.errors import BadRequest

_HASH = re.compile(r'"sha256":"([0-9a-f]{64})"')


def hashes_in(value: Any) -> set[str]:
    """The blobs that a value refers to, at any depth."""
    return hashes_in_text(dumps(value))


def hashes_in_text(text: str) -> set[str]:
    """The same of compact JSON text."""
    return set(_HASH.findall(text)) if REFERENCE in text else set()


async def require_known(database: Database, workspace: str, value: Any) -> None:
    """Refuse a value that refers to a file which nothing of the workspace refers to yet.

    Raises:
        BadRequest: it does.
    """
    hashes = hashes_in(value)
    if not hashes:
        return

    def work(connection: Connection) -> bool:
        return all(blob_owners.refers(connection, workspace, sha256) for sha256 in hashes)

    if not await database.read(work):
        raise foreign()


def foreign() -> BadRequest:
    """The refusal; it does not tell whether there is such a file somewhere."""
    return BadRequest("The value refers to an uploaded file that is not here.", "Upload the file, or send its text.")
