"""New inputs of the flow, proposed where nothing that comes before fits a field that its step needs. Pure, and nothing is changed.

Fields that would call their input the same share one when their types agree; otherwise the later one's input gets another name.
What an input takes is what the signature of the step says of the field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowapp.assistant.targets import Target
from flowapp.notebook.document import Document, Entry
from flowapp.openflow.agents import is_agent
from flowapp.openflow.references import member
from flowapp.openflow.shapes import types_in

#: Names that mean something else below `flow_input`.
_TAKEN = frozenset({"iter"})
#: Says nothing of which values are taken.
_WORDS = frozenset({"title", "description", "default", "examples", "order", "placeholder", "originalType", "nullable"})


@dataclass(frozen=True, slots=True)
class Need:
    """A field of a cell that nothing fits."""

    entry: Entry
    target: Target


@dataclass(frozen=True, slots=True)
class NewInput:
    """An input of the flow for a field. `there`: the flow has it already, and nothing is added to its schema.

    `shared` are the other fields that read it, as `step.field`.
    """

    name: str
    schema: Mapping[str, Any]
    there: bool = False
    shared: tuple[str, ...] = ()

    @property
    def expr(self) -> str:
        """What the field reads."""
        return member("flow_input", self.name)

    def to_json(self) -> dict[str, Any]:
        """`{"name", "schema", "there", "shared"}`."""
        return {"name": self.name, "schema": dict(self.schema), "there": self.there, "shared": list(self.shared)}


def needs_one(entry: Entry, target: Target) -> bool:
    """Whether a flow input makes sense for a field: its step needs it and has no default, and it is the flow's steps that lack it.

    The failure handler and the preprocessor are given what they take by the error and by the trigger; who answers for an agent is
    a setting of the step.
    """
    if entry.slot in ("failure", "preprocessor") or not target.required or not target.declared:
        return False
    if is_agent(entry.module) and target.field == "provider":
        return False
    return "default" not in target.schema


def new_inputs(document: Document, needs: Sequence[Need]) -> list[NewInput]:
    """One input for each need, in their order."""
    there = _properties(document)
    schemas: dict[str, Mapping[str, Any]] = {}
    readers: dict[str, list[int]] = {}
    for number, need in enumerate(needs):
        name = _name(need, there, schemas)
        readers.setdefault(name, []).append(number)
        known = there.get(name) or schemas.get(name) or {}
        schemas[name] = known if name in there or types_in(known) else _schema(need.target)
    found: dict[int, NewInput] = {}
    for name, numbers in readers.items():
        for number in numbers:
            others = tuple(_said(needs[other]) for other in numbers if other != number)
            found[number] = NewInput(name, schemas[name], name in there, others)
    return [found[number] for number in range(len(needs))]


def agree(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two schemas take the same values; one that says no type leaves it to the other."""
    if not types_in(one) or not types_in(other):
        return True
    return bool(_bare(one) == _bare(other))


def _name(need: Need, there: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> str:
    """The field's own name where that is free or stands for the same; else with the step's before it, and a number."""
    field, long = need.target.field, f"{need.entry.step_id}_{need.target.field}"
    number = 2
    for name in (field, long):
        if _fits(name, need.target.schema, there, schemas):
            return name
    while not _fits(f"{long}_{number}", need.target.schema, there, schemas):
        number += 1
    return f"{long}_{number}"


def _fits(
    name: str, schema: Mapping[str, Any], there: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]
) -> bool:
    if name in _TAKEN:
        return False
    known = there.get(name, schemas.get(name))
    return known is None or (isinstance(known, Mapping) and agree(known, schema))


def _schema(target: Target) -> dict[str, Any]:
    return {key: value for key, value in target.schema.items() if key != "default"}


def _bare(schema: Any) -> Any:
    """A schema without what is for people to read."""
    if isinstance(schema, Mapping):
        kept = {key: value for key, value in schema.items() if key not in _WORDS}
        properties = kept.get("properties")
        bare = {key: _bare(value) for key, value in kept.items() if key != "properties"}
        if isinstance(properties, Mapping):
            bare["properties"] = {name: _bare(about) for name, about in properties.items()}
        return bare
    return [_bare(item) for item in schema] if isinstance(schema, list) else schema


def _said(need: Need) -> str:
    return f"{need.entry.step_id}.{need.target.field}"


def _properties(document: Document) -> Mapping[str, Any]:
    schema = document.flow.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return properties if isinstance(properties, Mapping) else {}
