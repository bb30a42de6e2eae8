"""Schemas of values: looking into them, and whether one fits the other. JSON Schema's own validator is the judge."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.openflow.shapes import Path, fit, look, of_value, types_in

NAMES = st.sampled_from(["id", "name", "rows", "total", "length", "map"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from([0.5, 2.5]), st.text(max_size=3))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
KINDS = ["string", "integer", "number", "boolean", "array", "object"]
WANTED = st.recursive(
    st.one_of(
        st.just({}),
        st.sampled_from([{"type": kind} for kind in KINDS]),
        st.just({"type": ["string", "null"]}),
        st.just({"enum": ["a", "b"]}),
        st.just({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
    ),
    lambda inner: st.one_of(
        st.builds(lambda item: {"type": "array", "items": item}, inner),
        st.builds(
            lambda fields: {"type": "object", "properties": fields, "required": sorted(fields)},
            st.dictionaries(NAMES, inner, max_size=3),
        ),
    ),
    max_leaves=6,
)


def paths(value: Any, start: Path = ()) -> Iterator[Path]:
    yield start
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths(inner, (*start, key))


def at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


@given(VALUES)
def test_what_a_value_has_is_never_missed(value: Any) -> None:
    shape = of_value(value)
    for path in paths(value):
        assert look(shape, path).state != "lacks", path


@given(VALUES, NAMES)
def test_what_is_said_to_be_missing_is(value: Any, name: str) -> None:
    shape = of_value(value)
    for path in paths(value):
        found = look(shape, (*path, name))
        here = at(value, path)
        if found.state == "lacks" and found.at == len(path):
            assert not isinstance(here, dict) or name not in here
            assert isinstance(here, dict) or name != "length" or not isinstance(here, str | list)


@given(VALUES)
def test_a_value_fits_where_its_like_is_taken(value: Any) -> None:
    shape = of_value(value)
    assert fit(shape, shape).verdict != "conflicts"
    assert fit({}, shape).verdict == "unknown"


@settings(max_examples=400)
@given(WANTED, VALUES)
def test_a_conflict_is_one_for_the_validator_too(wanted: dict[str, Any], value: Any) -> None:
    if fit(wanted, of_value(value)).verdict == "conflicts":
        assert not jsonschema.Draft202012Validator(wanted).is_valid(value)


@given(WANTED, WANTED)
def test_schemas_are_not_changed_and_odd_ones_do_no_harm(wanted: dict[str, Any], given_schema: dict[str, Any]) -> None:
    before = copy.deepcopy((wanted, given_schema))
    fit(wanted, given_schema)
    look(wanted, ("a", 0, "length"))
    assert (wanted, given_schema) == before


@given(
    st.recursive(
        SCALARS, lambda inner: st.dictionaries(st.sampled_from([*"abc", "type", "properties", "items", "enum"]), inner)
    )
)
def test_broken_schemas_do_no_harm(schema: Any) -> None:
    look(schema, ("a", 0, "b"))
    fit(schema, {"type": "string"})
    fit({"type": "string"}, schema)


NOTHING_KNOWN = [
    {},
    {"type": "null"},
    {"type": ["object", "string"]},
    {"anyOf": [{"type": "object", "properties": {"a": {}}}]},
    {"type": "object", "properties": {"a": {}}, "additionalProperties": True},
    {"type": "object", "properties": {"a": {}}, "format": "resource-postgresql"},
    {"type": "object", "properties": {"a": {}}, "patternProperties": {".": {}}},
    {"type": "object", "oneOf": [], "properties": {"a": {}}},
]


@pytest.mark.parametrize("schema", NOTHING_KNOWN)
def test_what_may_have_any_field_is_open(schema: dict[str, Any]) -> None:
    assert look(schema, ("x",)).state == "open"


def test_what_is_there_and_what_is_not() -> None:
    order = {"type": "object", "properties": {"id": {"type": "integer"}, "any": {}}}
    rows = {"type": "array", "items": order}
    assert look(order, ("id",)).schema == {"type": "integer"}
    assert look(order, ("any",)).state == "there"
    assert (look(order, ("idd",)).state, look(order, ("any", "x")).state) == ("lacks", "open")
    assert look(order, ("toString",)).state == "open"
    assert (look(rows, ("id",)).state, look(rows, ("map",)).state) == ("lacks", "open")
    assert look(rows, ("length",)).schema == {"type": "integer"}
    assert (look(rows, (0, "idd")).state, look(rows, (0, "idd")).at) == ("lacks", 1)
    assert look({"type": "string"}, ("name",)).state == "lacks"
    assert look({"type": "object"}, ("x",)).state == look({"type": "array"}, (0, "x")).state == "unsaid"
    assert look({"type": "object", "additionalProperties": {"type": "string"}}, ("x",)).schema == {"type": "string"}


def test_where_a_conflict_is() -> None:
    wanted = {"type": "array", "items": {"type": "object", "properties": {"age": {"type": "number"}}}}
    found = fit(wanted, of_value([{"age": "4"}]))
    assert (found.verdict, found.at, found.given, found.wanted) == (
        "conflicts",
        ("[…]", "age"),
        {"type": "string"},
        {"type": "number"},
    )


def test_databases_read_numbers_from_texts() -> None:
    text, number, rows = {"type": "string"}, {"type": "integer"}, {"type": "array"}
    assert fit(number, text).verdict == fit(text, number).verdict == "conflicts"
    assert fit(number, text, lenient=True).verdict == fit(text, rows, lenient=True).verdict == "fits"
    assert fit(number, rows, lenient=True).verdict == fit(rows, text, lenient=True).verdict == "conflicts"


def test_resources_may_be_named_by_a_text() -> None:
    assert fit({"type": "object", "format": "resource-postgresql"}, {"type": "string"}).verdict == "unknown"


@pytest.mark.parametrize(
    "odd",
    [{"type": "any"}, {"type": "file"}, {"type": "object", "format": "dynselect-region"}, {"type": ["any", "string"]}],
)
def test_types_of_no_json_say_nothing(odd: dict[str, Any]) -> None:
    for other in ({"type": "string"}, {"type": "integer"}, {"type": "array"}):
        assert fit(odd, other).verdict == fit(other, odd).verdict == "unknown"


def test_rows_have_the_fields_of_all() -> None:
    rows = [{"id": number, **({"note": "x"} if number == 150 else {})} for number in range(200)]
    assert look(of_value(rows), (0, "note")).state == "open"
    same = of_value([{"id": number, "name": None} for number in range(200)])
    assert look(same, (0, "name")).state == "there"
    assert look(same, (0, "note")).state == "lacks"
    assert look(of_value([None, {"id": 1}]), (1, "x")).state == "open"


def test_what_stands_for_a_value_says_nothing() -> None:
    class Stands(str):
        pass

    assert of_value({"a": Stands("a large result")})["properties"]["a"] == {}
    assert of_value({"$flowapp:blob": {"value": "x"}}) == {}


def test_large_values_are_looked_at_in_bounded_time() -> None:
    wide = {str(number): {"a": 1} for number in range(100_000)}
    deep: Any = 1
    for _ in range(900):
        deep = {"a": deep, "b": [deep]}
    rows = [{str(key): key for key in range(20)} for _ in range(100_000)]
    began = time.process_time()
    assert look(of_value(wide), ("x",)).state == "open"
    assert types_in(of_value(deep)) == {"object"}
    of_value(rows)
    assert time.process_time() - began < 1
