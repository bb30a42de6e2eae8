"""What goes into an evaluation and what comes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flowapp.jsontext import JsonText

Lookup = Callable[[str, str], Awaitable[JsonText | None]]
"""`lookup("variable" | "resource", path)`: its JSON text, or None when there is none (for this identity)."""


@dataclass(frozen=True, slots=True)
class Expression:
    """JavaScript text; a predicate answers `true` or `false` by JavaScript's own rules of truth."""

    text: str
    predicate: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Expressions that share a scope: all the transforms of a step are one batch, and one round trip."""

    expressions: Sequence[Expression]
    scope: Mapping[str, JsonText] = field(default_factory=dict)
    """flow_input, previous_result, flow_env, result, error, resume, …: what is not named here is not defined."""
    results: Mapping[str, JsonText] = field(default_factory=dict)
    """By step id. Other ids read as null, and `in` says that they are not there."""
    lookup: Lookup | None = None


@dataclass(frozen=True, slots=True)
class ExpressionFailed:
    """Why an expression has no value: `name` and `message` as JavaScript says them, `line` of the text from 1 on."""

    name: str
    message: str
    line: int | None = None
