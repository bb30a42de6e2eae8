"""Lint of a whole flow: the rules of the document, and those that need the signatures of its scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from flowapp.openflow import lint as document
from flowapp.openflow.expressions import written_in
from flowapp.openflow.problems import Problem, escaped
from flowapp.openflow.rules import severity_of
from flowapp.openflow.walk import Place, inputs_of, inputs_pointer, kind_of, tools
from flowapp.signatures.known import Known, signature_of
from flowapp.signatures.schema import Signature, SignatureProblem
from flowapp.signatures.wire_checks import wire_problems


def lint(flow: Mapping[str, Any], known: Known | None = None) -> list[Problem]:
    """Everything that is wrong with the flow, as far as it can be seen without running it.

    `known` is what is known beside the document: the shapes of the last results, and the inputs of what is called.
    """
    written, known = written_in(flow), known or Known()
    found = document.lint(flow, written) + [problem for place, _ in written for problem in code_problems(place)]
    found += [problem for place, _ in written for problem in _called_problems(place, known)]
    return found + list(wire_problems(flow, written, known))


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
    module = place.module
    if _takes_all(module):
        return
    given = inputs_of(module)
    base = f"{place.pointer}{inputs_pointer(module)}"
    for name in signature.schema["required"]:
        state = _state(given.get(name))
        if state == "missing":
            yield _field("field.missing_input", f"Input {name} is not set.", "Set it.", place, base, name)
        elif state == "null":
            yield _warning(f"Input {name} is null.", "Set it, or give the parameter a default.", place, base, name)
    if signature.has_kwargs:
        return
    for name in given:
        if name not in signature.schema["properties"]:
            message = f"The script takes no input {name}; it is left out."
            yield _field("field.unknown_input", message, "Remove it, or add it to the script.", place, base, name)


def _called_problems(place: Place, known: Known) -> Iterator[Problem]:
    """Inputs that a called script or flow needs, as it was known last: it may have changed, so these are warnings."""
    schema = known.called.get(place.step_id)
    if schema is None or kind_of(place.module) not in ("script", "flow") or _takes_all(place.module):
        return
    required, properties = schema.get("required"), schema.get("properties")
    if place.slot == "preprocessor" or not isinstance(required, list) or not isinstance(properties, Mapping):
        return
    given = inputs_of(place.module)
    base = f"{place.pointer}{inputs_pointer(place.module)}"
    path = place.module["value"].get("path")
    for name in required:
        state = _state(given.get(name)) if isinstance(name, str) and name in properties else "set"
        if state != "set":
            message = f"Input {name} of {path} is {'null' if state == 'null' else 'not set'}."
            hint = "Set it; if it is not needed any more, read the inputs again in the settings."
            yield _warning(message, hint, place, base, name)


def _takes_all(module: Mapping[str, Any]) -> bool:
    """Whether the step gets the flow's input as it is."""
    return module.get("pass_flow_input_directly") is True or module["value"].get("pass_flow_input_directly") is True


def _state(transform: object) -> Literal["missing", "null", "set"]:
    if not isinstance(transform, Mapping) or (transform.get("type") == "static" and "value" not in transform):
        return "missing"
    # an empty expression is set, wrongly: rule expr.empty
    return "null" if transform.get("type") == "static" and transform["value"] is None else "set"


def _warning(message: str, hint: str, place: Place, base: str, name: str) -> Problem:
    return replace(_field("field.missing_input", message, hint, place, base, name), severity="warning")


def _field(rule: str, message: str, hint: str, place: Place, base: str, name: str) -> Problem:
    return Problem(rule, severity_of(rule), message, hint, f"{base}/{escaped(name)}", place.step_id or None, name)
