"""What stops the evaluator itself. A failing expression is no exception: it answers with `ExpressionFailed`.

ExpressionsError
├── EvaluatorUnavailable   expressions.unavailable
├── WorkerDied             (internal: the process ended while it worked)
└── WorkerTooSlow          (internal: the process was killed at the limit)
"""

from __future__ import annotations

from flowapp.errors import FlowappError


class ExpressionsError(FlowappError):
    """Base of the errors of this room."""

    code = "expressions.error"
    status = 500


class EvaluatorUnavailable(ExpressionsError):
    """No evaluating process could be started on this machine."""

    code = "expressions.unavailable"
    status = 503


class WorkerDied(ExpressionsError):
    """An evaluating process ended in the middle of its work."""


class WorkerTooSlow(ExpressionsError):
    """An evaluating process took longer than allowed and was killed."""
