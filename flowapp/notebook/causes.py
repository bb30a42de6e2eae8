"""Reasons why a result is out of date, and those that lie in what a cell says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from flowapp.notebook import words
from flowapp.notebook.definition import NESTED, SETTING, definition_of
from flowapp.notebook.document import CellId, Document, Entry, StepId
from flowapp.notebook.records import CellRecord

CauseKind: TypeAlias = Literal["code", "input", "upstream", "flow_input", "settings", "failed", "missing"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why a result is out of date. `cell` and `step_id` name where it comes from, `field` what is affected."""

    kind: CauseKind
    text: str
    cell: CellId | None = None
    step_id: StepId | None = None
    field: str | None = None

    def to_json(self) -> dict[str, str]:
        """JSON of the cause; what does not apply is left out."""
        data = {"kind": self.kind, "cell": self.cell, "step_id": self.step_id, "field": self.field, "text": self.text}
        return {key: value for key, value in data.items() if value is not None}


def definition_causes(document: Document, entry: Entry, record: CellRecord, but: set[str]) -> Iterator[Cause]:
    """What a cell says of itself now and did not say when its record was made; inputs in `but` are left out."""
    old, new = record.definition, definition_of(document, entry.cell)
    if old == new:
        return
    if (old.code, old.language, old.lock) != (new.code, new.language, new.lock):
        yield Cause("code", words.code_changed(old.language != new.language), entry.cell, entry.step_id)
    if old.settings != new.settings:
        yield Cause("settings", words.settings_changed(), entry.cell, entry.step_id)
    for name in dict.fromkeys((*new.inputs, *old.inputs)):
        if old.inputs.get(name) == new.inputs.get(name) or name.removeprefix(SETTING) in but:
            continue
        if name.startswith(NESTED):
            inner = document.entry(name.removeprefix(NESTED))
            step_id = inner.step_id if inner else None
            text = words.nested_changed(step_id, name in old.inputs, name in new.inputs)
            yield Cause("code", text, inner.cell if inner else entry.cell, step_id)
        elif name.startswith(SETTING):
            setting = name.removeprefix(SETTING)
            yield Cause("settings", words.setting_changed(setting), entry.cell, entry.step_id, setting)
        else:
            yield Cause("input", words.input_changed(name), entry.cell, entry.step_id, name)
