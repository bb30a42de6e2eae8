"""The bin of a draft: cells that were deleted from it, and the way back. It is read from the log of edits, which keeps all of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.errors import NotFound
from flowapp.access.identity import Identity
from flowapp.jsontext import loads
from flowapp.languages import label_of
from flowapp.notebook.codec import decode_all
from flowapp.notebook.document import SINGLE_SLOTS, CellId, Document
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations import apply
from flowapp.notebook.operations.types import InsertCell, Operation, PasteCells
from flowapp.openflow.walk import id_of, kind_of
from flowapp.store import drafts
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.open_drafts import OpenDraft

#: Deleted cells that are shown, newest first.
SHOWN = 100
_LINES = 6
_LAST = 1 << 30


@dataclass(frozen=True, slots=True)
class Deleted:
    """A cell that was deleted: what would bring it back, by whom it was deleted and when."""

    insert: InsertCell
    by: str
    at: str

    def to_json(self) -> dict[str, Any]:
        """As pages show it: `{"cell", "step_id", "title", "kind", "language", "language_label", "code", "by", "at"}`.

        `language` is "" where the kind has none; `code` is its beginning.
        """
        module = self.insert.module
        value = module.get("value")
        value = value if isinstance(value, dict) else {}
        language = str(value.get("language") or "")
        lines = str(value.get("content") or value.get("path") or "").splitlines()
        return {
            "cell": self.insert.cell,
            "step_id": id_of(module),
            "title": str(module.get("summary") or ""),
            "kind": kind_of(module),
            "language": language,
            "language_label": label_of(language) if language else "",
            "code": "\n".join(lines[:_LINES]),
            "by": self.by,
            "at": self.at,
        }


class Bin:
    """Use-cases about deleted cells."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._store = context.store
        self._drafts = drafts

    async def listing(self, identity: Identity, draft_id: str) -> list[dict[str, Any]]:
        """The deleted cells that are not in the draft, newest first: see `Deleted.to_json`."""
        draft = await self._drafts.open(identity, "draft.edit", draft_id)
        return [one.to_json() for one in (await self._deleted(draft)).values()]

    async def put_back(self, identity: Identity, draft_id: str, cell: CellId, client: str) -> dict[str, Any]:
        """Put a cell where it was, or at the end where that place is gone; returns the Change.

        Where its step id is somebody else's now, it comes back as a copy with another one.

        Raises:
            NotFound: it is not in the bin.
        """
        draft = await self._drafts.open(identity, "draft.edit", draft_id)
        found = (await self._deleted(draft)).get(cell)
        if found is None:
            raise _not_there()
        return await self._drafts.apply_made(
            identity, draft_id, lambda: [_way_back(draft.document, found.insert)], client
        )

    async def _deleted(self, draft: OpenDraft) -> dict[CellId, Deleted]:
        def read(connection: Connection) -> dict[CellId, Deleted]:
            found: dict[CellId, Deleted] = {}
            for row in drafts.deletions(connection, draft.id, SHOWN):
                inverse = decode_all(loads(row.inverse))
                for operation in () if isinstance(inverse, Rejected) else inverse:
                    if isinstance(operation, InsertCell):
                        found.setdefault(operation.cell, Deleted(operation, row.by, row.at))
            return found

        all_of_them = await self._store.database.read(read)
        return {cell: one for cell, one in all_of_them.items() if draft.document.entry(cell) is None}


def _not_there() -> NotFound:
    return NotFound("This cell is not in the bin.", "Somebody may have put it back already.")


def _way_back(document: Document, insert: InsertCell) -> Operation:
    """What puts a cell back into a document that has changed since: the first of several ways that it allows.

    Raises:
        NotFound: it is there again.
    """
    if document.entry(insert.cell) is not None:
        raise _not_there()
    elsewhere = InsertCell(insert.cell, None, "modules", _LAST, insert.module, insert.beside, insert.nested)
    inside = (insert.parent, insert.slot) if insert.slot not in SINGLE_SLOTS else (None, "modules")
    copy = PasteCells((uuid.uuid4().hex,), *inside, insert.index, (insert.module,))
    last = PasteCells(copy.cells, None, "modules", _LAST, copy.modules)
    ways: list[Operation] = [insert, elsewhere, copy, last]
    return next((way for way in ways if not isinstance(apply(document, way), Rejected)), last)
