"""Sample data for the flow's input by a model: values are read as JSON and held against the schema before anyone sees them.

A sample is taken like any other input of the notebook: its values become the present ones, and are kept under a name. What does not
fit is left out and said; a secret or a resource is neither asked for nor taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from flowapp.assistant.answers import Edit, Help
from flowapp.assistant.sample_values import Unfit, asked_for, fitting, free_name, open_schema, sent_schema
from flowapp.notebook.document import Document
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations import apply_all
from flowapp.notebook.operations.types import KeepSample, Operation, SetSample
from flowapp.openflow.problems import Problem

RULES = """Make one sample of the flow's input: realistic, made-up data that the steps can work with, as the person asks. Give a value for
each field of fields_to_fill that the flow needs, and leave out an optional one only if the sample is better without. `value` is JSON text
that fits the field's schema: a text in quotes, a number, an object. `name` says in a few words what the sample is a case of.
Never use data of real people, secrets or keys."""

ANSWER = {
    "type": "object",
    "properties": {
        "message": {"type": "string"},
        "name": {"type": "string"},
        "values": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "value": {"type": "string"}},
                "required": ["field", "value"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["message", "name", "values"],
    "additionalProperties": False,
}
RULE = "assistant.sample"
_MOST_FIELDS = 200
#: The name of an input, and what is wrong with its value or to be known of it.
_Said: TypeAlias = tuple[str, str]


def fields_of(document: Document) -> dict[str, Any]:
    """The schemas of the inputs that a sample is made for, without values that stand in them. Secrets and resources are left out."""
    fields = properties_of(document)
    return {name: sent_schema(field) for name, field in fields.items() if asked_for(name, field)}


def checked(answer: Mapping[str, Any], document: Document) -> Help:
    """What a model gave (of the form `ANSWER`) as one proposal; none where no value fits."""
    fields, whole, problems = fields_of(document), properties_of(document), list[_Said]()
    values: dict[str, Any] = {}
    for given in answer["values"][:_MOST_FIELDS]:
        name = given["field"]
        if name not in fields:
            problems.append((name, "no input of the flow that a sample is made for."))
            continue
        try:
            values[name] = fitting(given["value"], whole[name])
        except Unfit as unfit:
            problems.append((name, str(unfit)))
            continue
        if open_schema(whole[name]) != whole[name]:
            problems.append((name, "without its secrets and resources; choose them yourself."))
    problems += _missing(document, fields, values, [given["field"] for given in answer["values"]])
    message = str(answer["message"]).strip()
    if not values:
        return Help(message, notice=" ".join(["The model gave no value that fits.", *map(_words, problems)]))
    return Help(message, (_proposal(str(answer["name"]), values, problems, document),))


def _proposal(wished: str, values: Mapping[str, Any], problems: Sequence[_Said], document: Document) -> Edit:
    """The sample as operations. An optional input that the model left out is emptied; one whose value did not fit stays as it is."""
    named = {name for name, _ in problems}
    emptied = [name for name in fields_of(document) if name in document.sample and name not in {*values, *named}]
    name = free_name(wished, document.samples)
    sets: list[Operation] = [SetSample(field, value) for field, value in values.items()]
    sets += [SetSample(field, remove=True) for field in emptied]
    keeps: tuple[Operation, ...] = (*sets, KeepSample(name))
    kept = apply_all(document, keeps)
    said = [*map(_words, problems)]
    if isinstance(kept, Rejected):
        said.append(f"It is used and not kept by name: {kept.message}")
    before = {field: value for field, value in document.sample.items() if field in {*values, *emptied}}
    return Edit(
        f"Sample input “{name}”",
        f"Becomes the input of the flow here{'' if isinstance(kept, Rejected) else ', and is kept by this name'}.",
        tuple(sets) if isinstance(kept, Rejected) else keeps,
        "",
        json.dumps(before, ensure_ascii=False, indent=2) if before else None,
        json.dumps(dict(values), ensure_ascii=False, indent=2),
        "json",
        problems=tuple(Problem(RULE, "warning", text, "", "") for text in said),
    )


def _missing(
    document: Document, fields: Mapping[str, Any], values: Mapping[str, Any], given: Sequence[str]
) -> list[_Said]:
    schema = document.flow.get("schema")
    required = schema.get("required") if isinstance(schema, Mapping) else None
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    properties = properties_of(document)
    said = [
        (name, "needed, and the model gave no value.")
        for name in names
        if name in fields and name not in {*values, *given}
    ]
    said += [
        (name, "a secret or a resource; choose it yourself.")
        for name in properties
        if name in names and name not in fields
    ]
    return said


def properties_of(document: Document) -> dict[str, Any]:
    """The schemas of the flow's inputs by name, whole."""
    schema = document.flow.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return (
        {str(k): v for k, v in properties.items() if isinstance(v, Mapping)} if isinstance(properties, Mapping) else {}
    )


def _words(said: _Said) -> str:
    name, text = said
    return f"{name[:80]}: {text}"
