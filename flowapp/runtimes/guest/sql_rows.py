"""Values of a database as JSON text.

Numbers stay exact: one that JavaScript or a double could not hold becomes a string. NaN and infinities become null.
"""

from __future__ import annotations

import base64
import datetime
import math
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

_LARGEST_INTEGER = 2**53 - 1
#: decimal digits that every double gives back as they were
_DOUBLE_DIGITS = 15
_LONGEST_NUMBER = 40
_DAY_S = 86_400


class JsonValue(str):
    """Text that is JSON already: the value of a JSON column, passed through as it is."""

    __slots__ = ()


def encode(value: Any, *, exact: bool = False) -> str:
    """One value as JSON text. With `exact`, numbers of any size are numbers (for a database, which reads them so)."""
    if value is None:
        return "null"
    simple = _SIMPLE.get(type(value))
    if simple is not None:
        return str(simple(value))
    if isinstance(value, int):
        return str(value) if exact or abs(value) <= _LARGEST_INTEGER else f'"{value}"'
    if isinstance(value, Decimal):
        return _decimal(value, exact)
    if isinstance(value, dict):
        items = (f"{encode_basestring(str(key))}:{encode(item, exact=exact)}" for key, item in value.items())
        return "{" + ",".join(items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(encode(item, exact=exact) for item in value) + "]"
    return encode_basestring(str(value))


def duration(value: datetime.timedelta) -> str:
    """An ISO 8601 duration, such as P1DT2H0.5S."""
    total = value // datetime.timedelta(microseconds=1)
    sign, total = ("-", -total) if total < 0 else ("", total)
    seconds, micros = divmod(total, 1_000_000)
    days, seconds = divmod(seconds, _DAY_S)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    rest = f"{seconds}.{micros:06d}".rstrip("0").rstrip(".") if micros else str(seconds)
    parts = [f"{number}{letter}" for number, letter in ((hours, "H"), (minutes, "M")) if number]
    if rest != "0" or not (days or parts):
        parts.append(f"{rest}S")
    return f"{sign}P{f'{days}D' if days else ''}{'T' if parts else ''}{''.join(parts)}"


def _decimal(value: Decimal, exact: bool) -> str:
    if not value.is_finite():
        return "null"
    text = format(value, "f")
    digits = len(value.normalize().as_tuple().digits)
    is_small = value == value.to_integral_value() and abs(value) <= _LARGEST_INTEGER
    if exact or (len(text) <= _LONGEST_NUMBER and (digits <= _DOUBLE_DIGITS or is_small)):
        return text
    return f'"{text}"' if len(text) <= 4 * _LONGEST_NUMBER else f'"{value}"'


def _float(value: float) -> str:
    return repr(value) if math.isfinite(value) else "null"


_SIMPLE: dict[type, Any] = {
    str: encode_basestring,
    JsonValue: str,
    bool: lambda value: "true" if value else "false",
    float: _float,
    bytes: lambda value: f'"{base64.b64encode(value).decode()}"',
    bytearray: lambda value: f'"{base64.b64encode(value).decode()}"',
    memoryview: lambda value: f'"{base64.b64encode(value).decode()}"',
    datetime.datetime: lambda value: f'"{value.isoformat()}"',
    datetime.date: lambda value: f'"{value.isoformat()}"',
    datetime.time: lambda value: f'"{value.isoformat()}"',
    datetime.timedelta: lambda value: f'"{duration(value)}"',
}
