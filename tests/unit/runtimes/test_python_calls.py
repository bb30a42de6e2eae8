"""How inputs become arguments of `main` (openflow.md 9)."""

from __future__ import annotations

import datetime
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Optional

import pytest

from flowapp.runtimes.guest.python_calls import bind, call, parameters


def named(function: Callable[..., Any], **inputs: Any) -> dict[str, Any]:
    positional, found = bind(function, inputs)
    assert positional == []
    return found


def test_declared_parameters_take_the_input_of_their_name() -> None:
    def main(a: int, b: str) -> None: ...

    assert named(main, b="x", a=1) == {"a": 1, "b": "x"}


def test_missing_or_null_gives_the_default() -> None:
    def main(a: int = 3, b: int = 4, c: int = 5) -> None: ...

    assert named(main, b=None, c=0) == {"a": 3, "b": 4, "c": 0}


def test_missing_or_null_without_default_gives_none() -> None:
    def main(a: int, b: int) -> None: ...

    assert named(main, b=None) == {"a": None, "b": None}


def test_undeclared_inputs_are_dropped() -> None:
    def main(a: int) -> None: ...

    assert named(main, a=1, other=2) == {"a": 1}


def test_kwargs_take_the_rest() -> None:
    def main(a: int, **rest: Any) -> None: ...

    assert named(main, a=1, other=None, more=2) == {"a": 1, "other": None, "more": 2}


def test_positional_only_and_star_args() -> None:
    def main(a: int, /, *args: int, b: int = 2) -> None: ...

    assert bind(main, {"a": 1, "args": [5]}) == ([1], {"b": 2})


def test_bytes_are_decoded() -> None:
    def main(a: bytes, b: Optional[bytes], c: bytes | None, d: Annotated[bytes, "x"]) -> None: ...  # noqa: UP045

    main.__annotations__.update(a=bytes, b=Optional[bytes], c=bytes | None, d=Annotated[bytes, "x"])  # noqa: UP045
    assert named(main, a="aGk=", b="aGk=", c="data:text/plain;base64,aGk=", d="aGk=") == dict.fromkeys("abcd", b"hi")


def test_annotations_written_as_text_are_understood() -> None:
    def main(a: bytes, when: datetime.datetime, day: datetime.date, odd: NotThere) -> None: ...  # type: ignore[name-defined]  # noqa: F821  # an annotation that names nothing is the case

    found = named(main, a="aGk=", when="2026-11-22T10:00:00Z", day="2026-11-22T23:00:00", odd="x")
    assert found == {
        "a": b"hi",
        "when": datetime.datetime(2026, 11, 22, 10, tzinfo=datetime.UTC),
        "day": datetime.date(2026, 11, 22),
        "odd": "x",
    }


def test_a_union_with_text_keeps_text() -> None:
    def main(a: bytes | str) -> None: ...

    assert named(main, a="aGk=") == {"a": "aGk="}


def test_what_is_no_date_is_the_scripts_error() -> None:
    def main(day: datetime.date) -> None: ...

    with pytest.raises(ValueError, match="isoformat"):
        named(main, day="tomorrow")


def test_calls_of_every_kind() -> None:
    async def waits(a: int) -> int:
        return a

    def parts() -> Any:
        yield "a"
        yield 2

    async def later() -> Any:
        yield "x"
        yield "y"

    assert call(lambda a: a, {"a": 1}) == 1
    assert call(waits, {"a": 2}) == 2
    assert call(parts, {}) == "a2"
    assert call(later, {}) == "xy"


def _wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


def _empty() -> None: ...
def _plain(a: int, b: str = "x", *, c: float, d: int = 4) -> None: ...
def _before(a, b, /, c=1, d: int = 2): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
def _only_before(a, b=None, /): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
def _rest(a: int = 1, *more: str, z: bool, **others: bytes) -> None: ...
def _named_rest(**others: int) -> None: ...
async def _awaited(a: int, *, b: None = None) -> None: ...
def _signed(a: int) -> None: ...
def _cleared(a: int, b: int = 2) -> None: ...
def _marked(a: int) -> None: ...


def _with_locals(a: int) -> int:
    b = a + 1
    return sum([b + c for c in range(b)])


class _Made:
    def __init__(self, a: int, b: str = "x") -> None: ...


class _Called:
    def __call__(self, a: int, *, b: str = "x") -> None: ...


_signed.__signature__ = inspect.signature(_rest)  # type: ignore[attr-defined]
_cleared.__defaults__, _cleared.__annotations__ = None, {}
_marked.note = 1  # type: ignore[attr-defined]
#: callables of every kind that a script may name as its entry point
_SHAPES: list[Callable[..., Any]] = [
    *(_empty, _plain, _before, _only_before, _rest, _named_rest, _awaited, _signed, _cleared, _marked, _with_locals),
    *(_Made, _Called(), _Called().__call__, functools.partial(_plain, 1, c=2.0), functools.lru_cache(_plain)),
    *(_wrapping(_plain), lambda a, b=2, **c: (a, b, c), sorted),
]


@pytest.mark.parametrize("function", _SHAPES)
def test_parameters_are_what_inspect_says_they_are(function: Callable[..., Any]) -> None:
    said = inspect.signature(function).parameters.values()
    assert parameters(function) == [(each.name, each.kind, each.default, each.annotation) for each in said]


def test_undeclared_inputs_go_to_the_rest_and_declared_ones_do_not() -> None:
    def main(a: int, *b: int, c: int = 3, **rest: int) -> None: ...

    assert named(main, a=1, b=2, c=None, d=4) == {"a": 1, "c": 3, "d": 4}
