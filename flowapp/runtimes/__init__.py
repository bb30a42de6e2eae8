"""Running one script: warm, isolated, single-use processes; live logs; a result or an error as data."""

from __future__ import annotations

from flowapp.runtimes.errors import IsolationTooLow, RuntimesClosed, RuntimesError, RuntimeUnavailable
from flowapp.runtimes.jobs import Isolation, Job, Limits, Outcome, RuntimeSettings
from flowapp.runtimes.runtimes import Runtimes

__all__ = [
    "Isolation",
    "IsolationTooLow",
    "Job",
    "Limits",
    "Outcome",
    "RuntimeSettings",
    "RuntimeUnavailable",
    "Runtimes",
    "RuntimesClosed",
    "RuntimesError",
]
