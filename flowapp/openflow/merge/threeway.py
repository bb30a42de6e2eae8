"""Three trees become one: what one side changed is taken, what both changed is decided by a choice for each thing.

`theirs` and `mine` come from `base`. A conflict is noted whether it is decided or not; until then the draft's side counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flowapp.openflow.merge import parts
from flowapp.openflow.merge.order import both_ordered, in_order
from flowapp.openflow.merge.places import settled_places
from flowapp.openflow.merge.tree import ROOT, Key, Node, Place, Tree, cell_of
from flowapp.openflow.merge.types import ABSENT, Choice, Difference, Part, Side, same

_PLACE, _ORDER, _THERE = Part("place"), Part("order"), Part("there")


@dataclass(slots=True)
class Group:
    """What is decided together: the thing that it is about, and what differs."""

    key: Key
    differences: list[Difference] = field(default_factory=list)


class ThreeWay:
    """One merge. `tree` is the outcome; `groups` the conflicts by id; `taken` what only one side did, by thing."""

    def __init__(self, base: Tree, theirs: Tree, mine: Tree, choices: Mapping[str, Choice]) -> None:
        self.base, self.theirs, self.mine = base, theirs, mine
        self._choices = choices
        self.groups: dict[str, Group] = {}
        self.taken: dict[tuple[Key, Side], list[Part]] = {}
        self.tree = Tree()
        self._nodes: dict[Key, Node] = {}
        for key in dict.fromkeys([*theirs.nodes, *mine.nodes]):
            self._node(key)
        self._arrange()

    def _node(self, key: Key) -> None:
        was, now, own = (tree.nodes.get(key) for tree in (self.base, self.theirs, self.mine))
        if now is not None and own is not None:
            self._nodes[key] = self._both(key, was, now, own)
            return
        side: Side = "mine" if now is None else "theirs"
        other: Side = "theirs" if side == "mine" else "mine"
        node = own or now
        assert node is not None
        head = self._removed(key, side)
        if head is not None:
            values = {side: dict(node.parts), other: ABSENT}
            before = ABSENT if was is None else was.parts
            group = f"cell:{head}"
            self._conflict(group, head, Difference(_THERE, before, values["theirs"], values["mine"], key))
            if self._side(group) == side:
                self._nodes[key] = node
        elif was is None:
            self._nodes[key] = node
            self._take(key, side, Part("added"))
        else:
            self._take(key, other, Part("removed"))

    def _removed(self, key: Key, side: Side) -> Key | None:
        """What a person decides about together with a thing that only `side` has; None where there is nothing to decide.

        That is the outermost thing around it that the other side removed, if `side` did anything in there.
        """
        has, other = (self.mine, self.theirs) if side == "mine" else (self.theirs, self.mine)
        above = has.nodes[key].place[0]
        if above != ROOT and above not in other.nodes and (head := self._removed(above, side)) is not None:
            return head
        return cell_of(key) if key in self.base.nodes and self._changed(key, has) else None

    def _changed(self, key: Key, has: Tree) -> bool:
        """Whether a side did anything to a thing of the base, or in it."""
        was, node = self.base.nodes[key], has.nodes[key]
        if was.place != node.place or not _same_parts(was, node):
            return True
        return any(one not in self.base.nodes or self._changed(one, has) for one in has.below(key))

    def _both(self, key: Key, was: Node | None, now: Node, own: Node) -> Node:
        """A thing that both have."""
        names = list(dict.fromkeys([*now.parts, *own.parts, *(was.parts if was else ())]))
        values = {part: _values(part, was, now, own) for part in names}
        real = [part for part in names if part.kind not in parts.VOLATILE]
        ours = [part for part in real if not same(values[part][0], values[part][2])]
        others = [part for part in real if not same(values[part][0], values[part][1])]
        differ = [part for part in real if not same(values[part][1], values[part][2])]
        clashing = [part for part in differ if part in ours and part in others]
        if differ and ours and others and key != ROOT and (was is None or _other_kind(was, now, own)):
            clashing = differ
        elif parts.CODE in clashing:  # inputs belong to the code that names them
            clashing = [part for part in differ if part in clashing or part.kind == "input"]
        found: dict[Part, object] = {}
        for part in names:
            before, new, mine = values[part]
            if part in clashing:
                group = f"flow:{part.name}" if key == ROOT else f"cell:{cell_of(key)}"
                self._conflict(group, cell_of(key), Difference(part, before, new, mine, key))
                value = mine if self._side(group) == "mine" else new
            elif part.kind in parts.VOLATILE:
                continue
            elif part in others:
                value = new
                if part not in ours:
                    self._take(key, "theirs", part)
            else:
                value = mine
                if part in ours:
                    self._take(key, "mine", part)
            if value is not ABSENT:
                found[part] = value
        return Node(found | _volatile(found, was, now, own), self._place(key, was, now, own), own.source)

    def _place(self, key: Key, was: Node | None, now: Node, own: Node) -> Place:
        before = was.place if was else None
        if now.place == own.place or now.place == before:
            if was and own.place != was.place and now.place != own.place:
                self._take(key, "mine", _PLACE)
            return own.place
        if own.place == before:
            self._take(key, "theirs", _PLACE)
            return now.place
        group = f"cell:{cell_of(key)}"
        self._conflict(group, cell_of(key), Difference(_PLACE, before or ABSENT, now.place, own.place, key))
        return own.place if self._side(group) == "mine" else now.place

    def _arrange(self) -> None:
        """Put all things where they belong, in order."""
        settled = settled_places(self._nodes, self.theirs, self.mine, self._side("order:"))
        if settled.circle:
            at = settled.circle[0]
            was, now, own = (tree.nodes.get(at) for tree in (self.base, self.theirs, self.mine))
            before, new, mine = (ABSENT if node is None else node.place for node in (was, now, own))
            self._conflict("order:", ROOT, Difference(_PLACE, before, new, mine, at))
        members: dict[Place, list[Key]] = {}
        for key, node in self._nodes.items():
            place = settled.places.get(key)
            if place is not None:
                self.tree.nodes[key] = Node(node.parts, place, node.source)
                if key != ROOT:
                    members.setdefault(place, []).append(key)
        for place, keys in members.items():
            lists = [tree.lists.get(place, ()) for tree in (self.base, self.theirs, self.mine)]
            before, theirs, ours = ([key for key in each if key in set(keys)] for each in lists)
            group = f"cell:{place[0]}" if place[1] == "branches" else f"order:{place[0]}/{place[1]}"
            if both_ordered(before, theirs, ours):
                self._conflict(group, cell_of(place[0]), Difference(_ORDER, before, theirs, ours, place[1]))
            self.tree.lists[place] = settled.lifted_into(in_order(before, theirs, ours, keys, self._side(group)))

    def _conflict(self, group: str, key: Key, difference: Difference) -> None:
        self.groups.setdefault(group, Group(key)).differences.append(difference)

    def _side(self, group: str) -> Side:
        return "theirs" if self._choices.get(group) == "theirs" else "mine"

    def _take(self, key: Key, side: Side, part: Part) -> None:
        about = f"{key}{part.name}" if key == ROOT else key
        self.taken.setdefault((about, side), []).append(part)


def _values(part: Part, *nodes: Node | None) -> tuple[object, ...]:
    return tuple(ABSENT if node is None else node.parts.get(part, ABSENT) for node in nodes)


def _same_parts(one: Node, other: Node) -> bool:
    names = [part for part in {*one.parts, *other.parts} if part.kind not in parts.VOLATILE]
    return all(same(one.parts.get(part, ABSENT), other.parts.get(part, ABSENT)) for part in names)


def _other_kind(*nodes: Node) -> bool:
    """Whether these are modules of several kinds, whose settings do not fit each other."""
    kinds = {node.parts[parts.CODE].get("type") for node in nodes if parts.CODE in node.parts}
    return len(kinds) > 1


def _volatile(found: Mapping[Part, object], was: Node | None, now: Node, own: Node) -> dict[Part, object]:
    """The lock goes with the code that it is of; a stand-in is the notebook's own."""
    before, new, mine = _values(parts.LOCK, was, now, own)
    code, others, ours = found.get(parts.CODE, ABSENT), now.parts.get(parts.CODE), own.parts.get(parts.CODE)
    lock = mine if same(code, ours) else new
    if same(ours, others) and (mine is ABSENT or same(mine, before)) and new is not ABSENT:
        lock = new
    stand_in = own.parts.get(parts.STAND_IN, now.parts.get(parts.STAND_IN, ABSENT))
    return {part: item for part, item in ((parts.LOCK, lock), (parts.STAND_IN, stand_in)) if item is not ABSENT}
