"""What a cell says: its code, its language and its title."""

from __future__ import annotations

from typing import Any

from flowapp.languages import by_name
from flowapp.notebook import errors
from flowapp.notebook.document import Document, Entry
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations.common import name_of, with_beside, with_value
from flowapp.notebook.operations.types import (
    Applied,
    Operation,
    SetBeside,
    SetCode,
    SetLanguage,
    SetSetting,
    SetTitle,
)
from flowapp.notebook.schemas import entrypoint_of, read_signature, schema_of
from flowapp.notebook.trees import MISSING
from flowapp.signatures import Signature, SignatureProblem, infer


def set_code(document: Document, operation: SetCode) -> Applied | Rejected:
    """Apply `SetCode`."""
    entry = _script(document, operation.cell)
    if isinstance(entry, Rejected):
        return entry
    value = entry.module["value"]
    old = value.get("content")
    changed = with_value(document, entry, ("value", "content"), operation.code)
    language = value.get("language")
    changed, restore = _keep_schema(
        document, changed, entry, language if isinstance(language, str) else "", operation.code
    )
    return Applied(
        document=changed,
        inverse=(SetCode(operation.cell, old if isinstance(old, str) else ""), *restore),
        touched=frozenset({operation.cell}),
        label=f"Edited {name_of(entry)}",
    )


def set_language(document: Document, operation: SetLanguage) -> Applied | Rejected:
    """Apply `SetLanguage`."""
    entry = _script(document, operation.cell)
    if isinstance(entry, Rejected):
        return entry
    if by_name(operation.language) is None:
        return errors.unknown_language(operation.language)
    value = entry.module["value"]
    code = value.get("content")
    changed = with_value(document, entry, ("value", "language"), operation.language)
    changed, restore = _keep_schema(document, changed, entry, operation.language, code if isinstance(code, str) else "")
    inverse: list[Operation] = [SetLanguage(operation.cell, str(value.get("language"))), *restore]
    if "lock" in value:
        changed = with_value(changed, entry, ("value", "lock"), MISSING)
        inverse.append(SetSetting(operation.cell, "lock", value["lock"], null=value["lock"] is None))
    return Applied(changed, tuple(inverse), frozenset({operation.cell}), f"Changed the language of {name_of(entry)}")


def set_title(document: Document, operation: SetTitle) -> Applied | Rejected:
    """Apply `SetTitle`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    old = entry.module.get("summary", MISSING)
    inverse: Operation = SetTitle(operation.cell, old if isinstance(old, str) and old else None)
    if old is not MISSING and not (isinstance(old, str) and old):
        inverse = SetSetting(operation.cell, "summary", old, null=old is None)
    changed = with_value(document, entry, ("summary",), operation.title or MISSING)
    return Applied(changed, (inverse,), frozenset({operation.cell}), f"Changed the title of {name_of(entry)}")


def _script(document: Document, cell: str) -> Entry | Rejected:
    entry = document.entry(cell)
    if entry is None:
        return errors.cell_not_found(cell)
    return entry if entry.kind == "rawscript" else errors.not_a_script(cell)


def _keep_schema(
    before: Document, changed: Document, entry: Entry, language: str, code: str
) -> tuple[Document, tuple[Operation, ...]]:
    """Keep the last good schema beside the cell while its code cannot be read, and drop it when it can."""
    kept: Any = before.about(entry.cell).get("schema")
    broken = isinstance(infer(language, code, entrypoint_of(entry)), SignatureProblem)
    wanted: Any = schema_of(before, entry) if broken else None
    if kept is None and wanted is None and isinstance(read_signature(entry), Signature):
        return changed, ()
    restore = SetBeside(entry.cell, "schema", kept)
    return with_beside(changed, entry.cell, "schema", wanted), (restore,)
