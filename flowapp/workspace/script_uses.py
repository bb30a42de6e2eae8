"""What stands around a stored script for who looks at it: who uses it, what one may do with it, what its code takes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.signatures import SignatureProblem, infer
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.script_rows import MAX_CODE
from flowapp.workspace.stored import enter, required_text, text_in
from flowapp.workspace.usages import users_of


class ScriptUses:
    """Use-cases of the page of a script that change nothing."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database

    async def around(self, identity: Identity, path: str) -> dict[str, Any]:
        """`{"used_by": […], "may_write", "may_run", "may_preview"}`; see `usages` for the users.

        Raises:
            NotFound: the path must look as if nothing were there.
        """
        enter(identity)
        target = guard.script_target(identity, path)
        require(identity, "script.read", target)
        return {
            "used_by": await self._database.read(lambda c: users_of(c, identity, "script", path)),
            "may_write": guard.may(identity, "script.write", target),
            "may_run": guard.may(identity, "script.run", target),
            "may_preview": guard.may(identity, "draft.run", target),
        }

    async def signature(self, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        """What code takes: `{"schema", "problem": null | {"message", "line"}}`; nothing runs.

        Args:
            identity: who asks.
            body: `{"content", "language", "schema"?}`. `schema` is what was known before: what a person wrote there of an input
                (a description, a format, a choice) stays as long as the input keeps its type.

        Raises:
            BadRequest: a field is missing or has another type.
        """
        enter(identity)
        content, language = text_in(body, "content", limit=MAX_CODE), required_text(body, "language")
        before = body.get("schema")
        if before is not None and not isinstance(before, dict):
            raise BadRequest("schema must be an object.", "Send the JSON Schema of the inputs.")
        found = await asyncio.to_thread(infer, language, content, "main")
        if isinstance(found, SignatureProblem):
            return {"schema": before or {}, "problem": {"message": found.message, "line": found.line}}
        if found.has_kwargs and before and not found.schema["properties"]:
            return {"schema": before, "problem": None}  # a language whose signatures are not read: somebody wrote it
        return {"schema": with_words_of(before or {}, found.schema), "problem": None}


def with_words_of(before: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with what `before` says beyond it of inputs of the same name and type."""
    known = before.get("properties")
    known = known if isinstance(known, Mapping) else {}
    properties = {
        name: {**known[name], **field} if _same_type(known.get(name), field) else field
        for name, field in schema["properties"].items()
    }
    for name, field in properties.items():
        if "default" not in schema["properties"][name]:
            properties[name] = {key: value for key, value in field.items() if key != "default"}
    return {**schema, "properties": properties}


def _same_type(known: Any, field: Mapping[str, Any]) -> bool:
    return isinstance(known, Mapping) and known.get("type") == field.get("type")
