"""The inputs of a Bash script: the variables that it sets from its positional parameters, at the top level.

`name="$1"` is a required input, `name="${2:-42}"` has a default. Everything is a string.
"""

from __future__ import annotations

import re

import tree_sitter_bash
from tree_sitter import Language, Node

from flowapp.openflow.parsing import SourceParser
from flowapp.signatures.schema import Argument, Signature, SignatureProblem, object_schema

_PARSER = SourceParser(Language(tree_sitter_bash.language()))
_POSITIONAL = re.compile(r"\$(?:([1-9])|\{([1-9][0-9]?)(?::?([-?=])([^}]*))?\})", re.DOTALL)
_CONTAINERS = frozenset({"program", "declaration_command", "list", "variable_assignments"})
# What the parser misses only where Bash would miss it too; its other complaints are often about valid code.
_CERTAIN = frozenset({"fi", "done", "esac", "}", ")", '"', "then", "do", "`"})


def infer(code: str) -> Signature | SignatureProblem:
    """The signature of the script; its result is text unless the script writes a `result.json`."""
    source = code.encode("utf-8", "replace")
    tree = _PARSER.parse(source)
    if tree is None:
        return SignatureProblem("The code is too deeply nested, or too broken, to be read.", 1)
    root = tree.root_node
    if root.has_error:
        missing = _missing(root)
        if missing is not None:
            line = min(missing.start_point.row, code.rstrip().count("\n")) + 1
            return SignatureProblem(f"`{missing.type}` is missing.", line)
    found: dict[int, Argument] = {}
    todo = [root]
    while todo:
        node = todo.pop()
        if node.type == "variable_assignment":
            position, argument = _assigned(node, source)
            if argument is not None:
                found.setdefault(position, argument)
        elif node.type in _CONTAINERS or node.type == "ERROR":
            todo.extend(reversed(node.named_children))
    arguments = _in_order(found)
    returns = None if "result.json" in code else {"type": "string"}
    return Signature(object_schema(arguments), returns)


def _assigned(node: Node, source: bytes) -> tuple[int, Argument | None]:
    name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    if name is None or value is None or name.type != "variable_name":
        return 0, None
    text = source[value.start_byte : value.end_byte].decode()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    match = _POSITIONAL.fullmatch(text)
    if match is None:
        return 0, None
    short, long, operator, default = match.groups()
    label = source[name.start_byte : name.end_byte].decode()
    if operator in ("-", "="):
        return int(short or long), Argument(label, {"type": "string", "default": _unquoted(default)}, False)
    return int(short or long), Argument(label, {"type": "string"}, True)


def _unquoted(text: str) -> str:
    quoted = len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _in_order(found: dict[int, Argument]) -> list[Argument]:
    """By position. A position that no variable is set from gets a name of its own, so that the others keep theirs."""
    last = max(found, default=0)
    unnamed = {"type": "string", "default": ""}
    return [found.get(i, Argument(f"arg{i}", unnamed, False)) for i in range(1, last + 1)]


def _missing(root: Node) -> Node | None:
    todo = [root]
    while todo:
        node = todo.pop()
        if node.is_missing and node.type in _CERTAIN:
            return node
        if node.has_error:
            todo.extend(reversed(node.children))
    return None
