"""Where a workspace has its requests for approval told, where a step says nothing else: a part of its settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.openflow.approval_extras import Channel, ExtrasInvalid, channels_of
from flowapp.store import identities

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
    identities.change_setting(connection, workspace_id, _KEY, {"messages": messages, "by": by} if messages else None)
