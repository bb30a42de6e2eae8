"""Large results within another value, such as those of a loop: the value holds references, which pages do not show. Pure."""

from __future__ import annotations

from typing import Any

from flowapp.jsontext import loads

#: as `flowapp.store.blobs` has it; the values process does without the store
KEY = "$flowapp:blob"


class LargePart(str):
    """What a page shows where a large result is referred to."""

    reference: dict[str, Any]

    @classmethod
    def of(cls, reference: dict[str, Any]) -> LargePart:
        """The words for a reference (see `ValueRef`)."""
        made = cls(f"a large result ({reference[KEY]['size'] / (1 << 20):.1f} MB)")
        made.reference = reference
        return made


def shown(text: str) -> Any:
    """The value of a JSON text as pages look into it."""
    value = loads(text)
    return _with_parts(value) if KEY in text else value


def stored(value: Any) -> Any:
    """What `shown` made, or something in it, with the references again."""
    match value:
        case LargePart():
            return value.reference
        case list():
            return [stored(item) for item in value]
        case dict():
            return {name: stored(item) for name, item in value.items()}
        case _:
            return value


def _with_parts(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_parts(item) for item in value]
    if not isinstance(value, dict):
        return value
    fields = value.get(KEY)
    if len(value) == 1 and isinstance(fields, dict) and "value" in fields and isinstance(fields.get("size"), int):
        return LargePart.of(value)
    return {name: _with_parts(item) for name, item in value.items()}
