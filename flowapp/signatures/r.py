"""The signature of an R cell: `main <- function(x = 1, rows, ...)`. R declares no types; defaults suggest them."""

from __future__ import annotations

import re
from typing import Any

from flowapp.signatures.schema import Argument, Schema, Signature, SignatureProblem, object_schema, of_value
from flowapp.signatures.text_scan import Token, UnfinishedText, inside, line_at, tokens

_TOKEN = re.compile(
    r"""#[^\n]*|'(?:[^'\\]|\\.)*+(?:'|\Z)|"(?:[^"\\]|\\.)*+(?:"|\Z)|`[^`]*+(?:`|\Z)"""
    r"""|<<?-|[A-Za-z_.][\w.]*|\d[\w.]*|[()\[\]{},=]|[^\s]""",
    re.DOTALL,
)
_COMMENT = re.compile(r"#.+|#$", re.DOTALL)
_NUMBER = re.compile(r"(-?)(\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(L?)")
_WORDS: dict[str, Any] = {"TRUE": True, "FALSE": False, "T": True, "F": False, "NULL": None, "NA": None}


def infer(_language: str, code: str, entrypoint: str) -> Signature | SignatureProblem:
    """The signature of the function that is assigned to `entrypoint` at the top level."""
    try:
        listed = list(tokens(code, _TOKEN, _COMMENT))
    except UnfinishedText as unfinished:
        return SignatureProblem(str(unfinished), unfinished.line)
    at = _function(listed, entrypoint)
    if at is None:
        message = f"There is no function `{entrypoint}`. Write: {entrypoint} <- function(x) {{ ... }}"
        return SignatureProblem(message, 1, syntax=False)
    arguments: list[Argument] = []
    has_rest = False
    for part in inside(listed, at):
        name = part[0].text.strip("`")
        if name == "...":
            has_rest = True
        elif any(name == known.name for known in arguments):
            return SignatureProblem(f"The input {name} is there twice.", line_at(code, part[0].start))
        else:
            arguments.append(_argument(name, part[2:] if len(part) > 1 and part[1].text == "=" else None))
    return Signature(object_schema(arguments), has_kwargs=has_rest)


def _function(listed: list[Token], entrypoint: str) -> int | None:
    """Where the parameters of the last definition begin."""
    found = None
    for at in range(len(listed) - 3):
        name, arrow, word, bracket = (token.text for token in listed[at : at + 4])
        is_one = name.strip("`") == entrypoint and listed[at].depth == 0 and arrow in ("<-", "=", "<<-")
        if is_one and word == "function" and bracket == "(":
            found = at + 3
    return found


def _argument(name: str, default: list[Token] | None) -> Argument:
    if default is None:
        return Argument(name, {}, True)
    known, value = _literal(default)
    if not known or value is None:
        return Argument(name, {}, False)
    suggested: Schema = (
        {"type": "number"} if isinstance(value, int | float) and not isinstance(value, bool) else of_value(value)
    )
    return Argument(name, {**suggested, "default": value}, False)


def _literal(part: list[Token]) -> tuple[bool, Any]:
    """(known, value) of a default."""
    text = "".join(token.text for token in part)
    if text in _WORDS:
        return True, _WORDS[text]
    number = _NUMBER.fullmatch(text)
    if number is not None:
        value = float(number[1] + number[2])
        return True, int(value) if value.is_integer() and abs(value) < 2**53 else value
    if len(part) == 1 and text[:1] in ("'", '"'):
        return True, re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text[1:-1])
    if text.startswith("c(") and len(part) > 2:
        items = [_literal(item) for item in inside(part, 1)]
        return all(known for known, _ in items), [value for _, value in items]
    return text == "list()", []
