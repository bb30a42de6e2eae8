"""Signatures of Go cells."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.signatures import Signature, SignatureProblem, infer
from flowapp.signatures.go import GoScript, read

TYPES = """
type Base struct { ID int `json:"id"` }
type Kind string
type Row struct {
	Base
	Name string `json:"name,omitempty"`
	Next *Row
	A, B float64
	When time.Time `json:"when"`
	Skip int `json:"-"`
	secret int
}
"""


def signature(parameters: str, result: str = "") -> Signature:
    found = infer("go", f"package inner\n{TYPES}\nfunc main({parameters}) {result} {{\n}}\n")
    assert isinstance(found, Signature), found
    return found


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("string", {"type": "string"}),
        ("uint8", {"type": "integer"}),
        ("float32", {"type": "number"}),
        ("bool", {"type": "boolean"}),
        ("interface{}", {}),
        ("any", {}),
        ("[]byte", {"type": "string", "contentEncoding": "base64"}),
        ("[]string", {"type": "array", "items": {"type": "string"}}),
        ("[3]int", {"type": "array", "items": {"type": "integer"}}),
        ("map[string]int", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("map[string]interface{}", {"type": "object"}),
        ("*int", {"type": "integer"}),
        ("time.Time", {"type": "string", "format": "date-time"}),
        ("Kind", {"type": "string"}),
        ("chan int", {}),
        ("Unknown", {}),
        (
            "Row",
            {
                "type": "object",
                "properties": {
                    "id": {"type": "integer"},
                    "name": {"type": "string"},
                    "Next": {},
                    "A": {"type": "number"},
                    "B": {"type": "number"},
                    "when": {"type": "string", "format": "date-time"},
                },
                "required": ["id", "A", "B", "when"],
            },
        ),
    ],
)
def test_types(kind: str, schema: dict[str, object]) -> None:
    assert signature(f"x {kind}").schema["properties"]["x"] == schema


def test_order_required_and_result() -> None:
    found = signature("a, b int, c *string, _ bool", "(interface{}, error)")
    assert found.schema["order"] == ["a", "b", "c", "arg1"]
    assert found.schema["required"] == ["a", "b", "arg1"]
    assert found.returns is None
    assert signature("", "([]Kind, error)").returns == {"type": "array", "items": {"type": "string"}}
    assert signature("", "error").returns == {"type": "null"}
    assert signature("").returns == {"type": "null"}


@pytest.mark.parametrize(
    ("code", "part", "line"),
    [
        ("package main\nfunc main() {}", "package inner", 1),
        ("func main() {}", "package inner", 1),
        ("package inner\nfunc other() {}", "no function `main`", 1),
        ("package inner\nfunc main(x int {\n}", "`)` is missing", 2),
        ("package inner\nfunc main(x ...int) {}", "[]T", 2),
        ("package inner\nfunc main[T any](x T) {}", "type parameters", 2),
    ],
)
def test_what_is_wrong_is_said(code: str, part: str, line: int) -> None:
    found = infer("go", code)
    assert isinstance(found, SignatureProblem)
    assert part in found.message
    assert found.line == line


def test_imports() -> None:
    found = read(
        'package inner\n\nimport "fmt"\nimport (\n\tj "encoding/json"\n\t_ `os`\n)\n\nfunc main() {}\n', "main"
    )
    assert isinstance(found, GoScript)
    assert sorted(found.imports) == [("encoding/json", 5), ("fmt", 3), ("os", 6)]


@given(st.text(alphabet="package inner\nfunc main(x *[]{}struct,)", max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_has_an_answer(text: str) -> None:
    infer("go", "package inner\n" + text)
