"""A turn of a conversation with a model: what it is asked and what it answers, whichever protocol carries it.

Who asks keeps the conversation. Messages are as OpenAI's chat completions have them:
`{"role", "content", "tool_calls"?, "tool_call_id"?}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowapp.models.errors import ModelMalformed, ModelRefused

Hear = Callable[[str], None]
"""Told each piece of an answer's text, in their order."""
Message = dict[str, Any]
CHECK = "Check the address, the key and the name of the model."


@dataclass(frozen=True, slots=True)
class ChatServer:
    """Where a model answers. `timeout_s` bounds a turn, with its repetitions."""

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 300.0


@dataclass(frozen=True, slots=True)
class ChatFunction:
    """A function that the model may call. `parameters` is the JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a model is asked. With `schema` (JSON Schema) its last answer is to be JSON of that form; nobody checks it here."""

    messages: Sequence[Message]
    functions: Sequence[ChatFunction] = ()
    schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    search: str = ""
    """How it is told that it may search the web by itself (`searching`); "" where it may not."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call that the model wishes. `arguments` is its text, which should be JSON of an object."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What a model said, or which functions it wants to be called first. `tokens`: what the turn used, 0 when unknown.

    `sources` are the pages that it names, `{"type": "url_citation", "url_citation": {"url", "title", …}}`.
    """

    text: str
    calls: tuple[FunctionCall, ...] = ()
    tokens: int = 0
    sources: tuple[dict[str, Any], ...] = ()
    searched: bool = False


def described(function: ChatFunction) -> dict[str, Any]:
    """A function as servers are told of it; the protocols put different things around that."""
    about = {"description": function.description} if function.description else {}
    return {"name": function.name, **about, "parameters": dict(function.parameters)}


def checked(answer: ChatAnswer, *, declined: bool, cut: bool) -> ChatAnswer:
    """The answer, if it is one. `declined`, `cut`: what the server says of it.

    Raises:
        ModelRefused: the model declines.
        ModelMalformed: it was cut off, or is empty.
    """
    if declined:
        raise ModelRefused("The model declined to answer.", "Ask in other words, or choose another model.")
    if cut:
        raise ModelMalformed("The model's answer was cut off.", "Raise max_completion_tokens, or ask for less.")
    if not answer.calls and not answer.text:
        raise ModelMalformed("The model gave an empty answer.", "Try again.")
    return answer
