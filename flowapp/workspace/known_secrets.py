"""The secrets that a run may have read, so that whoever only has a link to it does not see them."""

from __future__ import annotations

import contextlib

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.jsontext import loads
from flowapp.store import resources, variables
from flowapp.store.masks import SHORTEST
from flowapp.store.secret_box import SecretUnreadable
from flowapp.store.tables import RunRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.passwords import password_fields, texts_at
from flowapp.workspace.redaction import Redactor, secrets_in


async def known_secrets(context: Context, run: RunRow) -> frozenset[str]:
    """The texts of all secrets that the run's person may use now, and of those that its jobs are known to have read; but for those
    that are too short to be told from other texts.

    Which of them the run has read is not known for sure after a restart; those that its person cannot use it cannot have
    read, unless the rights have changed since. A person who has left the workspace may have used any.
    """
    username = run.permissioned_as.removeprefix("u/") or run.created_by
    person = await context.sessions.identity_named(username, run.workspace)
    return await secrets_of(context, person, gone=person.role == "none") | context.store.masks.texts(run.id)


async def hidden_of(context: Context, run: RunRow) -> frozenset[str]:
    """What of a run whoever only has a link to it does not see anywhere: its known secrets, and the passwords that it was given."""
    places = await password_places(context, run)
    if not places:
        return await known_secrets(context, run)
    given = texts_at(loads(await context.store.values.get_value(run.args)), places)
    return await known_secrets(context, run) | {text for text in given if len(text) >= SHORTEST}


async def password_places(context: Context, run: RunRow) -> frozenset[tuple[str, ...]]:
    """The places in the run's arguments that its document calls passwords (see `passwords.password_fields`)."""
    document = loads(await context.store.values.get_value(run.document))
    return password_fields(document.get("schema"))


async def secrets_of(context: Context, person: Identity, *, gone: bool = False) -> frozenset[str]:
    """The texts of all secrets that a person may use, in variables and resources; of somebody who is `gone`, all that there are."""

    def read(connection: Connection) -> set[str]:
        found: set[str] = set()
        for row in variables.listing(connection, person.workspace):
            if row.is_secret and (gone or guard.may(person, "variable.use", guard.variable_target(person, row.path))):
                with contextlib.suppress(SecretUnreadable):
                    found.add(context.secrets.open(row.workspace, row.path, row.value))
        for resource in resources.listing(connection, person.workspace):
            if gone or guard.may(person, "resource.use", guard.resource_target(person, resource.path)):
                found.update(secrets_in(loads(resource.value)))
        return found

    return frozenset(text for text in await context.store.database.read(read) if len(text) >= SHORTEST)


async def redactor_of(context: Context, person: Identity) -> Redactor:
    """Hides the secrets that a person may use: for what leaves for a model on their behalf."""
    return Redactor(await secrets_of(context, person))
