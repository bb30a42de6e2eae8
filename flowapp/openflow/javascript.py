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

LONGEST_EXPRESSION = 100_000
"""Characters. Longer text is not an expression that anybody wrote; it is refused as a syntax problem."""

_PARSER = SourceParser(Language(tree_sitter_javascript.language()))

_IDENTIFIER = re.compile(rb"[A-Za-z_$\x80-\xff][A-Za-z0-9_$\x80-\xff]*")
_STATEMENT_WORD = re.compile(r"\s*(?:return|const|let|var|if|for|while|do|switch|try|throw|function|class)\b")
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\s\S]))")
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}

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

Trail = list[tuple[Node, str | None, str]]
"""The way from the root to a node: each node, the field it fills in its parent, and its type."""


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Why a text is not JavaScript. Line and column count from 1, in characters of the expression as written."""

    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Site:
    """One place where a key of a name is written: the `a` of `results.a`, of `results["a"]`, of `{a} = results`."""

    key: str
    start: int
    end: int
    """Byte range in the parsed source."""
    form: str
    """"dot", "optional" (`?.a`), "literal" (a string, quotes included), "shorthand" (`{a}`), or "plain" (`{a: x}`)."""
    dot: tuple[int, int] | None = None
    """Byte range of the `.` before a "dot" key."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a free name, and what of its value is read."""

    name: str
    sites: tuple[Site, ...] = ()
    paths: tuple[tuple[str | int, ...], ...] = ()
    """The chains read of it, as far as they are literal: `results.a.rows[0]` gives `("a", "rows", 0)`."""
    whole: bool = False
    """The value is used as a whole, or with a key that only running the code can tell."""
    argument: str | None = None
    """When the name is called with one string literal first: that string."""
    called: bool = False


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
            found.append((trail[-1][0].start_byte, _use(trail, name, source)))
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


# --- what is read of a name


def _use(trail: Trail, name: str, source: bytes) -> Use:
    at = _past_wrappers(trail, len(trail) - 1)
    parent, _, kind = trail[at - 1]
    role = trail[at][1]
    if kind in ("member_expression", "subscript_expression") and role == "object":
        return _chain(trail, at - 1, name, source)
    if kind == "binary_expression" and role == "right" and _operator(parent) == "in":
        return _membership(parent, name, source)
    if kind == "variable_declarator" and role == "value":
        return _destructured(parent, name, source)
    if kind == "call_expression" and role == "function":
        return Use(name, argument=_first_argument(parent, source), called=True)
    return Use(name, whole=True)


def _past_wrappers(trail: Trail, at: int) -> int:
    """Up through parentheses and `await`, which leave the value what it is."""
    while at > 1 and trail[at - 1][2] in ("parenthesized_expression", "await_expression"):
        at -= 1
    return at


def _chain(trail: Trail, at: int, name: str, source: bytes) -> Use:
    """`trail[at]` is the first member or subscript on the name; follow it outwards as long as the keys are literal."""
    first = _key(trail[at][0], source)
    if first is None:
        return Use(name, whole=True)
    site = _site(trail[at][0], str(first), source)
    path: list[str | int] = [str(first)]
    while True:
        at = _past_wrappers(trail, at)
        node, role, kind = trail[at - 1][0], trail[at][1], trail[at - 1][2]
        if kind == "call_expression" and role == "function" and len(path) > 1:
            path.pop()  # a method is no part of the value
            break
        if kind not in ("member_expression", "subscript_expression") or role != "object":
            break
        key = _key(node, source)
        if key is None:
            break
        path.append(key)
        at -= 1
    return Use(name, (site,), (tuple(path),))


def _key(node: Node, source: bytes) -> str | int | None:
    """The literal key of a member or subscript expression, None when it is computed."""
    if node.type == "member_expression":
        member = node.child_by_field_name("property")
        named = member is not None and member.type == "property_identifier" and not member.is_missing
        return _text(member, source) if member is not None and named else None
    index = node.child_by_field_name("index")
    if index is None:
        return None
    if index.type == "number":
        digits = _text(index, source)
        return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) < 16 else None
    return _string(index, source)


def _site(node: Node, key: str, source: bytes) -> Site:
    if node.type == "subscript_expression":
        index = node.child_by_field_name("index")
        assert index is not None
        return Site(key, index.start_byte, index.end_byte, "literal")
    member = node.child_by_field_name("property")
    assert member is not None
    if node.child_by_field_name("optional_chain") is not None:
        return Site(key, member.start_byte, member.end_byte, "optional")
    dot = next(child for child in node.children if child.type == ".")
    return Site(key, member.start_byte, member.end_byte, "dot", (dot.start_byte, dot.end_byte))


def _membership(node: Node, name: str, source: bytes) -> Use:
    """`"a" in results`."""
    left = node.child_by_field_name("left")
    key = _string(left, source) if left is not None else None
    if left is None or key is None:
        return Use(name, whole=True)
    return Use(name, (Site(key, left.start_byte, left.end_byte, "literal"),), ((key,),))


def _destructured(declarator: Node, name: str, source: bytes) -> Use:
    """`const {a, b: c} = results`."""
    pattern = declarator.child_by_field_name("name")
    if pattern is None or pattern.type != "object_pattern":
        return Use(name, whole=True)
    sites: list[Site] = []
    for entry in pattern.named_children:
        site = _pattern_site(entry, source)
        if site is None:
            return Use(name, whole=True)
        sites.append(site)
    return Use(name, tuple(sites), tuple((site.key,) for site in sites), whole=not sites)


def _pattern_site(entry: Node, source: bytes) -> Site | None:
    if entry.type == "object_assignment_pattern":
        left = entry.child_by_field_name("left")
        return _pattern_site(left, source) if left is not None else None
    if entry.type == "shorthand_property_identifier_pattern":
        return Site(_text(entry, source), entry.start_byte, entry.end_byte, "shorthand")
    key = entry.child_by_field_name("key") if entry.type == "pair_pattern" else None
    if key is None:
        return None
    if key.type == "property_identifier":
        return Site(_text(key, source), key.start_byte, key.end_byte, "plain")
    literal = _string(key, source)
    return Site(literal, key.start_byte, key.end_byte, "literal") if literal is not None else None


def _first_argument(call: Node, source: bytes) -> str | None:
    arguments = call.child_by_field_name("arguments")
    first = arguments.named_children[0] if arguments is not None and arguments.named_child_count else None
    return _string(first, source) if first is not None else None


def _operator(node: Node) -> str:
    operator = node.child_by_field_name("operator")
    return operator.type if operator is not None else ""


def _text(node: Node, source: bytes) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _string(node: Node, source: bytes) -> str | None:
    """The value of a string literal or of a template without substitutions, None for anything else."""
    if node.type == "template_string":
        if any(child.type == "template_substitution" for child in node.named_children):
            return None
    elif node.type != "string":
        return None
    return _ESCAPE.sub(_unescaped, _text(node, source)[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    braced, four, two, plain = match.groups()
    digits = braced or four or two
    if digits is not None:
        code = int(digits, 16)
        return chr(code) if code <= 0x10FFFF else "\ufffd"
    if plain in ("\n", "\r\n", "\u2028", "\u2029"):
        return ""
    return _PLAIN_ESCAPES.get(plain, plain)
