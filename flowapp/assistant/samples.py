"""Sample data for the flow's input by a model: values are read as JSON and held against the schema before anyone sees them.

A sample is taken like any other input of the notebook: its values become the present ones, and are kept under a name. What does not
fit is left out and said; a secret or a resource is neither asked for nor taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from flowapp.assistant.answers import Edit, Help
from flowapp.assistant.sent import is_reference, is_secret_name
from flowapp.notebook.document import Document
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations import apply_all
from flowapp.notebook.operations.types import KeepSample, Operation, SetSample
from flowapp.openflow.problems import Problem
from flowapp.openflow.schema_words import BY_NAME, COSTLY, PATTERNS, without

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
#: Not held against a value, since a validator may be busy with it for ever; and values that stand in a schema, which are not sent.
_NOT_CHECKED = COSTLY | PATTERNS | {"default", "examples"}
#: Words that hold schemas which may all hold for one value, and those that hold schemas of what is in it.
_LISTS = ("allOf", "anyOf", "oneOf")
_MORE = ("if", "then", "else")
_ITEMS = ("items", "contains", "prefixItems")
#: The name of an input, and what is wrong with its value or to be known of it.
_Said: TypeAlias = tuple[str, str]


def fields_of(document: Document) -> dict[str, Any]:
    """The schemas of the inputs that a sample is made for, without values that stand in them. Secrets and resources are left out."""
    fields = _properties(document)
    return {name: without(_open(field), _NOT_CHECKED) for name, field in fields.items() if _asked_for(name, field)}


def checked(answer: Mapping[str, Any], document: Document) -> Help:
    """What a model gave (of the form `ANSWER`) as one proposal; none where no value fits."""
    fields, whole, problems = fields_of(document), _properties(document), list[_Said]()
    values: dict[str, Any] = {}
    for given in answer["values"][:_MOST_FIELDS]:
        name = given["field"]
        value, problem = _value(name, given["value"], fields, whole)
        if problem:
            problems.append((name, problem))
            continue
        values[name] = value
        if _open(whole[name]) != whole[name]:
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
    name = _free_name(wished, document)
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


def _value(name: str, text: str, fields: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[Any, str]:
    """A field's value without the secrets and resources of its schema, and what is wrong with it ("" for nothing)."""
    if name not in fields:
        return None, "no input of the flow that a sample is made for."
    try:
        value = _value_without(json.loads(text), [whole[name]])
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # NaN and half characters are no JSON
        refers = any(is_reference(item) for item in _texts(value))
    except (ValueError, RecursionError):
        return None, "the model's value is not JSON."
    if refers:
        return None, "it names a secret or a resource, which a sample does not."
    try:
        Draft202012Validator.check_schema(fields[name])
        error = next(Draft202012Validator(fields[name]).iter_errors(value), None)
    except (SchemaError, RecursionError, ValueError, TypeError, ArithmeticError):
        return None, "its schema cannot be used to check a value."
    return (value, "") if error is None else (None, f"{_shortened(error.message)}.")


def _missing(
    document: Document, fields: Mapping[str, Any], values: Mapping[str, Any], given: Sequence[str]
) -> list[_Said]:
    schema = document.flow.get("schema")
    required = schema.get("required") if isinstance(schema, Mapping) else None
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    properties = _properties(document)
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


def _properties(document: Document) -> dict[str, Any]:
    schema = document.flow.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return (
        {str(k): v for k, v in properties.items() if isinstance(v, Mapping)} if isinstance(properties, Mapping) else {}
    )


def _asked_for(name: str, schema: Any) -> bool:
    return not (is_secret_name((name,)) or _is_secret(schema))


def _is_secret(schema: Any) -> bool:
    """Whether a value of the schema is a secret or a resource, may be one, or is a list of them."""
    if isinstance(schema, list):
        return any(map(_is_secret, schema))
    if not isinstance(schema, Mapping):
        return False
    form = str(schema.get("format") or "")
    if form.startswith("resource") or form == "password" or schema.get("password") is True:
        return True
    return any(_is_secret(schema.get(word)) for word in (*_LISTS, *_ITEMS))


def _open(schema: Any) -> Any:
    """A schema without the properties, at any depth, that are secrets or resources."""
    if isinstance(schema, list):
        return [_open(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {
        key: {name: _open(inner) for name, inner in value.items() if key != "properties" or _asked_for(name, inner)}
        if key in BY_NAME and isinstance(value, Mapping)
        else _open(value)
        for key, value in schema.items()
    }
    properties, required = schema.get("properties"), schema.get("required")
    if isinstance(properties, Mapping) and isinstance(required, list):
        found["required"] = [name for name in required if not (name in properties and name not in found["properties"])]
    return found


def _value_without(value: Any, schemas: Sequence[Any]) -> Any:
    """A value without the keys, at any depth, that stand for secrets or resources in one of the schemas that may hold for it."""
    holding = [schema for each in schemas for schema in _alternatives(each)]
    if isinstance(value, list):
        inner = [item for schema in holding for word in _ITEMS for item in _listed(schema.get(word))]
        return [_value_without(item, inner) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, item in value.items():
        of_key = [_at(schema.get("properties"), key) for schema in holding]
        if all(_asked_for(key, schema) for schema in of_key):
            found[key] = _value_without(item, [*of_key, *(schema.get("additionalProperties") for schema in holding)])
    return found


def _alternatives(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, Mapping):
        yield schema
        for word in (*_LISTS, *_MORE):
            for inner in _listed(schema.get(word)):
                yield from _alternatives(inner)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _at(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _words(said: _Said) -> str:
    name, text = said
    return f"{name[:80]}: {text}"


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
