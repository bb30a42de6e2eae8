"""What a draft names of the workspace's variables and resources, whether its person may use it, and what they may name instead."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.openflow.stored_names import Kind, mentions
from flowapp.store import resources, variables
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts

MOST_CHOICES = 1000


class Named:
    """The use-case behind the dialog in which names are bound anew; binding itself is an edit, `bind_names`."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._database = context.store.database
        self._drafts = drafts

    async def of_draft(self, identity: Identity, draft_id: str) -> dict[str, Any]:
        """`{"names": [{"kind", "path", "found", "places": [{"cell", "step_id", "title", "field"}]}], "choices"}`.

        `found`: there is one, and the person may use it; one that they may not use is as one that is missing. `cell` is null
        for a place of the flow itself. `choices` are what they may use: `{"variable": [{"path", "type"}], "resource": …}`.
        """
        draft = await self._drafts.open(identity, "draft.read", draft_id)
        document = draft.document
        choices = await self._database.read(lambda connection: _choices(connection, identity))
        there = {(kind, choice["path"]) for kind, found in choices.items() for choice in found}
        by_step = document.outline.by_step
        names: dict[tuple[Kind, str], list[dict[str, Any]]] = {}
        for mention in await asyncio.to_thread(mentions, document.flow):
            entry = by_step.get(mention.step_id)
            place = {
                "cell": entry.cell if entry else None,
                "step_id": mention.step_id,
                "title": str(entry.module.get("summary") or "") if entry else "",
                "field": mention.field,
            }
            names.setdefault((mention.name.kind, mention.name.path), []).append(place)
        return {
            "names": [
                {"kind": kind, "path": path, "found": (kind, path) in there, "places": places}
                for (kind, path), places in names.items()
            ],
            "choices": {kind: found[:MOST_CHOICES] for kind, found in choices.items()},
        }


def _choices(connection: Connection, identity: Identity) -> dict[Kind, list[dict[str, str]]]:
    workspace = identity.workspace
    return {
        "variable": [
            {"path": row.path, "type": "secret" if row.is_secret else ""}
            for row in variables.listing(connection, workspace)
            if guard.may(identity, "variable.use", guard.variable_target(identity, row.path))
        ],
        "resource": [
            {"path": row.path, "type": row.resource_type}
            for row in resources.listing(connection, workspace)
            if guard.may(identity, "resource.use", guard.resource_target(identity, row.path))
        ],
    }
