"""Results as far as an annotation makes them sure: what a value of the type really is as JSON, and that it has no other keys.

What an annotation only suggests is left open here: an object of a class becomes its text, a `Map` becomes `{}`, a type that is
not in the file may have any fields.
"""

from __future__ import annotations

import ast

from tree_sitter import Node

from flowapp.signatures.python_types import Types as PythonTypes
from flowapp.signatures.python_types import last_name
from flowapp.signatures.schema import Schema
from flowapp.signatures.typescript_types import Types as TypeScriptTypes
from flowapp.signatures.typescript_types import inside

_PYTHON_UNSURE = frozenset(
    {"Decimal", "object", "Sequence", "Iterable", "Collection", "set", "Set", "frozenset", "FrozenSet", "NamedTuple"}
)
_TYPESCRIPT_UNSURE = frozenset(
    {"object", "Object", "bigint", "Set", "Map", "Uint8Array", "ArrayBuffer", "Base64", "Function"}
)


class PythonResults(PythonTypes):
    """Python annotations of results. Of the classes of a script only a `TypedDict` is an object as JSON, and a `NamedTuple` a list.

    Objects of other classes (dataclasses, pydantic models) become the text that `str` makes of them.
    """

    def _class(self, node: ast.ClassDef, path: tuple[str, ...], *, resources: bool) -> Schema:
        if self._is_typed_dict(node, ()) or self._is_enum(node):
            return super()._class(node, path, resources=resources)
        return {"type": "array"} if any(last_name(base) == "NamedTuple" for base in node.bases) else {}

    def _is_typed_dict(self, node: ast.ClassDef, path: tuple[str, ...]) -> bool:
        return bool(node.bases) and all(self._is_base(last_name(base), (*path, node.name)) for base in node.bases)

    def _is_base(self, name: str, path: tuple[str, ...]) -> bool:
        parent = self._classes.get(name)
        return name == "TypedDict" or (parent is not None and name not in path and self._is_typed_dict(parent, path))


class SurePython(PythonResults):
    """The same without what is not sure to be so: keys of a `TypedDict` are all there are, a `Sequence` may be a text."""

    def _named(self, name: str, path: tuple[str, ...], *, resources: bool, local: bool) -> Schema:
        own = local and (name in self._classes or name in self._aliases)
        return (
            {} if name in _PYTHON_UNSURE and not own else super()._named(name, path, resources=resources, local=local)
        )

    def _generic(self, node: ast.Subscript, path: tuple[str, ...], *, resources: bool) -> Schema:
        if last_name(node.value) in _PYTHON_UNSURE:
            return {}
        return super()._generic(node, path, resources=resources)

    def _class(self, node: ast.ClassDef, path: tuple[str, ...], *, resources: bool) -> Schema:
        return {} if self._is_enum(node) else super()._class(node, path, resources=resources)


class SureTypeScript(TypeScriptTypes):
    """TypeScript types. An object has keys that one knows where all are listed in this file."""

    def _schema(self, node: Node | None, path: tuple[str, ...]) -> Schema:
        inner = inside(node) if node is not None else None
        return super()._schema(inner, path) if inner is None or self._is_sure(inner, path) else {}

    def _is_sure(self, node: Node, path: tuple[str, ...]) -> bool:
        match node.type:
            case "object_type" | "interface_body":
                return _only_fields(node)
            case "intersection_type":
                return self._all_listed(node, path)
            case "predefined_type":
                return self.text(node) not in _TYPESCRIPT_UNSURE
            case "type_identifier" | "identifier":
                return self._is_sure_name(self.text(node), path)
            case "generic_type":
                named = node.child_by_field_name("name")
                return named is not None and self._is_sure_name(self.text(named), path)
            case _:
                return True

    def _is_sure_name(self, name: str, path: tuple[str, ...]) -> bool:
        defined = self._defined.get(name)
        if defined is None:
            return name not in _TYPESCRIPT_UNSURE
        if name in path or defined.type in ("type_alias_declaration", "enum_declaration"):
            return True
        body = defined.child_by_field_name("body")
        if defined.type != "interface_declaration" or body is None or not _only_fields(body):
            return False
        clauses = [child for child in defined.named_children if child.type == "extends_type_clause"]
        return all(self._all_listed(clause, (*path, name)) for clause in clauses)

    def _all_listed(self, node: Node, path: tuple[str, ...]) -> bool:
        parts = [child for child in node.named_children if child.type != "comment"]
        return all(self._schema(part, (*path, "&")).get("properties") for part in parts)


def _only_fields(body: Node) -> bool:
    return all(child.type in ("property_signature", "comment") for child in body.named_children)
