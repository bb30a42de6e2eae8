"""What of a value may leave for a model: short samples, without what looks like a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowapp.assistant.tokens import words

LONGEST_SAMPLE = 60
HIDDEN = "(hidden)"
_SECRET_WORDS = frozenset(
    ["password", "secret", "token", "authorization", "credential", "apikey", "passphrase", "cookie", "session", "salt"]
)


def hide(value: Any) -> Any:
    """A value; a reference to a secret or a resource is only said to be one."""
    return HIDDEN if is_reference(value) else value


def is_secret_name(keys: Sequence[str]) -> bool:
    """Whether a key looks like the name of a secret."""
    parts = [part for key in keys for part in (*words(key), key.lower().replace("_", "").replace("-", ""))]
    return any(part in _SECRET_WORDS or part.endswith(("apikey", "token", "secret", "password")) for part in parts)


def sample_of(value: Any) -> Any:
    """A short sample: scalars cut, lists by their first item, objects by the keys of their scalars; secrets hidden."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_SAMPLE else value[:LONGEST_SAMPLE] + "…"
    if isinstance(value, list):
        return [sample_of(value[0])] if value else []
    if isinstance(value, dict):
        return {
            str(key)[:LONGEST_SAMPLE]: HIDDEN if is_secret_name((str(key),)) or is_reference(item) else sample_of(item)
            for key, item in list(value.items())[:12]
            if not isinstance(item, (dict, list))
        }
    return value


def is_reference(value: Any) -> bool:
    """Whether a value only names a secret or a resource."""
    return isinstance(value, str) and value.startswith(("$var:", "$res:", "$jsonvar:", "$encrypted:"))
