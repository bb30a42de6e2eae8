"""`apply`: the one door through which a document changes. Each kind of operation has one function, in its module."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flowapp.notebook.document import CellId, Document
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations import (
    content,
    notes,
    renames,
    samples,
    settings,
    stand_ins,
    structure,
    types,
    whole,
    wiring,
)
from flowapp.notebook.operations.types import Applied, Operation

__all__ = ["Applied", "Operation", "apply", "apply_all"]

_APPLY: dict[type, Callable[[Document, Any], Applied | Rejected]] = {
    types.InsertCell: structure.insert,
    types.PasteCells: structure.paste,
    types.DeleteCell: structure.delete,
    types.MoveCell: structure.move,
    types.AddBranch: structure.add_branch,
    types.RemoveBranch: structure.remove_branch,
    types.SetCode: content.set_code,
    types.SetLanguage: content.set_language,
    types.SetTitle: content.set_title,
    types.RenameStep: wiring.rename_step,
    types.RenameFlowInput: renames.rename_flow_input,
    types.SetFlowExpression: renames.set_flow_expression,
    types.SetInput: wiring.set_input,
    types.SetExpression: wiring.set_expression,
    types.SetSetting: settings.set_setting,
    types.RestoreSetting: settings.restore_setting,
    types.SetFlowSetting: settings.set_flow_setting,
    types.RestoreFlowSetting: settings.restore_flow_setting,
    types.SetSchema: settings.set_schema,
    types.SetSample: settings.set_sample,
    types.KeepSample: samples.keep_sample,
    types.UseSample: samples.use_sample,
    types.DropSample: samples.drop_sample,
    types.RestoreSamples: samples.restore_samples,
    types.KeepStandIn: stand_ins.keep_stand_in,
    types.RenameStandIn: stand_ins.rename_stand_in,
    types.UseStandIn: stand_ins.use_stand_in,
    types.DropStandIn: stand_ins.drop_stand_in,
    types.SetFlow: settings.set_flow,
    types.ReplaceFlow: whole.replace_flow,
    types.TakeIn: whole.take_in,
    types.BindNames: whole.bind_names,
    types.SetBeside: settings.set_beside,
    types.InsertNote: notes.insert_note,
    types.SetNote: notes.set_note,
    types.MoveNote: notes.move_note,
    types.DeleteNote: notes.delete_note,
}


def apply(document: Document, operation: Operation) -> Applied | Rejected:
    """Apply one operation.

    Returns `Rejected` rather than raising: two people edit at once, so an operation on a cell that is already gone is an
    everyday event, not an error.
    """
    return _APPLY[type(operation)](document, operation)


def apply_all(document: Document, operations: Iterable[Operation]) -> Applied | Rejected:
    """Apply operations in order, all or none. The inverse takes all of them back; the label is the first one's."""
    inverse: list[Operation] = []
    touched: set[CellId] = set()
    labels: list[str] = []
    for operation in operations:
        result = apply(document, operation)
        if isinstance(result, Rejected):
            return result
        document = result.document
        inverse[:0] = result.inverse
        touched |= result.touched
        if result.label not in labels:
            labels.append(result.label)
    label = labels[0] if labels else ""
    return Applied(document, tuple(inverse), frozenset(touched), f"{label} and more" if len(labels) > 1 else label)
