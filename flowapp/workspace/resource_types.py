"""Types of resources: what their values look like. All members read them; developers write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Target, missing, require
from flowapp.jsontext import dumps, loads
from flowapp.store import audit, resource_types
from flowapp.store.clock import now
from flowapp.store.tables import ResourceTypeRow
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.stored import enter, flag_in, name_of, text_in


class ResourceTypes:
    """Use-cases about types of resources."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database

    async def listing(self, identity: Identity) -> list[dict[str, Any]]:
        """All types by name."""
        _ask(identity, "resource_type.read")
        rows = await self._database.read(lambda c: resource_types.listing(c, identity.workspace))
        return [_shown(row) for row in rows]

    async def get(self, identity: Identity, name: str) -> dict[str, Any]:
        """One type.

        Raises:
            NotFound: there is none.
        """
        _ask(identity, "resource_type.read")
        row = await self._database.read(lambda c: resource_types.get(c, identity.workspace, name))
        if row is None:
            raise missing("resource type")
        return _shown(row)

    async def exists(self, identity: Identity, name: str) -> bool:
        """Whether there is one of that name."""
        _ask(identity, "resource_type.read")
        return await self._database.read(lambda c: resource_types.get(c, identity.workspace, name)) is not None

    async def file_extensions(self, identity: Identity) -> dict[str, Any]:
        """Types whose values are files: `{name: {"format_extension", "is_fileset"}}`."""
        _ask(identity, "resource_type.read")
        rows = await self._database.read(lambda c: resource_types.listing(c, identity.workspace))
        return {
            row.name: {"format_extension": row.format_extension, "is_fileset": row.is_fileset}
            for row in rows
            if row.format_extension
        }

    async def create(self, identity: Identity, body: Mapping[str, Any]) -> str:
        """Store a new type; returns its name.

        Raises:
            AlreadyThere: there is one of that name.
            BadRequest: a field has another type.
        """
        _ask(identity, "resource_type.write")
        name = name_of(body.get("name"), "resource type")
        row = _changed(
            ResourceTypeRow(workspace=identity.workspace, name=name, edited_by="", edited_at=""), identity, body
        )

        def work(connection: Connection) -> None:
            if not resource_types.add(connection, row):
                raise AlreadyThere(f"There is already a resource type {name}.", "Update it, or choose another name.")
            _audited(connection, identity, "resource_type.create", name)

        await self._database.write(work)
        return name

    async def update(self, identity: Identity, name: str, body: Mapping[str, Any]) -> str:
        """Change what the body names; returns the name.

        Raises:
            NotFound: there is none.
        """
        _ask(identity, "resource_type.write")

        def work(connection: Connection) -> None:
            row = resource_types.get(connection, identity.workspace, name)
            if row is None:
                raise missing("resource type")
            resource_types.put(connection, _changed(row, identity, body))
            _audited(connection, identity, "resource_type.update", name)

        await self._database.write(work)
        return name

    async def delete(self, identity: Identity, name: str) -> None:
        """Take it away; resources of it stay.

        Raises:
            NotFound: there is none.
        """
        _ask(identity, "resource_type.write")

        def work(connection: Connection) -> None:
            if not resource_types.delete(connection, identity.workspace, name):
                raise missing("resource type")
            _audited(connection, identity, "resource_type.delete", name)

        await self._database.write(work)


def _ask(identity: Identity, action: Action) -> None:
    enter(identity)
    require(identity, action, Target(identity.workspace, "resource type"))


def _changed(row: ResourceTypeRow, identity: Identity, body: Mapping[str, Any]) -> ResourceTypeRow:
    schema = body.get("schema", loads(row.schema_text))
    if schema is not None and not isinstance(schema, dict):
        raise BadRequest("schema must be an object.", "Send a JSON Schema.")
    extension = text_in(body, "format_extension", row.format_extension or "", limit=20)
    return ResourceTypeRow(
        workspace=row.workspace,
        name=row.name,
        schema_text=dumps(schema),
        description=text_in(body, "description", row.description),
        format_extension=extension or None,
        is_fileset=flag_in(body, "is_fileset", row.is_fileset),
        edited_by=identity.username,
        edited_at=now(),
    )


def _audited(connection: Connection, identity: Identity, action: str, name: str) -> None:
    audit.add(connection, workspace=identity.workspace, by=identity.username, action=action, target=name)


def _shown(row: ResourceTypeRow) -> dict[str, Any]:
    shown = {
        "workspace_id": row.workspace,
        "name": row.name,
        "schema": loads(row.schema_text),
        "description": row.description,
        "created_by": row.edited_by,
        "edited_at": row.edited_at,
    }
    if row.format_extension:
        shown |= {"format_extension": row.format_extension, "is_fileset": row.is_fileset}
    return shown
