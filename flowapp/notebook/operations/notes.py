"""Notes between cells. They are OpenFlow notes (`flow.value.notes`); where they stand in the notebook lies beside."""

from __future__ import annotations

from typing import Any

from flowapp.notebook import errors
from flowapp.notebook.document import CellId, Document
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations.common import edited, with_all_beside
from flowapp.notebook.operations.types import Applied, DeleteNote, InsertNote, MoveNote, SetNote
from flowapp.notebook.trees import drop_at, insert_at, set_at

_OWN_KEYS = frozenset({"id", "text"})


def insert_note(document: Document, operation: InsertNote) -> Applied | Rejected:
    """Apply `InsertNote`."""
    if _position(document, operation.note) is not None:
        return errors.duplicate_note(operation.note)
    notes = _notes(document)
    index = len(notes) if operation.index is None else max(0, min(operation.index, len(notes)))
    note = {"id": operation.note, "text": operation.text, **(operation.extra or {"type": "free"})}
    changed = edited(document, insert_at(document.flow, ("value", "notes"), index, note))
    changed = _placed(changed, operation.note, operation.after)
    return Applied(changed, (DeleteNote(operation.note),), frozenset(), "Added a note")


def set_note(document: Document, operation: SetNote) -> Applied | Rejected:
    """Apply `SetNote`."""
    index = _position(document, operation.note)
    if index is None:
        return errors.note_not_found(operation.note)
    old = document.flow["value"]["notes"][index].get("text")
    flow = set_at(document.flow, ("value", "notes", index, "text"), operation.text)
    back = SetNote(operation.note, old if isinstance(old, str) else "")
    return Applied(edited(document, flow), (back,), frozenset(), "Edited a note")


def move_note(document: Document, operation: MoveNote) -> Applied | Rejected:
    """Apply `MoveNote`."""
    if _position(document, operation.note) is None:
        return errors.note_not_found(operation.note)
    back = MoveNote(operation.note, note_place(document, operation.note))
    return Applied(_placed(document, operation.note, operation.after), (back,), frozenset(), "Moved a note")


def delete_note(document: Document, operation: DeleteNote) -> Applied | Rejected:
    """Apply `DeleteNote`."""
    index = _position(document, operation.note)
    if index is None:
        return errors.note_not_found(operation.note)
    note = document.flow["value"]["notes"][index]
    text = note.get("text")
    back = InsertNote(
        note=operation.note,
        after=note_place(document, operation.note),
        text=text if isinstance(text, str) else "",
        index=index,
        extra={key: value for key, value in note.items() if key not in _OWN_KEYS},
    )
    flow = drop_at(document.flow, ("value", "notes", index))
    if not flow["value"]["notes"]:
        flow = drop_at(flow, ("value", "notes"))
    changed = _placed(edited(document, flow), operation.note, None)
    return Applied(changed, (back,), frozenset(), "Deleted a note")


def notes_of(document: Document) -> list[dict[str, Any]]:
    """The notes in order, as the page gets them: `{"id", "after": cell id or null, "text"}`."""
    return [
        {"id": note["id"], "after": note_place(document, note["id"]), "text": str(note.get("text") or "")}
        for note in _notes(document)
        if isinstance(note, dict) and isinstance(note.get("id"), str)
    ]


def note_place(document: Document, note: str) -> CellId | None:
    """The cell after which a note stands; None at the top, or when that cell is gone."""
    after = (document.beside.get(_key(note)) or {}).get("after")
    return after if isinstance(after, str) else None


def _notes(document: Document) -> list[Any]:
    found = document.flow["value"].get("notes")
    return found if isinstance(found, list) else []


def _key(note: str) -> str:
    return f"note:{note}"


def _placed(document: Document, note: str, after: CellId | None) -> Document:
    return with_all_beside(document, _key(note), {"after": after} if after is not None else {})


def _position(document: Document, note: str) -> int | None:
    notes = _notes(document)
    return next((i for i, each in enumerate(notes) if isinstance(each, dict) and each.get("id") == note), None)
