"""Encrypting secrets at rest.

The key is made on first use in `<home>/secret.key` (mode 0600) and is not in the database, so a copied database file alone
gives no secret away. Servers that share a database share the key by `FLOWAPP_SECRET_KEY`.

What is stored is AES-SIV (RFC 5297), which is deterministic and safe to use so: the same secret at the same path has the
same ciphertext, so a repository that keeps exported secrets shows no change where there is none. It is bound to its
workspace and path: moved to another row it does not open. Texts of `seal_free`, made before anybody knows the path, are
bound to the workspace only. Padded to whole blocks, every text is standard base64 of a multiple of 16 bytes, by which
Windmill's command line tells ciphertext from a value in clear.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from flowapp.store.errors import StoreError

_BLOCK = 16
_NONCE_BYTES = 12


class SecretUnreadable(StoreError):
    """A secret cannot be decrypted: the key file is not the one it was encrypted with."""

    code = "store.secret_unreadable"


KEY_FILE = "secret.key"


class SecretBox:
    """Encrypts and decrypts secret values with the key of the data folder, or with `key` (any text) in its place.

    `file` is the key's name in the folder; it is made where there is none.
    """

    def __init__(self, home: Path, key: str = "", file: str = KEY_FILE) -> None:
        secret = hashlib.sha256(key.encode()).digest() if key else _key(home / file)
        derived = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"flowapp secrets aes-siv").derive(secret)
        self._secret = secret
        self._cipher = AESSIV(derived)
        self._earlier = AESGCM(secret)

    def key_for(self, purpose: str) -> bytes:
        """A key of 32 bytes for something else, from which this one cannot be found; the same on every server."""
        info = f"flowapp {purpose}".encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._secret)

    def seal(self, workspace: str, path: str, value: str) -> str:
        """The text to store for a secret value at a path."""
        return self._sealed(value, [b"row", workspace.encode(), path.encode()])

    def seal_free(self, workspace: str, value: str) -> str:
        """A text that opens at any path of the workspace."""
        return self._sealed(value, [b"free", workspace.encode()])

    def open(self, workspace: str, path: str, stored: str) -> str:
        """The secret value of a stored text.

        Raises:
            SecretUnreadable: another key, another row, or a damaged text.
        """
        found = self._opened(workspace, path, stored)
        if found is None:
            raise SecretUnreadable(
                f"The secret {path} cannot be decrypted",
                "Was secret.key in the data folder replaced? Set the secret again.",
            )
        return found

    def opens(self, workspace: str, path: str, text: str) -> bool:
        """Whether a text is a ciphertext of ours for this path."""
        return self._opened(workspace, path, text) is not None

    def portable(self, workspace: str, path: str, stored: str) -> str:
        """The stored text as it may leave: one of an earlier version's form is sealed anew.

        Raises:
            SecretUnreadable: as `open`.
        """
        value = self.open(workspace, path, stored)
        return stored if len(base64.b64decode(stored)) % _BLOCK == 0 else self.seal(workspace, path, value)

    def _sealed(self, value: str, bound: list[bytes]) -> str:
        data = value.encode("utf-8", "surrogatepass")
        missing = _BLOCK - len(data) % _BLOCK
        return base64.b64encode(self._cipher.encrypt(data + bytes([missing]) * missing, bound)).decode()

    def _opened(self, workspace: str, path: str, stored: str) -> str | None:
        try:
            raw = base64.b64decode(stored, validate=True)
        except ValueError:
            return None
        here = [workspace.encode(), path.encode()]
        for bound in ([b"row", *here], [b"free", here[0]]):
            with contextlib.suppress(InvalidTag, ValueError):
                data = self._cipher.decrypt(raw, bound)
                return data[: -data[-1]].decode("utf-8", "surrogatepass")
        with contextlib.suppress(InvalidTag, ValueError):  # as the first version stored them
            return self._earlier.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], b"\0".join(here)).decode()
        return None


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
