"""Passwords by what a JSON Schema says: where they stand in a value, and the value without them. Pure.

Lists add no key to a place, and what one alternative of a union calls a password is one in all: doubt hides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: Schemas in a schema of the value itself, and of what a list has: neither adds a key to a place.
_SAME_PLACE = ("oneOf", "anyOf", "allOf", "if", "then", "else", "items", "prefixItems")
#: Schemas in a schema of what has keys that the schema does not know.
_ANY_KEY = ("additionalProperties", "patternProperties")


def password_fields(schema: Any) -> frozenset[tuple[str, ...]]:
    """The places in an object that its JSON Schema calls passwords, as keys from the top; in a list, those in each item.

    The place without a key stands for every key at the top.
    """
    return frozenset((*_passwords(schema, ()), *(((),) if _under_any_key(schema) else ())))


def covered(value: Any, places: frozenset[tuple[str, ...]], mark: str) -> Any:
    """The value with `mark` in place of whatever stands at these places, be it as short as it may."""
    if () in places and isinstance(value, Mapping):
        return dict.fromkeys(value, mark)
    return _covered(value, (), places, mark)


def texts_at(value: Any, places: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """The texts and numbers in `value` at these places, at any depth below."""
    for place in places:
        for found in _found(value, place):
            yield from leaves(found)


def leaves(value: Any) -> Iterator[str]:
    """All texts and numbers in a value, as texts."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield str(value)


def is_password(schema: Any) -> bool:
    """Whether a JSON Schema is one of a password, of a list of passwords, or of a union with one."""
    if not isinstance(schema, Mapping):
        return False
    if schema.get("format") == "password" or schema.get("password") is True:
        return True
    return any(is_password(inner) for inner in _same_place(schema))


def _covered(value: Any, at: tuple[str, ...], places: frozenset[tuple[str, ...]], mark: str) -> Any:
    if at in places:
        return mark
    if isinstance(value, Mapping):
        return {name: _covered(item, (*at, str(name)), places, mark) for name, item in value.items()}
    if isinstance(value, list):
        return [_covered(item, at, places, mark) for item in value]
    return value


def _found(value: Any, place: tuple[str, ...]) -> Iterator[Any]:
    """What stands at a place, in each item of the lists on the way."""
    if not place:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _found(item, place)
    elif isinstance(value, Mapping):
        yield from _found(value.get(place[0]), place[1:])


def _same_place(schema: Mapping[str, Any]) -> Iterator[Any]:
    for name in _SAME_PLACE:
        inner = schema.get(name)
        yield from inner if isinstance(inner, list) else (inner,)


def _passwords(schema: Any, at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not isinstance(schema, Mapping):
        return
    properties = schema.get("properties")
    for name, field in properties.items() if isinstance(properties, Mapping) else ():
        place = (*at, str(name))
        if is_password(field) or _under_any_key(field):
            yield place
        else:
            yield from _passwords(field, place)
    for inner in _same_place(schema):
        yield from _passwords(inner, at)


def _under_any_key(schema: Any) -> bool:
    """Whether an object may hold passwords under keys that nobody knows before: then all of it is one."""
    if not isinstance(schema, Mapping):
        return False
    more = [schema.get(name) for name in _ANY_KEY]
    patterns = more[1].values() if isinstance(more[1], Mapping) else ()
    held = any(is_password(each) or _under_any_key(each) or any(_passwords(each, ())) for each in (more[0], *patterns))
    return held or any(_under_any_key(inner) for inner in _same_place(schema))
