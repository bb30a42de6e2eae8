"""Reading plain paths (`results.a.rows[0].id`) without starting JavaScript.

Most wires are plain paths. Only what has one obvious meaning is answered here; everything that JavaScript would treat in a
way of its own (a member of null, `length`, an inherited name) is left to it.
"""

from __future__ import annotations

from typing import Any

from flowapp.expressions.values import Batch, Expression
from flowapp.jsontext import NULL, JsonText, dumps, loads
from flowapp.openflow import references

LONGEST_PARSED = 256 * 1024
"""Characters: larger values are parsed in a worker rather than on the event loop."""
_UNCLEAR: Any = object()


def read(expression: Expression, batch: Batch) -> JsonText | None:
    """The value of an expression that is a plain path, as text; None when JavaScript has to decide."""
    path = references.simple_path(expression.text)
    if path is None:
        return None
    root, *rest = path
    if root == "results":
        if not rest:
            return None
        text, rest = batch.results.get(str(rest[0])), rest[1:]
        if text is None:
            # an unknown step reads as null; a member of that is for JavaScript to complain about
            return None if rest else ("false" if expression.predicate else NULL)  # type: ignore[return-value]
    else:
        text = batch.scope.get(str(root))
        if text is None:
            return None
    if not rest and not expression.predicate:
        return text
    if len(text) > LONGEST_PARSED:
        return None
    value = _walk(loads(text), rest)
    if value is _UNCLEAR:
        return None
    if expression.predicate:
        return JsonText("true" if truth(value) else "false")
    return dumps(value)


def truth(value: Any) -> bool:
    """JavaScript's `Boolean(value)` of a JSON value: empty objects and arrays are true."""
    if isinstance(value, (dict, list)):
        return True
    return bool(value)


def _walk(value: Any, path: list[str | int]) -> Any:
    for position, key in enumerate(path):
        last = position == len(path) - 1
        if isinstance(value, dict):
            name = str(key)
            if name in value:
                value = value[name]
            elif last and not name.startswith("__"):
                # inherited members of objects are functions, and a function is null as JSON
                return None
            else:
                return _UNCLEAR
        elif isinstance(value, list) and isinstance(key, int):
            if key < len(value):
                value = value[key]
            elif last:
                return None
            else:
                return _UNCLEAR
        else:
            return _UNCLEAR
    return value
