"""The signature of a Go cell, read from its syntax tree: `func main(x T, ...) (interface{}, error)` of `package inner`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter_go
from tree_sitter import Language, Node

from flowapp.openflow.parsing import SourceParser
from flowapp.signatures.go_types import Types, text_of
from flowapp.signatures.schema import Argument, Signature, SignatureProblem, object_schema

_PARSER = SourceParser(Language(tree_sitter_go.language()))


@dataclass(frozen=True, slots=True)
class GoScript:
    """What the adapter needs to know: what the code imports, and how its function is called."""

    imports: tuple[tuple[str, int], ...]
    """Path and line of each import."""
    parameters: tuple[str, ...]
    """In the order of the call."""


def infer(_language: str, code: str, entrypoint: str) -> Signature | SignatureProblem:
    """The signature of the function `entrypoint`."""
    found = _function(code, entrypoint)
    if isinstance(found, SignatureProblem):
        return found
    function, root, source = found
    types = Types(root, source)
    arguments = []
    for name, kind, line in _parameters(function, source):
        if kind is None:
            return SignatureProblem(
                "A variadic parameter (`x ...T`) cannot be passed by name. Write `x []T`.", line, syntax=False
            )
        arguments.append(Argument(name, types.schema(kind), not types.is_pointer(kind)))
    returns = types.result(function.child_by_field_name("result"))
    return Signature(object_schema(arguments), returns or None)


def read(code: str, entrypoint: str) -> GoScript | SignatureProblem:
    """What running the code takes."""
    found = _function(code, entrypoint)
    if isinstance(found, SignatureProblem):
        return found
    function, root, source = found
    parameters = tuple(name for name, _, _ in _parameters(function, source))
    return GoScript(tuple(_imports(root, source)), parameters)


def _function(code: str, entrypoint: str) -> tuple[Node, Node, bytes] | SignatureProblem:
    source = code.encode("utf-8", "replace")
    tree = _PARSER.parse(source)
    if tree is None:
        return SignatureProblem("The code is nested too deeply to be read.", 1)
    root = tree.root_node
    if root.has_error:
        return _problem(root, source)
    package = next((node for node in root.named_children if node.type == "package_clause"), None)
    if package is None or text_of(package, source).split()[1:2] != ["inner"]:
        line = package.start_point.row + 1 if package is not None else 1
        return SignatureProblem("A Go cell begins with `package inner`.", line, syntax=False)
    for node in root.named_children:
        if node.type == "function_declaration":
            name = node.child_by_field_name("name")
            if name is not None and text_of(name, source) == entrypoint:
                if node.child_by_field_name("type_parameters") is not None:
                    line = node.start_point.row + 1
                    return SignatureProblem(f"`{entrypoint}` cannot have type parameters.", line, syntax=False)
                return node, root, source
    message = f"There is no function `{entrypoint}`. Write: func {entrypoint}(x string) (interface{{}}, error)"
    return SignatureProblem(message, 1, syntax=False)


def _parameters(function: Node, source: bytes) -> Iterator[tuple[str, Node | None, int]]:
    """Name, type and line of each; the type is None for a variadic one."""
    listed = function.child_by_field_name("parameters")
    unnamed = 0
    for node in listed.named_children if listed is not None else []:
        line = node.start_point.row + 1
        kind = node.child_by_field_name("type")
        if node.type == "variadic_parameter_declaration":
            yield "", None, line
        elif node.type == "parameter_declaration" and kind is not None:
            names = [text_of(name, source) for name in node.children_by_field_name("name")]
            for name in names or ["_"]:
                unnamed += name == "_"
                yield (name if name != "_" else f"arg{unnamed}"), kind, line


def _imports(root: Node, source: bytes) -> Iterator[tuple[str, int]]:
    todo = [node for node in root.named_children if node.type == "import_declaration"]
    while todo:
        node = todo.pop()
        path = node.child_by_field_name("path") if node.type == "import_spec" else None
        if path is not None:
            yield text_of(path, source).strip('"`'), path.start_point.row + 1
        todo.extend(node.named_children)


def _problem(root: Node, source: bytes) -> SignatureProblem:
    """The first error in the order of the text."""
    todo = [root]
    while todo:
        node = todo.pop()
        if node.is_missing or (node.is_error and not any(child.has_error for child in node.children)):
            lines = text_of(node, source).strip().splitlines()
            line = node.start_point.row + 1
            if node.is_missing:
                return SignatureProblem(f"`{node.type}` is missing.", line)
            return SignatureProblem(
                f"This is not valid Go: `{lines[0][:60]}`." if lines else "This is not valid Go.", line
            )
        if node.has_error:
            todo.extend(reversed(node.children))
    return SignatureProblem("This is not valid Go.", 1)
