"""Why an operation was not applied, and why a document cannot be shown.

Rejected (a value, returned)              DocumentUnusable (raised by Document.of and Document.from_json)
├── notebook.bad_operation                └── notebook.document_unusable
├── notebook.cell_not_found
├── notebook.note_not_found
├── notebook.duplicate_cell
├── notebook.duplicate_note
├── notebook.bad_sample_name
├── notebook.sample_not_found
├── notebook.too_many_samples
├── notebook.bad_stand_in_name
├── notebook.stand_in_not_found
├── notebook.stand_in_name_taken
├── notebook.stand_in_too_large
├── notebook.too_many_stand_ins
├── notebook.step_id_taken
├── notebook.step_id_invalid
├── notebook.step_id_fixed
├── notebook.no_such_place
├── notebook.move_into_itself
├── notebook.not_a_script
├── notebook.no_inputs
├── notebook.no_branches
├── notebook.unknown_language
├── notebook.unknown_setting
├── notebook.bad_setting
├── notebook.flow_input_not_found
├── notebook.flow_input_invalid
├── notebook.flow_input_taken
└── notebook.bad_module

Two people edit at once, so an operation on a cell that is already gone is an everyday event: rejections are data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowapp.errors import FlowappError


@dataclass(frozen=True, slots=True)
class Rejected:
    """An operation that was not applied. `code` is stable and documented; `message` and `hint` are for people."""

    code: str
    message: str
    hint: str = ""

    def to_json(self) -> dict[str, str]:
        """`{"code", "message", "hint"}`, the shape of every error body."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class DocumentUnusable(FlowappError):
    """The document cannot be shown as cells: it has no list of modules, or one step id twice."""

    code: ClassVar[str] = "notebook.document_unusable"
    status: ClassVar[int] = 422


def bad_operation(message: str) -> Rejected:
    """The JSON of an operation does not have its shape."""
    return Rejected("notebook.bad_operation", message, "Reload the page; if it happens again, report it.")


def cell_not_found(cell: str) -> Rejected:
    """The cell is not in the document (any more)."""
    return Rejected(
        "notebook.cell_not_found",
        f"Cell {cell} is no longer there.",
        "Someone may have deleted it. Undo brings deleted cells back.",
    )


def note_not_found(note: str) -> Rejected:
    """The note is not in the document (any more)."""
    return Rejected("notebook.note_not_found", f"Note {note} is no longer there.", "Undo brings deleted notes back.")


def duplicate_cell(cell: str) -> Rejected:
    """The cell id of an insert is in use."""
    return Rejected("notebook.duplicate_cell", f"There is already a cell {cell}.", "Give the new cell another id.")


def duplicate_note(note: str) -> Rejected:
    """The note id of an insert is in use."""
    return Rejected("notebook.duplicate_note", f"There is already a note {note}.", "Give the new note another id.")


def bad_sample_name(longest: int) -> Rejected:
    """A kept input needs a name."""
    return Rejected(
        "notebook.bad_sample_name", "A kept input has a name.", f"Name what it is for, in at most {longest} characters."
    )


def sample_not_found(name: str) -> Rejected:
    """There is no kept input of this name."""
    return Rejected("notebook.sample_not_found", f"There is no kept input “{name}” any more.", "Choose another one.")


def too_many_samples(most: int) -> Rejected:
    """No more inputs are kept."""
    return Rejected("notebook.too_many_samples", f"{most} inputs are kept already.", "Forget one of them first.")


def bad_stand_in_name(longest: int) -> Rejected:
    """A stand-in needs a name."""
    return Rejected(
        "notebook.bad_stand_in_name",
        "A stand-in has a name.",
        f"Name the case that it is, in at most {longest} characters.",
    )


def stand_in_not_found(name: str) -> Rejected:
    """The cell has no stand-in of this name."""
    return Rejected("notebook.stand_in_not_found", f"There is no stand-in “{name}” any more.", "Choose another one.")


def stand_in_name_taken(name: str) -> Rejected:
    """The cell has a stand-in of that name."""
    return Rejected("notebook.stand_in_name_taken", f"There is already a stand-in “{name}”.", "Choose another name.")


def stand_in_too_large(most: int) -> Rejected:
    """A stand-in lies beside the document, which is saved whole."""
    return Rejected(
        "notebook.stand_in_too_large",
        f"A stand-in has at most {most // 1024} KB of JSON.",
        "Type a smaller value of the same shape.",
    )


def too_many_stand_ins(most: int) -> Rejected:
    """No more stand-ins of the cell are kept."""
    return Rejected("notebook.too_many_stand_ins", f"The cell has {most} stand-ins.", "Forget one of them first.")


def step_id_taken(step_id: str) -> Rejected:
    """Another step has this id."""
    return Rejected(
        "notebook.step_id_taken",
        f"There is already a step {step_id}.",
        "Step ids are unique in a flow, nested steps included. Choose another one.",
    )


def step_id_invalid(step_id: str) -> Rejected:
    """The text is not a step id, or a reserved one."""
    return Rejected(
        "notebook.step_id_invalid",
        f"{step_id!r} cannot be a step id.",
        "Use letters, digits, - and _, and none of the reserved names (failure, preprocessor).",
    )


def step_id_fixed(step_id: str) -> Rejected:
    """The error handler and the preprocessor are found by their ids."""
    return Rejected("notebook.step_id_fixed", f"The id {step_id} cannot be changed.", "Change its title instead.")


def no_such_place(slot: str) -> Rejected:
    """Cells cannot be put there."""
    return Rejected(
        "notebook.no_such_place", f"No cell can be put into {slot!r} there.", "The container may have changed."
    )


def move_into_itself() -> Rejected:
    """A container cannot become a part of itself."""
    return Rejected("notebook.move_into_itself", "A cell cannot be moved into itself.", "Move its inner cells instead.")


def not_a_script(cell: str) -> Rejected:
    """The cell holds no code of its own."""
    return Rejected("notebook.not_a_script", f"Cell {cell} has no code of its own.", "Only script cells have code.")


def no_inputs(cell: str) -> Rejected:
    """The cell's kind has no input fields."""
    return Rejected("notebook.no_inputs", f"Cell {cell} has no input fields.", "Loops and branches have settings.")


def no_branches(cell: str) -> Rejected:
    """The cell has no branches, or not that many."""
    return Rejected("notebook.no_branches", f"Cell {cell} has no such branch.", "The branch may have been removed.")


def unknown_language(language: str) -> Rejected:
    """The language is not in the table of languages."""
    return Rejected("notebook.unknown_language", f"There is no language {language!r}.", "Choose one from the list.")


def unknown_setting(key: str) -> Rejected:
    """The cell's kind has no such setting."""
    return Rejected(
        "notebook.unknown_setting", f"This cell has no setting {key!r}.", "The cell's kind may have changed."
    )


def bad_setting(key: str) -> Rejected:
    """The value does not have the form that the setting has."""
    return Rejected(
        "notebook.bad_setting", f"This is no value for {key!r}.", "Reload the page; if it happens again, report it."
    )


def flow_input_not_found(name: str) -> Rejected:
    """The flow's schema has no such field (any more)."""
    return Rejected(
        "notebook.flow_input_not_found", f"The flow has no input {name}.", "Someone may have renamed or deleted it."
    )


def flow_input_invalid(name: str) -> Rejected:
    """The text cannot be the name of a field."""
    return Rejected(
        "notebook.flow_input_invalid",
        f"{name!r} cannot be the name of an input.",
        "Begin with a letter; letters, digits, _, - and spaces may follow.",
    )


def flow_input_taken(name: str) -> Rejected:
    """Another field has this name."""
    return Rejected("notebook.flow_input_taken", f"There is already an input {name}.", "Choose another name.")


def nothing_named() -> Rejected:
    """The flow names none of the variables and resources that are to be named otherwise."""
    return Rejected(
        "notebook.nothing_named",
        "The flow names none of these variables and resources any more.",
        "Open the list again: somebody may have changed the flow meanwhile.",
    )


def bad_module(reason: str) -> Rejected:
    """What should be inserted is not a module."""
    return Rejected(
        "notebook.bad_module", f"This cannot be a cell: {reason}.", "A module has an id and a value with a type."
    )
