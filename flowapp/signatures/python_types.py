"""Python annotations as JSON Schema."""

from __future__ import annotations

import ast
import base64
from collections import deque
from collections.abc import Iterator
from typing import Any

from flowapp.signatures.schema import MAX_DEPTH, Argument, Schema, any_of, enum_of, nested_object, resource

_SIMPLE: dict[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "complex": {},
    "Decimal": {"type": "number"},
    "bool": {"type": "boolean"},
    "dict": {"type": "object"},
    "Dict": {"type": "object"},
    "Mapping": {"type": "object"},
    "MutableMapping": {"type": "object"},
    "OrderedDict": {"type": "object"},
    "defaultdict": {"type": "object"},
    "list": {"type": "array"},
    "List": {"type": "array"},
    "Sequence": {"type": "array"},
    "Iterable": {"type": "array"},
    "Collection": {"type": "array"},
    "tuple": {"type": "array"},
    "Tuple": {"type": "array"},
    "set": {"type": "array", "uniqueItems": True},
    "Set": {"type": "array", "uniqueItems": True},
    "frozenset": {"type": "array", "uniqueItems": True},
    "FrozenSet": {"type": "array", "uniqueItems": True},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "bytearray": {"type": "string", "contentEncoding": "base64"},
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "UUID": {"type": "string", "format": "uuid"},
    "Path": {"type": "string"},
    "HttpUrl": {"type": "string", "format": "uri"},
    "AnyUrl": {"type": "string", "format": "uri"},
    "EmailStr": {"type": "string", "format": "email"},
    "SecretStr": {"type": "string", "password": True},
    "Any": {},
    "object": {},
    "None": {"type": "null"},
}
_ARRAYS = frozenset(name for name, schema in _SIMPLE.items() if schema.get("type") == "array")
_MAPS = frozenset(name for name, schema in _SIMPLE.items() if schema == {"type": "object"})
_WRAPPERS = frozenset({"Annotated", "Required", "NotRequired", "ReadOnly", "Final"})
_STREAMS = frozenset({"Generator", "Iterator", "AsyncGenerator", "AsyncIterator"})
_ENUM_BASES = frozenset({"Enum", "StrEnum", "IntEnum", "Flag", "IntFlag"})
_FIELD_BASES = frozenset({"TypedDict", "BaseModel", "NamedTuple"})


def _statements(module: ast.Module) -> Iterator[ast.AST]:
    """What has statements in it and the statements themselves, outer ones first: half of `ast.walk`'s time goes to expressions."""
    left: deque[ast.AST] = deque([module])
    while left:
        node = left.popleft()
        yield node
        for part in ("body", "handlers", "orelse", "finalbody", "cases"):
            below = getattr(node, part, None)
            if isinstance(below, list):  # the body of a conditional expression or a lambda is none
                left.extend(below)


class Types:
    """Turns the annotations of one module into schemas. Knows the classes and aliases that the module defines."""

    def __init__(self, module: ast.Module) -> None:
        self._classes = {node.name: node for node in _statements(module) if isinstance(node, ast.ClassDef)}
        self._aliases: dict[str, ast.expr] = {}
        for node in module.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self._aliases[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                self._aliases[node.target.id] = node.value

    def schema(self, annotation: ast.expr | None) -> Schema:
        """The schema of an input with this annotation; `{}` (anything) where nothing is known."""
        return self._schema(annotation, (), resources=True)

    def result_schema(self, annotation: ast.expr | None) -> Schema:
        """The schema of a result. A class that is not known says nothing about it, where as an input it is a resource."""
        return self._schema(annotation, (), resources=False)

    def is_optional(self, annotation: ast.expr | None) -> bool:
        """Whether None is among the values: `Optional[T]`, `T | None`."""
        annotation = _unquoted(annotation)
        if isinstance(annotation, ast.BinOp):
            return any(_is_none(item) or self.is_optional(item) for item in _alternatives(annotation))
        if isinstance(annotation, ast.Subscript):
            name = last_name(annotation.value)
            if name == "Optional":
                return True
            if name in ("Union", "Literal"):
                return any(self.is_optional(item) or _is_none(item) for item in _items(annotation))
            return name in _WRAPPERS and self.is_optional(_items(annotation)[0])
        return False

    def enum_member(self, class_name: str, member: str) -> tuple[bool, Any]:
        """(known, value) of `Color.RED`."""
        node = self._classes.get(class_name)
        if node is None or not self._is_enum(node):
            return False, None
        members = dict(self._members(node))
        return member in members, members.get(member)

    def _schema(self, node: ast.expr | None, path: tuple[str, ...], *, resources: bool) -> Schema:
        node = _unquoted(node)
        if node is None or len(path) > MAX_DEPTH:
            return {}
        if isinstance(node, ast.Constant):
            return {"type": "null"} if node.value is None else {}
        if isinstance(node, ast.Subscript):
            return self._generic(node, path, resources=resources)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._union(list(_alternatives(node)), path, resources=resources)
        if isinstance(node, ast.Attribute):
            known_module = last_name(node.value) in ("wmill", "RT")
            return self._named(node.attr, path, resources=resources and known_module, local=False)
        return self._named(node.id, path, resources=resources, local=True) if isinstance(node, ast.Name) else {}

    def _named(self, name: str, path: tuple[str, ...], *, resources: bool, local: bool) -> Schema:
        if local and name in self._classes:
            return self._class(self._classes[name], path, resources=resources)
        if local and name in self._aliases and name not in path:
            return self._alias(name, path, resources=resources)
        if name in _SIMPLE:
            return dict(_SIMPLE[name])
        for prefix, kind in (("DynSelect_", "dynselect"), ("DynMultiselect_", "dynmultiselect")):
            if name.startswith(prefix):
                return {"type": "object", "format": f"{kind}-{name.removeprefix(prefix)}"}
        if name == "S3Object":
            return {"type": "object", "format": "resource-s3_object"}
        if name == "DataFrame":
            return {"type": "array", "items": {"type": "object"}}
        if name in _STREAMS:
            return {"type": "string"} if not resources else {}
        return resource(name) if resources else {}

    def _alias(self, name: str, path: tuple[str, ...], *, resources: bool) -> Schema:
        target = self._aliases[name]
        if isinstance(target, ast.Call):
            made_by = last_name(target.func)
            if made_by == "NewType" and len(target.args) == 2:
                return self._schema(target.args[1], (*path, name), resources=resources)
            return {} if made_by == "TypeVar" else {"type": "object"}
        found = self._schema(target, (*path, name), resources=resources)
        # `postgresql = dict` is how scripts name a resource type
        return resource(name) if resources and name[:1].islower() and found == {"type": "object"} else found

    def _generic(self, node: ast.Subscript, path: tuple[str, ...], *, resources: bool) -> Schema:
        name = last_name(node.value)
        items = _items(node)
        inner = (*path, name)
        if name == "Literal":
            return self._literals(items)
        if name == "Optional":
            return self._schema(items[0], inner, resources=resources)
        if name == "Union":
            return self._union(items, inner, resources=resources)
        if name in _WRAPPERS:
            described = [i.value for i in items[1:] if isinstance(i, ast.Constant) and isinstance(i.value, str)]
            found = self._schema(items[0], inner, resources=resources)
            return {**found, "description": described[0]} if described else found
        if name in _ARRAYS:
            base = dict(_SIMPLE[name])
            same = len(items) == 1 or (len(items) == 2 and _is_ellipsis(items[1]))
            item = self._schema(items[0], inner, resources=resources) if same else {}
            return {**base, "items": item} if item else base
        if name in _MAPS:
            value = self._schema(items[1], inner, resources=resources) if len(items) == 2 else {}
            return {"type": "object", "additionalProperties": value} if value else {"type": "object"}
        return self._schema(node.value, inner, resources=resources)

    def _union(self, options: list[ast.expr], path: tuple[str, ...], *, resources: bool) -> Schema:
        inner = (*path, "|")
        return any_of([self._schema(o, inner, resources=resources) for o in options if not _is_none(_unquoted(o))])

    def _literals(self, items: list[ast.expr]) -> Schema:
        values = []
        for item in items:
            known, value = literal(item, self)
            if known and value is not None:
                values.append(value)
        return enum_of(values) if values else {}

    def _class(self, node: ast.ClassDef, path: tuple[str, ...], *, resources: bool) -> Schema:
        if self._is_enum(node):
            values = [value for _, value in self._members(node)]
            return enum_of(values) if values else {}
        if node.name in path:
            return {"type": "object"}
        bases = {last_name(base) for base in node.bases}
        if resources and node.name[:1].islower() and (bases <= {"TypedDict", "dict"}):
            return resource(node.name)
        return nested_object(self._fields(node, (*path, node.name), resources=resources))

    def _fields(self, node: ast.ClassDef, path: tuple[str, ...], *, resources: bool) -> list[Argument]:
        found: dict[str, Argument] = {}
        for base in node.bases:
            parent = self._classes.get(last_name(base))
            if parent is not None and parent.name not in path:
                inherited = self._fields(parent, (*path, parent.name), resources=resources)
                found.update((field.name, field) for field in inherited)
        total = not any(
            k.arg == "total" and isinstance(k.value, ast.Constant) and k.value.value is False for k in node.keywords
        )
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                field = self._field(statement, statement.target.id, path, total=total, resources=resources)
                if field is not None:
                    found[field.name] = field
        return list(found.values())

    def _field(
        self, node: ast.AnnAssign, name: str, path: tuple[str, ...], *, total: bool, resources: bool
    ) -> Argument | None:
        wrapper = last_name(node.annotation.value) if isinstance(node.annotation, ast.Subscript) else ""
        if wrapper == "ClassVar" or name.startswith("_"):
            return None
        schema = self._schema(node.annotation, path, resources=resources)
        required = (total and wrapper != "NotRequired") or wrapper == "Required"
        if node.value is not None:
            known, value = literal(node.value, self)
            schema = {**schema, "default": value} if known else schema
            required = _is_required_field(node.value)
        return Argument(name, schema, required and not self.is_optional(node.annotation))

    def _is_enum(self, node: ast.ClassDef) -> bool:
        bases = {last_name(base) for base in node.bases}
        parents = (self._classes[name] for name in bases if name in self._classes and name != node.name)
        return bool(bases & _ENUM_BASES) or any(
            {last_name(base) for base in parent.bases} & _ENUM_BASES for parent in parents
        )

    def _members(self, node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
        is_text = any(last_name(base) == "StrEnum" for base in node.bases)
        number = 0
        for statement in node.body:
            if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
                continue
            name = statement.targets[0].id
            if isinstance(statement.value, ast.Call) and last_name(statement.value.func) == "auto":
                number += 1
                yield name, name.lower() if is_text else number
                continue
            known, value = literal(statement.value, self)
            if known and not name.startswith("_"):
                number = value if isinstance(value, int) else number
                yield name, value


def literal(node: ast.expr, types: Types) -> tuple[bool, Any]:
    """(known, value) of an expression as a JSON value. Not known: whatever only running the code can tell."""
    if isinstance(node, ast.Attribute):
        if node.attr == "value" and isinstance(node.value, ast.Attribute):
            node = node.value
        return types.enum_member(last_name(node.value), node.attr)
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False, None
    return _as_json(value)


def _as_json(value: Any) -> tuple[bool, Any]:
    if isinstance(value, bytes):
        return True, base64.b64encode(value).decode()
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [_as_json(item) for item in value]
        return all(known for known, _ in items), [item for _, item in items]
    if isinstance(value, dict):
        entries = {key: _as_json(item) for key, item in value.items()}
        known = all(isinstance(key, str) and ok for key, (ok, _) in entries.items())
        return known, {key: item for key, (_, item) in entries.items()}
    if isinstance(value, float):
        return value == value and abs(value) != float("inf"), value
    return value is None or isinstance(value, (str, int, bool)), value


def _is_required_field(default: ast.expr) -> bool:
    """`x: int = Field(...)` and `= ...` have no default, unlike any other value."""
    if _is_ellipsis(default):
        return True
    if isinstance(default, ast.Call) and last_name(default.func) in ("Field", "field"):
        named = {keyword.arg for keyword in default.keywords}
        if default.args:
            return _is_ellipsis(default.args[0])
        return not named & {"default", "default_factory"}
    return False


def _unquoted(node: ast.expr | None) -> ast.expr | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return node


def _alternatives(node: ast.expr) -> Iterator[ast.expr]:
    todo = [node]
    while todo:
        item = todo.pop()
        if isinstance(item, ast.BinOp) and isinstance(item.op, ast.BitOr):
            todo += [item.right, item.left]
        else:
            yield item


def _items(node: ast.Subscript) -> list[ast.expr]:
    return list(node.slice.elts) if isinstance(node.slice, ast.Tuple) and node.slice.elts else [node.slice]


def last_name(node: ast.expr) -> str:
    """`c` of `a.b.c`, of `c[int]` and of `c`; "" of what has no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return last_name(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...
