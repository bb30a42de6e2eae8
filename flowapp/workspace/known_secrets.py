"""The secrets that a run may have read, so that whoever only has a link to it does not see them."""

from __future__ import annotations

import contextlib

from sqlalchemy.engine import Connection

from flowapp.jsontext import loads
from flowapp.store import resources, variables
from flowapp.store.secret_box import SecretUnreadable
from flowapp.store.tables import RunRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.redaction import secrets_in


async def known_secrets(context: Context, run: RunRow) -> frozenset[str]:
    """The texts of all secrets that the run's person may use now, and of those that its jobs are known to have read.

    Which of them the run has read is not known for sure after a restart; those that its person cannot use it cannot have
    read, unless the rights have changed since. A person who has left the workspace may have used any.
    """
    username = run.permissioned_as.removeprefix("u/") or run.created_by
    person = await context.sessions.identity_named(username, run.workspace)
    gone = person.role == "none"

    def read(connection: Connection) -> set[str]:
        found: set[str] = set()
        for row in variables.listing(connection, run.workspace):
            if row.is_secret and (gone or guard.may(person, "variable.use", guard.variable_target(person, row.path))):
                with contextlib.suppress(SecretUnreadable):
                    found.add(context.secrets.open(row.workspace, row.path, row.value))
        for resource in resources.listing(connection, run.workspace):
            if gone or guard.may(person, "resource.use", guard.resource_target(person, resource.path)):
                found.update(secrets_in(loads(resource.value)))
        return found

    return frozenset(await context.store.database.read(read)) | context.store.masks.texts(run.id)
