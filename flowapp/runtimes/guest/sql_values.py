"""Inputs of a cell as values that a driver takes."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal
from typing import Any

from flowapp.runtimes.guest.sql_rows import encode

_FLOATS = ("double", "float", "real")
_BYTES = ("blob", "bytea", "binary", "varbinary", "longblob", "mediumblob", "tinyblob")
_EXACT = ("numeric", "decimal", "dec", "number", "money")


def plain(value: Any, kind: str) -> Any:
    """For SQLite, DuckDB and MySQL: text, numbers and bytes as they are, lists and objects as JSON text.

    Raises:
        ValueError: bytes are declared, and the text is not base64.
    """
    if isinstance(value, (dict, list)):
        return encode(value, exact=True)
    if isinstance(value, Decimal):
        return value if kind.startswith(_EXACT) else float(value)
    if isinstance(value, str) and kind.startswith(_BYTES):
        return decoded(value)
    if isinstance(value, (str, int)) and not isinstance(value, bool) and kind.startswith(_EXACT):
        return Decimal(value)
    if isinstance(value, int) and not isinstance(value, bool) and kind.startswith(_FLOATS):
        return float(value)
    return value


def decoded(text: str) -> bytes:
    """Bytes out of base64.

    Raises:
        ValueError: it is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("an input that is declared as bytes must be base64 text") from None
