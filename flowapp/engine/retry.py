"""When a failed step is tried again (OpenFlow `retry`): constant attempts first, then exponential ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

LONGEST_DELAY_S = 6 * 3600.0


def attempts(retry: Mapping[str, Any] | None) -> int:
    """How many times a step may be run again."""
    return _count(retry, "constant") + _count(retry, "exponential")


def delay(retry: Mapping[str, Any] | None, number: int, jitter: Callable[[], float] = random.random) -> float | None:
    """Seconds before the `number`-th retry (from 1 on), or None when there is none left.

    Exponential delays are `multiplier * seconds ** number` where `number` counts the constant retries too, moved by up to
    `random_factor` percent either way. `jitter` gives a number from 0 to 1.
    """
    if not retry or number > attempts(retry):
        return None
    if number <= _count(retry, "constant"):
        return min(max(_number(retry["constant"].get("seconds"), 0.0), 0.0), LONGEST_DELAY_S)
    exponential = retry["exponential"]
    seconds, multiplier = _number(exponential.get("seconds"), 1.0), _number(exponential.get("multiplier"), 1.0)
    try:
        wanted = multiplier * seconds**number
    except OverflowError:
        wanted = LONGEST_DELAY_S
    wanted *= 1 + (2 * jitter() - 1) * _number(exponential.get("random_factor"), 0.0) / 100
    return min(max(wanted, 0.0), LONGEST_DELAY_S)


def _count(retry: Mapping[str, Any] | None, kind: str) -> int:
    part = (retry or {}).get(kind)
    return max(0, int(_number(part.get("attempts"), 0.0))) if isinstance(part, Mapping) else 0


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else default
