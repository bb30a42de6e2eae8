"""Sample data for a cell by a model: a made-up result, held against what the cell declares to return before anyone sees it.

It is taken as a stand-in of the cell: kept by name and handed on, so that cells below can be wired and tried before this one runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flowapp.assistant.answers import Edit, Help
from flowapp.assistant.sample_values import (
    Unfit,
    asked_for,
    fitting,
    free_name,
    open_schema,
    refers,
    sent_schema,
    without_secrets,
)
from flowapp.assistant.samples import properties_of
from flowapp.assistant.sent import HIDDEN, sample_of
from flowapp.notebook.document import Document, Entry
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations import apply_all
from flowapp.notebook.operations.types import KeepStandIn, UseStandIn
from flowapp.notebook.records import pinned_value
from flowapp.notebook.schemas import read_signature
from flowapp.notebook.stand_ins import LARGEST, stand_ins_of
from flowapp.notebook.view import BLOB
from flowapp.openflow.problems import Problem
from flowapp.signatures import Signature

RULES = f"""Make one sample of the result of this_step: realistic, made-up data such as its code would give for its inputs, as the person
asks. `value` is JSON text of the whole result, of at most {LARGEST // 1024 // 8} KB; it fits result_to_make.schema where there is one. Steps
after it show what they read of it. `name` says in a few words what the sample is a case of.
Never use data of real people, secrets or keys."""

ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {"message": {"type": "string"}, "name": {"type": "string"}, "value": {"type": "string"}},
    "required": ["message", "name", "value"],
    "additionalProperties": False,
}
RULE = "assistant.cell_sample"
WHY = "It is kept by this name and handed on instead of running the cell, until “None” or another stand-in is chosen."
LESS = "It is without what stands for secrets and resources, or is called like one. Add it yourself where cells below read it."
_LISTS = ("forloopflow", "whileloopflow", "branchall")
"""Kinds of cells whose result is a list, whatever is inside."""


def asked(document: Document, entry: Entry) -> dict[str, Any]:
    """What is sent besides the flow: what is known of the result, and samples of the flow's input without secrets and resources."""
    schema = sent_schema(shape_of(entry))
    return {
        "result_to_make": {"step": entry.step_id, **({"schema": schema} if schema else {})},
        "flow_input": _input_samples(document),
    }


def shape_of(entry: Entry) -> Mapping[str, Any]:
    """The JSON Schema of a cell's result: what its code declares to return, or that it is a list; empty where nothing is known."""
    signature = read_signature(entry)
    if isinstance(signature, Signature) and isinstance(signature.returns, Mapping):
        return signature.returns
    return {"type": "array"} if entry.kind in _LISTS else {}


def checked(answer: Mapping[str, Any], document: Document, step: str) -> Help:
    """What a model gave (of the form `ANSWER`) as one proposal for a step; none, with the reason, where it cannot be taken."""
    message, entry = str(answer["message"]).strip(), document.outline.by_step[step]
    try:
        return Help(message, (_proposal(answer, document, entry),))
    except Unfit as unfit:
        at = "" if unfit.at == "$" else f", at {unfit.at}"
        why = f"it does not fit what the cell declares to return{at}" if unfit.at else "it cannot be used"
        return Help(message, notice=f"The model's sample was not taken; {why}: {unfit}")


def _proposal(answer: Mapping[str, Any], document: Document, entry: Entry) -> Edit:
    """Raises `Unfit`."""
    schema, step = shape_of(entry), entry.step_id
    value = fitting(answer["value"], schema)
    if f'"{BLOB}"' in json.dumps(value):
        raise Unfit("it refers to a stored file, which nobody can make up.")
    name = free_name(str(answer["name"]), stand_ins_of(document, entry.cell))
    operations = (KeepStandIn(entry.cell, name, value), UseStandIn(entry.cell, name))
    tried = apply_all(document, operations)
    if isinstance(tried, Rejected):
        raise Unfit(f"{tried.message} {tried.hint}".strip())
    pinned, before = pinned_value(entry.module)
    less = value != json.loads(answer["value"]) or open_schema(schema) != schema
    problems = (Problem(RULE, "warning", LESS, "", "", step),) if less else ()
    old = _text(before) if pinned else None
    return Edit(f"Stand-in “{name}” of {step}", WHY, operations, step, old, _text(value), "json", problems=problems)


def _input_samples(document: Document) -> dict[str, Any]:
    """Short samples of the flow's input as it is now."""
    fields = properties_of(document)
    return {
        name: HIDDEN if refers(value) else sample_of(without_secrets(value, fields.get(name)))
        for name, value in document.flow_args().items()
        if asked_for(name, fields.get(name))
    }


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
