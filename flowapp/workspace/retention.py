"""How long a workspace keeps its runs. Only its admins look at that and change it: what has expired is gone for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import missing, require
from flowapp.store import audit, identities, retention_policy
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest

_FIELD = "retention_days"


class Retention:
    """Use-cases about the days for which runs are kept."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database

    async def read(self, identity: Identity) -> dict[str, Any]:
        """`{"retention_days", "is_default"}`: how many days after its end a run is deleted; 0 is never."""
        require(identity, "workspace.manage", guard.workspace_target(identity))
        row = await self._database.read(lambda c: identities.workspace(c, identity.workspace))
        if row is None:
            raise missing("workspace")
        own = retention_policy.own_days(row.settings)
        return {_FIELD: retention_policy.days_of(row.settings), "is_default": own is None}

    async def change(self, identity: Identity, body: Mapping[str, Any]) -> None:
        """Keep runs for `{"retention_days"}` days from now on: 0 for ever, null as long as by default.

        Raises:
            BadRequest: it is missing, or no whole number of days up to 36,500.
        """
        require(identity, "workspace.manage", guard.workspace_target(identity))
        days = _days(body)

        def work(connection: Connection) -> None:
            retention_policy.change(connection, identity.workspace, days)
            audit.add(
                connection,
                workspace=identity.workspace,
                by=identity.username,
                action="workspace.retention",
                target=identity.workspace,
                detail="default" if days is None else f"{days} days",
            )

        await self._database.write(work)


def _days(body: Mapping[str, Any]) -> int | None:
    if _FIELD not in body:
        raise BadRequest(
            f"{_FIELD} is missing.", f'Send {{"{_FIELD}": 90}}; 0 keeps runs for ever, null is the default.'
        )
    days = body[_FIELD]
    if days is None:
        return None
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= retention_policy.MOST_DAYS:
        raise BadRequest(
            f"{_FIELD} must be a whole number of days from 0 to {retention_policy.MOST_DAYS}.",
            "0 keeps runs for ever, null is the default.",
        )
    return days
