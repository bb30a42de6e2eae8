"""Where a workspace has its requests for approval told, where a step says nothing else: a part of its settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import dumps
from flowapp.openflow.approval_extras import Channel, ExtrasInvalid, channels_of
from flowapp.store import identities
from flowapp.store.rows import table
from flowapp.store.tables import WorkspaceRow

_WORKSPACE = table(WorkspaceRow)
_KEY = "approval_messages"


@dataclass(frozen=True, slots=True)
class MessageSettings:
    """The channels, and the member who set them: their rights read the resources."""

    channels: Sequence[Channel]
    by: str


def of(connection: Connection, workspace_id: str) -> MessageSettings | None:
    """What is set in a workspace; None for nothing."""
    row = identities.workspace(connection, workspace_id)
    found = json.loads(row.settings or "{}").get(_KEY) if row is not None else None
    if not isinstance(found, dict):
        return None
    try:
        return MessageSettings(channels_of(found.get("messages")), str(found.get("by") or ""))
    except ExtrasInvalid:
        return None


def change(connection: Connection, workspace_id: str, messages: Any, by: str) -> None:
    """Inside a write: have requests of the workspace told so (`messages` as `channels_of` takes them), as `by` set it.

    An empty list takes the setting away. Other settings stay.
    """
    mine = _WORKSPACE.c.id == workspace_id
    kept = json.loads(connection.execute(sa.select(_WORKSPACE.c.settings).where(mine).with_for_update()).scalar_one())
    settings = {name: value for name, value in kept.items() if name != _KEY}
    if messages:
        settings[_KEY] = {"messages": messages, "by": by}
    connection.execute(sa.update(_WORKSPACE).where(mine).values(settings=dumps(settings)))
