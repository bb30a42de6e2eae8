"""JSON Schemas without some of their words: what a validator must not be given, or what is not to be seen. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

COSTLY = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "uniqueItems", "unevaluatedProperties", "unevaluatedItems"})
"""A few lines of these keep a validator busy for ever: what refers twice to what refers twice, comparing all with all, and looking
through everything once more at each level."""
PATTERNS = frozenset({"pattern", "patternProperties"})
"""A regular expression may take for ever, too."""
BY_NAME = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
"""Words whose value holds schemas by names, which may be called like words."""


def without(schema: Any, words: Set[str]) -> Any:
    """A copy of a schema without some words at any depth.

    Without `patternProperties`, `additionalProperties` goes too: it speaks of what they leave over.
    """
    if isinstance(schema, list):
        return [without(item, words) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    gone = words | {"additionalProperties"} if "patternProperties" in words & schema.keys() else words
    return {
        key: {name: without(inner, words) for name, inner in value.items()}
        if key in BY_NAME and isinstance(value, Mapping)
        else without(value, words)
        for key, value in schema.items()
        if key not in gone
    }
