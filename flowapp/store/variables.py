"""Variables and resources. A secret's value is encrypted at rest.

The key is made on first use in `<home>/secret.key` (mode 0600) and is not in the database, so a copied database file alone
gives no secret away. What is encrypted is bound to its workspace and path: a ciphertext moved to another row does not open.
"""

from __future__ import annotations

import base64
import contextlib
import os
from pathlib import Path

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.engine import Connection

from flowapp.store.errors import StoreError
from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.tables import ResourceRow, VariableRow

_VARIABLE = table(VariableRow)
_RESOURCE = table(ResourceRow)
_NONCE_BYTES = 12


class SecretUnreadable(StoreError):
    """A secret cannot be decrypted: the key file is not the one it was encrypted with."""

    code = "store.secret_unreadable"


class SecretBox:
    """Encrypts and decrypts secret values with the data folder's key (AES-256-GCM)."""

    def __init__(self, home: Path) -> None:
        self._cipher = AESGCM(_key(home / "secret.key"))

    def seal(self, workspace: str, path: str, value: str) -> str:
        """The text to store for a secret value."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, value.encode(), f"{workspace}\0{path}".encode())
        return base64.b64encode(nonce + sealed).decode()

    def open(self, workspace: str, path: str, stored: str) -> str:
        """The secret value of a stored text.

        Raises:
            SecretUnreadable: another key, another row, or a damaged text.
        """
        try:
            raw = base64.b64decode(stored, validate=True)
            return self._cipher.decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], f"{workspace}\0{path}".encode()
            ).decode()
        except (InvalidTag, ValueError):
            raise SecretUnreadable(
                f"The secret {path} cannot be decrypted",
                "Was secret.key in the data folder replaced? Set the secret again.",
            ) from None


def get_variable(connection: Connection, box: SecretBox, workspace: str, path: str) -> str | None:
    """A variable's value in clear; None when there is none of that path."""
    query = sa.select(_VARIABLE).where(_VARIABLE.c.workspace == workspace, _VARIABLE.c.path == path)
    row = first(connection, VariableRow, query)
    if row is None:
        return None
    return box.open(workspace, path, row.value) if row.is_secret else row.value


def set_variable(connection: Connection, box: SecretBox, row: VariableRow) -> None:
    """Create or replace a variable; `row.value` comes in clear and is sealed here when it is a secret."""
    where = (_VARIABLE.c.workspace == row.workspace, _VARIABLE.c.path == row.path)
    connection.execute(sa.delete(_VARIABLE).where(*where))
    if row.is_secret:
        row = VariableRow(**{**row.model_dump(), "value": box.seal(row.workspace, row.path, row.value)})
    insert(connection, row)


def list_variables(connection: Connection, workspace: str) -> list[VariableRow]:
    """All variables by path; secrets have an empty value."""
    rows = all_of(connection, VariableRow, sa.select(_VARIABLE).where(_VARIABLE.c.workspace == workspace))
    for row in rows:
        if row.is_secret:
            row.value = ""
    return sorted(rows, key=lambda row: row.path)


def get_resource(connection: Connection, workspace: str, path: str) -> ResourceRow | None:
    """One resource."""
    query = sa.select(_RESOURCE).where(_RESOURCE.c.workspace == workspace, _RESOURCE.c.path == path)
    return first(connection, ResourceRow, query)


def set_resource(connection: Connection, row: ResourceRow) -> None:
    """Create or replace a resource."""
    where = (_RESOURCE.c.workspace == row.workspace, _RESOURCE.c.path == row.path)
    connection.execute(sa.delete(_RESOURCE).where(*where))
    insert(connection, row)


def list_resources(connection: Connection, workspace: str) -> list[ResourceRow]:
    """All resources by path."""
    query = sa.select(_RESOURCE).where(_RESOURCE.c.workspace == workspace).order_by(_RESOURCE.c.path)
    return all_of(connection, ResourceRow, query)


def _key(path: Path) -> bytes:
    """The key of the file, made first if there is none: whole or not at all, also when the server is killed meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        made = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(AESGCM.generate_key(bit_length=256))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    return path.read_bytes()
