"""How `main` is called: the rule of openflow.md 9.

A declared parameter takes the input of its name; missing or null gives its default, or None when it has none. Inputs
that are not declared are dropped, unless there is a `**kwargs`, which takes them. `bytes`, `datetime` and `date`
parameters are read from their JSON text.
"""

from __future__ import annotations

import base64
import datetime
import inspect
import types
import typing
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

from flowapp.runtimes.guest import streaming

_READ_FROM_TEXT = (bytes, datetime.datetime, datetime.date)
#: stands for a default or an annotation that is not there
EMPTY = inspect.Parameter.empty
#: `inspect.Parameter.kind`, as numbers
_POSITIONAL_ONLY, _EITHER, _VAR_POSITIONAL, _KEYWORD_ONLY, _VAR_KEYWORD = range(5)
#: name, kind, default, annotation
Parameter = tuple[str, int, Any, Any]


def call(function: Callable[..., Any], inputs: Mapping[str, Any]) -> Any:
    """Call the entry point and wait for it: coroutines are awaited, iterators streamed and joined to one text."""
    positional, named = bind(function, inputs)
    value = function(*positional, **named)
    if inspect.iscoroutine(value) or streaming.is_async_iterator(value):
        import asyncio  # dear, and rarely wanted

        value = asyncio.run(_wait(value))
    return streaming.joined(value) if streaming.is_iterator(value) else value


def bind(function: Callable[..., Any], inputs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Positional and named arguments for the inputs."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    takes_rest = False
    declared = parameters(function)
    for parameter in declared:
        name, kind, _, _ = parameter
        if kind == _VAR_KEYWORD:
            takes_rest = True
        elif kind != _VAR_POSITIONAL:
            value = _value_for(parameter, inputs.get(name), function)
            if kind == _POSITIONAL_ONLY:
                positional.append(value)
            else:
                named[name] = value
    if takes_rest:
        names = {parameter[0] for parameter in declared}
        named.update({name: value for name, value in inputs.items() if name not in names})
    return positional, named


def parameters(function: Callable[..., Any]) -> list[Parameter]:
    """What `inspect.signature` says of a callable, without the objects that it makes of it.

    They would cost a process that was just forked, with the pages that it copies for them, as much as the rest of a trivial job.
    """
    # without attributes: it wraps nothing, and nobody has given it a signature by hand
    if type(function) is types.FunctionType and not function.__dict__:
        return _of_plain(function)
    found = inspect.signature(function).parameters.values()
    return [(each.name, int(each.kind), each.default, each.annotation) for each in found]


def _of_plain(function: types.FunctionType) -> list[Parameter]:
    code, annotations = function.__code__, function.__annotations__
    names, given = code.co_varnames, function.__defaults__ or ()
    by_name = function.__kwdefaults__ or {}
    count, only_named = code.co_argcount, code.co_kwonlyargcount
    without = count - len(given)
    found: list[Parameter] = []
    for at in range(count):
        kind = _POSITIONAL_ONLY if at < code.co_posonlyargcount else _EITHER
        default = given[at - without] if at >= without else EMPTY
        found.append((names[at], kind, default, annotations.get(names[at], EMPTY)))
    rest = count + only_named
    if code.co_flags & inspect.CO_VARARGS:
        found.append((names[rest], _VAR_POSITIONAL, EMPTY, annotations.get(names[rest], EMPTY)))
        rest += 1
    for name in names[count : count + only_named]:
        found.append((name, _KEYWORD_ONLY, by_name.get(name, EMPTY), annotations.get(name, EMPTY)))
    if code.co_flags & inspect.CO_VARKEYWORDS:
        found.append((names[rest], _VAR_KEYWORD, EMPTY, annotations.get(names[rest], EMPTY)))
    return found


def _value_for(parameter: Parameter, given: Any, function: Callable[..., Any]) -> Any:
    _, _, default, annotation = parameter
    if given is None:
        return None if default is EMPTY else default
    if not isinstance(given, str) or annotation is EMPTY:
        return given
    wanted = _read_from_text(_evaluated(annotation, function))
    if wanted is bytes:
        return _decoded(given)
    if wanted is datetime.datetime:
        return datetime.datetime.fromisoformat(given)
    if wanted is datetime.date:
        # A form may send a full timestamp for a date.
        return datetime.date.fromisoformat(given[:10])
    return given


def _evaluated(annotation: Any, function: Callable[..., Any]) -> Any:
    """An annotation written as text (`from __future__ import annotations`) as the type it names, where it names one."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, getattr(function, "__globals__", {}))  # noqa: S307  # the script's own text
    except Exception:
        return None


def _read_from_text(annotation: Any) -> type | None:
    """The one of `_READ_FROM_TEXT` that the annotation stands for, also inside Optional, unions and Annotated."""
    if annotation in _READ_FROM_TEXT:
        return typing.cast(type, annotation)
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType, typing.Annotated):
        options = typing.get_args(annotation)
        if str in options:
            return None
        return next((found for option in options if (found := _read_from_text(option))), None)
    return None


def _decoded(text: str) -> bytes:
    if text.startswith("data:") and ";base64," in text[:200]:
        text = text.partition(";base64,")[2]
    return base64.b64decode(text)


async def _wait(value: Coroutine[Any, Any, Any] | AsyncIterator[Any]) -> Any:
    found = await value if inspect.iscoroutine(value) else value
    return await streaming.joined_async(found) if streaming.is_async_iterator(found) else found
