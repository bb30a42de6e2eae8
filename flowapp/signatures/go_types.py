"""Go types as JSON Schema, as `encoding/json` reads and writes them."""

from __future__ import annotations

import re

from tree_sitter import Node

from flowapp.signatures.schema import MAX_DEPTH, Argument, Schema, nested_object

_SIMPLE: dict[str, Schema] = {
    **{f"{kind}{bits}": {"type": "integer"} for kind in ("int", "uint") for bits in ("", 8, 16, 32, 64)},
    "uintptr": {"type": "integer"},
    "byte": {"type": "integer"},
    "rune": {"type": "integer"},
    "float32": {"type": "number"},
    "float64": {"type": "number"},
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "any": {},
    "error": {},
}
_QUALIFIED: dict[str, Schema] = {
    "time.Time": {"type": "string", "format": "date-time"},
    "time.Duration": {"type": "integer"},
    "json.RawMessage": {},
    "json.Number": {"type": "number"},
    "url.URL": {"type": "string"},
    "big.Int": {"type": "integer"},
}
_BYTES: Schema = {"type": "string", "contentEncoding": "base64"}
_TAG = re.compile(r'json:"([^"]*)"')


def text_of(node: Node, source: bytes) -> str:
    """The source text of a node."""
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


class Types:
    """Turns type expressions of one file into schemas. Knows the types that the file defines."""

    def __init__(self, root: Node, source: bytes) -> None:
        self._source = source
        self._defined: dict[str, Node] = {}
        for declaration in root.named_children:
            for spec in declaration.named_children if declaration.type == "type_declaration" else []:
                name, kind = spec.child_by_field_name("name"), spec.child_by_field_name("type")
                if name is not None and kind is not None and spec.child_by_field_name("type_parameters") is None:
                    self._defined[self._text(name)] = kind

    def schema(self, node: Node) -> Schema:
        """The schema of an input of this type; `{}` (anything) where nothing is known."""
        return self._schema(node, ())

    def result(self, node: Node | None) -> Schema:
        """The schema of what a function answers, its error left out."""
        if node is None:
            return {"type": "null"}
        if node.type == "parameter_list":
            kinds = [found for item in node.named_children if (found := item.child_by_field_name("type")) is not None]
            kinds = [kind for kind in kinds if self._text(kind) != "error"]
            return self._schema(kinds[0], ()) if kinds else {"type": "null"}
        return {"type": "null"} if self._text(node) == "error" else self._schema(node, ())

    def is_pointer(self, node: Node) -> bool:
        """Whether nothing (nil) is among the values that one would pass."""
        return node.type == "pointer_type"

    def _schema(self, node: Node, path: tuple[str, ...]) -> Schema:
        text = self._text(node)
        if len(path) > MAX_DEPTH:
            return {}
        if node.type == "type_identifier":
            if text in self._defined and text not in path:
                return self._schema(self._defined[text], (*path, text))
            return dict(_SIMPLE.get(text, {})) if text not in self._defined else {}
        if node.type == "qualified_type":
            return dict(_QUALIFIED.get(text, {}))
        if node.type == "struct_type":
            return nested_object(self._fields(node, path))
        if node.type in ("pointer_type", "parenthesized_type") and node.named_children:
            return self._schema(node.named_children[0], (*path, ""))
        if node.type in ("slice_type", "array_type"):
            return self._list(node, path)
        if node.type == "map_type":
            value = node.child_by_field_name("value")
            inner = self._schema(value, (*path, "")) if value is not None else {}
            return {"type": "object", "additionalProperties": inner} if inner else {"type": "object"}
        return {}

    def _list(self, node: Node, path: tuple[str, ...]) -> Schema:
        element = node.child_by_field_name("element")
        if element is None:
            return {"type": "array"}
        if node.type == "slice_type" and self._text(element) in ("byte", "uint8"):
            return dict(_BYTES)
        inner = self._schema(element, (*path, ""))
        return {"type": "array", "items": inner} if inner else {"type": "array"}

    def _fields(self, node: Node, path: tuple[str, ...]) -> list[Argument]:
        found: list[Argument] = []
        listed = next((child for child in node.named_children if child.type == "field_declaration_list"), None)
        for field in listed.named_children if listed is not None else []:
            kind = field.child_by_field_name("type")
            if field.type != "field_declaration" or kind is None:
                continue
            tag = field.child_by_field_name("tag")
            match = _TAG.search(self._text(tag)) if tag is not None else None
            alias, _, options = match[1].partition(",") if match is not None else ("", "", "")
            names = [self._text(name) for name in field.children_by_field_name("name")]
            if not names and not alias:
                found += self._embedded(kind, path)
                continue
            optional = "omit" in options or self.is_pointer(kind)
            for name in names or [self._text(kind)]:
                if alias != "-" and name[:1].isupper():
                    found.append(Argument(alias or name, self._schema(kind, (*path, "")), not optional))
        return found

    def _embedded(self, kind: Node, path: tuple[str, ...]) -> list[Argument]:
        """The fields of a struct that is embedded: they are those of the outer one."""
        name = self._text(kind).lstrip("*")
        inner = self._defined.get(name)
        if inner is None or inner.type != "struct_type" or name in path:
            return []
        return self._fields(inner, (*path, name))

    def _text(self, node: Node) -> str:
        return text_of(node, self._source)
