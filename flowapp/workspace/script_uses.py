"""What stands around a stored script for who looks at it: who uses it, what one may do with it, what its code takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Target, require
from flowapp.engine.libraries import imports_of
from flowapp.jsontext import loads
from flowapp.openflow.walk import kind_of, tools, walk
from flowapp.signatures import SignatureProblem, infer
from flowapp.store import drafts, flow_versions, schedules, scripts
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.script_rows import MAX_CODE
from flowapp.workspace.stored import enter, required_text, text_in


class ScriptUses:
    """Use-cases of the page of a script that change nothing."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database

    async def around(self, identity: Identity, path: str) -> dict[str, Any]:
        """`{"used_by": […], "may_write", "may_run", "may_preview"}`; see `of` for the users.

        Raises:
            NotFound: the path must look as if nothing were there.
        """
        target = guard.script_target(identity, path)
        return {
            "used_by": await self.of(identity, path),
            "may_write": guard.may(identity, "script.write", target),
            "may_run": guard.may(identity, "script.run", target),
            "may_preview": guard.may(identity, "draft.run", target),
        }

    async def of(self, identity: Identity, path: str) -> list[str]:
        """What calls or imports the script and may be read by the identity: `flow f/a/b`, `draft …`, `script …`, `schedule …`.

        Newest versions only, and of drafts one's own. A path that is put together at run time is not found.
        """
        enter(identity)
        require(identity, "script.read", guard.script_target(identity, path))

        def read(connection: Connection) -> list[str]:
            return list(_users(connection, identity, path))

        return await self._database.read(read)

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


def _users(connection: Connection, identity: Identity, path: str) -> Iterator[str]:
    workspace, name = identity.workspace, path.rpartition("/")[2]
    for flow in flow_versions.heads(connection, workspace):
        readable = guard.may(identity, "flow.read", guard.flow_target(identity, flow.path))
        if readable and path in flow.document and calls(loads(flow.document), path):
            yield f"flow {flow.path}"
    for light in drafts.list_of(connection, workspace, identity.username):
        draft = drafts.get(connection, light.id)
        if draft is not None and path in draft.document and calls(loads(draft.document)["flow"], path):
            yield f"draft {draft.path}"
    for script in scripts.heads(connection, workspace, code=True):
        readable = guard.may(identity, "script.read", guard.script_target(identity, script.path))
        named = name in script.content and script.path != path
        if named and readable and imports(script.language, script.content, script.path, path):
            yield f"script {script.path}"
    for row in schedules.listing(connection, workspace, runs=path, is_flow=False):
        if guard.may(identity, "schedule.read", Target(workspace, "schedule", path=row.path)):
            yield f"schedule {row.path}"


def calls(flow: Mapping[str, Any], path: str) -> bool:
    """Whether a step of a flow, or a tool of an agent in it, is the script at `path`."""
    modules = [one for place in walk(flow) for one in (place.module, *tools(place.module))]
    return any(kind_of(module) == "script" and module["value"].get("path") == path for module in modules)


def imports(language: str, code: str, base: str, path: str) -> bool:
    """Whether code that is stored at `base` imports the script at `path`."""
    return any(path in wanted.candidates for wanted in imports_of(language, code, base))
