"""The signature of a PHP cell: `function main(string $x = "a", ?int $n = null): array`."""

from __future__ import annotations

import json
import re
from typing import Any

from flowapp.signatures.schema import (
    Argument,
    Schema,
    Signature,
    SignatureProblem,
    any_of,
    object_schema,
    of_value,
    resource,
)
from flowapp.signatures.text_scan import Token, UnfinishedText, inside, line_at, tokens

_TOKEN = re.compile(
    r"""#(?!\[)[^\n]*|//[^\n]*|/\*(?:(?!\*/).)*+(?:\*/|\Z)|'(?:[^'\\]|\\.)*+(?:'|\Z)|"(?:[^"\\]|\\.)*+(?:"|\Z)"""
    r"""|#\[|\.\.\.|\$?[A-Za-z_\\][\w\\]*|\d[\w.]*|=>|[()\[\]{},=]|[^\s]""",
    re.DOTALL,
)
_COMMENT = re.compile(r"#(?!\[)|//|/\*.")
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_TYPES: dict[str, Schema] = {
    "string": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "false": {"type": "boolean"},
    "true": {"type": "boolean"},
    "array": {},
    "iterable": {"type": "array"},
    "object": {"type": "object"},
    "stdclass": {"type": "object"},
    "mixed": {},
    "null": {"type": "null"},
    "void": {"type": "null"},
}
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


def infer(_language: str, code: str, entrypoint: str) -> Signature | SignatureProblem:
    """The signature of the function `entrypoint` at the top level."""
    if not code.lstrip().startswith("<?php"):
        return SignatureProblem("A PHP cell begins with `<?php`.", 1)
    begin = code.index("<?php") + len("<?php")
    try:
        listed = list(tokens(" " * begin + code[begin:], _TOKEN, _COMMENT))
    except UnfinishedText as unfinished:
        return SignatureProblem(str(unfinished), unfinished.line)
    at = next((i for i in range(len(listed) - 2) if _is_function(listed, i, entrypoint)), None)
    if at is None:
        message = f"There is no function `{entrypoint}`. Write: function {entrypoint}($x) {{ ... }}"
        return SignatureProblem(message, 1, syntax=False)
    arguments: list[Argument] = []
    for part in inside(listed, at + 2):
        name = next((token for token in part if token.text.startswith("$")), None)
        if name is None or "..." in [token.text for token in part]:
            line = line_at(code, part[0].start)
            return SignatureProblem(
                "A variadic parameter (`...$x`) cannot be passed by name. Write `array $x`.", line, syntax=False
            )
        arguments.append(_argument(part, part.index(name)))
    return Signature(object_schema(arguments), _result(listed, at + 2) or None)


def _is_function(listed: list[Token], at: int, name: str) -> bool:
    words = [token.text for token in listed[at : at + 3]]
    return (
        listed[at].depth == 0
        and words[0].lower() == "function"
        and words[1].lower() == name.lower()
        and words[2] == "("
    )


def _argument(part: list[Token], at: int) -> Argument:
    name = part[at].text[1:]
    words = [token.text for token in part[:at] if token.text != "&"]
    schema = _schema(words, is_input=True)
    optional = "?" in words or "null" in [word.lower() for word in words]
    if len(part) <= at + 2 or part[at + 1].text != "=":
        return Argument(name, schema, not optional)
    known, value = _literal(part[at + 2 :])
    if not known or value is None:
        return Argument(name, schema, False)
    return Argument(name, {**(schema or of_value(value)), "default": value}, False)


def _schema(words: list[str], *, is_input: bool) -> Schema:
    """The schema of a type; of an input, one that is not PHP's own is a resource."""
    names = [word for word in words if re.fullmatch(r"\\?[A-Za-z_][\w\\]*", word)]
    options: list[Schema] = []
    for name in names:
        simple = name.lstrip("\\")
        if simple.lower() in _TYPES:
            options.append(dict(_TYPES[simple.lower()]))
        else:
            options.append(resource(simple.rpartition("\\")[2]) if is_input else {})
    options = [option for option in options if option.get("type") != "null"] or options
    return any_of(options) if options else {}


def _result(listed: list[Token], at: int) -> Schema:
    depth = listed[at].depth
    end = next(i for i in range(at + 1, len(listed)) if listed[i].depth == depth and listed[i].text == ")")
    if end + 1 >= len(listed) or listed[end + 1].text != ":":
        return {}
    words = []
    for token in listed[end + 2 :]:
        if token.text in ("{", ";"):
            break
        words.append(token.text)
    return {} if "?" in words else _schema(words, is_input=False)


def _literal(part: list[Token]) -> tuple[bool, Any]:
    """(known, value) of a default."""
    text = "".join(token.text for token in part)
    if text.lower() in _WORDS:
        return True, _WORDS[text.lower()]
    if _NUMBER.fullmatch(text):
        return True, json.loads(text) if re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?", text) else float(
            text
        )
    if len(part) == 1 and text[:1] == "'":
        return True, re.sub(r"\\(['\\])", r"\1", text[1:-1])
    if len(part) == 1 and text[:1] == '"' and "$" not in text:
        return True, re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text[1:-1])
    if part and part[0].text == "[" and "=>" not in [token.text for token in part]:
        items = [_literal(item) for item in inside(part, 0)]
        return all(known for known, _ in items), [value for _, value in items]
    return False, None
