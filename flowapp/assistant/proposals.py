"""What the assistant answers: proposals for single fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Proposal:
    """One field could be wired to an expression.

    `score` is from 0 to 1, `why` a short reason for people. `alternatives` are further expressions, best first.
    """

    field: str
    expr: str
    why: str
    score: float
    alternatives: tuple[str, ...] = ()
    source: Literal["matcher", "model"] = "matcher"

    def to_json(self) -> dict[str, Any]:
        """The proposal as pages get it, without the evaluated value, which the workspace adds."""
        return {
            "field": self.field,
            "expr": self.expr,
            "why": self.why,
            "score": round(self.score, 3),
            "source": self.source,
            "alternatives": list(self.alternatives),
        }


@dataclass(frozen=True, slots=True)
class Proposals:
    """All proposals for a cell, and a notice for people when they are not what was asked for."""

    proposals: tuple[Proposal, ...] = ()
    notice: str | None = None
