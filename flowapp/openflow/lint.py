"""Lint of a flow document by itself: shape, ids, steps, expressions and wires.

Needs no run, no database and no other document. The rules about the code of scripts need signatures: `signatures.lint`
adds them to these, and is what the rest of the program calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowapp.openflow.documents import shape_problems
from flowapp.openflow.expressions import Written, written_in
from flowapp.openflow.lint_settings import flow_setting_problems, setting_problems
from flowapp.openflow.lint_steps import retry_problems, step_problems
from flowapp.openflow.lint_wires import wire_problems
from flowapp.openflow.problems import Problem, Severity
from flowapp.openflow.rules import RULES, WARNINGS, severity_of
from flowapp.openflow.walk import OWN_IDS, RESERVED_IDS, Place, id_of, step_ids, tools, walk, well_formed_id

__all__ = ["RULES", "WARNINGS", "Problem", "Severity", "lint", "refusals"]


def lint(flow: Mapping[str, Any], written: Written | None = None) -> list[Problem]:
    """Everything that is wrong with the document as far as it can be seen in it; works on broken documents too.

    `written` is `written_in(flow)`, for who has it.
    """
    written = written_in(flow) if written is None else written
    places = [place for place, _ in written]
    found = shape_problems(flow)
    found += _id_problems(places)
    found += _flow_problems(flow)
    found += flow_setting_problems(flow)
    pointers = {place.pointer for place in places}
    for place in places:
        found += step_problems(flow, place)
        following = f"{place.pointer.rpartition('/')[0]}/{place.index + 1}"
        found += setting_problems(place, last=following not in pointers)
    found += wire_problems(flow, written)
    return found


def refusals(flow: Mapping[str, Any]) -> Iterator[Problem]:
    """What keeps a document from being stored: a step would stand for another one, or never come to its retries."""
    places = list(walk(flow))
    for problem in _id_problems(places):
        if problem.rule == "id.duplicate" or (problem.rule == "id.reserved" and problem.step_id in OWN_IDS):
            yield problem
    for place in places:
        yield from retry_problems(place)


def _id_problems(places: list[Place]) -> Iterator[Problem]:
    taken: set[str] = set()
    for place in places:
        own_slot = place.slot in ("failure", "preprocessor")
        yield from _one_id(place.step_id, f"{place.pointer}/id", taken, own_slot=own_slot)
        agent_tools: set[str] = set()  # ids of tools are names inside their agent
        for index, tool in enumerate(tools(place.module)):
            pointer = f"{place.pointer}/value/tools/{index}/id"
            yield from _one_id(id_of(tool), pointer, agent_tools, own_slot=True)


def _one_id(step_id: str, pointer: str, taken: set[str], *, own_slot: bool) -> Iterator[Problem]:
    if not step_id:
        if not own_slot:
            yield _problem("id.missing", "This step has no id.", "Give it one, such as a.", pointer)
        return
    if step_id in taken:
        message = f"There is more than one step {step_id}."
        yield _problem("id.duplicate", message, "Rename one of them.", pointer, step_id)
    taken.add(step_id)
    if not well_formed_id(step_id):
        hint = "Use letters, digits, _ and -."
        yield _problem("id.invalid", f"{step_id!r} cannot be a step id.", hint, pointer, step_id)
    elif step_id in RESERVED_IDS and not own_slot:
        yield _problem("id.reserved", f"The id {step_id} is reserved.", "Choose another one.", pointer, step_id)


def _flow_problems(flow: Mapping[str, Any]) -> Iterator[Problem]:
    value = flow.get("value")
    if not isinstance(value, Mapping):
        return
    early = value.get("early_return")
    if isinstance(early, str) and early and early not in step_ids(flow):
        message = f"The early answer is to come from step {early}, which does not exist."
        yield _problem("early_return.unknown_step", message, "Choose another step.", "/value/early_return")


def _problem(rule: str, message: str, hint: str, pointer: str, step_id: str | None = None) -> Problem:
    return Problem(rule, severity_of(rule), message, hint, pointer, step_id)
