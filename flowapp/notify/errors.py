"""Why a message did not go out."""

from __future__ import annotations

from flowapp.errors import FlowappError


class NotSent(FlowappError):
    """The message was not taken, or its mail server or web address is not right. The sentence holds no secret."""

    code = "notify.not_sent"
    status = 502
