"""Which model a workspace's assistant asks: a part of its settings. The key is there as ciphertext only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from flowapp.store import identities

#: What the ciphertext of the key is bound to. No variable has such a path.
KEY_PATH = "settings/assistant/key"
_KEY = "assistant"


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What a workspace says of its own; "" and None leave it to the server.

    `models` are names by role. `private`: the address was set by an admin of the whole server, and may be a private one.
    `by` set it last.
    """

    enabled: bool = True
    base_url: str = ""
    private: bool = False
    sealed_key: str = field(default="", repr=False)
    models: Mapping[str, str] = field(default_factory=dict)
    message_tokens: int | None = None
    by: str = ""


def of(connection: Connection, workspace_id: str) -> StoredModel:
    """What is set in a workspace."""
    row = identities.workspace(connection, workspace_id)
    found = json.loads(row.settings or "{}").get(_KEY) if row is not None else None
    if not isinstance(found, dict):
        return StoredModel()
    models = found.get("models")
    tokens = found.get("message_tokens")
    return StoredModel(
        enabled=found.get("enabled") is not False,
        base_url=str(found.get("base_url") or ""),
        private=found.get("private") is True,
        sealed_key=str(found.get("key") or ""),
        models={str(role): str(name) for role, name in models.items()} if isinstance(models, dict) else {},
        message_tokens=tokens if isinstance(tokens, int) else None,
        by=str(found.get("by") or ""),
    )


def change(connection: Connection, workspace_id: str, model: StoredModel) -> None:
    """Inside a write, after `identities.lock_workspace`: have it so from now on. Other settings stay."""
    said = {
        "enabled": model.enabled,
        "base_url": model.base_url,
        "private": model.private,
        "key": model.sealed_key,
        "models": dict(model.models),
        "message_tokens": model.message_tokens,
        "by": model.by,
    }
    identities.change_setting(connection, workspace_id, _KEY, said)
