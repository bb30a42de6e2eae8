"""Reminders and escalations of requests that nobody answers. A duty of the timer: what is planned stands in the database."""

from __future__ import annotations

from datetime import datetime

from flowapp.engine.timer import next_look
from flowapp.store import approval_nudges
from flowapp.store.clock import text_of
from flowapp.workspace.context import Context


class NudgeApprovals:
    """Reminds of and escalates whatever is due; on any number of servers each of it happens once."""

    name = "reminding of approvals"

    def __init__(self, context: Context) -> None:
        self._store = context.store

    async def look(self, now: datetime) -> datetime:
        """Do what is due."""
        database = self._store.database
        following = await database.read(approval_nudges.next_due)
        if following is not None and following <= text_of(now):
            await database.write(lambda c: self._store.approvals.nudge(c, now))
            following = await database.read(approval_nudges.next_due)
        return next_look(now, following)
