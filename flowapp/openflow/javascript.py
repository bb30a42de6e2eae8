"""Reading the JavaScript of an expression with a real parser: which free names it uses, and how.

Nothing is evaluated here. The work per expression is one or two parses in C, and then a visit to the identifiers only:
the identifiers are found by a regular expression in the text, and the syntax tree says which of them are names at all
(not inside a string, a comment, a property or a label), which are declared by the expression itself, and what is read of
the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter_javascript
from tree_sitter import Language, Node, Tree, TreeCursor

from flowapp.openflow.parsing import SourceParser
from flowapp.openflow.usage import Trail, Use, use_of

LONGEST_EXPRESSION = 100_000
"""Characters. Longer text is not an expression that anybody wrote; it is refused as a syntax problem."""

_PARSER = SourceParser(Language(tree_sitter_javascript.language()))

_IDENTIFIER = re.compile(rb"[A-Za-z_$\x80-\xff][A-Za-z0-9_$\x80-\xff]*")
_STATEMENT_WORD = re.compile(r"\s*(?:return|const|let|var|if|for|while|do|switch|try|throw|function|class)\b")

_NAME_NODES = frozenset({"identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"})
_FUNCTIONS = frozenset(
    {
        "arrow_function",
        "function_expression",
        "function_declaration",
        "generator_function",
        "generator_function_declaration",
        "method_definition",
    }
)
_DECLARED_IN_BLOCK = frozenset({"function_declaration", "generator_function_declaration", "class_declaration"})
_NAMED_INSIDE = frozenset({"function_expression", "generator_function", "class"})
_BLOCKS = _FUNCTIONS | {
    "program",
    "statement_block",
    "for_statement",
    "for_in_statement",
    "switch_body",
    "class_static_block",
}
_PATTERNS = frozenset({"array_pattern", "object_pattern", "rest_pattern"})


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Why a text is not JavaScript. Line and column count from 1, in characters of the expression as written."""

    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Script:
    """A parsed expression."""

    source: bytes
    """What was parsed: the text itself, or the text between parentheses."""
    shift: int
    """Bytes put before the text."""
    statements: bool
    returns: bool
    """False for statements without a `return` of their own: their value is always undefined."""
    problem: SyntaxProblem | None
    uses: tuple[Use, ...] = field(default=())


def read(text: str) -> Script:
    """Parse an expression, or the statements of a function body, and list its uses of names it does not declare.

    A text that can be read both ways is an expression, so `{a: 1}` is an object and not a block.
    """
    if len(text) > LONGEST_EXPRESSION:
        return _refused("The expression is too long to be read.")
    if not text.strip():
        return Script(b"", 0, False, True, None)
    bare = without_last_semicolon(text)
    source = b"(" + bare.encode("utf-8", "surrogatepass") + b"\n)"
    tree = _PARSER.parse(source)
    if tree is None:
        return _refused("The expression is too deeply nested, or too broken, to be read.")
    if _is_one_expression(tree, source):
        return Script(source, 1, False, True, None, tuple(_uses(tree, source)))
    body = text.encode("utf-8", "surrogatepass")
    body_tree = _PARSER.parse(body)
    if body_tree is None:
        return _refused("The expression is too deeply nested, or too broken, to be read.")
    if not body_tree.root_node.has_error:
        uses = tuple(_uses(body_tree, body))
        return Script(body, 0, True, _has_own_return(body_tree), None, uses)
    if _STATEMENT_WORD.match(text) or not tree.root_node.has_error:
        return Script(body, 0, True, True, _problem(body_tree, body, 0), tuple(_uses(body_tree, body)))
    return Script(source, 1, False, True, _problem(tree, source, 1), tuple(_uses(tree, source)))


def _refused(message: str) -> Script:
    return Script(b"", 0, False, True, SyntaxProblem(message, 1, 1))


def without_last_semicolon(text: str) -> str:
    """`results.a;` is meant as an expression."""
    return text.rstrip().rstrip("; \t\r\n") if text.rstrip().endswith(";") else text


def is_primary(text: str) -> bool:
    """Whether `.key` can be put behind the text as it is (`a.b`, `f(x)`, `[1]`), without parentheses around it."""
    source = b"(" + text.encode("utf-8", "surrogatepass") + b"\n)"
    tree = _PARSER.parse(source)
    if tree is None or not _is_one_expression(tree, source):
        return False
    inside = tree.root_node.named_children[0].named_children[0].named_children
    return len(inside) == 1 and inside[0].type in {
        "identifier",
        "member_expression",
        "subscript_expression",
        "call_expression",
        "parenthesized_expression",
        "array",
        "string",
        "template_string",
    }


def _is_one_expression(tree: Tree, source: bytes) -> bool:
    root = tree.root_node
    if root.has_error or root.named_child_count != 1:
        return False
    statement = root.named_children[0]
    if statement.type != "expression_statement" or statement.named_child_count != 1:
        return False
    inside = statement.named_children[0]
    return inside.type == "parenthesized_expression" and inside.end_byte == len(source)


def _has_own_return(tree: Tree) -> bool:
    todo = [tree.root_node]
    while todo:
        node = todo.pop()
        if node.type in ("return_statement", "throw_statement"):
            return True
        if node.type not in _FUNCTIONS:
            todo.extend(node.named_children)
    return False


# --- syntax problems


def _problem(tree: Tree, source: bytes, shift: int) -> SyntaxProblem:
    node = tree.root_node
    while True:
        broken = next((c for c in node.children if c.has_error or c.is_missing or c.is_error), None)
        if broken is None or node.is_missing:
            break
        node = broken
    start = node.start_byte
    if node.is_missing:
        wanted = "A name or a value" if node.is_named else f"`{node.type}`"
        message = f"{wanted} is missing here."
    else:
        text = source[start : node.end_byte].decode("utf-8", "replace").strip()
        shown = text.splitlines()[0][:40] if text else ""
        message = f"This is not valid JavaScript: `{shown}`." if shown else "This is not valid JavaScript."
    return _at(source, start, shift, message)


def _at(source: bytes, position: int, shift: int, message: str) -> SyntaxProblem:
    before = source[shift : max(position, shift)].decode("utf-8", "replace")
    line = before.count("\n") + 1
    return SyntaxProblem(message, line, len(before) - (before.rfind("\n") + 1) + 1)


# --- names


def _uses(tree: Tree, source: bytes) -> Iterator[Use]:
    """The uses of names that the code does not declare, in the order of the text."""
    bound: dict[str, list[tuple[int, int]]] = {}
    found: list[tuple[int, Use]] = []
    for trail, name in _names(tree, source):
        scope = _declaration_scope(trail)
        if scope is not None:
            bound.setdefault(name, []).append((scope.start_byte, scope.end_byte))
        else:
            found.append((trail[-1][0].start_byte, use_of(trail, name, source)))
    for position, use in found:
        if not any(start <= position < end for start, end in bound.get(use.name, ())):
            yield use


def _names(tree: Tree, source: bytes) -> Iterator[tuple[Trail, str]]:
    """Each identifier that is a name, with its trail. One cursor moves from each to the next, so the whole is linear."""
    cursor = tree.walk()
    root = tree.root_node
    trail: Trail = [(root, None, root.type)]
    for match in _IDENTIFIER.finditer(source):
        start, end = match.span()
        if _advance(cursor, trail, start):
            _descend(cursor, trail, start)
        node, _, kind = trail[-1]
        if kind in _NAME_NODES and node.start_byte == start and node.end_byte == end:
            yield trail, match.group().decode("utf-8", "replace")


def _advance(cursor: TreeCursor, trail: Trail, position: int) -> bool:
    """Move from the last node to the one of the same or an outer level that holds the position, if there is one.

    Goes from sibling to sibling: broken code gives nodes with thousands of children, which must not be counted through
    from the first one each time.
    """
    while len(trail) > 1 and trail[-1][0].end_byte <= position:
        if cursor.goto_next_sibling():
            node = cursor.node
            assert node is not None
            trail[-1] = (node, cursor.field_name, node.type)
        else:
            cursor.goto_parent()
            trail.pop()
    return trail[-1][0].start_byte <= position


def _descend(cursor: TreeCursor, trail: Trail, position: int) -> None:
    while cursor.goto_first_child_for_byte(position) is not None:
        node = cursor.node
        if node is None or node.start_byte > position:
            cursor.goto_parent()
            return
        trail.append((node, cursor.field_name, node.type))


def _declaration_scope(trail: Trail) -> Node | None:
    """The node in which this occurrence declares its name, None when it is a use."""
    at = len(trail) - 1
    while at > 0 and _is_pattern_target(trail[at - 1][2], trail[at][1]):
        at -= 1
    if at == 0:
        return None
    parent, _, kind = trail[at - 1]
    role = trail[at][1]
    if kind == "variable_declarator" and role == "name":
        is_var = trail[at - 2][2] == "variable_declaration"
        return _nearest(trail, at - 2, _FUNCTIONS | {"program"} if is_var else _BLOCKS)
    if kind == "formal_parameters":
        return trail[at - 2][0]
    if role == "parameter" and kind in ("arrow_function", "catch_clause"):
        return parent
    if role == "name" and kind in _DECLARED_IN_BLOCK:
        return _nearest(trail, at - 2, _BLOCKS)
    if role == "name" and kind in _NAMED_INSIDE:
        return parent
    if role == "left" and kind == "for_in_statement" and parent.child_by_field_name("kind") is not None:
        return parent
    return None


def _is_pattern_target(parent: str, role: str | None) -> bool:
    """Whether a child in this role of this parent is (part of) what a pattern assigns to."""
    if parent in _PATTERNS:
        return True
    if parent == "pair_pattern":
        return role == "value"
    return parent in ("assignment_pattern", "object_assignment_pattern") and role == "left"


def _nearest(trail: Trail, at: int, kinds: frozenset[str]) -> Node:
    while at > 0 and trail[at][2] not in kinds:
        at -= 1
    return trail[at][0]
