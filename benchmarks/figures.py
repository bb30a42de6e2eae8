"""Small helpers for figures: medians, percentiles, one line each."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the sorted values lie; nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def line(name: str, values: Sequence[float], unit: str = "ms") -> str:
    """`name  median  p95  max  (n)`."""
    if not values:
        return f"{name:<58} no samples"
    middle, high = statistics.median(values), percentile(values, 0.95)
    return f"{name:<58} median {middle:8.1f} {unit}   p95 {high:8.1f}   max {max(values):8.1f}   n={len(values)}"
