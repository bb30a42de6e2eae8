"""What is read of a server's answers. The client's own types take any JSON for an answer, a web page too."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, ValidationError

from flowapp.models.errors import ModelMalformed, ModelRefused
from flowapp.models.searching import Annotation


class Function(BaseModel):
    """Which function is called. Some servers send an object as `arguments`, and some nothing for one without parameters."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class Call(BaseModel):
    """A call of a function. In a stream its pieces come under its `index`, which some servers leave out."""

    index: int | None = None
    id: str | None = None
    function: Function = Field(default_factory=Function)


class Message(BaseModel):
    """What the model says, whole or (in a stream) a piece of it.

    `annotations` and `executed_tools` are of a model that has searched the web, see `searching`; the latter of Groq's.
    """

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None
    annotations: list[Annotation] | None = None
    executed_tools: list[Any] | None = None


class Choice(BaseModel):
    """An answer, and why it ends."""

    message: Message
    finish_reason: str | None = None


class Usage(BaseModel):
    """What was counted, in tokens."""

    total_tokens: int = 0


class Completion(BaseModel):
    """An answer in one piece."""

    choices: list[Choice]
    usage: Usage | None = None


class Delta(BaseModel):
    """A piece of an answer."""

    delta: Message = Field(default_factory=Message)
    finish_reason: str | None = None


class Chunk(BaseModel):
    """An event of a stream. `choices` is empty in the one that tells the usage; `error` is there when the server gives up."""

    choices: list[Delta] = Field(default_factory=list)
    usage: Usage | None = None
    error: Any = None


def completion_of(text: str, hint: str) -> Completion:
    """An answer in one piece. `hint`: where the server is set.

    Raises:
        ModelMalformed: it is none.
    """
    try:
        return Completion.model_validate_json(text)
    except ValidationError as error:
        raise unreadable(hint) from error


def chunk_of(text: str) -> Chunk:
    """An event of a stream.

    Raises:
        ModelMalformed: it is none.
    """
    try:
        return Chunk.model_validate_json(text)
    except ValidationError as error:
        raise unreadable("Try again.") from error


def unreadable(hint: str) -> ModelMalformed:
    """The failure for an answer that is none."""
    return ModelMalformed("The model's server gave an answer that cannot be read.", hint)


def answer_of(completion: Completion, schema: dict[str, Any]) -> dict[str, Any]:
    """The object in an answer, which fits `schema`.

    Raises:
        ModelRefused: the model declined.
        ModelMalformed: there is no such object.
    """
    if not completion.choices:
        raise ModelMalformed("The model gave an empty answer.", "Try again.")
    choice = completion.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise ModelRefused("The model declined to answer.", "Do it by hand, or ask in other words.")
    if choice.finish_reason == "length":
        raise ModelMalformed(
            "The model's answer was cut off.",
            "Try again, and ask for less at once, or raise the tokens per message in the settings.",
        )
    try:
        found = json.loads(_unfenced(choice.message.content or ""))
    except ValueError as error:
        raise ModelMalformed("The model's answer is not JSON.", "Try again, or choose another model.") from error
    if not isinstance(found, dict) or not Draft202012Validator(schema).is_valid(found):
        raise ModelMalformed("The model's answer does not have the agreed form.", "Try again, or choose another model.")
    return found


def _unfenced(text: str) -> str:
    """The text without the code fence that many models put around JSON."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        return text[3:-3].removeprefix("json").strip()
    return text
