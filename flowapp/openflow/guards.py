"""Whether an expression takes for granted that what it reads is there, or asks first."""

from __future__ import annotations

from tree_sitter import Node

Trail = list[tuple[Node, str | None, str]]
"""The way from the root to a node: each node, the field it fills in its parent, and its type."""

_CHOICES = frozenset({"??", "||", "&&"})
_COMPARED = frozenset({"==", "===", "!=", "!==", "in", "instanceof"})
_ASKING = frozenset({"!", "typeof", "void", "delete"})
_ASKING_CALLS = frozenset({b"Boolean", b"Array.isArray"})
_WRITTEN = frozenset({"assignment_expression", "augmented_assignment_expression"})


def is_tested(trail: Trail, at: int) -> bool:
    """Whether the value of `trail[at]` is itself what is asked about: is it there, is it set, is it of a kind."""
    at = _outside(trail, at)
    if at < 1:
        return False
    parent, role, kind = trail[at - 1][0], trail[at][1], trail[at - 1][2]
    if kind == "binary_expression":
        operator = _operator(parent)
        return operator in _COMPARED or (operator in _CHOICES and role == "left")
    if kind == "unary_expression":
        return _operator(parent) in _ASKING
    if kind == "arguments":
        function = trail[at - 2][0].child_by_field_name("function") if at > 1 else None
        return function is not None and function.text in _ASKING_CALLS
    return (
        (kind in ("ternary_expression", "if_statement", "while_statement") and role == "condition")
        or (kind in _WRITTEN and role == "left")
        or kind in ("update_expression", "spread_element")
    )


def is_conditional(trail: Trail, at: int) -> bool:
    """Whether only one case of a condition reads the value of `trail[at]`."""
    for index in range(at, 0, -1):
        role, kind = trail[index][1], trail[index - 1][2]
        if kind == "ternary_expression" and role != "condition":
            return True
        if kind == "binary_expression" and role == "right" and _operator(trail[index - 1][0]) in _CHOICES:
            return True
    return False


def _outside(trail: Trail, at: int) -> int:
    while at > 1 and trail[at - 1][2] in ("parenthesized_expression", "await_expression"):
        at -= 1
    return at


def _operator(node: Node) -> str:
    operator = node.child_by_field_name("operator")
    return operator.type if operator is not None else ""
