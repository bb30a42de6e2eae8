"""Signatures of R and PHP cells, found without a parser."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.signatures import Signature, SignatureProblem, infer


def signature(language: str, code: str) -> Signature:
    found = infer(language, code)
    assert isinstance(found, Signature), found
    return found


@pytest.mark.parametrize(
    ("parameter", "schema"),
    [
        ("x", {}),
        ("x = 1", {"type": "number", "default": 1}),
        ("x = -1.5e3L", {"type": "number", "default": -1500}),
        ('x = "a\\"b, c)"', {"type": "string", "default": 'a"b, c)'}),
        ("x = 'it'", {"type": "string", "default": "it"}),
        ("x = TRUE", {"type": "boolean", "default": True}),
        ("x = c(1, 2)", {"type": "array", "items": {"type": "integer"}, "default": [1, 2]}),
        ("x = NULL", {}),
        ("x = list(a = 1, b = c(2))", {}),
        ("x = function(y, z) y", {}),
        ("`x` = 2", {"type": "number", "default": 2}),
    ],
)
def test_r_parameters(parameter: str, schema: dict[str, object]) -> None:
    code = f"# main <- function(no)\nhelp <- function(z) {{ main <- function(inner) 1 }}\nmain <- function({parameter}, rows) {{}}\n"
    found = signature("rlang", code.replace("\\n", "\n"))
    assert found.schema["order"] == ["x", "rows"]
    assert found.schema["properties"]["x"] == schema
    assert found.schema["required"] == (["x", "rows"] if parameter == "x" else ["rows"])


def test_r_rest_takes_everything() -> None:
    assert signature("rlang", "main = function(...) 1").has_kwargs


@pytest.mark.parametrize(
    ("parameter", "schema", "required"),
    [
        ("$x", {}, True),
        ("string $x", {"type": "string"}, True),
        ("?int $x", {"type": "integer"}, False),
        ("int|string $x", {"anyOf": [{"type": "integer"}, {"type": "string"}]}, True),
        ("string|null $x", {"type": "string"}, False),
        ("array $x = [1, 2]", {"type": "array", "items": {"type": "integer"}, "default": [1, 2]}, False),
        ("float $x = -0.5", {"type": "number", "default": -0.5}, False),
        ("$x = 'a, b)'", {"type": "string", "default": "a, b)"}, False),
        ("bool &$x = TRUE", {"type": "boolean", "default": True}, False),
        ("?string $x = null", {"type": "string"}, False),
        ("Postgresql $x", {"type": "object", "format": "resource-postgresql"}, True),
        ("$x = SOME_CONSTANT", {}, False),
    ],
)
def test_php_parameters(parameter: str, schema: dict[str, object], required: bool) -> None:
    code = f"<?php\n// function main($no) {{\nclass A {{ function main($inner) {{}} }}\nfunction main({parameter}, $y): ?array {{ return '}}'; }}\n"
    found = signature("php", code.replace("\\n", "\n"))
    assert found.schema["order"] == ["x", "y"]
    assert found.schema["properties"]["x"] == schema
    assert found.schema["required"] == (["x", "y"] if required else ["y"])


def test_php_result() -> None:
    assert signature("php", "<?php function main(): string { return 'a'; }").returns == {"type": "string"}
    assert signature("php", "<?php function main(): ?string { return 'a'; }").returns is None
    assert signature("php", "<?php function main() {}").returns is None


@pytest.mark.parametrize(
    ("language", "code", "part", "line"),
    [
        ("rlang", "x <- 1", "no function `main`", 1),
        ("rlang", "\nmain <- function(x {\n}", "no counterpart", 2),
        ("rlang", "main <- function(x, x) 1", "twice", 1),
        ("rlang", "main <- function(x) {\n  'a\n}", "`'` has no counterpart", 2),
        ("php", "function main() {}", "<?php", 1),
        ("php", "<?php\nfunction other() {}", "no function `main`", 1),
        ("php", "<?php\nfunction main(...$x) {}", "array $x", 2),
        ("php", "<?php\nfunction main() {\n", "`{` has no counterpart", 2),
    ],
)
def test_what_is_wrong_is_said(language: str, code: str, part: str, line: int) -> None:
    found = infer(language, code)
    assert isinstance(found, SignatureProblem)
    assert part in found.message
    assert found.line == line


@given(st.text(alphabet="main<-function($x=,'\"#/*){}[]`\\\n1?|: ", max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_has_an_answer(text: str) -> None:
    infer("rlang", "main <- function(" + text)
    infer("php", "<?php function main(" + text)


@pytest.mark.parametrize(
    "text", ["'" * 99_999, "/*" * 49_999, "(" * 99_999, "'\\" * 49_999, '"a' * 49_999, "`" * 99_999]
)
def test_long_texts_take_no_long_time(text: str) -> None:
    begun = time.process_time()
    infer("rlang", text)
    infer("php", "<?php " + text)
    assert time.process_time() - begun < 5
