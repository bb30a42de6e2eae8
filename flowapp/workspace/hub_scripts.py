"""Looking into the hub: what scripts there are, and what is in one. Steps of runs get them through `library.py`."""

from __future__ import annotations

from typing import Any

from flowapp.access.identity import INSTANCE, Identity
from flowapp.access.policy import Target, require
from flowapp.hub import Hub, HubEntry, HubScript
from flowapp.jsontext import loads

MOST = 200


class HubScripts:
    """Use-cases about the hub. It belongs to no workspace: identities are those of `Sessions.account`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def search(
        self, identity: Identity, *, text: str = "", kind: str = "", app: str = "", limit: int = 50
    ) -> list[dict[str, Any]]:
        """Scripts that have all the words of `text`, the best first, in Windmill's shape."""
        _require(identity)
        found = await self._hub.search(text, kind=kind, app=app, limit=max(1, min(limit, MOST)))
        return [_entry_json(entry) for entry in found]

    async def content(self, identity: Identity, path: str) -> str:
        """The code of a script.

        Raises:
            HubError: it cannot be had.
        """
        _require(identity)
        return (await self._hub.script(path)).content

    async def full(self, identity: Identity, path: str) -> dict[str, Any]:
        """A script with its schema, in Windmill's shape.

        Raises:
            HubError: it cannot be had.
        """
        _require(identity)
        return _script_json(await self._hub.script(path))


def _require(identity: Identity) -> None:
    require(identity, "account.read", Target(INSTANCE, "account", owner=identity.username))


def _entry_json(entry: HubEntry) -> dict[str, Any]:
    number = int(entry.version)
    return {
        "id": number,
        "ask_id": number,
        "version_id": number,
        "path": entry.path,
        "app": entry.app,
        "summary": entry.summary,
        "kind": entry.kind,
    }


def _script_json(script: HubScript) -> dict[str, Any]:
    return {
        "path": script.path,
        "content": script.content,
        "language": script.language,
        "summary": script.summary,
        "kind": script.kind,
        "schema": loads(script.schema) if script.schema is not None else None,
        **({"lockfile": script.lock} if script.lock is not None else {}),
    }
