"""Which source fits a field: by name first, then by type, then by nearness. Pure, and the same answer every time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MIN_SCORE = 0.45
MAX_SUGGESTIONS = 6
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that a field could read. `near` counts the cells between (0: the cell before); `name` is its last key."""

    expr: str
    name: str
    type: str
    near: int = 0
    step_id: str | None = None
    sample: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate with its score (0 to 1) and the reason in words."""

    candidate: Candidate
    score: float
    why: str


def matches(field: str, schema: Mapping[str, Any], candidates: Iterable[Candidate]) -> list[Match]:
    """The candidates that fit a field, best first."""
    wanted = types_of(schema)
    found = [match for candidate in candidates if (match := _match(field, wanted, candidate)) is not None]
    found.sort(key=lambda match: (-match.score, match.candidate.near, len(match.candidate.expr), match.candidate.expr))
    return found[:MAX_SUGGESTIONS]


def types_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types that a schema takes; empty for any."""
    kind = schema.get("type")
    kinds: Sequence[Any] = kind if isinstance(kind, list) else [kind] if isinstance(kind, str) else []
    return frozenset("number" if name == "integer" else str(name) for name in kinds)


def similarity(a: str, b: str) -> float:
    """How alike two names are: 1 for the same words, less for plural, part and overlap, 0 for nothing in common."""
    first, second = _words(a), _words(b)
    if not first or not second:
        return 0.0
    if first == second or "".join(first) == "".join(second):
        return 1.0
    one, two = {_singular(word) for word in first}, {_singular(word) for word in second}
    if one == two:
        return 0.9
    common = one & two
    if common:
        return 0.75 if one <= two or two <= one else 0.5 * len(common) / len(one | two) + 0.25
    return 0.0


def _match(field: str, wanted: frozenset[str], candidate: Candidate) -> Match | None:
    alike = similarity(field, candidate.name)
    fits = candidate.type in wanted
    clash = bool(wanted) and candidate.type not in ("", "null") and not fits
    if clash:
        return None
    nearness = 0.1 / (1 + candidate.near)
    score = 0.65 * alike + (0.25 if fits else 0.05 if not wanted else 0.0) + nearness
    if alike == 0 and not (fits and candidate.near == 0 and wanted & {"array", "object"}):
        return None
    if score < MIN_SCORE and alike < 0.5 and candidate.near > 0:
        return None
    return Match(candidate, round(min(score, 1.0), 3), _why(alike, fits, candidate))


def _why(alike: float, fits: bool, candidate: Candidate) -> str:
    reasons = []
    if alike == 1.0:
        reasons.append("same name")
    elif alike > 0:
        reasons.append("similar name")
    if fits:
        reasons.append(f"both {candidate.type}")
    if candidate.near == 0 and candidate.step_id:
        reasons.append("from the cell before")
    return ", ".join(reasons) or "the only one that fits"


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(name))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
