"""One question to a model, one JSON answer that fits a schema, or a `ModelFailed` that says why not.

Everything goes through the `openai` client over the guarded connection of `net`. Nothing is asked unless a method here is
called, and nothing of an answer is kept. Whoever stops waiting (a cancelled task) closes the connection to the model too.
The `openai` package takes half a second to import, so only a server with a model imports it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from flowapp.models.budget import Budget, estimated
from flowapp.models.errors import ModelTooLong, ModelUnreachable
from flowapp.models.failures import failure, too_slow
from flowapp.models.shapes import Completion, answer_of, completion_of
from flowapp.models.streams import collected
from flowapp.models.wishes import Wish
from flowapp.net import AddressPolicy, AddressRefused, NetError, open_client

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-4o-mini"
_CHECK = "Check the model's address, name and key in the settings."
_PRIVATE = "An admin of the whole server can choose such an address, or FLOWAPP_ALLOWED_HOSTS names it."
#: An answer of fewer tokens is not worth a question.
LEAST_ANSWER = 200
#: More characters than this to a token are no answer of a model that keeps to its limit.
_MOST_PER_TOKEN = 16


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model answers, and how long it may take.

    `timeout_s` bounds a whole question, retries included; where the answer comes in pieces it bounds each silence, and
    `stream_s` the whole. `message_tokens` bounds question and answer together; None is no limit.
    """

    model: str
    #: local servers often need none
    key: str = field(default="", repr=False)
    base_url: str = ""
    timeout_s: float = 30.0
    max_answer_tokens: int = 2000
    stream_s: float = 300.0
    message_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model gave: an object of the schema, and the tokens that the server counted, where it tells them."""

    value: dict[str, Any]
    tokens: int | None


class ModelClient:
    """A client of one model. `policy` says which private addresses it may call; by default that of its own settings."""

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
        own = AddressPolicy().allowing_url(base_url)
        self._client = openai.AsyncOpenAI(
            # Without any key the client would look into the environment, and refuse to start.
            api_key=settings.key or "none",
            base_url=base_url,
            max_retries=1,
            timeout=settings.timeout_s,
            http_client=open_client(policy or own, timeout_s=settings.timeout_s),
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
        return (await self.told(system, user, schema, name, max_tokens)).value

    async def told(
        self,
        system: str,
        user: str,
        schema: dict[str, Any],
        name: str,
        max_tokens: int | None = None,
        hear: Callable[[str], None] | None = None,
    ) -> Answer:
        """The same with what it cost.

        With `hear` the answer is asked for in pieces, and each is told as it comes: JSON text that nobody has checked yet. A
        server that cannot do so gives it in one piece, and `hear` is not called.

        Raises:
            ModelFailed: as `ask`.
        """
        import openai

        wish = Wish(system, user, schema, name, self._limit(system, user, schema, max_tokens), hear)
        reserved = self._budget.reserve(estimated(system, user) + wish.limit)
        used = 0
        try:
            completion = await self._complete(wish)
            used = completion.usage.total_tokens if completion.usage else reserved
            return Answer(answer_of(completion, schema), completion.usage.total_tokens if completion.usage else None)
        except TimeoutError as error:
            # The model may have worked for it all the same.
            used = reserved
            raise too_slow(self._settings.timeout_s) from error
        except openai.OpenAIError as error:
            raise failure(error, self._settings.timeout_s, _CHECK, self._settings.model) from error
        except httpx2.TimeoutException as error:
            raise too_slow(self._settings.timeout_s) from error
        except httpx2.HTTPError as error:
            raise ModelUnreachable("The connection to the model's server was cut.", "Try again.") from error
        except NetError as error:
            hint = _PRIVATE if isinstance(error, AddressRefused) else _CHECK
            raise ModelUnreachable(f"The model's server cannot be used. {error.message}", hint) from error
        finally:
            self._budget.settle(reserved, used)

    def body(self, system: str, user: str, schema: dict[str, Any], name: str) -> dict[str, Any]:
        """What `ask` would send, as the body of its first request; nothing is sent.

        Raises:
            ModelTooLong: it is longer than a message may be, and would not be sent.
        """
        return self._bodies(Wish(system, user, schema, name, self._limit(system, user, schema, None), None))[0]

    def _bodies(self, wish: Wish) -> list[dict[str, Any]]:
        return [{"model": self._settings.model, **form} for form in wish.forms()]

    def _limit(self, system: str, user: str, schema: dict[str, Any], max_tokens: int | None) -> int:
        """How many tokens the answer may have."""
        limit = max_tokens or self._settings.max_answer_tokens
        most = self._settings.message_tokens
        if most is None:
            return limit
        question = estimated(system, user, json.dumps(schema))
        if most - question < min(limit, LEAST_ANSWER):
            raise ModelTooLong(
                f"The question alone is about {question:,} tokens long; a message may have {most:,} with its answer.",
                "Ask about a smaller flow, or have an admin raise the tokens per message in the settings.",
            )
        return min(limit, most - question)

    async def _complete(self, wish: Wish) -> Completion:
        """The answer to the richest form of the question that the server takes."""
        import openai

        bodies = self._bodies(wish)
        for body in bodies[:-1]:
            try:
                return await self._send(wish, body)
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                continue
        return await self._send(wish, bodies[-1])

    async def _send(self, wish: Wish, body: dict[str, Any]) -> Completion:
        settings = self._settings
        whole = settings.stream_s if body.get("stream") else settings.timeout_s
        loop = asyncio.get_running_loop()
        end = loop.time() + whole
        async with asyncio.timeout(settings.timeout_s) as deadline:
            create = self._client.chat.completions.with_streaming_response.create
            async with create(**body) as response:
                if wish.hear is None or "event-stream" not in response.headers.get("content-type", ""):
                    return completion_of(await response.text(), _CHECK)

                async def lines() -> AsyncIterator[str]:
                    async for line in response.iter_lines():
                        deadline.reschedule(min(end, loop.time() + settings.timeout_s))
                        yield line

                return await collected(lines(), wish.limit * _MOST_PER_TOKEN, wish.hear)
