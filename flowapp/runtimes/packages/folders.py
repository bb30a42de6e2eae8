"""Folders of installed packages: made once, found whole or not at all, used by any number of jobs, removed when old.

ready/<key>      a finished folder; jobs read it, nobody writes to it
partial/<key>    one that is being made; renamed when it is finished, so a killed server leaves no half of one
locks/<key>      a file that makers lock alone and users together, also between processes; the kernel lets go of it
when a process is killed
notes/<key>      what is in it, as JSON; the file's time is when it was last used
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowapp.jsontext import dumps, loads

_LOOK_S = 0.05
_TOUCH_S = 60.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished folder: its size in bytes, when it was last used (seconds since 1970), and what its maker noted."""

    key: str
    size: int
    used_at: float
    notes: dict[str, Any]


class Folders:
    """The folders below one root. Everything here may be done by several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ready = root / "ready"
        self._touched: dict[str, float] = {}

    def prepare(self) -> None:
        """Make what must be there before anything else of this is used."""
        for name in ("ready", "partial", "locks", "notes"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        self.ready.chmod(0o711)  # jobs enter what they are told of and list nothing

    def path(self, key: str) -> Path:
        """Where the folder of a key is, or would be."""
        return self.ready / key

    async def make(self, key: str, fill: Callable[[Path], Awaitable[dict[str, Any]]]) -> Path:
        """The folder of a key; `fill` puts everything into a new one and answers its notes. One maker at a time.

        What `fill` raises is raised, and nothing is left.
        """
        target = self.path(key)
        if target.is_dir():
            return target
        with self._open_lock(key) as handle:
            while not _try_lock(handle, fcntl.LOCK_EX):
                await asyncio.sleep(_LOOK_S)
                if target.is_dir():
                    return target
            if target.is_dir():
                return target
            partial = self.root / "partial" / key
            await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
            partial.mkdir(mode=0o755)
            try:
                notes = await fill(partial)
                size = await asyncio.to_thread(size_of, partial)
                (self.root / "notes" / key).write_text(dumps({**notes, "bytes": size}))
                partial.chmod(0o755)
                partial.rename(target)
            finally:
                if partial.exists():
                    await asyncio.shield(asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True))
        return target

    @contextlib.contextmanager
    def used(self, key: str) -> Iterator[bool]:
        """Keeps the folder of a key from being removed while the block runs; False when it is not there (any more)."""
        with self._open_lock(key) as handle:
            # Whoever removes or makes it has it for a moment only, and then it is gone or not yet there.
            if not _try_lock(handle, fcntl.LOCK_SH) or not self.path(key).is_dir():
                yield False
                return
            now = time.monotonic()
            if now - self._touched.get(key, float("-inf")) > _TOUCH_S:
                self._touched[key] = now
                with contextlib.suppress(OSError):
                    os.utime(self.root / "notes" / key)
            yield True

    def kept(self) -> list[Kept]:
        """Every finished folder, the one used last first."""
        found = []
        for path in self.ready.iterdir():
            note = self.root / "notes" / path.name
            with contextlib.suppress(OSError, ValueError, KeyError):
                notes = loads(note.read_text())
                found.append(Kept(path.name, int(notes.pop("bytes")), note.stat().st_mtime, notes))
        return sorted(found, key=lambda kept: -kept.used_at)

    def remove(self, key: str) -> bool:
        """Remove the folder of a key, unless a job uses it."""
        with self._open_lock(key) as handle:
            if not _try_lock(handle, fcntl.LOCK_EX):
                return False
            gone = self.root / "partial" / key
            shutil.rmtree(gone, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                self.path(key).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)
            (self.root / "notes" / key).unlink(missing_ok=True)
        return True

    def tidy(self, most_bytes: int, unused_s: float) -> list[str]:
        """Remove what killed processes left half made, what was not used for so long, and the oldest above the size.

        Answers the keys that were removed. Folders in use stay.
        """
        for path in (self.root / "partial").iterdir():
            with self._open_lock(path.name) as handle:
                if _try_lock(handle, fcntl.LOCK_EX):
                    shutil.rmtree(path, ignore_errors=True)
        removed, total, now = [], 0, time.time()
        for kept in self.kept():
            total += kept.size
            if (total > most_bytes or now - kept.used_at > unused_s) and self.remove(kept.key):
                removed.append(kept.key)
                total -= kept.size
        return removed

    @contextlib.contextmanager
    def _open_lock(self, key: str) -> Iterator[int]:
        handle = os.open(self.root / "locks" / key, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield handle
        finally:
            os.close(handle)


def _try_lock(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder; links are not followed."""
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(here, name)).st_size
    return total
