"""A Python result as JSON text: the rule of openflow.md 9, with sets refused instead of turned into their repr."""

from __future__ import annotations

import base64
import json
import math
from typing import Any


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON.

    bytes (the result itself, or a direct value of a result object) become base64, a DataFrame its rows, NaN and
    infinities null; what JSON has no form for becomes `str(value)`. Lone surrogates become U+FFFD, because neither
    databases nor other languages can hold them.

    Raises:
        TypeError: the value holds a set (its order would change from run to run), or an object key JSON cannot have.
        ValueError: the value refers to itself.
    """
    prepared = _prepared(value)
    try:
        text = _dump(prepared)
    except ValueError as error:
        if "not JSON compliant" not in str(error):
            raise
        text = _dump(_finite(prepared))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _dump(value: Any) -> str:
    return _ENCODER.encode(value)


def _prepared(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if type(value).__name__ == "DataFrame":
        return _rows(value)
    if isinstance(value, dict) and any(isinstance(item, (bytes, bytearray)) for item in value.values()):
        return {key: _prepared(item) if isinstance(item, (bytes, bytearray)) else item for key, item in value.items()}
    return value


def _rows(frame: Any) -> Any:
    """The rows of a pandas or polars frame as lists of cell values."""
    if type(frame).__module__.startswith("polars"):
        return frame.rows()
    return frame.values.tolist()


def _otherwise(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        kind = type(value).__name__
        raise TypeError(f"a {kind} has no order, so it cannot be a result: return sorted(...) or list(...) of it")
    if type(value).__name__ == "DataFrame":
        return _rows(value)
    return str(value)


def _finite(value: Any) -> Any:
    """The value with NaN and infinities as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_finite_key(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, (str, int, bool)) or value is None:
        return value
    return _finite(_otherwise(value))


def _finite_key(key: Any) -> Any:
    return str(key) if isinstance(key, float) and not math.isfinite(key) else key


_ENCODER = json.JSONEncoder(default=_otherwise, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
