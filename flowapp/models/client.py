"""One question to a model, one JSON answer that fits a schema, or a `ModelFailed` that says why not.

Everything goes through the `openai` client over the guarded connection of `net`. Nothing is asked unless a method here is
called, and nothing of an answer is kept. The `openai` package takes half a second to import, so only a server with a model
imports it.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from flowapp.models.budget import Budget
from flowapp.models.errors import (
    ModelBusy,
    ModelDenied,
    ModelFailed,
    ModelMalformed,
    ModelRefused,
    ModelTimeout,
    ModelUnreachable,
)
from flowapp.net import AddressPolicy, NetError, open_client

if TYPE_CHECKING:
    import openai

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-4o-mini"
_CHECK_SETTINGS = "Check the model's address, name and key in the settings."


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model answers. `timeout_s` bounds a whole question, retries included."""

    model: str
    #: local servers often need none
    key: str = field(default="", repr=False)
    base_url: str = ""
    timeout_s: float = 30.0
    max_answer_tokens: int = 2000


def configured(model: str, key: str, base_url: str) -> ModelClient | None:
    """The client of a configuration, or None where neither a key nor a server is given.

    Raises:
        PolicyInvalid: the base URL is no address of a server.
    """
    if not key and not base_url:
        return None
    return ModelClient(ModelSettings(model or DEFAULT_MODEL, key, base_url))


class ModelClient:
    """A client of one model. The address in its settings is the administrator's choice, so it may be a private one."""

    def __init__(
        self, settings: ModelSettings, policy: AddressPolicy | None = None, budget: Budget | None = None
    ) -> None:
        """Open the client; nothing is sent yet.

        Raises:
            PolicyInvalid: the base URL is no address of a server.
        """
        import openai

        self._settings = settings
        self._budget = budget or Budget()
        base_url = settings.base_url or DEFAULT_BASE_URL
        allowed = (policy or AddressPolicy()).allowing_url(base_url)
        self._client = openai.AsyncOpenAI(
            # Without any key the client would look into the environment, and refuse to start.
            api_key=settings.key or "none",
            base_url=base_url,
            max_retries=1,
            timeout=settings.timeout_s,
            http_client=open_client(allowed, timeout_s=settings.timeout_s),
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    @property
    def model(self) -> str:
        """The name of the model that answers."""
        return self._settings.model

    async def ask(
        self, system: str, user: str, schema: dict[str, Any], name: str, max_tokens: int | None = None
    ) -> dict[str, Any]:
        """The model's answer as an object that fits `schema` (JSON Schema of an object, strict).

        `max_tokens` bounds the answer where it may be longer than usual.

        Raises:
            ModelFailed: there is no such answer; the subclass says why.
        """
        import openai

        # About four characters to a token: an estimate that is settled with the true number afterwards.
        limit = max_tokens or self._settings.max_answer_tokens
        reserved = self._budget.reserve((len(system) + len(user)) // 4 + limit)
        used = 0
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                completion = _read(await self._complete(system, user, schema, name, limit))
            used = completion.usage.total_tokens if completion.usage else reserved
            return _object(completion, schema)
        except TimeoutError as error:
            # The model may have worked for it all the same.
            used = reserved
            raise self._too_slow() from error
        except openai.OpenAIError as error:
            raise self._failure(error) from error
        finally:
            self._budget.settle(reserved, used)

    async def _complete(self, system: str, user: str, schema: dict[str, Any], name: str, limit: int) -> str:
        import openai

        form: Any = {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}
        messages: Any = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        create = self._client.chat.completions.with_raw_response.create
        try:
            answer = await create(
                model=self._settings.model, messages=messages, response_format=form, max_completion_tokens=limit
            )
        except openai.BadRequestError:
            # Servers that do not know schemas get it in words; the answer is checked against it all the same.
            messages[0]["content"] = (
                f"{system}\n\nAnswer with one JSON object of this JSON Schema:\n{json.dumps(schema)}"
            )
            answer = await create(model=self._settings.model, messages=messages, max_tokens=limit)
        return answer.text

    def _failure(self, error: openai.OpenAIError) -> ModelFailed:
        import openai

        match error:
            case openai.APITimeoutError():
                return self._too_slow()
            case openai.APIConnectionError():
                cause = error.__cause__
                reason = f" {cause.message}" if isinstance(cause, NetError) else ""
                return ModelUnreachable(f"The model's server cannot be reached.{reason}", _CHECK_SETTINGS)
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return ModelDenied("The model's server does not accept the key.", _CHECK_SETTINGS)
            case openai.RateLimitError():
                return ModelBusy("The model's server has no capacity or credit left.", "Try again later.")
            case openai.APIStatusError():
                return ModelUnreachable(
                    f"The model's server answered with status {error.status_code}.", _CHECK_SETTINGS
                )
            case _:
                return ModelMalformed("The model's server gave an answer that cannot be read.", _CHECK_SETTINGS)

    def _too_slow(self) -> ModelTimeout:
        seconds = f"{self._settings.timeout_s:g} s"
        return ModelTimeout(f"The model did not answer within {seconds}.", "Try again, or choose a faster model.")


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    total_tokens: int = 0


class _Completion(BaseModel):
    """What is read of an answer. The client's own types take any JSON for an answer, a web page too."""

    choices: list[_Choice]
    usage: _Usage | None = None


def _read(text: str) -> _Completion:
    try:
        return _Completion.model_validate_json(text)
    except ValidationError as error:
        raise ModelMalformed("The model's server gave an answer that cannot be read.", _CHECK_SETTINGS) from error


def _object(completion: _Completion, schema: dict[str, Any]) -> dict[str, Any]:
    """The object in an answer."""
    if not completion.choices:
        raise ModelMalformed("The model gave an empty answer.", "Try again.")
    choice = completion.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise ModelRefused("The model declined to answer.", "Do it by hand, or ask in other words.")
    if choice.finish_reason == "length":
        raise ModelMalformed("The model's answer was cut off.", "Try again, and ask for less at once.")
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
