"""Bringing together what two people made of one version of a flow. Pure.

`merge` compares both with the version that they come from. What only one of them changed is taken, for each part of each cell
and of the flow itself; what both changed to the same is no question; the rest are conflicts, for a person to decide one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowapp.openflow.expressions import rename_steps
from flowapp.openflow.merge.parts import NAME
from flowapp.openflow.merge.renames import Aligned, aligned
from flowapp.openflow.merge.threeway import Group, ThreeWay
from flowapp.openflow.merge.tree import ROOT, Key, Tree, cell_of, flow_of, is_branch, tree_of
from flowapp.openflow.merge.types import ABSENT, Choice, Conflict, Difference, Json, Merge, Part, Side, Taken
from flowapp.openflow.walk import new_step_id, step_ids

__all__ = ["ABSENT", "Choice", "Conflict", "Difference", "Merge", "Part", "Side", "Taken", "merge"]


def merge(
    base: Mapping[str, Any],
    theirs: Mapping[str, Any],
    mine: Mapping[str, Any],
    choices: Mapping[str, Choice] | None = None,
) -> Merge:
    """What `theirs` and `mine` become together, both made from `base`.

    Args:
        base: the document that both come from. Like the others it has `value.modules`, and an id for each step, once.
        theirs: the other version.
        mine: the draft. Its stand-ins stay, and where nothing is decided it counts.
        choices: the id of a conflict → whose side is taken; `both` (for two new cells of one name) keeps both, and gives the
            draft's another step id, also in the expressions that read it.
    """
    chosen = dict(choices or {})
    hers, ours = aligned(base, theirs), aligned(base, mine)
    first = _three_way(base, hers, ours, chosen)
    conflicts = tuple(_conflict(first, name, group) for name, group in first.groups.items())
    kept = [one.id for one in conflicts if chosen.get(one.id) == "both" and "both" in one.choices]
    twice = [step for name in kept for step in _twice(first, name.removeprefix("cell:"))]
    apart = _fresh(twice, step_ids(base) | step_ids(theirs) | step_ids(mine) | step_ids(ours.flow))
    last = first
    if apart:
        last = _three_way(base, hers, Aligned(rename_steps(ours.flow, apart).flow, ours.names), chosen)
    flow, called = _named_again(last)
    old = {new: step for step, new in ours.names.items()}
    steps = {step: apart.get(old.get(step, step), old.get(step, step)) for step in step_ids(mine)}
    renamed = {step: called.get(now, now) for step, now in steps.items() if called.get(now, now) != step}
    return Merge(flow, conflicts, _taken(first), renamed)


def _three_way(base: Mapping[str, Any], theirs: Aligned, mine: Aligned, chosen: Mapping[str, Choice]) -> ThreeWay:
    named = theirs.names.keys() | mine.names.keys()
    trees = (tree_of(base), tree_of(theirs.flow, base), tree_of(mine.flow, base))
    for tree, names in zip(trees, ({}, theirs.names, mine.names), strict=True):
        tree.name({step: names.get(step, step) for step in named})
    return ThreeWay(*trees, chosen)


def _named_again(found: ThreeWay) -> tuple[Json, dict[str, str]]:
    """The flow with the ids that its steps were given, and those: key → id."""
    flow = flow_of(found.tree)
    wanted = {key: str(node.parts[NAME]) for key, node in found.tree.nodes.items() if NAME in node.parts}
    taken = step_ids(flow)
    called: dict[str, str] = {}
    for key, name in wanted.items():
        if name != key:
            called[key] = new_step_id(taken) if name in taken else name
            taken.add(called[key])
    return (rename_steps(flow, called).flow if called else flow), called


def _fresh(steps: Sequence[str], taken: set[str]) -> dict[str, str]:
    """An id for each step that is none of those taken."""
    found: dict[str, str] = {}
    for step in dict.fromkeys(steps):
        found[step] = new_step_id(taken | set(found.values()))
    return found


def _twice(found: ThreeWay, step: str) -> list[str]:
    """A step that both added, and what is nested in the draft's and was added by both too."""
    nested = [step, *found.mine.below(step)]
    return [key for key in nested if key == cell_of(key) and key in found.theirs.nodes and key not in found.base.nodes]


def _conflict(found: ThreeWay, name: str, group: Group) -> Conflict:
    key = group.key
    kind, called = _named(found, key, name)
    theirs, mine = (_did(tree, found.base, key) for tree in (found.theirs, found.mine))
    both_new = kind == "cell" and theirs == mine == "added" and not key.startswith("/")
    differences = tuple(_shown(difference, key) for difference in group.differences)
    choices: tuple[Choice, ...] = ("both", "theirs", "mine") if both_new else ("theirs", "mine")
    return Conflict(name, kind, called, _title(found, key), theirs, mine, differences, choices)


def _named(found: ThreeWay, key: Key, group: str) -> tuple[str, str]:
    """The kind of thing that a key or a group of differences is about, and its name."""
    if group.startswith("order:"):
        place = group.removeprefix("order:")
        return ("order_of_inputs", "") if place == "/inputs" else ("order", cell_of(place.rpartition("/")[0]))
    if group.startswith("flow:"):
        return "setting", group.removeprefix("flow:")
    for prefix in ("input", "note"):
        if key.startswith(f"{prefix}:"):
            return prefix, key.removeprefix(f"{prefix}:")
    if key.startswith("/"):
        node = next(tree.nodes[key] for tree in (found.mine, found.theirs, found.base) if key in tree.nodes)
        return "cell", str(node.source["id"])
    own = found.mine.nodes.get(key)
    return "cell", key if own is None else str(own.parts.get(NAME, key))


def _did(tree: Tree, base: Tree, key: Key) -> str:
    if key not in tree.nodes:
        return "removed"
    return "changed" if key in base.nodes else "added"


def _title(found: ThreeWay, key: Key) -> str:
    node = next((tree.nodes[key] for tree in (found.mine, found.theirs, found.base) if key in tree.nodes), None)
    title = node.source.get("summary") if node is not None and key != ROOT else ""
    return title if isinstance(title, str) else ""


def _shown(difference: Difference, key: Key) -> Difference:
    """The difference with `where` as people read it: "" for the thing itself."""
    where = difference.where
    if where == key or difference.part.kind == "order":
        where = ""
    elif is_branch(where):
        number = where.rpartition("/")[2]
        where = f"branch {int(number) + 1}" if number.isdecimal() else "a new branch"
    return Difference(difference.part, difference.base, difference.theirs, difference.mine, where)


def _taken(found: ThreeWay) -> tuple[Taken, ...]:
    """What was taken without asking, each thing once for a side; branches with their container."""
    by_thing: dict[tuple[str, str, str, Side], list[Part]] = {}
    for (about, side), what in found.taken.items():
        of_flow = about.startswith("/") and about not in {*found.mine.nodes, *found.theirs.nodes, *found.base.nodes}
        key = ROOT if of_flow else cell_of(about)
        kind, name = _named(found, key, f"flow:{about}" if of_flow else "")
        if key != about and not of_flow:
            what = [Part("setting", "/value/branches")]
        by_thing.setdefault((kind, name, _title(found, key), side), []).extend(what)
    return tuple(
        Taken(kind, name, title, side, tuple(dict.fromkeys(what)))
        for (kind, name, title, side), what in by_thing.items()
    )
