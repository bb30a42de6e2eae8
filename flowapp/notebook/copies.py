"""Modules as a paste or a duplicate: with step ids of their own, and the references between them following."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowapp.notebook.document import Document, StepId, nested_modules
from flowapp.notebook.sites import sites_of
from flowapp.notebook.trees import set_at
from flowapp.openflow.references import rename
from flowapp.openflow.walk import id_of


def fresh_modules(document: Document, modules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The modules with a new id for every step whose id is missing or was used in the document.

    References between the steps of the modules follow; those to steps outside stay as they are, to be reported by lint
    where they lead nowhere.
    """
    copies = [dict(module) for module in modules]
    taken = document.used | frozenset(document.cells)
    given: dict[StepId, StepId] = {}
    places = [
        (number, path, id_of(found)) for number, copy in enumerate(copies) for path, found in nested_modules(copy)
    ]
    fresh_ids: set[StepId] = {step_id for *_, step_id in places if step_id and step_id not in taken}
    for number, path, step_id in places:
        if step_id in fresh_ids and step_id not in given:
            given[step_id] = step_id
            continue
        new = document.fresh_step_id(frozenset(fresh_ids) | frozenset(given.values()))
        given.setdefault(step_id or new, new)
        fresh_ids.add(new)
        copies[number] = set_at(copies[number], (*path, "id"), new)
    renamed = {old: new for old, new in given.items() if old != new}
    return [_rewired(copy, renamed) for copy in copies]


def _rewired(copy: dict[str, Any], given: Mapping[StepId, StepId]) -> dict[str, Any]:
    # Through names that no step has, so that a → b and b → c do not run into each other. They have the form of an
    # identifier, so that `results.a` does not become `results["a"]` on the way.
    between = {old: f"__step_{number}__" for number, old in enumerate(given)}
    for path, module in list(nested_modules(copy)):
        for site in sites_of(module):
            expr = site.expr
            for old, name in between.items():
                expr = rename(expr, old, name)
            for old, name in between.items():
                expr = rename(expr, name, given[old])
            if expr != site.expr:
                copy = set_at(copy, (*path, *site.path), expr)
    return copy
