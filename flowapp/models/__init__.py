"""Language models behind an OpenAI-compatible API. Knows nothing of flows."""

from __future__ import annotations

from flowapp.models.budget import Budget
from flowapp.models.client import ModelClient, ModelSettings, configured
from flowapp.models.errors import (
    ModelBudgetSpent,
    ModelBusy,
    ModelDenied,
    ModelFailed,
    ModelMalformed,
    ModelRefused,
    ModelTimeout,
    ModelUnreachable,
)

__all__ = [
    "Budget",
    "ModelBudgetSpent",
    "ModelBusy",
    "ModelClient",
    "ModelDenied",
    "ModelFailed",
    "ModelMalformed",
    "ModelRefused",
    "ModelSettings",
    "ModelTimeout",
    "ModelUnreachable",
    "configured",
]
