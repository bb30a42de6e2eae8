"""Which fields a cell has: from the signature of its code, or what lies beside it where there is no code to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowapp.notebook.document import Document, Entry
from flowapp.openflow.agents import INPUTS, LINKED_INPUTS, agent_path, is_agent
from flowapp.openflow.walk import inputs_of
from flowapp.signatures import Signature, SignatureProblem, infer


@dataclass(frozen=True, slots=True)
class Fields:
    """A cell's declared fields in order. `open` cells (keyword arguments, no known schema) take any other field too."""

    properties: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    open: bool = False
    #: why the code's signature could not be read, and at which line
    problem: SignatureProblem | None = None


def entrypoint_of(entry: Entry) -> str:
    """The function that a script cell runs."""
    return "preprocessor" if entry.slot == "preprocessor" else "main"


def read_signature(entry: Entry) -> Signature | SignatureProblem | None:
    """The signature of a script cell's code; None for other kinds."""
    value = entry.module["value"]
    code, language = value.get("content"), value.get("language")
    if entry.kind != "rawscript" or not isinstance(code, str) or not isinstance(language, str):
        return None
    return infer(language, code, entrypoint_of(entry))


def schema_of(document: Document, entry: Entry) -> Mapping[str, Any] | None:
    """The JSON Schema of a cell's inputs as far as it is known: of its code, else the last good one beside it."""
    if is_agent(entry.module):
        return LINKED_INPUTS if agent_path(entry.module["value"]) else INPUTS
    signature = read_signature(entry)
    if isinstance(signature, Signature):
        return signature.schema
    kept = document.about(entry.cell).get("schema")
    return dict(kept) if isinstance(kept, Mapping) else None


def fields_of(document: Document, entry: Entry) -> Fields:
    """The declared fields of a cell.

    Broken code keeps the fields of the last code that could be read. Cells of which nothing is known are open: each
    field that is wired counts as declared.
    """
    signature = read_signature(entry)
    problem = signature if isinstance(signature, SignatureProblem) else None
    schema = schema_of(document, entry)
    if schema is None:
        return Fields(open=True, problem=problem)
    found = schema.get("properties")
    properties: dict[str, Any] = dict(found) if isinstance(found, Mapping) else {}
    order = schema.get("order")
    if isinstance(order, list):
        properties = {name: properties[name] for name in order if name in properties} | properties
    required = schema.get("required")
    return Fields(
        properties=properties,
        required=frozenset(name for name in required if isinstance(name, str))
        if isinstance(required, list)
        else frozenset(),
        open=isinstance(signature, Signature) and signature.has_kwargs,
        problem=problem,
    )


def transforms_of(entry: Entry) -> dict[str, Any]:
    """The input transforms of a cell by field."""
    return inputs_of(entry.module)
