"""An edit on its way: operations decoded and applied in memory, then saved by compare-and-swap, then told.

The three parts are apart so that running cells can save the flushed edits in the same transaction as the new run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.jsontext import JsonText, dumps
from flowapp.notebook.codec import decode_all, encode
from flowapp.notebook.document import CellId, Document
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations import Operation, apply_all
from flowapp.notebook.operations.types import SetCode
from flowapp.notebook.staleness import CellState, states
from flowapp.notebook.view import Snapshot, difference
from flowapp.openflow.problems import Problem
from flowapp.signatures import lint
from flowapp.store import audit, drafts
from flowapp.store.clock import now
from flowapp.store.tables import DraftOperationRow, DraftRow
from flowapp.workspace.blob_guard import foreign, hashes_in, hashes_in_text
from flowapp.workspace.errors import BadRequest, DraftConflict, EditRejected
from flowapp.workspace.expressions_shown import forget_changed
from flowapp.workspace.observed import known_of
from flowapp.workspace.open_drafts import OpenDraft, Typing

MAX_OPERATIONS = 500
TYPING_S = 30.0


class StaleDraft(Exception):
    """Another server saved the draft meanwhile: read it again and apply once more."""


@dataclass(frozen=True, slots=True)
class Staged:
    """An applied edit that is not saved yet."""

    draft: OpenDraft
    document: Document
    operations: tuple[Operation, ...]
    inverse: tuple[Operation, ...]
    label: str
    client: str
    by: str
    #: cell → the code version that the writer knew
    typed: Mapping[CellId, int | None]

    @property
    def version(self) -> int:
        """The version that the draft gets."""
        return self.draft.row.version + 1

    @property
    def grows(self) -> bool:
        """Whether this is more typing in the cell of the last edit, which then stands for both."""
        last = self.draft.typing
        return (
            last is not None
            and len(self.operations) == 1
            and isinstance(self.operations[0], SetCode)
            and (self.operations[0].cell, self.by) == (last.cell, last.by)
            and time.monotonic() - last.began < TYPING_S
        )


def stage(draft: OpenDraft, identity: Identity, given: Any, client: str) -> Staged:
    """Apply operations (JSON) in memory.

    Raises:
        BadRequest: not a list of operations.
        DraftConflict: another client changed the code of a cell that these operations overwrite.
        EditRejected: the document core refused one; none is applied.
    """
    if not isinstance(given, list) or not all(isinstance(item, Mapping) for item in given):
        raise BadRequest("ops must be a list of operations.")
    if len(given) > MAX_OPERATIONS:
        raise BadRequest(f"More than {MAX_OPERATIONS} operations at once.", "Send them in several requests.")
    made_up = hashes_in(given)
    if made_up and not made_up <= hashes_in_text(draft.document.to_json()):
        raise foreign()
    typed: dict[CellId, int | None] = {}
    plain: list[dict[str, Any]] = []
    for item in given:
        operation = dict(item)
        base = operation.pop("base_code_version", None)
        if operation.get("op") == "set_code":
            cell = str(operation.get("cell"))
            base = base if isinstance(base, int) else None
            if draft.codes.conflicts(cell, client, base):
                raise DraftConflict(
                    "Somebody else changed the code of this cell meanwhile.",
                    "Compare with their version; yours was not saved over it.",
                )
            typed.setdefault(cell, base)
        plain.append(operation)
    decoded = decode_all(plain)
    if isinstance(decoded, Rejected):
        raise EditRejected(decoded.code, decoded.message, decoded.hint)
    return staged(draft, identity, decoded, client, typed)


def staged(
    draft: OpenDraft,
    identity: Identity,
    operations: Sequence[Operation],
    client: str,
    typed: Mapping[CellId, int | None] | None = None,
) -> Staged:
    """Apply decoded operations in memory.

    Raises:
        EditRejected: the document core refused one; none is applied.
    """
    applied = apply_all(draft.document, operations)
    if isinstance(applied, Rejected):
        raise EditRejected(applied.code, applied.message, applied.hint)
    return Staged(
        draft=draft,
        document=applied.document,
        operations=tuple(operations),
        inverse=applied.inverse,
        label=applied.label,
        client=client,
        by=identity.username,
        typed=typed or {},
    )


def document_columns(document: Document, text: JsonText, version: int, at: str) -> dict[str, object]:
    """The draft's columns that follow its document."""
    return {
        "document": text,
        "summary": str(document.flow.get("summary") or "")[:500],
        "version": version,
        "saved_at": at,
    }


def save(connection: Connection, edit: Staged, text: JsonText, at: str) -> int | None:
    """Inside a write: store the document and the edit; returns the edit's id.

    Raises:
        StaleDraft: the draft is not at the version that the edit was applied to.
    """
    row = edit.draft.row
    if not drafts.save(connection, row.id, row.version, document_columns(edit.document, text, edit.version, at)):
        raise StaleDraft
    operations = dumps([encode(operation) for operation in edit.operations])
    typing = edit.draft.typing
    if edit.grows and typing is not None:
        drafts.extend_edit(connection, typing.edit_id, edit.version, operations, at)
        return typing.edit_id
    inverse = dumps([encode(operation) for operation in edit.inverse])
    edit_id = drafts.add_edit(
        connection,
        DraftOperationRow(
            draft_id=row.id,
            version=edit.version,
            label=edit.label,
            operations=operations,
            inverse=inverse,
            by=edit.by,
            at=at,
        ),
    )
    audit.add(connection, workspace=row.workspace, by=edit.by, action="draft.edit", target=row.path, detail=edit.label)
    return edit_id


def adopt(edit: Staged, at: str, edit_id: int | None) -> None:
    """After the write: the draft in memory becomes what was stored."""
    draft = edit.draft
    if not edit.grows:
        draft.undo, draft.redo = edit.label, None
        only = edit.operations[0] if len(edit.operations) == 1 else None
        began = time.monotonic()
        draft.typing = Typing(edit_id, only.cell, edit.by, began) if isinstance(only, SetCode) and edit_id else None
    draft.codes.follow(draft.document, edit.document, edit.client, edit.typed)
    take_document(draft, edit.document, edit.version, at)


def take_document(draft: OpenDraft, document: Document, version: int, at: str) -> None:
    """Put a saved document into the draft in memory."""
    forget_changed(draft.evaluated, draft.document, document)
    draft.document = document
    draft.row = DraftRow(
        **{
            **draft.row.model_dump(),
            "version": version,
            "saved_at": at,
            "summary": str(document.flow.get("summary") or "")[:500],
        }
    )
    for cell in draft.records.keys() - document.outline.by_cell.keys():
        draft.outputs.pop(cell, None)
        draft.evaluated.pop(cell, None)
        draft.shapes.pop(cell, None)


async def snapshot(draft: OpenDraft) -> Snapshot:
    """All that a view shows of the draft now, with the real code versions."""
    document = draft.document
    problems = await problems_of(draft)
    return Snapshot(
        document=document,
        states=draft.states,
        problems=problems,
        code_versions={entry.cell: draft.codes.seen_by(entry.cell, None) for entry in document.outline.entries},
        evaluated=dict(draft.evaluated),
        outputs=draft.outputs,
    )


async def problems_of(draft: OpenDraft) -> list[Problem]:
    """What is wrong with the draft, as far as its document and the last results of its cells tell."""
    draft.states = states_now(draft, draft.document)
    draft.known = known_of(draft, draft.states)
    return await asyncio.to_thread(lint, draft.document.flow, draft.known)


def states_now(draft: OpenDraft, document: Document) -> dict[CellId, CellState]:
    """The states of a document of the draft (which may not be saved yet), with the server's clock in their texts."""
    return states(document, draft.records, draft.live, datetime.now().astimezone(), draft.heads)


async def change(draft: OpenDraft, client: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs from what pages were shown last: as the writing client gets it, and as all others do."""
    after = await snapshot(draft)
    before, draft.shown = draft.shown or after, after
    found = difference(before, after)
    common = {
        "version": draft.row.version,
        "draft": draft_json(draft),
        **found,
        "problems": [problem.to_json() for problem in after.problems],
    }
    seen = {view["id"]: draft.codes.seen_by(view["id"], client) for view in found["cells"]}
    own_cells = [{**view, "code_version": seen[view["id"]]} for view in found["cells"]]
    return {**common, "cells": own_cells}, {"client": client, **common}


def draft_json(draft: OpenDraft) -> dict[str, Any]:
    """The header of a draft's page."""
    row = draft.row
    return {
        "id": row.id,
        "path": row.path,
        "summary": row.summary,
        "description": str(draft.document.flow.get("description") or ""),
        "owner": row.owner,
        "version": row.version,
        "deployed_version": draft.base_version,
        "changes": draft.changes,
        "saved_at": row.saved_at,
        "can_undo": draft.undo,
        "can_redo": draft.redo,
    }


def timestamp() -> str:
    """The time that goes into rows and memory alike."""
    return now()
