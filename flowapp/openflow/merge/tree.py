"""A flow as a tree of things with keys, so that three versions of it can be laid side by side; and the flow of such a tree.

Keys: "" the flow itself, a step id for a module, `/failure_module` and `/preprocessor_module`, `<step>/<branch>` for a branch,
`input:<name>` for an input of the flow and `note:<id>` for a note. A slash or colon is in no step id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from flowapp.jsontext import canonical, hash_of
from flowapp.openflow.merge import parts
from flowapp.openflow.merge.types import Json, Part
from flowapp.openflow.walk import id_of, kind_of

Key: TypeAlias = str
#: The thing in which something stands, and where in it: modules, branches, default, inputs, notes, or one of `SINGLES`.
Place: TypeAlias = tuple[Key, str]

ROOT = ""
SINGLES = ("preprocessor_module", "failure_module")
_ELSEWHERE = frozenset({"modules", "notes", *SINGLES})
_OF_SCHEMA = frozenset({"properties", "required", "order"})


@dataclass(frozen=True, slots=True)
class Node:
    """One thing: what it consists of, where it stands, and the JSON that it was read from."""

    parts: Mapping[Part, Any]
    place: Place
    source: Mapping[str, Any]


@dataclass(slots=True)
class Tree:
    """All things of a flow. `lists` has the keys of what stands in a place, in order."""

    nodes: dict[Key, Node] = field(default_factory=dict)
    lists: dict[Place, list[Key]] = field(default_factory=dict)

    def add(self, key: Key, node: Node) -> None:
        """Put a thing at the end of its place."""
        self.nodes[key] = node
        if key != ROOT:
            self.lists.setdefault(node.place, []).append(key)

    def name(self, names: Mapping[Key, str]) -> None:
        """Let these steps have an id that is compared like all else of them, and may be another one than their key."""
        for key in names.keys() & self.nodes.keys():
            node = self.nodes[key]
            self.nodes[key] = Node({**node.parts, parts.NAME: names[key]}, node.place, node.source)

    def below(self, key: Key) -> list[Key]:
        """What stands in a thing, at any depth."""
        inner = [one for (parent, _), keys in self.lists.items() if parent == key for one in keys]
        return [found for one in inner for found in (one, *self.below(one))]


def is_branch(key: Key) -> bool:
    """Whether the key is that of a branch."""
    return key.rpartition("/")[0] != "" and not key.startswith(("input:", "note:"))


def cell_of(key: Key) -> Key:
    """The cell that a key belongs to: a branch belongs to its container."""
    return key.rpartition("/")[0] if is_branch(key) else key


def tree_of(flow: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> Tree:
    """The tree of a flow whose steps have ids; branches get the keys that those of `base` have."""
    known: dict[str, Mapping[str, Any]] = {}
    if base is not None:
        known = _containers(base["value"]["modules"])
    tree = Tree()
    value = flow["value"]
    schema = flow.get("schema")
    of_flow = {key: item for key, item in flow.items() if key not in ("value", "schema")}
    root = parts.parts_of_record(of_flow)
    root |= {Part("setting", f"/value/{key}"): item for key, item in value.items() if key not in _ELSEWHERE}
    if isinstance(schema, dict):
        rest = parts.parts_of_record(schema, _OF_SCHEMA)
        root |= {Part("setting", f"/schema{part.name}"): item for part, item in rest.items()}
    elif "schema" in flow:
        root[Part("setting", "/schema")] = schema
    tree.add(ROOT, Node(root, (ROOT, ""), flow))
    _add_inputs(tree, schema if isinstance(schema, dict) else {})
    _add_notes(tree, value.get("notes"))
    for slot in SINGLES:
        if isinstance(value.get(slot), dict):
            module = value[slot]
            own = {**parts.parts_of_module(module), Part("setting", "/id"): module["id"]}
            tree.add(f"/{slot}", Node(own, (ROOT, slot), module))
            _add_nested(tree, f"/{slot}", module, {})
    _add_list(tree, (ROOT, "modules"), value["modules"], known)
    return tree


def flow_of(tree: Tree) -> Json:
    """The flow of a tree. Things in places that their container does not have are left out."""
    root = tree.nodes[ROOT]
    source = root.source
    flow: Json = {key: item for key, item in source.items() if key in ("value", "schema")}
    value: Json = {}
    schema: Json = {}
    for part, item in root.parts.items():
        at = part.name.split("/")[1:]
        match at:
            case ["value", key]:
                value[key] = item
            case ["schema", key]:
                schema[key] = item
            case [key]:
                flow[key] = item
    for slot in SINGLES:
        for key in tree.lists.get((ROOT, slot), ())[:1]:
            value[slot] = _module(tree, key)
    value["modules"] = _modules(tree, (ROOT, "modules"))
    if notes := tree.lists.get((ROOT, "notes")):
        value["notes"] = [_record(tree.nodes[key], "id") for key in notes]
    flow["value"] = _ordered(value, source["value"])
    if isinstance(source.get("schema"), dict) or schema or tree.lists.get((ROOT, "inputs")):
        old = source.get("schema")
        flow["schema"] = _schema(tree, schema, old if isinstance(old, dict) else {})
    return _ordered(flow, {key: None for key in source if key in flow})


def _containers(modules: Sequence[Any]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for module in modules:
        inside = module["value"]
        if parts.structure_keys(kind_of(module)):
            found[id_of(module)] = module
            inner = [inside.get("modules"), inside.get("default")]
            inner += [one.get("modules") for one in inside.get("branches") or () if isinstance(one, Mapping)]
            for nested in inner:
                found |= _containers(nested if isinstance(nested, list) else [])
    return found


def _add_list(tree: Tree, place: Place, modules: Any, known: Mapping[str, Mapping[str, Any]]) -> None:
    for module in modules if isinstance(modules, list) else ():
        key = id_of(module)
        tree.add(key, Node(parts.parts_of_module(module), place, module))
        _add_nested(tree, key, module, known)


def _add_nested(tree: Tree, key: Key, module: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> None:
    kind, value = kind_of(module), module["value"]
    slots = parts.structure_keys(kind)
    if "modules" in slots:
        _add_list(tree, (key, "modules"), value.get("modules"), known)
    if "branches" in slots:
        branches = [one for one in value.get("branches") or () if isinstance(one, dict)]
        before = known.get(key, {}).get("value", {}).get("branches") if known else None
        for name, branch in zip(_names(branches, before or []), branches, strict=True):
            own = parts.parts_of_record(branch, frozenset({"modules"}))
            tree.add(f"{key}/{name}", Node(own, (key, "branches"), branch))
            _add_list(tree, (f"{key}/{name}", "modules"), branch.get("modules"), known)
        if kind == "branchone":
            _add_list(tree, (key, "default"), value.get("default"), known)


def _names(branches: Sequence[Json], before: Sequence[Any]) -> list[str]:
    """A name for each branch: the number of the one in `before` that it was, or a name made of what it holds."""
    old = {number: one for number, one in enumerate(before) if isinstance(one, Mapping)}
    names: dict[int, str] = {}

    def pair(fits: Any) -> None:
        for index, branch in enumerate(branches):
            found = next(
                (number for number, one in old.items() if index not in names and fits(index, branch, number, one)), None
            )
            if found is not None:
                names[index] = str(found)
                del old[found]

    pair(lambda _i, branch, _n, one: _decider(branch) == _decider(one) and _steps(branch) == _steps(one))
    pair(lambda _i, branch, _n, one: bool(_steps(branch) & _steps(one)))
    pair(lambda _i, branch, _n, one: _decider(branch) == _decider(one))
    pair(lambda index, _b, number, _o: index == number and len(branches) == len(before))
    if not before:
        return [str(index) for index in range(len(branches))]
    new: dict[str, int] = {}
    for index, branch in enumerate(branches):
        if index not in names:
            name = f"+{hash_of(canonical(branch))}"
            new[name] = new.get(name, 0) + 1
            names[index] = f"{name}.{new[name]}"
    return [names[index] for index in range(len(branches))]


def _decider(branch: Mapping[str, Any]) -> str:
    return canonical({key: item for key, item in branch.items() if key != "modules"})


def _steps(branch: Mapping[str, Any]) -> set[str]:
    modules = branch.get("modules")
    return {id_of(module) for module in modules if isinstance(module, Mapping)} if isinstance(modules, list) else set()


def _add_inputs(tree: Tree, schema: Mapping[str, Any]) -> None:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    required, order = (_texts(schema.get(key)) for key in ("required", "order"))
    for name in dict.fromkeys([*order, *properties, *required]):
        own: dict[Part, Any] = {}
        if name in properties:
            own[Part("setting", "/schema")] = properties[name]
        if name in required:
            own[Part("setting", "/required")] = True
        tree.add(f"input:{name}", Node(own, (ROOT, "inputs"), {"name": name}))


def _schema(tree: Tree, rest: Json, old: Mapping[str, Any]) -> Json:
    names = {key.removeprefix("input:"): tree.nodes[key].parts for key in tree.lists.get((ROOT, "inputs"), ())}
    schema = dict(rest)
    properties = {
        name: own[Part("setting", "/schema")] for name, own in names.items() if Part("setting", "/schema") in own
    }
    required = [name for name, own in names.items() if Part("setting", "/required") in own]
    if properties or "properties" in old:
        schema["properties"] = properties
    if required or "required" in old:
        schema["required"] = required
    if "order" in old:
        schema["order"] = [name for name in names if name in properties]
    return _ordered(schema, old)


def _add_notes(tree: Tree, notes: Any) -> None:
    if notes is None:
        return
    ids: list[Any] = [None]
    if isinstance(notes, list):
        ids = [note.get("id") if isinstance(note, dict) else None for note in notes]
    if any(not isinstance(one, str) or ids.count(one) > 1 for one in ids):
        root = tree.nodes[ROOT]
        tree.nodes[ROOT] = Node({**root.parts, Part("setting", "/value/notes"): notes}, root.place, root.source)
        return
    for note in notes:
        tree.add(f"note:{note['id']}", Node(parts.parts_of_record(note, frozenset({"id"})), (ROOT, "notes"), note))


def _record(node: Node, *left_out: str) -> Json:
    return parts.record_of(node.source, node.parts, frozenset(left_out))


def _modules(tree: Tree, place: Place) -> list[Json]:
    return [_module(tree, key) for key in tree.lists.get(place, ())]


def _module(tree: Tree, key: Key) -> Json:
    node = tree.nodes[key]
    module = parts.module_of(node.source, node.parts)
    value = module["value"]
    slots = parts.structure_keys(kind_of(module))
    if "modules" in slots:
        value["modules"] = _modules(tree, (key, "modules"))
    if "branches" in slots:
        value["branches"] = [
            {**_record(tree.nodes[name], "modules"), "modules": _modules(tree, (name, "modules"))}
            for name in tree.lists.get((key, "branches"), ())
        ]
        default = _modules(tree, (key, "default"))
        if kind_of(module) == "branchone" and (default or "default" in node.source["value"]):
            value["default"] = default
    module["value"] = _ordered(value, node.source["value"])
    return module


def _ordered(given: Json, like: Mapping[str, Any]) -> Json:
    """The object with its keys in the order of another one; others after them."""
    return {**{key: given[key] for key in like if key in given}, **given}


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
