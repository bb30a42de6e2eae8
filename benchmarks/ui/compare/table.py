"""One table of what was measured, with what could not be and why."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from benchmarks.figures import percentile
from benchmarks.ui.compare.measures import Figures

WIDTH = 22
_NAMES = 52
_SHORTEST_TASK = "blocked"


def table(columns: Mapping[str, Figures]) -> str:
    """Median and 95th percentile of each measure by product. A dash is followed by its reason below."""
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures.values))
    rows = [f"{'median (p95)':<{_NAMES}}" + "".join(f"{title:>{WIDTH}}" for title in columns)]
    rows += [
        f"{name:<{_NAMES}}" + "".join(f"{_cell(name, each):>{WIDTH}}" for each in columns.values()) for name in names
    ]
    reasons = [
        f"{title}: {name}: {_extent(len(figures.values.get(name, ())))}: {reason}"
        for title, figures in columns.items()
        for name, reason in figures.missing.items()
    ]
    return "\n".join([*rows, *reasons])


def _cell(name: str, figures: Figures) -> str:
    values = figures.values.get(name)
    if not values:
        return "–"
    middle, high = statistics.median(values), percentile(values, 0.95)
    if _SHORTEST_TASK in name:  # the browser tells of tasks from 50 ms
        return f"{_task(middle)} ({_task(high)})"
    return f"{middle:.1f} ({high:.1f})"


def _extent(count: int) -> str:
    return f"only {count} measured" if count else "not measured"


def _task(milliseconds: float) -> str:
    return f"{milliseconds:.0f}" if milliseconds else "<50"
