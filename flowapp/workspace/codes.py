"""Whose text a cell's code is: versions that tell a page when its editor must take over text from the server.

A page that writes a cell's code goes on typing while its write is under way, so its own writes must never come back to it as
news. To the writer a cell keeps the version it wrote on; to everybody else each write is a new version. Versions live in
memory; after a restart they begin anew above all earlier ones, and the first writer of each cell is believed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from flowapp.notebook.document import CellId, Document


@dataclass(slots=True)
class _Code:
    version: int
    writer: str | None = None
    base: int = 0  #: the version that the writer knows


@dataclass(slots=True)
class CodeVersions:
    """The code versions of one draft's cells."""

    _first: int = field(default_factory=lambda: int(time.time()) * 1000)
    _codes: dict[str, _Code] = field(default_factory=dict)

    def conflicts(self, cell: str, client: str, base: int | None) -> bool:
        """Whether somebody else wrote the cell's code since the client saw version `base` (None: the client does not say)."""
        code = self._codes.get(cell)
        return code is not None and base is not None and code.writer != client and base != code.version

    def written(self, cell: str, client: str, base: int | None) -> None:
        """A client wrote the code itself."""
        code = self._codes.setdefault(cell, _Code(self._first))
        known = code.version if base is None else base
        if code.writer == client:
            known = code.base
        code.version, code.writer, code.base = code.version + 1, client, known

    def replaced(self, cell: str) -> None:
        """The code changed by other means than typing: undo, rename, another language."""
        code = self._codes.setdefault(cell, _Code(self._first))
        code.version, code.writer = code.version + 1, None

    def follow(
        self, before: Document, after: Document, client: str = "", typed: Mapping[CellId, int | None] | None = None
    ) -> None:
        """Note for every cell whose code changed who changed it; `typed`: cell → the version that the writing client knew."""
        for entry in after.outline.entries:
            if typed is not None and entry.cell in typed:
                self.written(entry.cell, client, typed[entry.cell])
                continue
            old = before.outline.by_cell.get(entry.cell)
            if old is not None and old.module is not entry.module:
                was, now_is = (module["value"].get("content") for module in (old.module, entry.module))
                if was != now_is:
                    self.replaced(entry.cell)

    def seen_by(self, cell: str, client: str | None) -> int:
        """The version to show to a client; None shows the real one."""
        code = self._codes.get(cell)
        if code is None:
            return self._first
        return code.base if client is not None and code.writer == client else code.version
