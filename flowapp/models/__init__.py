"""Language models behind an OpenAI-compatible API. Knows nothing of flows."""

from __future__ import annotations

from flowapp.models.budget import Budget, estimated
from flowapp.models.client import DEFAULT_BASE_URL, DEFAULT_MODEL, Answer, ModelClient, ModelSettings
from flowapp.models.errors import (
    ModelBudgetSpent,
    ModelBusy,
    ModelDenied,
    ModelFailed,
    ModelMalformed,
    ModelRefused,
    ModelTimeout,
    ModelTooLong,
    ModelUnknown,
    ModelUnreachable,
)
from flowapp.models.growing import GrowingText

__all__ = [
    "DEFAULT_BASE_URL",
    "DEFAULT_MODEL",
    "Answer",
    "Budget",
    "GrowingText",
    "ModelBudgetSpent",
    "ModelBusy",
    "ModelClient",
    "ModelDenied",
    "ModelFailed",
    "ModelMalformed",
    "ModelRefused",
    "ModelSettings",
    "ModelTimeout",
    "ModelTooLong",
    "ModelUnknown",
    "ModelUnreachable",
    "estimated",
]
