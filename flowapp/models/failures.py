"""What went wrong between the `openai` client and a server, as a `ModelFailed` that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowapp.models.errors import (
    ModelBusy,
    ModelDenied,
    ModelFailed,
    ModelMalformed,
    ModelTimeout,
    ModelUnknown,
    ModelUnreachable,
)
from flowapp.net import NetError

if TYPE_CHECKING:
    import openai


def failure(error: openai.OpenAIError, timeout_s: float, hint: str, model: str) -> ModelFailed:
    """The failure that an error of the client is. `hint`: where address, name and key of the `model` are set.

    Nothing that the server wrote is in it: servers repeat keys and requests in their errors.
    """
    import openai

    match error:
        case openai.APITimeoutError():
            return too_slow(timeout_s)
        case openai.APIConnectionError():
            cause = error.__cause__
            reason = f" {cause.message}" if isinstance(cause, NetError) else ""
            return ModelUnreachable(f"The model's server cannot be reached.{reason}", hint)
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return ModelDenied("The model's server does not accept the key.", hint)
        case openai.NotFoundError() if isinstance(error.body, dict) and "detail" not in error.body:
            # an error in the protocol's own form: the address is right
            return ModelUnknown(f"The model's server does not know a model {model!r}.", hint)
        case openai.RateLimitError():
            return ModelBusy("The model's server has no capacity or credit left.", "Try again later.")
        case openai.APIStatusError():
            return ModelUnreachable(f"The model's server answered with status {error.status_code}.", hint)
        case _:
            return ModelMalformed("The model's server gave an answer that cannot be read.", hint)


def too_slow(timeout_s: float) -> ModelTimeout:
    """No answer within the time."""
    message = f"The model did not answer within {timeout_s:g} s."
    return ModelTimeout(message, "Try again, or choose a faster model.")
