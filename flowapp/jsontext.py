"""JSON values as text.

Results travel from a runtime to the database, to expressions and to pages as compact JSON text, and are parsed only where
somebody looks inside: a 50 MB result is never turned into Python objects on its way through the server.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any, NewType

import orjson

JsonText = NewType("JsonText", str)

NULL = JsonText("null")
DIGEST_BYTES = 16
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LONG_DIGITS = re.compile(r"\d{19}")


def dumps(value: Any) -> JsonText:
    """Compact JSON text of a value; NaN and infinities become null, integers of any size are exact.

    Raises:
        TypeError: the value holds something that JSON has no form for.
    """
    try:
        return JsonText(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode())
    except TypeError:
        # orjson refuses integers past 64 bits and lone surrogates; the standard library keeps both.
        return JsonText(json.dumps(_finite(value), separators=(",", ":"), ensure_ascii=True, allow_nan=False))


def loads(text: str) -> Any:
    """The value of JSON text; integers of any size are exact.

    Raises:
        ValueError: the text is not JSON.
    """
    if _has_long_digits(text):
        return json.loads(text, parse_constant=_no_number)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # orjson refuses half a surrogate pair, which JavaScript makes when it cuts a text inside of an emoji
        if _SURROGATE.search(text) is None:
            raise
        return json.loads(text, parse_constant=_no_number)


def hash_of(text: str) -> str:
    """The 32-character content hash by which values, definitions and fingerprints are compared."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()


def canonical(value: Any) -> JsonText:
    """Compact JSON text with sorted keys, so that equal values have equal text (and hash)."""
    return JsonText(json.dumps(_finite(value), separators=(",", ":"), sort_keys=True, ensure_ascii=False))


def _no_number(word: str) -> Any:
    raise json.JSONDecodeError(f"{word} is no JSON number", word, 0)


def _has_long_digits(text: str) -> bool:
    """Whether a number might not fit 64 bits: orjson would read it as a rounded float.

    A run of 19 digits inside a string makes it say yes needlessly, which only costs the slower parser.
    """
    return _LONG_DIGITS.search(text) is not None


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
