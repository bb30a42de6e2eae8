"""The form of a request: its fields from a JSON Schema, what people typed into it, and whether an answer fits. Pure.

Fields are those of the top level; what no plain field can hold (objects, lists of objects) is typed as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from flowapp.jsontext import dumps
from flowapp.openflow.schema_words import COSTLY, PATTERNS, without

Kind = Literal["text", "long", "number", "integer", "boolean", "choice", "choices", "json", "password"]
LONG_TEXT = 80
_FORMATS = {"date": "date", "time": "time", "date-time": "datetime-local", "email": "email", "uri": "url"}
#: Patterns are checked where they cannot hold the server up (see `patterns`).
_NOT_CHECKED = PATTERNS | COSTLY
_LARGEST_FORM = 256 * 1024
_WORDS = {"string": "a text", "number": "a number", "integer": "a whole number", "boolean": "yes or no"}


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: its value as JSON text, and what people read."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the form. `default` is the value that it starts with, None for nothing."""

    name: str
    label: str
    kind: Kind
    required: bool
    hint: str = ""
    default: Any = None
    options: Sequence[Option] = ()
    input_type: str = "text"
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Typed:
    """What a submitted form gives: the answer so far, and what could not be read, by field."""

    payload: dict[str, Any]
    errors: dict[str, str]


def fields_of(form: Mapping[str, Any] | None, defaults: Mapping[str, Any], enums: Mapping[str, Any]) -> list[Field]:
    """The fields of a form, in its own order. `defaults` and `enums` are what the step said when it asked."""
    if not form:
        return []
    properties = _object(form.get("properties"))
    required = {name for name in _list(form.get("required")) if isinstance(name, str)}
    order = [name for name in _list(form.get("order")) if isinstance(name, str) and name in properties]
    names = [*dict.fromkeys(order), *(name for name in properties if name not in order)]
    return [
        _field(name, _object(properties[name]), name in required, defaults, enums.get(name))
        for name in names
        if isinstance(name, str)
    ]


def read(fields: Sequence[Field], given: Mapping[str, Sequence[str]]) -> Typed:
    """The answer that a submitted form stands for. Empty fields are left out: nobody is made to write nothing."""
    payload: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for one in fields:
        texts = [text for text in given.get(one.name, ()) if text != ""]
        if one.kind == "boolean":
            payload[one.name] = bool(texts)
        elif one.kind == "choices":
            payload[one.name] = [json.loads(text) for text in texts if _is_option(one, text)]
        elif not texts:
            if one.required and one.default == "" and one.kind in ("text", "long"):
                payload[one.name] = ""  # what the form itself offers is an answer
            elif one.required:
                errors[one.name] = "Please fill this in."
        else:
            try:
                payload[one.name] = _value(one, texts[0])
            except ValueError as error:
                errors[one.name] = str(error)
    return Typed(payload, errors)


def filled(fields: Sequence[Field], payload: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of a program, with the defaults of fields that it leaves out."""
    return {one.name: one.default for one in fields if one.default is not None and one.name not in payload} | dict(
        payload
    )


def problems(form: Mapping[str, Any] | None, fields: Sequence[Field], payload: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with an answer, by field ("" for the answer as a whole); empty when it fits.

    A form whose schema is broken itself refuses nothing: whoever answers cannot mend it, and the flow would hang.
    """
    if not form or len(dumps(form)) > _LARGEST_FORM:
        return {}
    schema = without(json.loads(dumps(form)), _NOT_CHECKED)
    _tidy(schema)
    for one in fields:  # the step's own choices stand in for the schema's
        if one.options and isinstance(schema.get("properties"), dict) and one.name in schema["properties"]:
            allowed = [json.loads(option.value) for option in one.options]
            place = _object(schema["properties"][one.name])
            target = _object(place.get("items")) if one.kind == "choices" else place
            target["enum"] = allowed
            if one.kind == "choices":
                place["items"] = target
            schema["properties"][one.name] = place
    found: dict[str, str] = {}
    try:
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, registry=Registry())
        for error in validator.iter_errors(dict(payload)):
            name, words = _said(error)
            found.setdefault(name, words)
    except (SchemaError, Unresolvable, RecursionError, ValueError, TypeError, ArithmeticError):
        return {}
    return found


def patterns(form: Mapping[str, Any] | None, payload: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Every (field, pattern, text) that is to be compared: by JavaScript's rules, and where a slow one harms nobody."""
    for name, place in _object((form or {}).get("properties")).items():
        pattern = _object(place).get("pattern")
        if isinstance(pattern, str) and isinstance(payload.get(name), str):
            yield name, pattern, payload[name]


# --- fields ---------------------------------------------------------------------------------------------------------


def _field(name: str, schema: dict[str, Any], required: bool, defaults: Mapping[str, Any], enums: Any) -> Field:
    items = _object(schema.get("items"))
    kind = _kind(schema)
    options: list[Option] = []
    if kind == "json" and _type(schema) == "array":
        options = _options(enums if enums is not None else items.get("enum"), items)
        kind = "choices" if options else "json"
    elif kind != "boolean":
        options = _options(enums if enums is not None else schema.get("enum"), schema)
        kind = "choice" if options else kind
    limits = {
        html: schema[word]
        for word, html in (("minimum", "min"), ("maximum", "max"), ("maxLength", "maxlength"))
        if isinstance(schema.get(word), (int, float)) and not isinstance(schema.get(word), bool)
    }
    return Field(
        name=name,
        label=str(schema.get("title") or name),
        kind=kind,
        required=required,
        hint=str(schema.get("description") or ""),
        default=defaults[name] if name in defaults else schema.get("default"),
        options=options,
        input_type=_FORMATS.get(str(schema.get("format")), "text"),
        limits=limits,
    )


def _kind(schema: Mapping[str, Any]) -> Kind:
    match _type(schema):
        case "boolean":
            return "boolean"
        case "number":
            return "number"
        case "integer":
            return "integer"
        case "string":
            if schema.get("password") or schema.get("format") == "password":
                return "password"
            lines = isinstance(schema.get("maxLength"), int) and schema["maxLength"] > LONG_TEXT
            return "long" if lines or schema.get("format") in ("textarea", "multiline") else "text"
        case "object" | "array":
            return "json"
    return "text" if "enum" in schema else "json"


def _type(schema: Mapping[str, Any]) -> str:
    given = schema.get("type")
    if isinstance(given, list):
        given = next((one for one in given if one != "null"), None)
    return str(given or "")


def _options(given: Any, schema: Mapping[str, Any]) -> list[Option]:
    labels = _object(schema.get("enumLabels"))
    options: list[Option] = []
    for one in _list(given):
        value, label = one, None
        if isinstance(one, dict) and "value" in one:
            value, label = one["value"], one.get("label")
        text = value if isinstance(value, str) else dumps(value)
        options.append(Option(dumps(value), str(label or labels.get(text) or text)))
    return options


def _is_option(one: Field, text: str) -> bool:
    return any(option.value == text for option in one.options)


def _value(one: Field, text: str) -> Any:
    match one.kind:
        case "choice":
            if not _is_option(one, text):
                raise ValueError("Please choose one of the list.")
            return json.loads(text)
        case "number" | "integer":
            return _number(text, whole=one.kind == "integer")
        case "json":
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                raise ValueError('This must be JSON, such as {"name": "value"} or [1, 2].') from None
        case _:
            return text


def _number(text: str, *, whole: bool) -> int | float:
    plain = text.strip().replace("\u202f", "").replace(" ", "")
    try:
        number = int(plain) if len(plain) < 300 else float("nan")
    except ValueError:
        try:
            number = float(plain)
        except ValueError:
            raise ValueError(f"This must be {_WORDS['integer' if whole else 'number']}.") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("This must be a number.")
    if whole and number != int(number):
        raise ValueError("This must be a whole number.")
    return int(number) if whole else number


# --- problems -------------------------------------------------------------------------------------------------------


def _said(error: ValidationError) -> tuple[str, str]:
    """The field that an error is about, and what is wrong in words."""
    path = [str(part) for part in error.absolute_path]
    limit = error.validator_value
    match error.validator:
        case "required":
            missing = next((str(name) for name in _list(limit) if name not in _object(error.instance)), "")
            return (path[0] if path else missing), "Please fill this in."
        case "enum":
            words = "Please choose one of the list."
        case "type":
            kinds = [limit] if isinstance(limit, str) else [str(one) for one in _list(limit)]
            words = f"This must be {' or '.join(_WORDS.get(one, one) for one in kinds)}."
        case "minimum" | "exclusiveMinimum":
            words = f"This must be {'at least' if error.validator == 'minimum' else 'more than'} {limit}."
        case "maximum" | "exclusiveMaximum":
            words = f"This must be {'at most' if error.validator == 'maximum' else 'less than'} {limit}."
        case "minLength":
            words = f"This must have at least {limit} characters."
        case "maxLength":
            words = f"This must have at most {limit} characters."
        case _:
            words = f"This does not fit: {error.message[:200]}."
    return (path[0] if path else ""), words


def _tidy(schema: Any) -> None:
    """What is required and is no name is no fault, and would be compared with all others."""
    if isinstance(schema, dict):
        if isinstance(schema.get("required"), list):
            schema["required"] = [name for name in schema["required"] if isinstance(name, str)]
        for item in schema.values():
            _tidy(item)
    elif isinstance(schema, list):
        for item in schema:
            _tidy(item)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
