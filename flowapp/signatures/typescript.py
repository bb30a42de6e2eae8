"""The signature of a TypeScript script, read from its syntax tree."""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter_typescript
from tree_sitter import Language, Node

from flowapp.openflow.parsing import SourceParser
from flowapp.signatures.schema import Argument, Schema, Signature, SignatureProblem, object_schema, of_value
from flowapp.signatures.sure import SureTypeScript
from flowapp.signatures.typescript_types import Types, literal, text_of, unwrapped

_PARSER = SourceParser(Language(tree_sitter_typescript.language_typescript()))

_FUNCTIONS = frozenset(
    {
        "function_declaration",
        "generator_function_declaration",
        "function_expression",
        "generator_function",
        "arrow_function",
    }
)


def infer(_language: str, code: str, entrypoint: str) -> Signature | SignatureProblem:
    """The signature of the exported function `entrypoint`; without one, that of the default export."""
    source = code.encode("utf-8", "replace")
    tree = _PARSER.parse(source)
    if tree is None:
        return SignatureProblem("The code is too deeply nested, or too broken, to be read.", 1)
    root = tree.root_node
    if root.has_error:
        return _problem(root, source)
    exports = _Exports(root, source)
    function = exports.find(entrypoint)
    if function is None:
        if exports.is_elsewhere(entrypoint):
            return Signature(object_schema([]), has_kwargs=True)
        line = exports.line_of(entrypoint)
        if line is not None:
            return SignatureProblem(f"`{entrypoint}` is not exported. Write `export` before it.", line, syntax=False)
        message = f"There is no exported function `{entrypoint}`. Write `export async function {entrypoint}(...) {{`."
        return SignatureProblem(message, 1, syntax=False)
    return _signature(function, Types(root, source), root)


def _signature(function: Node, types: Types, root: Node) -> Signature | SignatureProblem:
    found: list[Argument] = []
    guessed: set[str] = set()
    generic = function.child_by_field_name("type_parameters")
    named = (node.child_by_field_name("name") for node in (generic.named_children if generic is not None else []))
    types.parameters = frozenset(types.text(name) for name in named if name is not None)
    for parameter in _parameters(function):
        argument = _argument(parameter, types, types.source)
        if isinstance(argument, SignatureProblem):
            return argument
        if argument is not None:
            found.append(argument)
            if parameter.child_by_field_name("type") is None:
                guessed.add(argument.name)
    annotation = function.child_by_field_name("return_type")
    returns = types.result_schema(annotation) if annotation is not None else None
    return Signature(
        object_schema(found), returns or None, sure=_sure(annotation, types, root), guessed=frozenset(guessed)
    )


def _sure(annotation: Node | None, types: Types, root: Node) -> Schema | None:
    if annotation is None:
        return None
    sure = SureTypeScript(root, types.source)
    sure.parameters = types.parameters
    return sure.result_schema(annotation) or None


def _parameters(function: Node) -> list[Node]:
    single = function.child_by_field_name("parameter")  # x => …
    if single is not None:
        return [single]
    listed = function.child_by_field_name("parameters")
    return [node for node in listed.named_children if node.type != "comment"] if listed is not None else []


def _argument(node: Node, types: Types, source: bytes) -> Argument | SignatureProblem | None:
    pattern = node if node.type == "identifier" else node.child_by_field_name("pattern")
    if pattern is None or pattern.type == "this":
        return None
    line = node.start_point.row + 1
    if pattern.type in ("object_pattern", "array_pattern"):
        return SignatureProblem(
            "A destructured parameter has no name to pass an input by. Name it.", line, syntax=False
        )
    if pattern.type == "rest_pattern":
        return SignatureProblem(
            "A rest parameter (`...x`) cannot be passed by name. Write `x: T[]`.", line, syntax=False
        )
    annotation = node.child_by_field_name("type")
    default = node.child_by_field_name("value")
    schema = types.schema(annotation) if annotation is not None else {}
    if default is not None:
        known, value = literal(default, types)
        if known and value is not None:
            suggested = (
                {"type": "number"}
                if isinstance(value, int | float) and not isinstance(value, bool)
                else of_value(value)
            )
            schema = {**(schema or suggested), "default": value}
    required = default is None and node.type != "optional_parameter" and not types.is_optional(annotation)
    return Argument(text_of(pattern, source), schema, required)


class _Exports:
    """The functions of a module by the name under which it exports them."""

    def __init__(self, root: Node, source: bytes) -> None:
        self._source = source
        self._local: dict[str, Node] = {}
        self._exported: dict[str, Node | str] = {}
        self._elsewhere: set[str] = set()
        for node in root.named_children:
            if node.type == "export_statement":
                self._export(node)
            else:
                self._local.update(self._declared(node))

    def find(self, name: str) -> Node | None:
        """The function exported as `name`, or else as the default."""
        for exported in (name, "default"):
            target = self._exported.get(exported)
            if isinstance(target, str):
                target = self._local.get(target)
            function = self._of_workflow(unwrapped(target)) if target is not None else None
            if function is not None and function.type == "identifier":
                function = self._local.get(text_of(function, self._source))
            if function is not None and function.type in _FUNCTIONS:
                return function
        return None

    def _of_workflow(self, node: Node) -> Node:
        """What a call of Windmill's `workflow(…)` wraps, which gives just that; anything else is itself."""
        called = node.child_by_field_name("function") if node.type == "call_expression" else None
        arguments = node.child_by_field_name("arguments")
        if called is None or arguments is None or text_of(called, self._source).rpartition(".")[2] != "workflow":
            return node
        given = next((child for child in arguments.named_children if child.type != "comment"), None)
        return unwrapped(given) if given is not None else node

    def is_elsewhere(self, name: str) -> bool:
        """Whether the function comes from another module, and cannot be seen here."""
        target = self._exported.get(name, self._exported.get("default"))
        return (
            name in self._elsewhere or "*" in self._elsewhere or (isinstance(target, str) and target not in self._local)
        )

    def line_of(self, name: str) -> int | None:
        """Where a function of the name is defined that is not exported."""
        node = self._local.get(name)
        return node.start_point.row + 1 if node is not None and node.type in _FUNCTIONS else None

    def _export(self, node: Node) -> None:
        declaration = node.child_by_field_name("declaration")
        is_default = any(child.type == "default" for child in node.children)
        if declaration is not None:
            declared = self._declared(declaration)
            self._local.update(declared)
            self._exported.update(dict.fromkeys(["default"], *declared.values()) if is_default else declared)
            return
        value = node.child_by_field_name("value")
        if value is not None:
            self._exported["default"] = text_of(value, self._source) if value.type == "identifier" else value
            return
        is_from = node.child_by_field_name("source") is not None
        clause = next((child for child in node.named_children if child.type == "export_clause"), None)
        if clause is None:
            self._elsewhere.add("*")
            return
        for specifier in clause.named_children:
            local = specifier.child_by_field_name("name")
            alias = specifier.child_by_field_name("alias") or local
            if local is None or alias is None:
                continue
            exported = text_of(alias, self._source)
            if is_from:
                self._elsewhere.add(exported)
            else:
                self._exported[exported] = text_of(local, self._source)

    def _declared(self, node: Node) -> dict[str, Node]:
        """Functions (and other values) that a statement of the module level declares."""
        if node.type in ("function_declaration", "generator_function_declaration"):
            name = node.child_by_field_name("name")
            return {text_of(name, self._source): node} if name is not None else {}
        if node.type not in ("lexical_declaration", "variable_declaration"):
            return {}
        found = {}
        for declarator in node.named_children:
            name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
            if name is not None and value is not None and name.type == "identifier":
                found[text_of(name, self._source)] = unwrapped(value)
        return found


def _problem(root: Node, source: bytes) -> SignatureProblem:
    node = next(_broken(root), root)
    line = node.start_point.row + 1
    if node.is_missing:
        return SignatureProblem(
            f"`{node.type}` is missing." if not node.is_named else "A name or a value is missing.", line
        )
    lines = text_of(node, source).strip().splitlines()
    return SignatureProblem(
        f"This is not valid TypeScript: `{lines[0][:60]}`." if lines else "This is not valid TypeScript.", line
    )


def _broken(root: Node) -> Iterator[Node]:
    """Errors in the order of the text."""
    todo = [root]
    while todo:
        node = todo.pop()
        if node.is_missing or (node.is_error and not any(c.has_error for c in node.children)):
            yield node
        elif node.has_error:
            todo.extend(reversed(node.children))
