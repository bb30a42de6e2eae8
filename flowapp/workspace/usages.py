"""Who uses a variable or resource: what is looked at before one is deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Target
from flowapp.jsontext import loads
from flowapp.openflow.walk import walk
from flowapp.store import drafts, flow_versions, resources, schedules, scripts
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.stored import enter, reading

Kind = Literal["variable", "resource"]

#: How texts name one: references in data, expressions, and calls of the clients in Python and TypeScript.
_NAMES = {
    "variable": (r"\$var:", r"\bvariable\(\s*{quote}", r"\b[gs]et_?[vV]ariable\(\s*{quote}"),
    "resource": (
        r"\$res:",
        r"\bresource\(\s*{quote}",
        r"\b[gs]et_?[rR]esource\(\s*{quote}",
        r"\bresource_path\\*\"\s*:\s*{quote}",  # the tools of an agent
    ),
}
#: In the JSON text of a document quotes are escaped.
_QUOTE = r"\\*[\"'`](?:\$(?:var|res):)?"


class Usages:
    """Use-cases about uses."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database

    async def of(self, identity: Identity, kind: Kind, path: str) -> list[str]:
        """What names the variable or resource and may be read by the identity: `flow f/a/b`, `draft …`, `script …`, `resource …`.

        Newest versions only. It is found by its text: a path that is put together at run time is not.
        """
        enter(identity)
        pattern = _pattern(kind, path)

        def read(connection: Connection) -> list[str]:
            found = [
                f"flow {row.path}"
                for row in flow_versions.heads(connection, identity.workspace)
                if pattern.search(row.document)
                and guard.may(identity, "flow.read", guard.flow_target(identity, row.path))
            ]
            for light in drafts.list_of(connection, identity.workspace, identity.username):
                row = drafts.get(connection, light.id)
                if row is not None and pattern.search(row.document):
                    found.append(f"draft {row.path}")
            found += [
                f"script {row.path}"
                for row in scripts.heads(connection, identity.workspace, code=True)
                if pattern.search(row.content)
                and guard.may(identity, "script.read", guard.script_target(identity, row.path))
            ]
            found += [
                f"resource {row.path}"
                for row in resources.listing(connection, identity.workspace, "")
                if pattern.search(row.value)
                and guard.may(identity, reading(identity, "resource"), guard.resource_target(identity, row.path))
            ]
            return found

        return await self._database.read(read)

    async def of_flow(self, identity: Identity, path: str) -> list[str]:
        """What calls or starts the flow and may be read by the identity: `flow f/a/b`, `schedule f/a/c`. Newest versions only."""
        enter(identity)

        def read(connection: Connection) -> list[str]:
            found = [
                f"flow {row.path}"
                for row in flow_versions.heads(connection, identity.workspace)
                if path in row.document
                and _calls(loads(row.document), path)
                and guard.may(identity, "flow.read", guard.flow_target(identity, row.path))
            ]
            return found + [
                f"schedule {row.path}"
                for row in schedules.listing(connection, identity.workspace, runs=path, is_flow=True)
                if guard.may(identity, "schedule.read", Target(identity.workspace, "schedule", path=row.path))
            ]

        return await self._database.read(read)


def _calls(flow: Mapping[str, Any], path: str) -> bool:
    """Whether a step of a flow calls the flow at a path."""
    values = (place.module.get("value") for place in walk(flow))
    return any(isinstance(v, Mapping) and v.get("type") == "flow" and v.get("path") == path for v in values)


def names(kind: Kind, path: str, text: str) -> bool:
    """Whether a script, or the JSON text of a document or value, names the variable or resource at `path`."""
    return _pattern(kind, path).search(text) is not None


def _pattern(kind: Kind, path: str) -> re.Pattern[str]:
    begins = "|".join(name.format(quote=_QUOTE) for name in _NAMES[kind])
    return re.compile(rf"(?:{begins}){re.escape(path)}(?![\w/.@-])")
