"""Inputs of GraphQL cells."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flowapp.languages import by_name
from flowapp.signatures import Signature, SignatureProblem, infer

API = {"type": "object", "format": "resource-graphql"}


def inputs(code: str) -> tuple[dict[str, Any], list[str]]:
    found = infer("graphql", code)
    assert isinstance(found, Signature), found
    assert found.schema["order"][0] == "api"
    properties = dict(found.schema["properties"])
    assert properties.pop("api") == API
    return properties, [name for name in found.schema["required"] if name != "api"]


def test_types_defaults_and_what_is_required() -> None:
    code = """# who is asked
query Find($id: ID!, $first: Int = 10 $after: String, $ratio: Float! = 1.5, $on: Boolean = true
  $tags: [String!]! , $deep: [[Int]], $filter: Filter!, $state: State = OPEN @deprecated(reason: "no, (never)"), $day: Date
  $sort: [Sort!] = [{by: "na\\"me", up: false, more: [1, null]}], $note: String = \"\"\" a "b" \"\"\") @live(x: [1]) {
  find(id: $id, text: "query { }") { ...part }
}
fragment query on Thing { name }
"""
    properties, required = inputs(code)
    assert required == ["id", "tags", "filter"]
    assert properties == {
        "id": {"type": "string"},
        "first": {"type": "integer", "default": 10},
        "after": {"type": "string"},
        "ratio": {"type": "number", "default": 1.5},
        "on": {"type": "boolean", "default": True},
        "tags": {"type": "array", "items": {"type": "string"}},
        "deep": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
        "filter": {},
        "state": {"type": "string", "default": "OPEN"},
        "day": {"type": "string", "format": "date"},
        "sort": {
            "type": "array",
            "items": {},
            "default": [{"by": 'na"me', "up": False, "more": [1, None]}],
        },
        "note": {"type": "string", "default": 'a "b"'},
    }


@pytest.mark.parametrize(
    "code", ["{ me { name } }", "query { me }", "query Q { me }", "mutation($a: Int) { set(a: $a) }"]
)
def test_forms_of_operations(code: str) -> None:
    assert set(inputs(code)[0]) <= {"a"}


@pytest.mark.parametrize(
    ("code", "line", "said"),
    [
        ("# nothing\n", 1, "no query"),
        ("query {\n a\n", 1, "no counterpart"),
        ('query {\n a(b: "c)\n}', 2, "no counterpart"),
        ("query($a: Int,\n $a: Int) { a }", 1, "declared twice"),
        ("query($api: Int) { a }", 1, "connection"),
        ("query(\n$a Int) { a }", 2, "Expected `:`"),
        ("query($a:\n = 1) { a }", 2, "a type"),
        ("query($a: Int = ) { a }", 1, "a value"),
        ("query(a: Int) { a }", 1, "a variable"),
        ("query A { a }\nquery B { b }", 2, "one operation"),
        ("subscription { a }", 1, "subscriptions"),
        ("query { a }\ntype X { a: Int }", 2, "`type`"),
        ("query { a }\nquery", 2, "no fields"),
        ("fragment a on B { c }", 1, "no query"),
        ("query($a: [Int) { a }", 1, "no counterpart"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(code: str, line: int, said: str) -> None:
    found = infer("graphql", code)
    assert isinstance(found, SignatureProblem)
    assert said in found.message
    assert found.line == line


@pytest.mark.parametrize(
    "code",
    [
        "query(" + "$a: [" * 50_000,
        "query($a: Int = " + "[" * 50_000 + "]" * 50_000 + ") { a }",
        '"' * 200_000,
        '"""' + '\\"""' * 50_000,
        "# " * 100_000,
        "{a" * 100_000,
        "query($a" + ",$b" * 60_000 + ") { a }",
    ],
)
def test_hostile_text_takes_no_long_time(code: str) -> None:
    begun = time.process_time()
    assert isinstance(infer("graphql", code), SignatureProblem)
    assert time.process_time() - begun < 2


def test_the_starter_code_is_read() -> None:
    language = by_name("graphql")
    assert language is not None
    assert language.runnable
    assert inputs(language.starter_code)[0]["x"] == {"type": "string", "default": "world"}
