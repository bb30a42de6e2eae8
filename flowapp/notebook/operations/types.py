"""The complete list of what can happen to a notebook document.

An operation carries all that it needs: no id is drawn and no clock is read when it is applied. Cells are named by cell
id, so an operation still means the same after a rename.

One long file on purpose: whoever asks what can happen to a document reads it here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from flowapp.notebook.document import CellId, Document, StepId
from flowapp.notebook.trees import Path


@dataclass(frozen=True, slots=True)
class Nested:
    """The cell id and what lies beside it, of a module nested in one that is inserted."""

    cell: CellId
    beside: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InsertCell:
    """Put a module before position `index` of a slot; an index past the end appends.

    A module without an id gets the next one that was never used. Nested modules get the cell ids in `nested`, or
    `<cell>.<step id>`.
    """

    cell: CellId
    parent: CellId | None
    slot: str
    index: int
    module: Mapping[str, Any]
    beside: Mapping[str, Any] = field(default_factory=dict)
    nested: Mapping[StepId, Nested] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PasteCells:
    """Put modules before position `index` of a slot, as copies: a step id that was ever used is replaced by a new one, and
    the references between the modules follow. `cells` are the new cell ids, one for each module.
    """

    cells: tuple[CellId, ...]
    parent: CellId | None
    slot: str
    index: int
    modules: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class DeleteCell:
    """Take a cell out, with all that is nested in it. Its readers keep their expressions."""

    cell: CellId


@dataclass(frozen=True, slots=True)
class MoveCell:
    """Move a cell to position `index` of a slot, counted without the cell."""

    cell: CellId
    parent: CellId | None
    slot: str
    index: int


@dataclass(frozen=True, slots=True)
class AddBranch:
    """Put a branch before position `index` of a branch cell. `nested` as in `InsertCell`."""

    cell: CellId
    index: int
    branch: Mapping[str, Any]
    nested: Mapping[StepId, Nested] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoveBranch:
    """Take a branch out, with its cells."""

    cell: CellId
    index: int


@dataclass(frozen=True, slots=True)
class SetCode:
    """Replace a script cell's code. The fields follow its signature; code that cannot be read keeps the last good ones."""

    cell: CellId
    code: str


@dataclass(frozen=True, slots=True)
class SetLanguage:
    """Change a script cell's language; a lock of the old language goes."""

    cell: CellId
    language: str


@dataclass(frozen=True, slots=True)
class SetTitle:
    """Change a cell's title (the module's summary); None or an empty text removes it."""

    cell: CellId
    title: str | None


@dataclass(frozen=True, slots=True)
class RenameStep:
    """Give a step another id, and rewrite every reference to it."""

    cell: CellId
    step_id: StepId


@dataclass(frozen=True, slots=True)
class RenameFlowInput:
    """Give a field of the flow's input another name: in the schema, its sample value, and every expression that reads it."""

    name: str
    to: str


@dataclass(frozen=True, slots=True)
class SetFlowExpression:
    """Set the flow's own expression under a key of `flow.value`. What undoing a rename needs."""

    key: str
    expr: str


@dataclass(frozen=True, slots=True)
class SetInput:
    """Wire one field of a cell: a static or a javascript transform, or None to remove it.

    Switching between the two keeps the other value beside the cell, so that switching back loses nothing.
    """

    cell: CellId
    field: str
    transform: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SetExpression:
    """Set the text of one expression in a module, at keys relative to the module. What undoing a rename needs."""

    cell: CellId
    path: Path
    expr: str


@dataclass(frozen=True, slots=True)
class SetSetting:
    """Set a setting of a cell; None removes it, unless `null` says that null itself is meant.

    `key` is the field in OpenFlow; of a branch, `branches/<index>/<field>`. A value of another shape than OpenFlow's is refused.
    """

    cell: CellId
    key: str
    value: Any
    null: bool = False


@dataclass(frozen=True, slots=True)
class RestoreSetting:
    """Put back what a setting of a cell was, whatever its shape: what undoing a `SetSetting` of an odd document needs."""

    cell: CellId
    key: str
    value: Any
    null: bool = False


@dataclass(frozen=True, slots=True)
class SetFlowSetting:
    """Set a setting of the flow itself (a field of `flow.value`); None removes it, unless `null` says otherwise."""

    key: str
    value: Any
    null: bool = False


@dataclass(frozen=True, slots=True)
class RestoreFlowSetting:
    """Put back what a setting of the flow was, whatever its shape."""

    key: str
    value: Any
    null: bool = False


@dataclass(frozen=True, slots=True)
class SetSchema:
    """Replace the JSON Schema of the flow's inputs; None removes it."""

    schema: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SetSample:
    """Set the sample value of a flow input, or remove it."""

    name: str
    value: Any = None
    remove: bool = False


@dataclass(frozen=True, slots=True)
class KeepSample:
    """Keep the present sample values of all inputs under a name; a set of that name is replaced."""

    name: str


@dataclass(frozen=True, slots=True)
class UseSample:
    """Make a kept set the sample values of the flow's inputs."""

    name: str


@dataclass(frozen=True, slots=True)
class DropSample:
    """Forget a kept set of sample values."""

    name: str


@dataclass(frozen=True, slots=True)
class RestoreSamples:
    """Put back the sample values, the kept sets, or both. What undoing needs."""

    sample: Mapping[str, Any] | None = None
    kept: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class KeepStandIn:
    """Keep a value under a name, to take the place of a cell's result; one of that name is replaced, also where it is in force."""

    cell: CellId
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class RenameStandIn:
    """Give a stand-in of a cell another name."""

    cell: CellId
    name: str
    to: str


@dataclass(frozen=True, slots=True)
class UseStandIn:
    """Hand on a kept stand-in instead of running the cell."""

    cell: CellId
    name: str


@dataclass(frozen=True, slots=True)
class DropStandIn:
    """Forget a stand-in of a cell."""

    cell: CellId
    name: str


@dataclass(frozen=True, slots=True)
class SetFlow:
    """Set the flow's summary or description; None leaves it. `clear` names those to remove."""

    summary: str | None = None
    description: str | None = None
    clear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplaceFlow:
    """Put another OpenFlow document in the place of this one: a version that is restored, a text that was edited.

    Steps that both have keep their cell; new ones get the cell ids in `nested`, or `<prefix>.<step id>`. `label` says what it
    is, for the undo list.
    """

    flow: Mapping[str, Any]
    prefix: CellId
    label: str = ""
    nested: Mapping[StepId, Nested] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakeIn:
    """Note that the document holds a deployed version of its flow: `{"path", "version", "since", "steps"?}`; None takes the note away.

    `since`: the version of the draft from which on its edits count as changes of that version. `steps`: what its cells are
    called in that version.
    """

    deployed: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class BindNames:
    """Name other variables and resources, wherever the flow names these. Each binding is `{"kind", "path", "to"}`."""

    bindings: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class SetBeside:
    """Set what lies beside a cell under a key (`kept/<field>` for one field of `kept`); None removes it."""

    cell: CellId
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class InsertNote:
    """Put a note after a cell (None: at the top). `index` is its place in the list of all notes, None: the end."""

    note: str
    after: CellId | None
    text: str
    index: int | None = None
    #: other keys of an OpenFlow note: color, size, …
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetNote:
    """Replace a note's text."""

    note: str
    text: str


@dataclass(frozen=True, slots=True)
class MoveNote:
    """Put a note after another cell (None: at the top)."""

    note: str
    after: CellId | None


@dataclass(frozen=True, slots=True)
class DeleteNote:
    """Take a note out."""

    note: str


Operation: TypeAlias = (
    InsertCell
    | PasteCells
    | DeleteCell
    | MoveCell
    | AddBranch
    | RemoveBranch
    | SetCode
    | SetLanguage
    | SetTitle
    | RenameStep
    | RenameFlowInput
    | SetFlowExpression
    | SetInput
    | SetExpression
    | SetSetting
    | RestoreSetting
    | SetFlowSetting
    | RestoreFlowSetting
    | SetSchema
    | SetSample
    | KeepSample
    | UseSample
    | DropSample
    | RestoreSamples
    | KeepStandIn
    | RenameStandIn
    | UseStandIn
    | DropStandIn
    | SetFlow
    | ReplaceFlow
    | TakeIn
    | BindNames
    | SetBeside
    | InsertNote
    | SetNote
    | MoveNote
    | DeleteNote
)


@dataclass(frozen=True, slots=True)
class Applied:
    """An accepted operation: the new document, what takes it back (in this order), whom it touched, and its label."""

    document: Document
    inverse: tuple[Operation, ...]
    touched: frozenset[CellId]
    label: str
