"""Earlier values of resources: who may see a resource's value may see those that it had, and who may write it may bring one back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import missing, require
from flowapp.jsontext import loads
from flowapp.store import audit, resource_versions, resources, variables
from flowapp.store.seen import Look
from flowapp.store.tables import ResourceVersionRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.resources import Resources
from flowapp.workspace.stored import enter, reading

_WHAT = "version of a resource"
_REFERENCE = re.compile(r"\$(var|jsonvar|res):(.+)")


class ResourceHistory:
    """Use-cases about earlier values. A version's id counts over all resources, its `version` within its own."""

    def __init__(self, context: Context, present: Resources) -> None:
        self._database = context.store.database
        self._seen = context.store.seen
        self._present = present

    async def of(self, identity: Identity, path: str) -> dict[str, Any]:
        """`{"versions": [{"id", "version", "created_at", "created_by"}], "versioned"}`, newest first; the first is the present value.

        `versioned` is false where the type's values are not kept.

        Raises:
            NotFound: there is no such resource.
        """
        enter(identity)
        require(identity, reading(identity, "resource"), guard.resource_target(identity, path))
        row = await self._database.read(lambda c: resources.get(c, identity.workspace, path))
        if row is None:
            raise missing("resource")
        rows = await self._database.read(lambda c: resource_versions.listing(c, identity.workspace, path))
        kept = row.resource_type not in resource_versions.UNKEPT
        return {"versions": [_listed(one) for one in rows], "versioned": kept}

    async def get(self, identity: Identity, version_id: int) -> dict[str, Any]:
        """The same of one version, with its `value` as it was stored, and `missing_references`: what it refers to that is gone.

        Raises:
            NotFound: there is none, or none that one may know of.
        """
        row = await self._row(identity, version_id)
        value = loads(row.value)
        gone = await self._database.read(lambda c: _gone(c, identity, value))
        if not identity.job:
            detail = f"version {row.version}"
            self._seen.note(Look(identity.workspace, identity.username, "resource.view", row.path, detail))
        return {**_listed(row), "value": value, "missing_references": gone}

    async def restore(self, identity: Identity, version_id: int) -> str:
        """Give the resource an earlier value again, as a new version; says so.

        Raises:
            NotFound: there is no such version, or none that one may know of.
            NotAllowed: one may only look at the resource.
        """
        row = await self._row(identity, version_id)
        await self._present.update_value(identity, row.path, {"value": loads(row.value)})
        return f"resource {row.path} restored to version {row.version}"

    async def clear(self, identity: Identity, path: str) -> str:
        """Take all earlier values away, as after a password in one of them; the present one stays. Says how many there were.

        Raises:
            NotFound: there is no such resource.
        """
        enter(identity)
        require(identity, "resource.write", guard.resource_target(identity, path))

        def work(connection: Connection) -> int:
            if resources.get(connection, identity.workspace, path) is None:
                raise missing("resource")
            count = resource_versions.clear(connection, identity.workspace, path)
            audit.add(
                connection,
                workspace=identity.workspace,
                by=identity.username,
                action="resource.clear_history",
                target=path,
                detail=f"{count} versions",
            )
            return count

        count = await self._database.write(work)
        return f"cleared {count} past versions of resource {path}"

    async def _row(self, identity: Identity, version_id: int) -> ResourceVersionRow:
        enter(identity)
        row = await self._database.read(lambda c: resource_versions.by_id(c, identity.workspace, version_id))
        if row is None or not guard.may(
            identity, reading(identity, "resource"), guard.resource_target(identity, row.path)
        ):
            raise missing(_WHAT)
        return row


def _listed(row: ResourceVersionRow) -> dict[str, Any]:
    return {"id": row.id, "version": row.version, "created_at": row.created_at, "created_by": row.created_by}


def _gone(connection: Connection, identity: Identity, value: Any) -> list[str]:
    """References of a value to what is not there, or what the identity may not look at: it could not use either."""
    found = {text for text in _texts(value) if _REFERENCE.fullmatch(text)}
    return sorted(text for text in found if not _there(connection, identity, text))


def _there(connection: Connection, identity: Identity, reference: str) -> bool:
    mark, _, path = reference.partition(":")
    if mark == "$res":
        allowed = guard.may(identity, reading(identity, "resource"), guard.resource_target(identity, path))
        return allowed and resources.get(connection, identity.workspace, path) is not None
    allowed = guard.may(identity, reading(identity, "variable"), guard.variable_target(identity, path))
    return allowed and variables.get(connection, identity.workspace, path) is not None


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, dict):
            waiting.extend(one.values())
