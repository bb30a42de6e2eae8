"""Where a workspace has its requests for approval told. Its admins set that; their rights read the mail server's resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.openflow.approval_extras import channels_of
from flowapp.store import audit, message_settings
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest


class ApprovalSettings:
    """Use-cases about the messages of steps that say nothing of their own."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database

    async def read(self, identity: Identity) -> dict[str, Any]:
        """`{"messages": [{"resource", "to"}], "by"}`: `by` has set it, "" where nobody has."""
        require(identity, "workspace.manage", guard.workspace_target(identity))
        found = await self._database.read(lambda c: message_settings.of(c, identity.workspace))
        if found is None:
            return {"messages": [], "by": ""}
        return {"messages": [{"resource": one.resource, "to": list(one.to)} for one in found.channels], "by": found.by}

    async def change(self, identity: Identity, body: Mapping[str, Any]) -> None:
        """Have requests told by `{"messages": [{"resource", "to"}]}` from now on; an empty list tells nobody.

        Raises:
            BadRequest: messages is missing.
            ExtrasInvalid: it is not such a list.
        """
        require(identity, "workspace.manage", guard.workspace_target(identity))
        if "messages" not in body:
            raise BadRequest(
                "messages is missing.", 'Send {"messages": [{"resource": "f/ops/mail", "to": ["g/all"]}]}.'
            )
        channels = channels_of(body["messages"])
        stored = [{"resource": one.resource, "to": list(one.to)} for one in channels]

        def work(connection: Connection) -> None:
            message_settings.change(connection, identity.workspace, stored, identity.username)
            audit.add(
                connection,
                workspace=identity.workspace,
                by=identity.username,
                action="workspace.approval_messages",
                target=identity.workspace,
                detail=", ".join(one.resource for one in channels) or "none",
            )

        await self._database.write(work)
