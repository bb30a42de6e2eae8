"""Proposals without a model: by names, types, samples and nearness. Deterministic, and silent rather than wrong.

A proposal needs a name that says the same and a type that fits; among equals the nearest source wins. Where two different
values of the same place fit equally well, none is proposed: a person knows which one is meant, the matcher does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from flowapp.assistant import tokens
from flowapp.assistant.fit import fits
from flowapp.assistant.likeness import Name, contradicts, said_by, similarity
from flowapp.assistant.proposals import Proposal
from flowapp.assistant.scope import Scope, Source
from flowapp.assistant.shapes import Shape, is_secret_schema
from flowapp.assistant.targets import Target
from flowapp.openflow.shapes import types_in

#: A proposal below this is not made; a field with a default of its own needs more.
LEAST = 0.62
LEAST_WITH_DEFAULT = 0.8
#: Alternatives are shown down to this.
LEAST_ALTERNATIVE = 0.4
#: What a list as a whole, or one item of it, is called when nothing better is known.
_LIST_WORDS = frozenset({"rows", "row", "items", "item", "data", "result", "list"})
_COUNT = re.compile(r"^(num(ber)?_of_|n_)|_?(count|Count|length|Length)$")
#: Two candidates closer than this are equally good.
_EQUAL = 0.035
_MOST_EQUALS = 4


@dataclass(frozen=True, slots=True)
class _Candidate:
    source: Source
    name: float
    fit: float

    @property
    def score(self) -> float:
        nearness = 0.06 / max(1, self.source.distance) if self.source.kind == "result" else 0.03
        if self.source.kind == "item":
            nearness = 0.09
        depth = 0.025 * max(0, len(self.source.keys) - 1)
        return min(1.0, self.name * 0.93 * (0.75 + 0.25 * self.fit) + nearness - depth)


def match(targets: Iterable[Target], scope: Scope) -> list[Proposal]:
    """Proposals for the fields that have a clear source; the other fields are left out."""
    found = (match_one(target, scope) for target in targets)
    return [proposal for proposal in found if proposal is not None]


def match_one(target: Target, scope: Scope) -> Proposal | None:
    """The proposal for one field, or None where nothing fits well or two things fit equally well."""
    if is_secret_schema(target.schema):
        return None
    ranked = _likely(target, scope)
    if not ranked or _ambiguous(ranked):
        return None
    best = ranked[0]
    others = [each.source.expr for each in ranked[1:4] if each.score >= LEAST_ALTERNATIVE]
    return Proposal(target.field, best.source.expr, _why(target, best), best.score, tuple(others))


def equals(target: Target, scope: Scope) -> tuple[str, ...]:
    """Expressions that fit a field equally well, so that a person has to say which one is meant; empty where it is clear, or nothing fits."""
    ranked = [] if is_secret_schema(target.schema) else _likely(target, scope)
    if not ranked or not _ambiguous(ranked):
        return ()
    return tuple(each.source.expr for each in ranked if ranked[0].score - each.score <= _EQUAL)[:_MOST_EQUALS]


def weaker(target: Target, scope: Scope) -> tuple[str, ...]:
    """What might be meant for a field for which nothing is likely enough to be proposed, the best first."""
    ranked = [] if is_secret_schema(target.schema) else rank(target, scope)
    return tuple(each.source.expr for each in ranked if each.score >= LEAST_ALTERNATIVE)[:3]


def _likely(target: Target, scope: Scope) -> list[_Candidate]:
    """All sources whose type fits, the best first; none where the best is not likely enough."""
    ranked = rank(target, scope) or _counted(target, scope)
    least = LEAST if target.asked or (target.required and "default" not in target.schema) else LEAST_WITH_DEFAULT
    return ranked if ranked and ranked[0].score >= least else []


def rank(target: Target, scope: Scope) -> list[_Candidate]:
    """All sources whose type fits, the best first."""
    candidates = []
    for source in scope.sources:
        if source.shape.secret:
            continue
        fit = fits(target.schema, source.shape)
        name = _similarity(target, source) if fit is not None else 0.0
        if fit is not None and name > 0.3:
            candidates.append(_Candidate(source, name, fit))
    return sorted(candidates, key=lambda each: (-each.score, each.source.distance, each.source.expr))


def _counted(target: Target, scope: Scope) -> list[_Candidate]:
    """For `order_count`: the lengths of lists of orders."""
    what = _COUNT.sub("", target.field)
    if what == target.field or not types_in(target.schema) & {"integer", "number"}:
        return []
    lists = rank(Target(what, {"type": "array"}), scope)
    return [replace(found, source=_length(found.source)) for found in lists if found.source.shape.type == "array"]


def _length(source: Source) -> Source:
    return replace(source, expr=f"{source.expr}.length", shape=Shape("integer"))


def _similarity(target: Target, source: Source) -> float:
    """How much the names say the same, from 0 to 1."""
    wanted = tokens.words(target.field)
    sample = source.shape.sample if source.shape.observed else None
    if not wanted or contradicts(wanted, sample):
        return 0.0
    best = max((similarity(wanted, name) for name in _names(source, said_by(sample))), default=0.0)
    # A step's title says less about its result than a key does.
    return best if source.keys else max(0.9 * best, _as_list(wanted, source))


def _as_list(wanted: tuple[str, ...], source: Source) -> float:
    """A step that answers a list answers the rows; and one of them is the row."""
    if not _LIST_WORDS.issuperset(wanted):
        return 0.0
    return 0.8 if source.kind == "item" or (source.kind == "result" and source.shape.type == "array") else 0.0


def _names(source: Source, said: frozenset[str]) -> Iterator[Name]:
    """The names a source goes by."""
    title = tokens.words(source.title)
    step = [source.step_id] if len(source.step_id) > 2 else []
    beside = frozenset(title) | {word for name in step for word in tokens.words(name)}
    if source.keys:
        above = frozenset(word for key in source.keys[:-1] for word in tokens.words(key))
        yield Name(tokens.words(source.keys[-1]), above, beside, said)
        return
    for name in [*step, *(["item"] if source.kind == "item" else [])]:
        yield Name(tokens.words(name), frozenset(), beside, said)
    if source.kind == "item":
        yield Name(title[-1:], frozenset(), beside, said)
    else:
        yield Name(tokens.named_by_title(source.title, source.shape.type != "object"), frozenset(), frozenset(), said)


def _ambiguous(ranked: Sequence[_Candidate]) -> bool:
    """Whether another source fits equally well, in the same place, and is another value."""
    best = ranked[0]
    for other in ranked[1:]:
        if best.score - other.score > _EQUAL:
            return False
        same_root = (other.source.kind, other.source.step_id) == (best.source.kind, best.source.step_id)
        if same_root and other.name >= best.name - 0.01 and len(other.source.keys) <= len(best.source.keys):
            return other.source.shape.sample != best.source.shape.sample or not best.source.shape.observed
    return False


def _why(target: Target, best: _Candidate) -> str:
    source = best.source
    where = {"flow_input": "the flow's input", "item": "the loop's item"}.get(
        source.kind
    ) or f"the result of {source.step_id}"
    name = source.keys[-1] if source.keys else source.title or source.step_id or "item"
    lead = f"{target.field} matches {name}" if name != target.field else f"same name, {name},"
    return f"{lead} in {where}"
