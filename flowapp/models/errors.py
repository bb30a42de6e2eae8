"""Why a model gave no answer that can be used.

ModelFailed
├── ModelUnreachable   models.unreachable    no connection, or a server error
├── ModelTimeout       models.timeout        no answer in time
├── ModelUnknown       models.unknown        the server knows no model of that name
├── ModelDenied        models.denied         the key is wrong or has no rights
├── ModelBusy          models.busy           too many requests, or no credit
├── ModelRefused       models.refused        the model declined
├── ModelMalformed     models.malformed      the answer does not have the agreed form
├── ModelTooLong       models.too_long       nothing was asked: the question does not fit into the tokens of a message
└── ModelBudgetSpent   models.budget_spent   nothing was asked: today's tokens are used up
"""

from __future__ import annotations

from typing import ClassVar

from flowapp.errors import FlowappError


class ModelFailed(FlowappError):
    """A model gave no usable answer."""

    code: ClassVar[str] = "models.failed"
    status: ClassVar[int] = 502


class ModelUnreachable(ModelFailed):
    """No connection to the model's server, or it failed."""

    code: ClassVar[str] = "models.unreachable"


class ModelTimeout(ModelFailed):
    """The model did not answer in time."""

    code: ClassVar[str] = "models.timeout"
    status: ClassVar[int] = 504


class ModelUnknown(ModelFailed):
    """The server has no model of that name."""

    code: ClassVar[str] = "models.unknown"


class ModelDenied(ModelFailed):
    """The key is not accepted."""

    code: ClassVar[str] = "models.denied"


class ModelBusy(ModelFailed):
    """Too many requests, or no credit left at the provider."""

    code: ClassVar[str] = "models.busy"


class ModelRefused(ModelFailed):
    """The model declined to answer."""

    code: ClassVar[str] = "models.refused"


class ModelMalformed(ModelFailed):
    """The answer does not have the agreed form."""

    code: ClassVar[str] = "models.malformed"


class ModelTooLong(ModelFailed):
    """Question and answer would be longer than a message may be; the model was not asked."""

    code: ClassVar[str] = "models.too_long"
    status: ClassVar[int] = 413


class ModelBudgetSpent(ModelFailed):
    """The day's tokens are used up; the model was not asked."""

    code: ClassVar[str] = "models.budget_spent"
    status: ClassVar[int] = 429
