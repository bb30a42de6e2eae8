"""What expressions see: the flow's input, the results so far, the previous result, and what a place adds to them."""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowapp.expressions import Expression
from flowapp.jsontext import NULL, JsonText, dumps, loads
from flowapp.openflow import references


def object_text(fields: Mapping[str, JsonText]) -> JsonText:
    """The text of an object whose values are texts already."""
    return JsonText("{" + ",".join(f"{dumps(name)}:{text}" for name, text in fields.items()) + "}")


def array_text(items: Iterable[JsonText]) -> JsonText:
    """The text of an array whose items are texts already."""
    return JsonText("[" + ",".join(items) + "]")


def fields_of(text: JsonText) -> dict[str, JsonText]:
    """The texts of an object's values by name; anything that is not an object has none."""
    value = loads(text)
    return {name: dumps(item) for name, item in value.items()} if isinstance(value, dict) else {}


UNANSWERED: Mapping[str, JsonText] = {"resume": NULL, "resumes": JsonText("[]"), "approvers": JsonText("[]")}


@dataclass(slots=True)
class Scope:
    """The surroundings of a step. A loop iteration or a branch has one of its own that reads through to its parent's."""

    flow_input: Mapping[str, JsonText]
    results: ChainMap[str, JsonText] = field(default_factory=ChainMap)
    env: JsonText | None = None
    extra: Mapping[str, JsonText] = field(default_factory=dict)
    last: JsonText | None = None
    """The preceding step's result; None before the first step."""
    answers: Mapping[str, JsonText] | None = None
    """`resume`, `resumes` and `approvers`, right after a step that waited for people."""
    ahead: tuple[str, asyncio.Task[Any]] | None = None
    """The arguments of the step of this id, being evaluated while the step before it is recorded."""

    @property
    def previous(self) -> JsonText:
        """`previous_result`: for a first step, the flow's arguments."""
        return object_text(self.flow_input) if self.last is None else self.last

    def child(self, flow_input: Mapping[str, JsonText] | None = None) -> Scope:
        """The scope of an iteration or branch: its results are its own, the enclosing ones stay readable."""
        inputs = self.flow_input if flow_input is None else flow_input
        return Scope(inputs, self.results.new_child(), self.env, self.extra)

    def iteration(self, index: int, value: JsonText) -> Scope:
        """The scope of a loop's iteration: `iter`, and the enclosing loop's as `iter_parent` and so on."""
        inputs = {name: text for name, text in self.flow_input.items() if not _is_iter(name)}
        inputs |= {_outer(name): text for name, text in self.flow_input.items() if _is_iter(name)}
        inputs["iter"] = JsonText(f'{{"index":{index},"value":{value}}}')
        return self.child(inputs)

    def note(self, step_id: str, value: JsonText) -> None:
        """A step of this scope has its result."""
        self.results[step_id] = value
        self.last = value

    def take_ahead(self, step_id: str) -> asyncio.Task[Any] | None:
        """What is being evaluated for a step; anything for another step is not wanted any more."""
        ahead, self.ahead = self.ahead, None
        if ahead is None:
            return None
        if ahead[0] == step_id:
            return ahead[1]
        ahead[1].cancel()
        return None

    def drop_ahead(self) -> None:
        """Nothing comes after this."""
        if self.ahead is not None:
            self.ahead[1].cancel()
            self.ahead = None

    def expose(self, inner: Scope) -> None:
        """Results of a branch that was taken are readable by id from then on."""
        for step_id, value in inner.results.maps[0].items():
            self.results.maps[0].setdefault(step_id, value)

    def direct(self, expression: str) -> JsonText | None:
        """The value of an expression that names one whole value, as it is stored (blob references included)."""
        path = references.simple_path(expression)
        if path is None:
            return None
        if path[0] == "flow_input" and len(path) == 2:
            return self.flow_input.get(str(path[1]), NULL)
        if path[0] == "results" and len(path) == 2:
            return self.results.get(str(path[1]), NULL)
        if path == ("previous_result",):
            return self.previous
        return None


_ALWAYS = frozenset({"flow_input", "previous_result", "error", "result"})


class Names(Mapping[str, JsonText]):
    """The named values of a scope, put together only when an expression wants them.

    `flow_input` holds only the keys that the expressions mention, unless one of them uses it as a whole.
    """

    def __init__(self, scope: Scope, expressions: Sequence[Expression], extra: Mapping[str, JsonText]) -> None:
        self._scope = scope
        self._expressions = expressions
        self._extra = {"flow_env": scope.env or JsonText("{}"), **scope.extra, **(scope.answers or {}), **extra}

    def __getitem__(self, name: str) -> JsonText:
        if name in self._extra:
            return self._extra[name]
        if name == "flow_input":
            return object_text(self._mentioned())
        if name == "previous_result":
            return self._scope.previous
        if name == "error":
            return error_of(self._scope.previous)
        if name == "result":
            return self._scope.previous
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in self._extra or name in _ALWAYS

    def __iter__(self) -> Iterator[str]:
        return iter(_ALWAYS | self._extra.keys())

    def __len__(self) -> int:
        return len(set(iter(self)))

    def _mentioned(self) -> Mapping[str, JsonText]:
        keys: set[str] = set()
        for expression in self._expressions:
            found = references.find(expression.text)
            if found.whole_flow_input or not found.flow_input:
                # an expression that asks although none is seen in its text finds it by other ways: it gets everything
                if found.whole_flow_input or len(self._expressions) == 1:
                    return self._scope.flow_input
                continue
            keys |= found.flow_input
        if not keys:
            return self._scope.flow_input
        return {name: text for name, text in self._scope.flow_input.items() if name in keys}


def error_of(text: JsonText) -> JsonText:
    """`error` as predicates and the failure module see it: the error of a failed result, or of an array of results."""
    value = loads(text)
    if isinstance(value, dict) and isinstance(value.get("error"), dict):
        return dumps(value["error"])
    if isinstance(value, list):
        errors = [item["error"] for item in value if isinstance(item, dict) and isinstance(item.get("error"), dict)]
        if len(errors) == 1:
            return dumps(errors[0])
        if errors:
            message = "; ".join(str(error.get("message", "")) for error in errors[:10])
            return dumps({"name": "MultipleErrors", "message": message, "errors": errors})
    return dumps({"name": "UnknownError", "message": "There is no error in the previous result"})


def static_of(transform: Any) -> JsonText:
    """The value of a static input (none is null)."""
    return dumps(transform.get("value")) if isinstance(transform, Mapping) else NULL


def _is_iter(name: str) -> bool:
    return name == "iter" or (name.startswith("iter_parent") and not name.replace("iter", "", 1).replace("_parent", ""))


def _outer(name: str) -> str:
    return "iter_parent" if name == "iter" else f"{name}_parent"
