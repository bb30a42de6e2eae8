"""Lint of a whole flow: the rules of the document, and those that need the signatures of its scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowapp.openflow import lint as document
from flowapp.openflow.expressions import written_in
from flowapp.openflow.problems import Problem, escaped
from flowapp.openflow.rules import severity_of
from flowapp.openflow.walk import Place, inputs_of, inputs_pointer, tools
from flowapp.signatures.known import Known, signature_of
from flowapp.signatures.schema import Signature, SignatureProblem
from flowapp.signatures.wire_checks import wire_problems


def lint(flow: Mapping[str, Any], known: Known | None = None) -> list[Problem]:
    """Everything that is wrong with the flow, as far as it can be seen without running it.

    `known` is what is known beside the document, such as the shapes of the last results.
    """
    written = written_in(flow)
    found = document.lint(flow, written) + [problem for place, _ in written for problem in code_problems(place)]
    return found + list(wire_problems(flow, written, known or Known()))


def code_problems(place: Place) -> Iterator[Problem]:
    """What is wrong with the script of one step, and with its inputs measured by the script's signature."""
    value = place.module.get("value")
    if not isinstance(value, Mapping):
        return
    pointer = f"{place.pointer}/value"
    signature = signature_of(value, "preprocessor" if place.slot == "preprocessor" else "main")
    if isinstance(signature, SignatureProblem):
        yield _code_problem(signature, place, f"{pointer}/content")
    elif signature is not None and place.slot != "preprocessor":
        yield from _input_problems(signature, place)
    for index, tool in enumerate(tools(place.module)):
        inner = tool.get("value")
        found = signature_of(inner, "main") if isinstance(inner, Mapping) else None
        if isinstance(found, SignatureProblem):
            yield _code_problem(found, place, f"{pointer}/tools/{index}/value/content")


def _code_problem(found: SignatureProblem, place: Place, pointer: str) -> Problem:
    rule = "code.syntax" if found.syntax else "code.no_main"
    step_id = place.step_id or None
    return Problem(rule, severity_of(rule), found.message, "", pointer, step_id, None, found.line)


def _input_problems(signature: Signature, place: Place) -> Iterator[Problem]:
    module, value = place.module, place.module["value"]
    if module.get("pass_flow_input_directly") is True or value.get("pass_flow_input_directly") is True:
        return
    given = inputs_of(module)
    base = f"{place.pointer}{inputs_pointer(module)}"
    for name in signature.schema["required"]:
        if not _is_set(given.get(name)):
            yield _field("field.missing_input", f"Input {name} is not set.", "Set it.", place, base, name)
    if signature.has_kwargs:
        return
    for name in given:
        if name not in signature.schema["properties"]:
            message = f"The script takes no input {name}; it is left out."
            yield _field("field.unknown_input", message, "Remove it, or add it to the script.", place, base, name)


def _is_set(transform: object) -> bool:
    if not isinstance(transform, Mapping):
        return False
    # an empty expression is set, wrongly: rule expr.empty
    return transform.get("type") != "static" or "value" in transform


def _field(rule: str, message: str, hint: str, place: Place, base: str, name: str) -> Problem:
    return Problem(rule, severity_of(rule), message, hint, f"{base}/{escaped(name)}", place.step_id or None, name)
