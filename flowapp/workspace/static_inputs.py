"""All constants of a flow in one place, grouped by cell."""

from __future__ import annotations

import re
from typing import Any

from flowapp.access.identity import Identity
from flowapp.jsontext import dumps
from flowapp.notebook.document import Document, Entry
from flowapp.notebook.schemas import fields_of, transforms_of
from flowapp.workspace.drafts import Drafts

VALUE_LIMIT = 2048
_REFERENCE = re.compile(r"^\$(?:var|res):.+")


class StaticInputs:
    """The use-case behind the sidebar of static inputs."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts

    async def list(self, identity: Identity, draft_id: str) -> dict[str, Any]:
        """`{"groups": [{"cell", "step_id", "title", "fields"}]}`, cells without constants left out."""
        draft = await self._drafts.open(identity, "draft.read", draft_id)
        groups = [_group(draft.document, entry) for entry in draft.document.outline.entries]
        return {"groups": [group for group in groups if group["fields"]]}


def _group(document: Document, entry: Entry) -> dict[str, Any]:
    schema = fields_of(document, entry).properties
    fields = [
        _field(name, transform.get("value"), schema.get(name) or {})
        for name, transform in transforms_of(entry).items()
        if isinstance(transform, dict) and transform.get("type") == "static"
    ]
    title = str(entry.module.get("summary") or "")
    return {"cell": entry.cell, "step_id": entry.step_id, "title": title, "fields": fields}


def _field(name: str, value: Any, schema: dict[str, Any]) -> dict[str, Any]:
    reference = value if isinstance(value, str) and _REFERENCE.match(value) else None
    text = value if isinstance(value, str) else dumps(value)
    cut = len(text) > VALUE_LIMIT
    return {
        "field": name,
        "value": text[:VALUE_LIMIT] if cut else value,
        "schema": schema,
        "secret": reference is not None or schema.get("password") is True or schema.get("format") == "password",
        "ref": reference,
        "truncated": cut,
    }
