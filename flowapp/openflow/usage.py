"""What an expression reads of a name: the chain of members behind it, the keys taken out of it, the call of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from flowapp.openflow.guards import Trail, is_conditional, is_tested

__all__ = ["Site", "Trail", "Use", "use_of"]

_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\s\S]))")
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


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
    argument_at: tuple[int, int] | None = None
    """Byte range of that literal in the parsed source, quotes included."""
    called: bool = False
    tested: tuple[tuple[str | int, ...], ...] = ()
    """Chains of which the text itself asks whether they are there: `a?.b`, `a ?? 1`, `!a`, `a === null`."""
    firm: bool = False
    """The chain is read whatever the values are: not only in one case of a condition, and without being tested."""


def use_of(trail: Trail, name: str, source: bytes) -> Use:
    """What is read of the name at the end of the trail."""
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
        first = _first_argument(parent)
        text = None if first is None else _string(first, source)
        place = None if first is None or text is None else (first.start_byte, first.end_byte)
        return Use(name, argument=text, argument_at=place, called=True)
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
    optional: list[tuple[str | int, ...]] = [()] if _is_optional(trail[at][0]) else []
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
        if _is_optional(node):
            optional.append(tuple(path))
        path.append(key)
        at -= 1
    whole = tuple(path)
    tested = is_tested(trail, at)
    firm = not tested and not optional and not is_conditional(trail, at)
    return Use(name, (site,), (whole,), tested=(*optional, whole) if tested else tuple(optional), firm=firm)


def _is_optional(node: Node) -> bool:
    return node.child_by_field_name("optional_chain") is not None


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


def _first_argument(call: Node) -> Node | None:
    arguments = call.child_by_field_name("arguments")
    return arguments.named_children[0] if arguments is not None and arguments.named_child_count else None


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
