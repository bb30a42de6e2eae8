"""Evaluating the JavaScript of input transforms and predicates, away from everything worth stealing."""

from __future__ import annotations

from flowapp.expressions.evaluator import Evaluator
from flowapp.expressions.pool import Limits
from flowapp.expressions.values import Batch, Expression, ExpressionFailed, Lookup

__all__ = ["Batch", "Evaluator", "Expression", "ExpressionFailed", "Limits", "Lookup"]
