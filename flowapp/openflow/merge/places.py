"""Where everything stands after a merge: also what stood in something that is gone, or that no longer has such a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flowapp.openflow.merge import parts
from flowapp.openflow.merge.tree import ROOT, SINGLES, Key, Node, Place, Tree, is_branch
from flowapp.openflow.merge.types import Side
from flowapp.openflow.walk import LOOP_KINDS


@dataclass(slots=True)
class Places:
    """The place of each thing that stays. `circle`: what both moved, each into the other."""

    places: dict[Key, Place] = field(default_factory=dict)
    circle: tuple[Key, ...] = ()
    #: what was lifted out of something that has no place for it → that something, behind which it stands now
    behind: dict[Key, Key] = field(default_factory=dict)

    def lifted_into(self, keys: list[Key]) -> list[Key]:
        """The keys of a place in order, with what was lifted out of a thing behind that thing."""
        found = [key for key in keys if key not in self.behind]
        for key in keys:
            if key in self.behind:
                before = [i for i, one in enumerate(found) if self.behind[key] in (one, self.behind.get(one))]
                found.insert(before[-1] + 1 if before else len(found), key)
        return found


def settled_places(nodes: Mapping[Key, Node], theirs: Tree, mine: Tree, side: Side) -> Places:
    """A place for each of `nodes`; `side` decides where they would stand in each other."""
    wanted = {key: node.place for key, node in nodes.items()}
    circle = _circle(wanted)
    if circle:
        chosen = mine if side == "mine" else theirs
        wanted |= {key: chosen.nodes[key].place for key in theirs.nodes.keys() & mine.nodes.keys() & wanted.keys()}
    found = Places(circle=circle)
    settling = _Settling(nodes, wanted, (mine, theirs), found)
    for key in nodes:
        settling.place(key)
    return found


class _Settling:
    def __init__(
        self, nodes: Mapping[Key, Node], wanted: Mapping[Key, Place], sides: tuple[Tree, ...], found: Places
    ) -> None:
        self._nodes, self._wanted, self._sides, self._found = nodes, wanted, sides, found
        self._under_way: set[Key] = set()

    def place(self, key: Key) -> Place | None:
        """Where a thing stands; None for a branch without its container, and while that is being found out."""
        if key == ROOT or key in self._found.places:
            return self._found.places.setdefault(key, (ROOT, ""))
        if key in self._under_way or key not in self._nodes:
            return None
        self._under_way.add(key)
        if (place := self._fitting(key)) is not None:
            self._found.places[key] = place
        self._under_way.discard(key)
        return place

    def _fitting(self, key: Key) -> Place | None:
        wanted = self._wanted[key]
        for place in (wanted, *(tree.nodes[key].place for tree in self._sides if key in tree.nodes)):
            if self._has(place):
                return place
        if is_branch(key):
            return None
        container = wanted[0].rpartition("/")[0] if is_branch(wanted[0]) else wanted[0]
        self._found.behind[key] = container
        around = self.place(container)
        return around if around is not None and around[1] not in ("", *SINGLES) else (ROOT, "modules")

    def _has(self, place: Place) -> bool:
        """Whether what a place is in stands somewhere itself, and has such a place."""
        parent, slot = place
        if parent == ROOT:
            return True
        if self.place(parent) is None:
            return False
        if is_branch(parent):
            return slot == "modules"
        kind = str(self._nodes[parent].parts[parts.CODE].get("type"))
        if slot == "modules":
            return kind in LOOP_KINDS
        return slot in parts.structure_keys(kind) and (slot != "default" or kind == "branchone")


def _above(key: Key, places: Mapping[Key, Place]) -> list[Key]:
    seen: list[Key] = []
    while key != ROOT and key not in seen:
        seen.append(key)
        key = places[key][0] if key in places else ROOT
    return seen


def _circle(places: Mapping[Key, Place]) -> tuple[Key, ...]:
    return tuple(key for key in places if key != ROOT and key in _above(places[key][0], places))
