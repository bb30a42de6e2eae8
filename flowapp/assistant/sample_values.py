"""What a model makes up as data: schemas without what is no model's business, and a value that is read and held against one.

A secret or a resource is neither asked for nor taken, at any depth.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from flowapp.assistant.sent import is_reference, is_secret_name
from flowapp.openflow.schema_words import BY_NAME, COSTLY, PATTERNS, without

#: Not held against a value, since a validator may be busy with it for ever; and values that stand in a schema, which are not sent.
_NOT_CHECKED = COSTLY | PATTERNS | {"default", "examples"}
#: Words that hold schemas which may all hold for one value, and those that hold schemas of what is in it.
_LISTS = ("allOf", "anyOf", "oneOf")
_MORE = ("if", "then", "else")
_ITEMS = ("items", "contains", "prefixItems")


LONGEST_NAME = 60


class Unfit(Exception):
    """A value that is not taken; the message says why, as the end of a sentence.

    `at` is the JSON path of what does not fit the schema, "" where that is not the reason.
    """

    def __init__(self, message: str, at: str = "") -> None:
        super().__init__(message)
        self.at = at


def asked_for(name: str, schema: Any) -> bool:
    """Whether a value of this name and schema is made up: none that is called like a secret, is one, or is a resource."""
    return not (is_secret_name((name,)) or _is_secret(schema))


def sent_schema(schema: Any) -> Any:
    """A schema as a model gets it, and as its value is held against it: without secrets, resources and values that stand in it."""
    return without(open_schema(schema), _NOT_CHECKED)


def fitting(text: str, schema: Any) -> Any:
    """A value out of a model's JSON text, without the keys that stand for secrets or resources.

    Args:
        text: what the model gave.
        schema: what is known of the value, whole; `{}` where nothing is.

    Raises:
        Unfit: it is not JSON, refers to something that is stored, or does not fit.
    """
    try:
        value = without_secrets(json.loads(text), schema)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # NaN and half characters are no JSON
        stored = refers(value)
    except (ValueError, RecursionError):
        raise Unfit("the model's value is not JSON.") from None
    if stored:
        raise Unfit("it names a secret or a resource, which a sample does not.")
    sent = sent_schema(schema)
    try:
        Draft202012Validator.check_schema(sent)
        error = next(Draft202012Validator(sent).iter_errors(value), None)
    except (SchemaError, RecursionError, ValueError, TypeError, ArithmeticError):
        raise Unfit("its schema cannot be used to check a value.") from None
    if error is not None:
        raise Unfit(f"{_shortened(error.message)}.", error.json_path)
    return value


def without_secrets(value: Any, schema: Any) -> Any:
    """A value without the keys, at any depth, that stand for secrets or resources, or are called like one."""
    return _value_without(value, [schema])


def refers(value: Any) -> bool:
    """Whether a reference to a secret or a resource is in a value, at any depth."""
    return any(is_reference(item) for item in _texts(value))


def free_name(wished: str, taken: Container[str]) -> str:
    """The wished name, shortened; with a number where something is kept by it: nothing is written over."""
    name = " ".join(wished.split())[: LONGEST_NAME - 4].strip() or "sample"
    number, found = 2, name
    while found in taken:
        found, number = f"{name} {number}", number + 1
    return found


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


def open_schema(schema: Any) -> Any:
    """A schema without the properties, at any depth, that are secrets or resources."""
    if isinstance(schema, list):
        return [open_schema(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {
        key: {
            name: open_schema(inner) for name, inner in value.items() if key != "properties" or asked_for(name, inner)
        }
        if key in BY_NAME and isinstance(value, Mapping)
        else open_schema(value)
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
        if all(asked_for(key, schema) for schema in of_key):
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


def _texts(value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


def _shortened(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:160]}…"
