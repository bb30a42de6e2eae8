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
    parameters = inspect.signature(function).parameters
    for name, parameter in parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_rest = True
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            value = _value_for(parameter, inputs.get(name), function)
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(value)
            else:
                named[name] = value
    if takes_rest:
        named.update({name: value for name, value in inputs.items() if name not in parameters})
    return positional, named


def _value_for(parameter: inspect.Parameter, given: Any, function: Callable[..., Any]) -> Any:
    if given is None:
        return None if parameter.default is parameter.empty else parameter.default
    if not isinstance(given, str) or parameter.annotation is parameter.empty:
        return given
    wanted = _read_from_text(_evaluated(parameter.annotation, function))
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
