"""Locks made for code that has none: kept by what was asked for, so that a draft keeps its versions until they are cleared."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


class Resolved:
    """Texts by key, in files."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """The text kept under a key."""
        if key not in self._known:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                self._known[key] = (self._root / key).read_text("utf-8")
        return self._known.get(key)

    def put(self, key: str, text: str) -> None:
        """Keep a text."""
        self._root.mkdir(parents=True, exist_ok=True)
        partial = self._root / f".{key}.{os.getpid()}"
        partial.write_text(text, "utf-8")
        partial.replace(self._root / key)
        self._known[key] = text

    def clear(self) -> None:
        """Forget all of them: what is asked for next is resolved to what the registries have then."""
        self._known.clear()
        for path in self._root.glob("*"):
            path.unlink(missing_ok=True)
