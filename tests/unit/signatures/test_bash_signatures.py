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
        ('if true; then echo; fi\nx="$1"', "x", None),
        ('case a in a) echo ;; (b) echo ;; esac; x="$1"', "x", None),
        ('f() {\n  echo "}"\n}\nx="$1"', "x", None),
        ('for i in if then fi; do echo $i; done\nx="$1"', "x", None),
        ('for ((i = 0; i < 3; i++)); do echo; done\nx="$1"', "x", None),
        ('y=$((1 << 2)); z=(a "b)" c)\nx="$1"', "x", None),
        ('cat <<EOF\nit\'s $(odd\nEOF\nx="$1"', "x", None),
        ('cat <<-"E F"\n\'\n\tE F\nx="$1"', "x", None),
        ('let y=1<<2\nx="$1"', "x", None),
        ('echo "a $(echo "b ${c:-"d"}") e" `date`; x="$1"', "x", None),
        ("echo $'it\\'s' 'a\"b' a#b \\\" \\\nmore\nx=\"$1\"", "x", None),
        ('[[ $a =~ ^(b|c)$ ]] && echo if\nx="$1"', "x", None),
        ('a; b && x="$1" || c', "x", None),
        ('x="$1"\r\n', "x", None),
        ("x='1' y=\"${1:-}\"", "y", ""),
        ('cat <<< "$y" > out 2>&1 &\nx="$1"', "x", None),
        ('x="$1"\nthen=1', "x", None),
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
        'x="$1" program',
        '(x="$1")',
        'y=$(x="$1"; echo $x)',
        'case $y in\n  a) x="$1" ;;\nesac',
        'while read -r y; do x="$1"; done < file',
        "cat <<-'EOF'\n\tx=\"$1\"\n\tEOF",
        '{ x="$1"; }',
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


@pytest.mark.parametrize(
    ("code", "missing", "line"),
    [
        ("if true\nthen echo 1\n", "fi", 1),
        ("echo\nfor x in 1 2; do echo $x\n", "done", 2),
        ("f() {\n  echo 1\n", "}", 1),
        ("case x in a) echo;;", "esac", 1),
        ('echo\n\necho "a\nb', '"', 3),
        ("echo 'a", "'", 1),
        ("echo $(date", ")", 1),
        ("echo `date", "`", 1),
    ],
)
def test_what_is_not_closed_is_reported(code: str, missing: str, line: int) -> None:
    assert infer("bash", code) == SignatureProblem(f"`{missing}` is missing.", line)


def test_deep_expansions_are_refused() -> None:
    assert isinstance(infer("bash", 'echo "' + '$(echo "' * 5_000), SignatureProblem)


@settings(deadline=None)
@given(st.text(st.sampled_from("if then fi do done case esac {}()$'\"`\\<>&|;#=1 \n\t\f"), max_size=80))
def test_nothing_raises_or_hangs_on_something_like_code(text: str) -> None:
    infer("bash", text)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_nothing_raises(text: str) -> None:
    infer("bash", text)


def test_languages_that_are_not_read_take_anything() -> None:
    found = infer("ruby", "x")
    assert isinstance(found, Signature)
    assert found.has_kwargs
    assert found.schema["properties"] == {}
