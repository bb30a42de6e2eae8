"""What the last results of a draft's cells say of those to come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.notebook.document import CellId, Entry
from flowapp.notebook.records import pinned_value
from flowapp.notebook.staleness import CellState
from flowapp.notebook.trees import ByIdentity
from flowapp.notebook.wires import graph_of
from flowapp.openflow.shapes import of_value
from flowapp.signatures.known import Known
from flowapp.signatures.schema import Schema
from flowapp.workspace.open_drafts import OpenDraft

_CALLS = frozenset({"script", "flow"})
_CHANGED = frozenset({"code", "settings", "input"})
"""Causes after which the next result may be of another shape."""


def known_of(draft: OpenDraft, states: dict[CellId, CellState]) -> Known:
    """The shapes of the last results, of cells that would give one like it again, and the inputs of what is called.

    A stand-in counts as a result.
    """
    observed, called = {}, {}
    for entry in draft.document.outline.entries:
        shape = _shape(draft, entry, states.get(entry.cell))
        if shape:
            observed[entry.step_id] = shape
        inputs = draft.document.about(entry.cell).get("schema") if entry.kind in _CALLS else None
        if isinstance(inputs, Mapping):
            called[entry.step_id] = inputs
    return Known(observed, called)


def _shape(draft: OpenDraft, entry: Entry, state: CellState | None) -> Schema | None:
    pinned, value = pinned_value(entry.module)
    if pinned:
        return _of_pinned(value) if isinstance(value, (dict, list)) else of_value(value)
    digest, shape = draft.shapes.get(entry.cell, ("", None))
    record = draft.records.get(entry.cell)
    if shape is None or record is None or not record.has_result or record.result != digest:
        return None
    return None if state is None or any(cause.kind in _CHANGED for cause in state.causes) else shape


def unread(draft: OpenDraft) -> dict[CellId, str]:
    """The hashes of the results that cells read and whose shape is not known, by cell."""
    read = {wire.producer for reads in graph_of(draft.document).own.values() for wire in reads.wires}
    found = {}
    for cell in read:
        record = draft.records.get(cell) if cell is not None else None
        if cell is None or record is None or not record.has_result or record.result is None:
            continue
        if draft.shapes.get(cell, ("", None))[0] != record.result:
            found[cell] = record.result
    return found


_of_pinned: ByIdentity[dict[str, Any]] = ByIdentity(of_value, size=512)
