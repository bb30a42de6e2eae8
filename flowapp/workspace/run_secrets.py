"""Variables and resources for runs: read with the rights that the run's person has at that moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.errors import NotAllowed
from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store import resources, variables
from flowapp.store.tables import RunRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context

MAX_DEPTH = 8


class RunSecrets:
    """The engine's port for `variable(…)`, `resource(…)`, `$var:` and `$res:`.

    What a run reads of secrets is noted, so that its logs do not show it.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def lookup(self, run: RunRow, kind: str, path: str) -> JsonText | None:
        """JSON text of the variable (a string) or resource at `path`; None when there is none.

        References inside of a resource (`$var:…`, `$res:…`) are replaced by what they name.

        Raises:
            NotFound, NotAllowed: the run's person may not use it.
        """
        return await self.value(await self._person(run), kind, path)

    async def written(self, run: RunRow, path: str) -> JsonText | None:
        """JSON text of the resource at `path` with its references as they are; None when there is none.

        Raises:
            NotFound, NotAllowed: as `lookup`.
        """
        identity = await self._person(run)
        require(identity, "resource.use", guard.resource_target(identity, path))
        row = await self._context.store.database.read(lambda c: resources.get(c, identity.workspace, path))
        return None if row is None else JsonText(row.value)

    async def _person(self, run: RunRow) -> Identity:
        username = run.permissioned_as.removeprefix("u/") or run.created_by
        return replace(await self._context.sessions.identity_named(username, run.workspace), run=run.id)

    async def value(self, identity: Identity, kind: str, path: str) -> JsonText | None:
        """As `lookup`, for somebody who asks by themselves.

        Raises:
            NotFound, NotAllowed: the identity may not use it, or not something that it refers to.
        """
        value = await self._context.store.database.read(
            lambda connection: self._read(connection, identity, kind, path, 0)
        )
        return None if value is _NONE else dumps(value)

    def _read(self, connection: Connection, identity: Identity, kind: str, path: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise NotAllowed(f"{path} refers to itself.", "A resource must not name itself, directly or by others.")
        if kind == "variable":
            require(identity, "variable.use", guard.variable_target(identity, path))
            row = variables.get(connection, identity.workspace, path)
            if row is None:
                return _NONE
            if not row.is_secret:
                return row.value
            secret = self._context.secrets.open(identity.workspace, path, row.value)
            if identity.run:
                self._context.store.masks.note(identity.run, secret)
            return secret
        require(identity, "resource.use", guard.resource_target(identity, path))
        found = resources.get(connection, identity.workspace, path)
        return _NONE if found is None else self._filled(connection, identity, loads(found.value), depth + 1)

    def _filled(self, connection: Connection, identity: Identity, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            for prefix, kind in (("$var:", "variable"), ("$res:", "resource")):
                if value.startswith(prefix):
                    found = self._read(connection, identity, kind, value.removeprefix(prefix), depth)
                    return None if found is _NONE else found
        if isinstance(value, dict):
            return {name: self._filled(connection, identity, item, depth) for name, item in value.items()}
        if isinstance(value, list):
            return [self._filled(connection, identity, item, depth) for item in value]
        return value


_NONE = object()
