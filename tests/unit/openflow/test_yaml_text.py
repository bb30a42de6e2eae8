"""YAML in and out by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.openflow import yamltext
from flowapp.openflow.errors import DocumentInvalid


class TestRead:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("a: yes\nb: No\nc: on", {"a": "yes", "b": "No", "c": "on"}),
            ("a: true\nb: False\nc: null\nd: ~\ne:", {"a": True, "b": False, "c": None, "d": None, "e": None}),
            ("a: 2024-01-01\nb: 12:30:45", {"a": "2024-01-01", "b": "12:30:45"}),
            ("a: 0x1F\nb: 0o17\nc: 017\nd: -3", {"a": 31, "b": 15, "c": 17, "d": -3}),
            ("a: 1.5\nb: 1e3\nc: .5\nd: 1_000", {"a": 1.5, "b": 1000.0, "c": 0.5, "d": "1_000"}),
            ("1: a\ntrue: b\n'': c", {"1": "a", "true": "b", "": "c"}),
            ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
            ("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
            ("a: |\n  x\n  y\nb: >-\n  x\n  y", {"a": "x\ny\n", "b": "x y"}),
            ("a: !!str 1\nb: !!int '2'\nc: !inline x.py", {"a": "1", "b": 2, "c": "!inline x.py"}),
            ('{"a": [1, "b"]}', {"a": [1, "b"]}),
            ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
            ("", None),
        ],
    )
    def test_the_core_schema(self, text: str, value: Any) -> None:
        assert yamltext.read(text) == value

    def test_aliases_are_copies(self) -> None:
        value = yamltext.read("a: &x [1]\nb: *x")
        value["a"].append(2)
        assert value["b"] == [1]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("a: b: c", "line 1, column 5"),
            ("a: 1\n\tb: 2", "line 2"),
            ("a: 1\na: 2", "twice"),
            ("a\n---\nb", "more than one"),
            ("a: *b", "b"),
            ("&a [*a]", "itself"),
            ("a: .nan", "not a JSON value"),
            ("a: -.inf", "not a JSON value"),
            ("a: 1e999", "not a JSON value"),
            ("a: !!python/object/apply:os.system [x]", "not supported"),
            ("a: !!binary aGk=", "not supported"),
            ("a: !!set {b}", "not supported"),
            ("? [a]\n: b", "key has to be a text"),
            ("? {a: 1}\n: b", "key has to be a text"),
            ("a: &x [1]\n*x : 2", "key has to be a text"),
            ("<<: 3", "merged"),
            ("a: " + "1" * 5000, "too long"),
            ("a: \x00", "not YAML"),
        ],
    )
    def test_refuses_with_the_reason(self, text: str, words: str) -> None:
        with pytest.raises(DocumentInvalid, match=words):
            yamltext.read(text)

    @pytest.mark.parametrize(
        "text",
        ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "a:\n" + "".join(" " * i + "a:\n" for i in range(1, 300))],
    )
    def test_refuses_deep_nesting(self, text: str) -> None:
        with pytest.raises(DocumentInvalid, match=r"deep|nest"):
            yamltext.read(text)

    def test_refuses_alias_bombs_before_they_grow(self) -> None:
        bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
        with pytest.raises(DocumentInvalid, match="values"):
            yamltext.read(bomb)
        deep = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 300))
        with pytest.raises(DocumentInvalid, match="deep"):
            yamltext.read(deep)

    @settings(deadline=None)
    @given(st.text(st.sampled_from("a:- \n[]{}&*!|>'\"#?,%<~1\t"), max_size=30))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            json.dumps(yamltext.read(text), allow_nan=False)
        except DocumentInvalid as refused:
            assert refused.problems


class TestWrite:
    def test_code_is_a_literal_block(self) -> None:
        assert (
            yamltext.write({"content": "def main():\n\treturn 1  \n"}) == "content: |\n  def main():\n  \treturn 1  \n"
        )

    def test_blocks_end_as_the_text_does(self) -> None:
        assert yamltext.write(["a\nb", "a\nb\n", "a\nb\n\n"]) == "- |-\n  a\n  b\n- |\n  a\n  b\n- |+\n  a\n  b\n\n"

    def test_texts_that_look_like_something_else_are_quoted(self) -> None:
        for text in (
            "yes",
            "NO",
            "null",
            "1",
            "1.5",
            "",
            " a",
            "a ",
            "a: b",
            "a #b",
            "- a",
            "!inline x",
            "*a",
            "2024-01-01",
            "<<",
        ):
            written = yamltext.write({"k": text})
            assert yaml.safe_load(written) == {"k": text}, written
            assert yamltext.read(written) == {"k": text}, written

    def test_plain_texts_are_not_quoted(self) -> None:
        for text in ("abc", "results.a.rows[0]", "u/admin/flow", "Read rows, then stop", "größe", "a:b", "x#y"):
            assert yamltext.write({"k": text}) == f"k: {text}\n"

    def test_nested_collections(self) -> None:
        value = {"a": [{"b": 1, "c": [[1, 2], []]}, {}], "d": {"e": {}}}
        assert yamltext.write(value) == (
            "a:\n  - b: 1\n    c:\n      - - 1\n        - 2\n      - []\n  - {}\nd:\n  e: {}\n"
        )

    def test_half_characters_are_refused(self) -> None:
        with pytest.raises(DocumentInvalid, match="half"):
            yamltext.write({"a": "\ud800"})

    def test_what_is_not_json_is_refused(self) -> None:
        with pytest.raises(DocumentInvalid):
            yamltext.write({"a": float("inf")})

    def test_long_keys(self) -> None:
        value = {"k" * 2000: {"a": [1]}, "b": [{"x\n" * 800: 1}]}
        assert yamltext.read(yamltext.write(value)) == value

    @settings(deadline=None, max_examples=300)
    @given(
        st.text(st.sampled_from("ab \t\n\r:#-'\"|>!&*?{}[],%@`\\~=<0.é\u2028\u0085\ufeff\U0001f600\x07"), max_size=25),
        st.integers(0, 3),
    )
    def test_every_text_comes_back(self, text: str, depth: int) -> None:
        value: Any = {"k": text, text: [text, {text: text}]}
        for _ in range(depth):
            value = {"a": [value]}
        assert yamltext.read(yamltext.write(value)) == value

    @settings(deadline=None)
    @given(st.text(st.sampled_from("ab \n:#-'\"|!&*?{},%~=<0.é"), max_size=25))
    def test_readers_of_yaml_1_1_read_the_same(self, text: str) -> None:
        assert yaml.safe_load(yamltext.write({"k": [text]})) == {"k": [text]}
