"""Links to the page of a request for approval that this server hands out itself, in messages and to be copied.

What they are for and until when is a part of what is signed: `mail` is for whom it was sent to, `page` for whoever it is handed
to, and neither is good at any address but the page's. Only a number is stored of one, never the link: the key is made of the
server's secret key, which is not in the database, so who reads that makes none. Links of `resume_urls` are as Windmill's
clients know them (`access.approving.signature`): without a purpose, and as long as their run.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, get_args

from flowapp.jsontext import dumps

DAYS = 30
"""How long a link is good. One of a request that waits longer is good until a day after its deadline."""
Purpose: TypeAlias = Literal["mail", "page"]


@dataclass(frozen=True, slots=True)
class Own:
    """What a link says of itself, as it was opened: `purpose` may be any text then. `until` is in seconds since 1970."""

    purpose: str
    until: int

    def is_over(self, now: float) -> bool:
        """Whether its time has passed."""
        return now >= self.until


def until(since: datetime, deadline: str | None) -> int:
    """Until when a link is good that is handed out at a moment, for a request with (or without) a deadline."""
    ends = since + timedelta(days=DAYS)
    if deadline is not None:
        ends = max(ends, datetime.fromisoformat(deadline) + timedelta(days=1))
    return int(ends.timestamp())


def signature(key: bytes, workspace: str, job_id: str, resume_id: int, approver: str, own: Own) -> str:
    """The hex HMAC-SHA256 of all that a link says."""
    said = dumps([workspace, job_id, resume_id, approver, own.purpose, own.until])
    return hmac.new(key, said.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def is_signed(key: bytes, workspace: str, job_id: str, resume_id: int, approver: str, own: Own, given: str) -> bool:
    """Whether `given` is the signature of such a link, compared in constant time. Whether its time is over is another question."""
    if own.purpose not in get_args(Purpose):
        return False
    right = signature(key, workspace, job_id, resume_id, approver, own)
    return hmac.compare_digest(right.encode(), given.strip().lower().encode("utf-8", "replace"))
