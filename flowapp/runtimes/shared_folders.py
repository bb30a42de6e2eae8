"""The folders that the steps of one run see as `./shared`. They outlive the server: runs wait, and drafts keep theirs.

They are in the data folder, except where jobs have users of their own and no file tree of their own (root without
namespaces). Those users cannot pass through the data folder, which is closed (0700), so the folders are outside of it, below one
that is found again by a note in the data folder. Jobs may pass through that one, but not list it, and what is in it has
names that nobody can guess: a job finds the folder of its own run only.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from flowapp.runtimes import handover

_NOTE = "shared-outside.json"
_PREFIX = "flowapp-shared-"
#: kept when the machine starts again, unlike /tmp
_LASTING = Path("/var/tmp")  # noqa: S108  # the folder made in it has a random name


@dataclass(frozen=True, slots=True)
class SharedFolders:
    """Those below `root`. With a `key` their names are keyed hashes, without it the names that they are asked for by."""

    root: Path
    key: bytes = b""

    def path(self, name: str) -> Path:
        """Where a folder is, or would be.

        Raises:
            RuntimesError: the name is none that a folder can have.
        """
        plain = handover.folder_name(name)
        if not self.key:
            return self.root / plain
        return self.root / hmac.new(self.key, plain.encode(), hashlib.sha256).hexdigest()[:32]

    def made(self, name: str) -> Path:
        """A folder that every job may write to; made when it is not there."""
        folder = self.path(name)
        folder.mkdir(mode=0o777, exist_ok=True)
        folder.chmod(0o777)
        return folder

    def files(self, name: str) -> list[tuple[str, int]]:
        """The files in a folder: their paths in it, sorted, and their sizes in bytes. None where there is no folder.

        What steps made is only listed, never opened, and links are not followed.
        """
        root = self.path(name)
        found: list[tuple[str, int]] = []
        for folder, _, names in os.walk(root):
            for entry in names:
                path = Path(folder) / entry
                with contextlib.suppress(OSError):
                    found.append((str(path.relative_to(root)), path.lstat().st_size))
        return sorted(found)

    def drop(self, name: str) -> None:
        """Remove a folder with everything in it; nothing happens when there is none."""
        shutil.rmtree(self.path(name), ignore_errors=True)

    def close(self) -> None:
        """Leave nothing outside of the data folder that nobody needs."""
        if self.key:
            with contextlib.suppress(OSError):
                self.root.rmdir()


def inside(runtimes: Path) -> SharedFolders:
    """Those in the server's own folder for runtimes."""
    root = runtimes / "shared"
    root.mkdir(parents=True, exist_ok=True)
    return SharedFolders(root.resolve())


def outside(runtimes: Path) -> SharedFolders:
    """Those outside of the data folder, where the note in `runtimes` says; made when they are not there."""
    note = runtimes / _NOTE
    found = _noted(note)
    if found is not None:
        return found
    lasting = _LASTING if os.access(_LASTING, os.W_OK) else Path(tempfile.gettempdir())
    root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=lasting))
    root.chmod(0o711)
    key = secrets.token_bytes(32)
    partial = note.with_suffix(".partial")
    partial.write_text(json.dumps({"root": str(root), "key": key.hex()}))
    partial.chmod(0o600)
    partial.replace(note)
    return SharedFolders(root, key)


def _noted(note: Path) -> SharedFolders | None:
    """What the note says, if that folder is there and still our own."""
    try:
        data = json.loads(note.read_text())
        root, key = Path(data["root"]), bytes.fromhex(data["key"])
        facts = root.lstat()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and stat.S_IMODE(facts.st_mode) == 0o711
    return SharedFolders(root, key) if is_ours and key else None
