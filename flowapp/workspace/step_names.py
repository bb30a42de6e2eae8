"""Which step of a flow, as it is deployed now, a cell of a draft is: cells and step ids are each draft's own until it is deployed.

A draft knows what its cells are called in the version that it holds: it was made from it, deployed as it, or took it in. From there
on the flow's later versions say which steps they gave other names. What a draft itself renamed counts when it is deployed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.engine import Connection

from flowapp.jsontext import dumps, loads
from flowapp.notebook.document import CellId, Document, StepId
from flowapp.openflow.merge.renames import aligned
from flowapp.store import acls, comments, flow_versions, step_renames
from flowapp.store.tables import FlowVersionRow
from flowapp.workspace.open_drafts import OpenDraft


def present_names(connection: Connection, draft: OpenDraft) -> dict[CellId, StepId]:
    """The names that cells of the draft have in the version of its flow that is deployed now. Cells that no version knows are missing."""
    held = draft.held_steps
    if draft.base_version is None or not held:
        return {}
    row = draft.row
    return _called_later(held, step_renames.since(connection, row.workspace, row.path, draft.base_version))


def cells_of(names: Mapping[CellId, StepId], document: Document) -> dict[StepId, CellId]:
    """The cell of a draft for each step of its flow. A new cell stands for a step of its name that no other cell is."""
    there = document.outline.by_cell.keys()
    by_name = {step: entry.cell for step, entry in document.outline.by_step.items() if entry.cell not in names}
    by_name |= {step: cell for cell, step in names.items() if cell not in there and step not in by_name}
    return by_name | {step: cell for cell, step in names.items() if cell in there}


def held_text(document: Document) -> str:
    """The names of all cells, for the row of a draft that is deployed as it is, or was made from what is deployed."""
    return dumps({cell: step for step, cell in document.cells.items()})


def follow_draft(connection: Connection, draft: OpenDraft, version: FlowVersionRow) -> None:
    """Inside the write of a version that a draft was deployed as: what is said of its steps has their new names."""
    if version.path == draft.row.path:
        now = draft.document.outline.by_cell
        present = present_names(connection, draft)
        names = {step: now[cell].step_id for cell, step in present.items() if cell in now}
        _follow(connection, version, names)
    steps = {cell: step for step, cell in draft.document.cells.items()}
    comments.hand_over(connection, draft.id, version.workspace, version.path, steps)


def follow_document(connection: Connection, before: FlowVersionRow | None, version: FlowVersionRow) -> None:
    """The same for a version that is no draft's: which steps it renamed is seen from what they are."""
    if before is not None:
        _follow(connection, version, aligned(loads(before.document), loads(version.document)).names)


def follow_path(connection: Connection, workspace: str, path: str, target: str) -> None:
    """A flow goes to another path with all of its versions, and what is said of its steps goes along."""
    flow_versions.rename(connection, workspace, path, target)
    acls.follow(connection, workspace, "flow", path, target)
    step_renames.follow_flow(connection, workspace, path, target)
    comments.follow_flow(connection, workspace, path, target)


def forget_path(connection: Connection, workspace: str, path: str) -> None:
    """A flow is deleted, and what was said of its steps with it."""
    acls.forget(connection, workspace, "flow", path)
    step_renames.forget_flow(connection, workspace, path)
    comments.forget_flow(connection, workspace, path)


def _follow(connection: Connection, version: FlowVersionRow, names: Mapping[StepId, StepId]) -> None:
    changed = {before: after for before, after in names.items() if before != after}
    if changed:
        step_renames.add(connection, version.workspace, version.path, version.version, changed)
        comments.rename_steps(connection, version.workspace, version.path, changed)


def _called_later(held: Mapping[CellId, StepId], later: Sequence[Mapping[StepId, StepId]]) -> dict[CellId, StepId]:
    names = dict(held)
    for renamed in later:
        names = {cell: renamed.get(step, step) for cell, step in names.items()}
    return names
