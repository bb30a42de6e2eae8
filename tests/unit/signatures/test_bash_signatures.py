"""Signatures of Bash scripts, and of languages that are not read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.signatures import Signature, SignatureProblem, infer


def signature(code: str) -> Signature:
    found = infer("bash", code)
    assert isinstance(found, Signature), found
    return found


@pytest.mark.parametrize(
    ("line", "name", "default"),
    [
        ('name="$1"', "name", None),
        ("name=$1", "name", None),
        ('name="${1}"', "name", None),
        ('local_name="${1:-42}"', "local_name", "42"),
        ('x="${1-a b}"', "x", "a b"),
        ("x=\"${1:-'q r'}\"", "x", "q r"),
        ('x="${1:-}"', "x", ""),
        ('x="${1:?give a name}"', "x", None),
        ('export X="$1"', "X", None),
        ('declare -r x="$1"', "x", None),
        ('readonly x="$1"', "x", None),
        ('set -e\n# x\nx="$1" # first', "x", None),
    ],
)
def test_variables_set_from_parameters_are_inputs(line: str, name: str, default: str | None) -> None:
    found = signature(f"#!/bin/bash\n{line}\necho done").schema
    extra = {} if default is None else {"default": default}
    assert found["properties"] == {name: {"type": "string", **extra}}
    assert found["required"] == ([name] if default is None else [])


@pytest.mark.parametrize(
    "code",
    [
        "x='$1'",
        'x="a $1"',
        'f() { x="$1"; }',
        'if true; then x="$1"; fi',
        '# x="$1"',
        'cat <<EOF\nx="$1"\nEOF',
        'echo "x=$1"',
        'x="$HOME"',
        'x="$@"',
    ],
)
def test_everything_else_is_not(code: str) -> None:
    assert signature(code).schema["properties"] == {}


def test_order_is_by_position_and_gaps_are_filled() -> None:
    found = signature('b="$3"\na="$1"\nten="${10:-x}"').schema
    assert found["order"][:3] == ["a", "arg2", "b"]
    assert found["order"][9] == "ten"
    assert found["required"] == ["a", "b"]


def test_the_first_variable_of_a_position_names_it() -> None:
    assert signature('a="$1"\nb="$1"').schema["order"] == ["a"]


def test_the_result_is_text_unless_the_script_writes_json() -> None:
    assert signature("echo hi").returns == {"type": "string"}
    assert signature("echo '{}' > ./result.json").returns is None


@pytest.mark.parametrize("code", ["if true\nthen echo 1\n", "for x in 1 2; do echo $x\n"])
def test_what_is_certainly_broken_is_reported(code: str) -> None:
    found = infer("bash", code)
    assert isinstance(found, SignatureProblem)
    assert 1 <= found.line <= code.count("\n") + 1


@settings(deadline=None)
@given(st.text(max_size=60))
def test_nothing_raises(text: str) -> None:
    infer("bash", text)


def test_languages_that_are_not_read_take_anything() -> None:
    found = infer("go", "package inner")
    assert isinstance(found, Signature)
    assert found.has_kwargs
    assert found.schema["properties"] == {}
