"""Lint of what wires carry: fields that the value does not have, and values of another type than the input takes.

Said only where it is certain: everybody who says something of the value (the code's annotation, the flow's schema, the last result)
agrees, and the expression does not itself ask whether the value is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias

from flowapp.openflow import references
from flowapp.openflow.expressions import Expression, Written
from flowapp.openflow.problems import Problem
from flowapp.openflow.references import member, simple_path
from flowapp.openflow.rules import severity_of
from flowapp.openflow.shapes import ITEM, Found, Path, fit, look, types_in
from flowapp.openflow.walk import Place, kind_of
from flowapp.signatures.known import Evidence, Known, Root, Values, signature_of
from flowapp.signatures.schema import Signature

_STRICT = frozenset({"python3", "deno", "bun", "nativets", "bunnative", "go"})
_LENIENT = frozenset(
    {"postgresql", "mysql", "bigquery", "snowflake", "mssql", "oracledb", "duckdb", "sqlite", "graphql"}
)
"""Their servers read a number from its text."""
_TYPED = _STRICT | _LENIENT
_OF_SETTINGS: Mapping[str, Any] = {"iterator": {"type": "array"}}
_NAMED = 8
_WORDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}

_Takes: TypeAlias = tuple[Mapping[str, Any], bool]
"""The schemas of a step's inputs by name, as far as they are certain, and whether values are taken leniently."""


def wire_problems(flow: Mapping[str, Any], written: Written, known: Known) -> Iterator[Problem]:
    """What is wrong with what the expressions of the flow read."""
    values = Values(flow, [place for place, _ in written], known)
    for place, texts in written:
        takes: _Takes | None = None
        for expression in texts:
            chain = simple_path(expression.text)
            if expression.predicate and chain is not None:
                continue  # it asks whether the value is there
            for path in _sorted(references.find(expression.text).firm):
                root = values.root(place, path)
                if root is None:
                    continue
                problem = _unknown_field(expression, path, root)
                if problem is not None:
                    yield problem
                elif path == chain and expression.tool_id is None:
                    takes = takes or _takes(place, known)
                    yield from _mismatch(expression, root, takes)


def value_problem(field: str, wanted: Mapping[str, Any], given: Mapping[str, Any], *, lenient: bool = False) -> str:
    """Why a value of one schema cannot go into a field of another, as a sentence; empty where it can, or nothing is certain."""
    fits = fit(wanted, given, lenient=lenient)
    if fits.verdict != "conflicts":
        return ""
    return f"{_inner(field, fits.at)} takes {_word(fits.wanted)}, and this is {_word(fits.given)}."


def takes_leniently(language: str) -> bool:
    """Whether steps of a language read a number from its text."""
    return language in _LENIENT


def _sorted(paths: frozenset[Path]) -> Iterable[Path]:
    return sorted(paths, key=str) if len(paths) > 1 else paths


def _unknown_field(expression: Expression, path: Path, root: Root) -> Problem | None:
    lacking: tuple[Evidence, Found] | None = None
    for each in root.evidence:
        found = look(each.schema, root.rest)
        if found.state in ("there", "open"):
            return None
        if found.state == "lacks":
            lacking = (each, found)
    if lacking is None:
        return None
    evidence, found = lacking
    holder = _written(path[: len(path) - len(root.rest) + found.at])
    message, hint = _lacks(found.schema, holder, str(root.rest[found.at]), root, evidence)
    return _problem("wire.unknown_field", message, hint, expression)


def _lacks(holder: Mapping[str, Any], value: str, key: str, root: Root, evidence: Evidence) -> tuple[str, str]:
    kind = next(iter(types_in(holder)))
    if kind == "object":
        names = [str(name) for name in holder["properties"]]
        near = get_close_matches(key, names, n=1, cutoff=0.6)
        listed = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
        hint = f"Did you mean {near[0]}?" if near else f"It has {listed}."
        said = {
            "annotation": f"The code of {root.step_id or 'the step before'} declares no {key} in {value}.",
            "schema": f"{value} has no field {key}.",
            "result": f"The last result has no {key} in {value}.",
        }
        return said[evidence.origin], hint
    was = "was" if evidence.origin == "result" else "is"
    message = f"{value} {was} {_WORDS[kind]}, which has no field {key}."
    if kind != "array":
        return message, "Read the value itself."
    item = look(holder, (0, key))
    return message, f"Read it of one item ({value}[0].{key}), or take each with .map." if item.state == "there" else ""


def _mismatch(expression: Expression, root: Root, takes: _Takes) -> Iterator[Problem]:
    fields, lenient = takes if expression.is_input else (_OF_SETTINGS, False)
    wanted = fields.get(expression.field)
    if not wanted:
        return
    conflict = None
    for each in root.evidence:
        found = look(each.schema, root.rest)
        fits = fit(wanted, found.schema, lenient=lenient)
        if fits.verdict == "fits" or found.state == "lacks":
            return
        if fits.verdict == "conflicts":
            conflict = (each, fits)
    if conflict is None:
        return
    evidence, fits = conflict
    was = "was" if evidence.origin == "result" else "is"
    given = f"{_inner(expression.text.strip().rstrip(';'), fits.at)} {was} {_word(fits.given)}"
    into = (
        "a loop goes over a list"
        if not expression.is_input
        else f"{_inner(expression.field, fits.at)} takes {_word(fits.wanted)}"
    )
    when = " in the last run" if evidence.origin == "result" else ""
    yield _problem("wire.type_mismatch", f"{given}{when}, and {into}.", _hint(fits.wanted, fits.given), expression)


def _takes(place: Place, known: Known) -> _Takes:
    called = known.called.get(place.step_id)
    if place.slot == "preprocessor":
        return {}, False
    if called is not None and kind_of(place.module) in ("script", "flow"):
        fields = called.get("properties")
        named = fields.items() if isinstance(fields, dict) else ()
        # a default may be all that says so, and Bash takes all as texts
        return {name: about for name, about in named if isinstance(about, dict) and "default" not in about}, True
    value = place.module.get("value")
    signature = signature_of(value)
    if not isinstance(signature, Signature) or not isinstance(value, dict) or value["language"] not in _TYPED:
        return {}, False
    fields = signature.schema["properties"]
    typed = {name: fields[name] for name in fields if name not in signature.guessed}
    return typed, value["language"] in _LENIENT


def _hint(wanted: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    kinds, have = types_in(wanted), types_in(given)
    if kinds & {"integer", "number"} and have == {"string"}:
        return "Number(…) makes a number of a text."
    if kinds == {"string"} and have & {"integer", "number", "boolean"}:
        return "String(…) makes a text of it."
    if kinds == {"array"} and have == {"object"}:
        return "Choose a list inside of it, or take Object.values(…)."
    return "Choose another value, or change what the input takes."


def _word(schema: Mapping[str, Any]) -> str:
    words = [_WORDS.get(kind, kind) for kind in sorted(types_in(schema))]
    return " or ".join(words)


def _inner(text: str, at: Path) -> str:
    return text + "".join(str(key) if key == ITEM else f".{key}" for key in at)


def _written(path: Path) -> str:
    text = str(path[0])
    for key in path[1:]:
        text = member(text, key)
    return text


def _problem(rule: str, message: str, hint: str, expression: Expression) -> Problem:
    return Problem(
        rule, severity_of(rule), message, hint, expression.pointer, expression.step_id, expression.field, None
    )
