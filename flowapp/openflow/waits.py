"""Waiting for approvals: which modules do, and which expressions see what people answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.openflow.references import References

ANSWERS = frozenset({"resume", "resumes", "approvers"})
"""Names that only the step right after a wait finds filled; elsewhere they are null, [] and []."""

_WAITS_ITSELF = frozenset({"sleep", "user_groups_required"})
"""Fields that are evaluated when the step has run, beside its own wait: the answers before it are over by then."""


def required_events(module: Mapping[str, Any]) -> int:
    """How many approvals the flow waits for after a module; 0 when it does not wait."""
    suspend = module.get("suspend")
    given = suspend.get("required_events") if isinstance(suspend, Mapping) else None
    return int(given) if isinstance(given, (int, float)) and not isinstance(given, bool) and given > 0 else 0


def answers_read(found: References) -> tuple[str, ...]:
    """Which of the names an expression reads, sorted."""
    return tuple(sorted(found.names & ANSWERS))


def sees_answers(field: str) -> bool:
    """Whether an expression of a step, by the name of its field, sees the answers to the wait before the step."""
    return field not in _WAITS_ITSELF
