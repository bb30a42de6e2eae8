"""Whether an expression is right for a field, by what evaluating it gave: it is, it is not, or nobody knows before a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from flowapp.jsontext import JsonText, loads
from flowapp.notebook.document import Document, Entry
from flowapp.notebook.schemas import fields_of, read_signature
from flowapp.openflow.references import simple_path
from flowapp.openflow.shapes import of_value
from flowapp.signatures import Signature
from flowapp.signatures.wire_checks import takes_leniently, value_problem


class Failure(str):
    """Why there is no value: the expression itself fails, on the values that there are."""

    __slots__ = ()


#: What evaluating gives: the value's JSON text in a tuple; why there is none, in words; or, for a value that is too big to be
#: moved about, what `look` says of it (`{"text", "type", "node"}`).
Answer: TypeAlias = tuple[JsonText] | str | dict[str, Any]

#: What is known of a value by its type alone; a number may be a whole one.
_TELLING = frozenset({"string", "boolean", "array", "object"})


def judged(document: Document, entry: Entry, field: str, expr: str, answer: Answer) -> tuple[bool | None, str]:
    """Whether what an expression gives can go into a field of a cell: `(True, "")`, `(False, why not)` or `(None, why it is not known)`.

    An input of the flow that has no value yet is judged by its schema.
    """
    if isinstance(answer, Failure):
        return False, str(answer)
    if isinstance(answer, str):
        return None, answer
    fields = fields_of(document, entry)
    wanted = fields.properties.get(field)
    wanted = wanted if isinstance(wanted, Mapping) else {}
    signature = read_signature(entry)
    guessed = isinstance(signature, Signature) and field in signature.guessed
    lenient = takes_leniently(str(entry.module["value"].get("language") or ""))
    if is_awaited(document, expr, answer):
        problem = "" if guessed else value_problem(field, wanted, awaited(document, expr) or {}, lenient=lenient)
        return not problem, problem
    if isinstance(answer, dict):
        given = {"type": answer["type"]} if answer.get("type") in _TELLING else {}
        problem = "" if guessed else value_problem(field, wanted, given, lenient=lenient)
        return not problem, problem
    value = loads(answer[0])
    if value is None and tuple(simple_path(expr) or ())[:2] == ("flow_input", "iter"):
        return None, "known when the loop runs"
    problem = _value(field, wanted, value, needed=field in fields.required, typed=not guessed, lenient=lenient)
    return not problem, problem


def awaited(document: Document, expr: str) -> Mapping[str, Any] | None:
    """The schema of the flow's input that an expression is, where it has no value here yet; None for all else."""
    match simple_path(expr):
        case ("flow_input", str(name)) if name not in document.flow_args():
            schema = document.flow.get("schema")
            properties = schema.get("properties") if isinstance(schema, Mapping) else None
            about = properties.get(name) if isinstance(properties, Mapping) else None
            return about if isinstance(about, Mapping) else None
    return None


def is_awaited(document: Document, expr: str, answer: Answer) -> bool:
    """Whether there is no value because nobody has given the flow's input one yet; a run asks for it."""
    return isinstance(answer, tuple) and loads(answer[0]) is None and awaited(document, expr) is not None


def _value(field: str, wanted: Mapping[str, Any], value: Any, *, needed: bool, typed: bool, lenient: bool) -> str:
    """Why a value is not one that the field takes; empty where it may be."""
    if value is None:
        return f"{field} needs a value, and this is empty." if needed and not _takes_null(wanted) else ""
    choices = wanted.get("enum")
    if isinstance(choices, list) and choices and value not in choices and typed:
        return f"{field} takes one of {', '.join(map(str, choices))[:120]}, and this is none of them."
    return value_problem(field, wanted, of_value(value), lenient=lenient) if typed else ""


def _takes_null(schema: Mapping[str, Any]) -> bool:
    """Whether nothing is a value too: the schema says so, or says nothing of types."""
    kind = schema.get("type")
    return (
        kind is None or kind == "null" or (isinstance(kind, list) and "null" in kind) or schema.get("nullable") is True
    )
