"""What is known of the values that a step can read, and who says so: the code, the flow's schema, or the last result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from flowapp.openflow.references import simple_path
from flowapp.openflow.shapes import Path, look, of_value
from flowapp.openflow.walk import LOOP_KINDS, Place, kind_of
from flowapp.signatures.inference import READ, infer
from flowapp.signatures.schema import Schema, Signature, SignatureProblem

Origin: TypeAlias = Literal["annotation", "schema", "result"]

_LISTS = frozenset({*LOOP_KINDS, "branchall"})
_OPEN = frozenset({"branchone", "aiagent"})
"""Kinds of steps whose next result may be of another shape than the last."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the document.

    `observed`: the schema of the last result by step id, of steps that would give one of the same shape again.
    `called`: the schema of the inputs of the script or flow that a step calls, by step id, as it was read last.
    """

    observed: Mapping[str, Schema] = field(default_factory=dict)
    called: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One schema of a value, and who says so."""

    schema: Mapping[str, Any]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Root:
    """A value that can be read: what is known of it, the path below it, and the step whose result it is (if it is one)."""

    evidence: tuple[Evidence, ...]
    rest: Path
    step_id: str = ""


class Values:
    """The values of a flow by the chains that expressions read."""

    def __init__(self, flow: Mapping[str, Any], places: list[Place], known: Known) -> None:
        self._known = known
        self._by_id: dict[str, Place] = {}
        for place in places:
            self._by_id.setdefault(place.step_id, place)
        self._at = {place.pointer: place for place in places}
        self._evidence: dict[tuple[int, bool], tuple[Evidence, ...]] = {}
        schema = flow.get("schema")
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        self._inputs: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}

    def root(self, place: Place, path: Path) -> Root | None:
        """What a step reads by a chain such as `("results", "a", "rows")`; None where that is nothing to be known."""
        match path:
            case ("results", str(step_id), *rest):
                step = self._by_id.get(step_id)
                return self._result(place, step, tuple(rest)) if step is not None and step is not place else None
            case ("previous_result", *rest):
                folder = place.pointer.rpartition("/")[0]
                step = self._at.get(f"{folder}/{place.index - 1}") if place.index else None
                return self._result(place, step, tuple(rest)) if step is not None else None
            case ("flow_input", "iter", "value", *rest):
                return self._item(place, tuple(rest))
            case ("flow_input", str(name), *rest) if name in self._inputs and place.slot != "preprocessor":
                about = self._inputs[name]
                return Root((Evidence(about, "schema"),), tuple(rest)) if isinstance(about, Mapping) else None
        return None

    def _result(self, reader: Place, step: Place, rest: Path) -> Root | None:
        module = step.module
        # a skipped step hands on another's result, and one that failed its error
        if module.get("skip_if") is not None or module.get("continue_on_error") is True or not self._sees(reader, step):
            return None
        conditional = step.step_id in self._known.observed and self._is_conditional(reader)
        key = id(step), conditional
        evidence = self._evidence.get(key)
        if evidence is None:
            evidence = self._evidence[key] = tuple(self._said_of(step, conditional=conditional))
        return Root(evidence, rest, step.step_id) if evidence else None

    def _said_of(self, step: Place, *, conditional: bool) -> Iterator[Evidence]:
        kind = kind_of(step.module)
        declared = _declared(step.module, kind)
        if declared:
            yield Evidence(declared, "annotation")
        observed = self._known.observed.get(step.step_id)
        if observed and kind not in _OPEN and not conditional:
            yield Evidence(observed, "result")

    def _item(self, reader: Place, rest: Path) -> Root | None:
        """The item of the loop right around a step. A loop's own settings read that of another one."""
        loop = next((outer for outer in self._around(reader) if kind_of(outer.module) in LOOP_KINDS), None)
        if loop is None or kind_of(loop.module) != "forloopflow" or kind_of(reader.module) in LOOP_KINDS:
            return None
        iterator = loop.module["value"].get("iterator")
        if not isinstance(iterator, Mapping):
            return None
        if iterator.get("type") == "static":
            lists: tuple[Evidence, ...] = (Evidence(of_value(iterator.get("value")), "schema"),)
            path: Path = ()
        else:
            chain = simple_path(iterator["expr"]) if isinstance(iterator.get("expr"), str) else None
            root = self.root(loop, chain) if chain is not None else None
            if root is None:
                return None
            lists, path = root.evidence, root.rest
        found = ((look(each.schema, (*path, 0)), each.origin) for each in lists)
        return Root(tuple(Evidence(item.schema, origin) for item, origin in found if item.state == "there"), rest)

    def _around(self, place: Place) -> list[Place]:
        """The steps that a step is in, the innermost first."""
        found: list[Place] = []
        here = place
        while here.parent is not None and len(found) <= place.depth:
            outer = self._by_id.get(here.parent)
            if outer is None:
                break
            found.append(outer)
            here = outer
        return found

    def _sees(self, reader: Place, step: Place) -> bool:
        """Whether the result of a step is one that the reader gets: not of a loop or branch that it is not in."""
        return step.parent is None or any(outer.step_id == step.parent for outer in self._around(reader))

    def _is_conditional(self, reader: Place) -> bool:
        """Whether a step runs only for some values: what was seen last may then be another case."""
        around = [reader, *self._around(reader)]
        return reader.slot == "failure" or any(
            place.module.get("skip_if") is not None
            or (place.parent is not None and kind_of(self._by_id[place.parent].module) == "branchone")
            for place in around
        )


def _declared(module: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    if kind in _LISTS:
        return {"type": "array"}
    signature = signature_of(module.get("value"))
    return signature.sure if isinstance(signature, Signature) else None


def signature_of(value: object, entrypoint: str = "main") -> Signature | SignatureProblem | None:
    """The signature of a script in a step's `value`.

    None: not a script, or one whose signature is not read, or without code, of which another rule speaks.
    """
    if not isinstance(value, Mapping):
        return None
    language, content = value.get("language"), value.get("content")
    if value.get("type") != "rawscript" or language not in READ or not isinstance(content, str) or not content.strip():
        return None
    return infer(str(language), content, entrypoint)
