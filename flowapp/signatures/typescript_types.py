"""TypeScript types as JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from tree_sitter import Node

from flowapp.signatures.schema import MAX_DEPTH, Argument, Schema, any_of, enum_of, nested_object, resource

_SIMPLE: dict[str, Schema] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "bigint": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "object": {"type": "object"},
    "any": {},
    "unknown": {},
    "never": {},
    "symbol": {},
    "void": {"type": "null"},
    "undefined": {"type": "null"},
    "null": {"type": "null"},
    "String": {"type": "string"},
    "Number": {"type": "number"},
    "Boolean": {"type": "boolean"},
    "Object": {"type": "object"},
    "Function": {},
    "Date": {"type": "string", "format": "date-time"},
    "URL": {"type": "string", "format": "uri"},
    "Base64": {"type": "string", "contentEncoding": "base64"},
    "Uint8Array": {"type": "string", "contentEncoding": "base64"},
    "ArrayBuffer": {"type": "string", "contentEncoding": "base64"},
    "Email": {"type": "string", "format": "email"},
    "Sql": {"type": "string", "format": "sql"},
    "S3Object": {"type": "object", "format": "resource-s3_object"},
    "Array": {"type": "array"},
    "ReadonlyArray": {"type": "array"},
    "Set": {"type": "array", "uniqueItems": True},
    "Record": {"type": "object"},
    "Map": {"type": "object"},
}
_ARRAYS = frozenset({"Array", "ReadonlyArray", "Set"})
_SAME = frozenset({"Promise", "Awaited", "Readonly", "Required", "NonNullable", "PromiseLike"})
_STREAMS = frozenset({"AsyncGenerator", "Generator", "AsyncIterable", "ReadableStream"})
_NOTHING = frozenset({"null", "undefined", "void"})
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\s\S]))")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}


class Types:
    """Turns the type annotations of one module into schemas. Knows the types, interfaces and enums it defines."""

    def __init__(self, root: Node, source: bytes) -> None:
        self.source = source
        self._defined: dict[str, Node] = {}
        self._resources = True
        self.parameters: frozenset[str] = frozenset()
        """Type parameters of the function at hand, which stand for anything."""
        for node in root.named_children:
            declared = node.child_by_field_name("declaration") if node.type == "export_statement" else node
            if declared is not None and declared.type in _DEFINITIONS:
                name = declared.child_by_field_name("name")
                if name is not None:
                    self._defined[self.text(name)] = declared

    def schema(self, annotation: Node | None) -> Schema:
        """The schema of an input with this type; `{}` (anything) where nothing is known."""
        self._resources = True
        return self._schema(annotation, ())

    def result_schema(self, annotation: Node | None) -> Schema:
        """The schema of a result. A type that is not known says nothing about it, where as an input it is a resource."""
        self._resources = False
        return self._schema(annotation, ())

    def is_optional(self, annotation: Node | None) -> bool:
        """Whether null or undefined is among the values."""
        node = inside(annotation) if annotation is not None else None
        if node is None or node.type != "union_type":
            return False
        return any(self.text(option) in _NOTHING for option in _options(node))

    def enum_member(self, name: str, member: str) -> tuple[bool, Any]:
        """(known, value) of `Color.Red`."""
        node = self._defined.get(name)
        if node is None or node.type != "enum_declaration":
            return False, None
        members = dict(self._members(node))
        return member in members, members.get(member)

    def text(self, node: Node) -> str:
        """The source text of a node."""
        return text_of(node, self.source)

    def _schema(self, node: Node | None, path: tuple[str, ...]) -> Schema:
        if node is None or len(path) > MAX_DEPTH:
            return {}
        node = inside(node)
        if node is None:
            return {}
        make = _KINDS.get(node.type)
        return make(self, node, path) if make is not None else {}

    def _predefined(self, node: Node, _: tuple[str, ...]) -> Schema:
        return dict(_SIMPLE.get(self.text(node), {}))

    def _literal(self, node: Node, _: tuple[str, ...]) -> Schema:
        if self.text(node) in _NOTHING:
            return {"type": "null"}
        inner = node.named_children[0] if node.named_child_count else node
        known, value = literal(inner, self)
        return enum_of([value]) if known else {}

    def _template(self, _: Node, __: tuple[str, ...]) -> Schema:
        return {"type": "string"}

    def _array(self, node: Node, path: tuple[str, ...]) -> Schema:
        item = self._schema(node.named_children[0], (*path, "[]")) if node.named_child_count else {}
        return {"type": "array", "items": item} if item else {"type": "array"}

    def _tuple(self, node: Node, path: tuple[str, ...]) -> Schema:
        items = [self._schema(item, (*path, "[]")) for item in node.named_children if item.type != "comment"]
        same = bool(items) and all(item == items[0] for item in items) and bool(items[0])
        return {"type": "array", "items": items[0]} if same else {"type": "array"}

    def _union(self, node: Node, path: tuple[str, ...]) -> Schema:
        options = [option for option in _options(node) if self.text(option) not in _NOTHING]
        return any_of([self._schema(option, (*path, "|")) for option in options])

    def _intersection(self, node: Node, path: tuple[str, ...]) -> Schema:
        properties: dict[str, Argument] = {}
        for option in node.named_children:
            part = self._schema(option, (*path, "&"))
            required = part.get("required", [])
            for name, schema in part.get("properties", {}).items():
                properties[name] = Argument(name, schema, name in required)
        return nested_object(properties.values()) if properties else {"type": "object"}

    def _object(self, node: Node, path: tuple[str, ...]) -> Schema:
        fields = list(self._fields(node, path))
        index = next((child for child in node.named_children if child.type == "index_signature"), None)
        if not fields:
            value = self._schema(index.child_by_field_name("type"), (*path, "{}")) if index is not None else {}
            return {"type": "object", "additionalProperties": value} if value else {"type": "object"}
        return nested_object(fields)

    def _fields(self, node: Node, path: tuple[str, ...]) -> Iterator[Argument]:
        for member in node.named_children:
            name = member.child_by_field_name("name")
            if member.type not in ("property_signature", "public_field_definition") or name is None:
                continue
            annotation = member.child_by_field_name("type")
            optional = any(child.type == "?" for child in member.children)
            known, key = (True, self.text(name)) if name.type == "property_identifier" else literal(name, self)
            if known and isinstance(key, str):
                schema = self._schema(annotation, (*path, "{}")) if annotation is not None else {}
                yield Argument(key, schema, not optional and not self.is_optional(annotation))

    def _nested_name(self, node: Node, path: tuple[str, ...]) -> Schema:
        module, name = node.child_by_field_name("module"), node.child_by_field_name("name")
        if module is None or name is None or self.text(module) not in ("wmill", "RT", "Windmill"):
            return {}
        return self._known_name(self.text(name))

    def _name(self, node: Node, path: tuple[str, ...]) -> Schema:
        name = self.text(node)
        if name not in self._defined:
            return self._known_name(name)
        defined = self._defined[name]
        if name in path:
            return {"type": "object"}
        found = self._definition(defined, (*path, name))
        # `type Postgresql = object` is how scripts name a resource type
        return resource(name) if self._resources and found == {"type": "object"} else found

    def _known_name(self, name: str) -> Schema:
        if name in self.parameters:
            return {}
        if name in _SIMPLE:
            return dict(_SIMPLE[name])
        for prefix, kind in (("DynSelect_", "dynselect"), ("DynMultiselect_", "dynmultiselect")):
            if name.startswith(prefix):
                return {"type": "object", "format": f"{kind}-{name.removeprefix(prefix)}"}
        return resource(name) if self._resources else {}

    def _definition(self, node: Node, path: tuple[str, ...]) -> Schema:
        if node.type == "enum_declaration":
            values = [value for _, value in self._members(node)]
            return enum_of(values) if values else {}
        if node.type == "type_alias_declaration":
            return self._schema(node.child_by_field_name("value"), path)
        fields: dict[str, Argument] = {}
        for clause in node.named_children:
            if clause.type in ("extends_type_clause", "class_heritage"):
                inherited = self._intersection(clause, path) if clause.type == "extends_type_clause" else {}
                required = inherited.get("required", [])
                for name, schema in inherited.get("properties", {}).items():
                    fields[name] = Argument(name, schema, name in required)
        body = node.child_by_field_name("body")
        if body is not None:
            fields.update((field.name, field) for field in self._fields(body, path))
            if not fields:
                return self._object(body, path)
        return nested_object(fields.values())

    def _generic(self, node: Node, path: tuple[str, ...]) -> Schema:
        named = node.child_by_field_name("name")
        name = self.text(named).rpartition(".")[2] if named is not None else ""
        listed = node.child_by_field_name("type_arguments")
        arguments = listed.named_children if listed is not None else []
        first = self._schema(arguments[0], (*path, name)) if arguments else {}
        if name in _ARRAYS:
            base = dict(_SIMPLE[name])
            return {**base, "items": first} if first else base
        if name in ("Record", "Map"):
            value = self._schema(arguments[1], (*path, name)) if len(arguments) > 1 else {}
            return {"type": "object", "additionalProperties": value} if value else {"type": "object"}
        if name in _SAME:
            return first
        if name == "Partial":
            return {**first, "required": []} if "properties" in first else first
        if name in ("Pick", "Omit") and len(arguments) > 1:
            return _picked(first, self._schema(arguments[1], path).get("enum", []), keep=name == "Pick")
        if name == "Resource" and "enum" in first:
            return {"type": "object", "format": f"resource-{first['enum'][0]}"}
        if name in _STREAMS:
            return {"type": "string"} if not self._resources else {}
        return self._schema(named, path) if name in self._defined else {}

    def _members(self, node: Node) -> Iterator[tuple[str, Any]]:
        body = node.child_by_field_name("body")
        number = 0
        for member in body.named_children if body is not None else []:
            value: Any = number
            name: Node | None = member
            if member.type == "enum_assignment":
                name, assigned = member.child_by_field_name("name"), member.child_by_field_name("value")
                known, value = literal(assigned, self) if assigned is not None else (False, None)
                if not known:
                    continue
            if name is None or name.type == "comment":
                continue
            if isinstance(value, int):
                number = value + 1
            yield self.text(name).strip("\"'"), value


_DEFINITIONS = frozenset(
    {
        "interface_declaration",
        "type_alias_declaration",
        "enum_declaration",
        "class_declaration",
        "abstract_class_declaration",
    }
)

_KINDS: dict[str, Callable[[Types, Node, tuple[str, ...]], Schema]] = {
    "predefined_type": Types._predefined,
    "literal_type": Types._literal,
    "template_literal_type": Types._template,
    "array_type": Types._array,
    "tuple_type": Types._tuple,
    "union_type": Types._union,
    "intersection_type": Types._intersection,
    "object_type": Types._object,
    "interface_body": Types._object,
    "nested_type_identifier": Types._nested_name,
    "type_identifier": Types._name,
    "identifier": Types._name,
    "generic_type": Types._generic,
}


def literal(node: Node, types: Types) -> tuple[bool, Any]:
    """(known, value) of an expression as a JSON value. Not known: whatever only running the code can tell."""
    node = unwrapped(node)
    text = types.text(node)
    if node.type == "string" or (node.type == "template_string" and "${" not in text):
        return True, _ESCAPE.sub(_unescaped, text[1:-1])
    if node.type in ("true", "false"):
        return True, node.type == "true"
    if node.type in ("null", "undefined"):
        return True, None
    if node.type == "number":
        return _number(text)
    if node.type == "unary_expression" and text[:1] in "+-":
        known, value = _number(text[1:].strip())
        return known, -value if known and text[0] == "-" else value
    if node.type == "array":
        items = [literal(item, types) for item in node.named_children if item.type != "comment"]
        return all(known for known, _ in items), [value for _, value in items]
    if node.type == "object":
        return _object_literal(node, types)
    if node.type == "member_expression":
        owner, _, member = text.rpartition(".")
        return types.enum_member(owner, member)
    return False, None


def _object_literal(node: Node, types: Types) -> tuple[bool, Any]:
    found: dict[str, Any] = {}
    for pair in node.named_children:
        if pair.type == "comment":
            continue
        key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
        if pair.type != "pair" or key is None or value is None:
            return False, None
        known_key, name = (True, types.text(key)) if key.type != "string" else literal(key, types)
        known, item = literal(value, types)
        if not known or not known_key or key.type == "computed_property_name":
            return False, None
        found[str(name)] = item
    return True, found


def _number(text: str) -> tuple[bool, Any]:
    digits = text.replace("_", "").removesuffix("n")
    try:
        return True, int(digits, 0) if re.fullmatch(r"0[xob][0-9a-fA-F]+|0|[1-9][0-9]*", digits) else float(digits)
    except ValueError:
        return False, None


def unwrapped(node: Node) -> Node:
    """The expression without parentheses and type assertions, which leave the value what it is."""
    while node.type in ("parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"):
        inner = next((child for child in node.named_children if child.type != "comment"), None)
        if inner is None:
            break
        node = inner
    return node


def text_of(node: Node, source: bytes) -> str:
    """The source text of a node."""
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def inside(node: Node) -> Node | None:
    """The type in an annotation, in parentheses, after `readonly`."""
    while node.type in ("type_annotation", "parenthesized_type", "readonly_type"):
        inner = next((child for child in node.named_children if child.type != "comment"), None)
        if inner is None:
            return None
        node = inner
    return node


def _options(node: Node) -> Iterator[Node]:
    """The members of a union, which the parser nests to the left."""
    todo = [node]
    while todo:
        item = inside(todo.pop())
        if item is not None and item.type == "union_type":
            todo.extend(reversed([child for child in item.named_children if child.type != "comment"]))
        elif item is not None:
            yield item


def _picked(schema: Schema, names: list[Any], *, keep: bool) -> Schema:
    properties = {name: item for name, item in schema.get("properties", {}).items() if (name in names) == keep}
    required = [name for name in schema.get("required", []) if name in properties]
    return {"type": "object", "properties": properties, "required": required} if properties else {"type": "object"}


def _unescaped(match: re.Match[str]) -> str:
    digits = match.group(1) or match.group(2) or match.group(3)
    if digits is not None:
        return chr(min(int(digits, 16), 0x10FFFF))
    return _ESCAPES.get(match.group(4), match.group(4))
