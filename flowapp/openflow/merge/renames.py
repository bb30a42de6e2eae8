"""Steps that a side gave another id: found again by what they are, and called by their old id while three versions are compared.

A document does not say that a step was renamed. A step that is gone and a new one with the same code are taken to be the same
step, where there is one of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowapp.jsontext import canonical
from flowapp.openflow.expressions import rename_steps
from flowapp.openflow.merge.parts import CODE, parts_of_module
from flowapp.openflow.walk import Place, id_of, slots, step_ids, walk


@dataclass(frozen=True, slots=True)
class Aligned:
    """A document whose renamed steps have their old ids. `names`: old id → the id that the side gave it."""

    flow: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)


def aligned(base: Mapping[str, Any], side: Mapping[str, Any]) -> Aligned:
    """The document of a side with the ids that its steps have in `base`."""
    names = _renamed(base, side)
    return Aligned(rename_steps(side, {new: old for old, new in names.items()}).flow if names else side, names)


def _renamed(base: Mapping[str, Any], side: Mapping[str, Any]) -> dict[str, str]:
    before, after = step_ids(base), step_ids(side)
    gone = {place.step_id: _marks(place) for place in walk(base) if place.step_id not in after}
    new = {place.step_id: _marks(place) for place in walk(side) if place.step_id not in before}
    found: dict[str, str] = {}
    for level in range(3):
        left = {step: marks[level] for step, marks in gone.items() if step not in found}
        free = {step: marks[level] for step, marks in new.items() if step not in found.values()}
        for old, mark in left.items():
            same = [step for step, other in free.items() if other == mark]
            if mark and len(same) == 1 and list(left.values()).count(mark) == 1:
                found[old] = same[0]
    return found


def _marks(place: Place) -> tuple[str, str, str]:
    """What a step can be known by again: its code, the path of what it calls, or the steps in it; with its title and place, with
    its place, with its title. Code alone is not enough, as many a step begins as a copy of another.
    """
    code = parts_of_module(place.module)[CODE]
    inner = sorted(id_of(module) for modules in slots(place.module).values() for module in modules)
    if place.slot in ("failure", "preprocessor") or not (code.get("content") or code.get("path") or inner):
        return "", "", ""
    title, where = place.module.get("summary"), [place.parent, place.slot]
    with_title = canonical([code, inner, title]) if title else ""
    return canonical([code, inner, title, where]), canonical([code, inner, where]), with_title
