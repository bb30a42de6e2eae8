"""Sample data for the flow's input by a model: values are read as JSON and held against the schema before anyone sees them.

A sample is taken like any other input of the notebook: its values become the present ones, and are kept under a name. What does not
fit is left out and said; a secret or a resource is neither asked for nor taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from flowapp.assistant.answers import Edit, Help
from flowapp.assistant.sent import is_reference, is_secret_name
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
_LONGEST_NAME = 60
_MOST_FIELDS = 200
#: A few lines of these keep a validator busy for ever (see `workspace/approval_form.py`), so they are not held against a value.
_NOT_CHECKED = frozenset(
    {"pattern", "patternProperties", "$ref", "$dynamicRef", "$recursiveRef", "uniqueItems", "default", "examples"}
)
_BY_NAME = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})


def fields_of(document: Document) -> dict[str, Any]:
    """The schemas of the inputs that a sample is made for, without values that stand in them. Secrets and resources are left out."""
    fields = _properties(document)
    return {name: _lean(field) for name, field in fields.items() if _asked_for(name, field)}


def checked(answer: Mapping[str, Any], document: Document) -> Help:
    """What a model gave (of the form `ANSWER`) as one proposal; none where no value fits."""
    fields, problems = fields_of(document), list[str]()
    values: dict[str, Any] = {}
    for given in answer["values"][:_MOST_FIELDS]:
        value, problem = _value(given["field"], given["value"], fields)
        if problem:
            problems.append(problem)
        else:
            values[given["field"]] = value
    problems += _missing(document, fields, values, [given["field"] for given in answer["values"]])
    message = str(answer["message"]).strip()
    if not values:
        return Help(message, notice=" ".join(["The model gave no value that fits.", *problems]))
    return Help(message, (_proposal(str(answer["name"]), values, problems, document),))


def _proposal(wished: str, values: Mapping[str, Any], problems: Sequence[str], document: Document) -> Edit:
    """The sample as operations. An optional input that the model left out is emptied; one whose value did not fit stays as it is."""
    named = [problem.split(":", 1)[0] for problem in problems]
    emptied = [name for name in fields_of(document) if name in document.sample and name not in {*values, *named}]
    name = _free_name(wished, document)
    sets: list[Operation] = [SetSample(field, value) for field, value in values.items()]
    sets += [SetSample(field, remove=True) for field in emptied]
    keeps: tuple[Operation, ...] = (*sets, KeepSample(name))
    kept = apply_all(document, keeps)
    said = list(problems)
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


def _value(name: str, text: str, fields: Mapping[str, Any]) -> tuple[Any, str]:
    """A field's value, and what is wrong with it ("" for nothing)."""
    if name not in fields:
        return None, f"{name[:80]}: no input of the flow that a sample is made for."
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # NaN and half characters are no JSON
    except (ValueError, RecursionError):
        return None, f"{name}: the model's value is not JSON."
    if any(is_reference(item) for item in _texts(value)):
        return None, f"{name}: it names a secret or a resource, which a sample does not."
    try:
        Draft202012Validator.check_schema(fields[name])
        error = next(Draft202012Validator(fields[name]).iter_errors(value), None)
    except (SchemaError, RecursionError, ValueError, TypeError, ArithmeticError):
        return None, f"{name}: its schema cannot be used to check a value."
    return (value, "") if error is None else (None, f"{name}: {_shortened(error.message)}.")


def _missing(
    document: Document, fields: Mapping[str, Any], values: Mapping[str, Any], given: Sequence[str]
) -> list[str]:
    schema = document.flow.get("schema")
    required = schema.get("required") if isinstance(schema, Mapping) else None
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    properties = _properties(document)
    said = [
        f"{name}: needed, and the model gave no value."
        for name in names
        if name in fields and name not in {*values, *given}
    ]
    said += [
        f"{name}: a secret or a resource; choose it yourself."
        for name in properties
        if name in names and name not in fields
    ]
    return said


def _properties(document: Document) -> dict[str, Any]:
    schema = document.flow.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return (
        {str(k): v for k, v in properties.items() if isinstance(v, Mapping)} if isinstance(properties, Mapping) else {}
    )


def _asked_for(name: str, field: Mapping[str, Any]) -> bool:
    form = str(field.get("format") or "")
    return not (form.startswith("resource") or form == "password" or field.get("password") or is_secret_name((name,)))


def _lean(schema: Any) -> Any:
    """A schema without what is not sent and not checked. A property may be called like a keyword, and stays."""
    if isinstance(schema, list):
        return [_lean(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: {name: _lean(inner) for name, inner in value.items()}
        if key in _BY_NAME and isinstance(value, Mapping)
        else _lean(value)
        for key, value in schema.items()
        if key not in _NOT_CHECKED
    }


def _texts(value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


def _free_name(wished: str, document: Document) -> str:
    """The wished name, shortened; with a number where something is kept by it: nothing is written over."""
    name = " ".join(wished.split())[: _LONGEST_NAME - 4].strip() or "sample"
    taken, number = document.samples, 2
    found = name
    while found in taken:
        found, number = f"{name} {number}", number + 1
    return found


def _shortened(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:160]}…"
