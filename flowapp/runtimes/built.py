"""Programs built of cells: files that outlive the server, by the hash of all that they were built from, up to a size.

A job runs a copy in memory (executables.py), so no file is missed that is removed under it; those of running jobs stay at a
clearing all the same, since their cells are likely to run again.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowapp.runtimes.executables import Executable, Executables

_HALF = ".half"
#: one that is still being written is younger
_LEFT_S = 3600.0
_MOST_BYTES = 500 << 20


@dataclass(slots=True)
class BuiltPrograms:
    """The programs in one folder; those that ran last are held in memory too."""

    folder: Path
    most_bytes: int = _MOST_BYTES
    _held: Executables = field(default_factory=Executables)

    def prepare(self) -> None:
        """Make the folder, and remove what a killed server has half written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(f"*{_HALF}"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _LEFT_S:
                    left.unlink()

    def held(self, key: str) -> Executable | None:
        """A program that is in memory. Only on the event loop, as `hold`."""
        return self._held.get(key)

    def hold(self, key: str, content: bytes) -> Executable:
        """Have a program in memory."""
        return self._held.put(key, content)

    def read(self, key: str) -> bytes | None:
        """A program's file, which counts as used now; None where there is none."""
        file = self.folder / key
        try:
            content = file.read_bytes()
            os.utime(file)
        except OSError:
            return None
        return content

    def keep(self, key: str, content: bytes) -> None:
        """Store a program; those unused for longest give way."""
        half = self.folder / f"{key}{_HALF}"
        half.write_bytes(content)
        half.rename(self.folder / key)
        total = 0
        for file, size in self._files():
            total += size
            if total > self.most_bytes:
                with contextlib.suppress(OSError):
                    file.unlink()

    def let_go(self) -> frozenset[str]:
        """Hold none in memory any more; answers the keys of those that jobs still run. Only on the event loop."""
        return self._held.clear()

    def clear(self, used: frozenset[str]) -> None:
        """Remove the files of all programs but the used ones."""
        for file, _ in self._files():
            if file.name not in used:
                with contextlib.suppress(OSError):
                    file.unlink()

    def describe(self) -> dict[str, Any]:
        """`{"programs", "bytes", "limit_bytes"}`: how many files there are, and their size."""
        sizes = [size for _, size in self._files()]
        return {"programs": len(sizes), "bytes": sum(sizes), "limit_bytes": self.most_bytes}

    def _files(self) -> list[tuple[Path, int]]:
        """The whole files with their sizes, the one used last first."""
        found: list[tuple[float, Path, int]] = []
        with contextlib.suppress(OSError):
            for file in self.folder.iterdir():
                if file.suffix != _HALF:
                    with contextlib.suppress(OSError):
                        facts = file.stat()
                        found.append((facts.st_mtime, file, facts.st_size))
        return [(file, size) for _, file, size in sorted(found, reverse=True)]
