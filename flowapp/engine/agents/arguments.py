"""What a model wrote, checked: arguments of functions, and answers that are to have a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

from flowapp.engine.agents.errors import BadArguments
from flowapp.engine.secrets import SECRET_MARKS
from flowapp.jsontext import loads
from flowapp.store.blobs import REFERENCE

_LONGEST = 500


def checked(arguments: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The model's arguments as an object that fits a schema.

    Raises:
        BadArguments: they do not fit; the message says where.
    """
    value = object_of(arguments)
    wrong = first_problem(value, schema)
    if wrong is not None:
        raise BadArguments(f"The arguments do not fit: {wrong}")
    return value


def object_of(arguments: str) -> dict[str, Any]:
    """The model's arguments as an object.

    A text that looks like a reference is refused: the model writes what it has read somewhere, and nobody vouches for that.

    Raises:
        BadArguments: they are something else, or hold a reference.
    """
    try:
        value = loads(arguments)
    except ValueError:
        raise BadArguments("The arguments are not JSON.") from None
    if not isinstance(value, dict):
        raise BadArguments("The arguments are not a JSON object.")
    _refuse_references(value)
    return value


def first_problem(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Why a value does not fit a schema, with the place; None when it does. Nothing is fetched for a schema."""
    validator = Draft202012Validator(schema, registry=Registry())
    try:
        wrong = next(validator.iter_errors(value), None)
    except (Unresolvable, SchemaError, RecursionError):
        return "the schema refers to something that is not in it"
    if wrong is None:
        return None
    place = "/".join(map(str, wrong.absolute_path))
    return f"{place}: {wrong.message}"[:_LONGEST] if place else wrong.message[:_LONGEST]


def _refuse_references(value: Any) -> None:
    if isinstance(value, str):
        if value.startswith(tuple(mark[1:] for mark in SECRET_MARKS)):
            raise BadArguments("Arguments cannot refer to variables or resources.")
    elif isinstance(value, list):
        for item in value:
            _refuse_references(item)
    elif isinstance(value, dict):
        if REFERENCE in value:
            raise BadArguments(f"Arguments cannot hold the key {REFERENCE}.")
        for item in value.values():
            _refuse_references(item)
