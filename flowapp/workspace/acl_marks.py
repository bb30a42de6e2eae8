"""What things give beside their path, written into what clients get of them (`extra_perms`)."""

from __future__ import annotations

from typing import Any

from flowapp.store import acls
from flowapp.store.database import Database


async def marked(database: Database, workspace: str, kind: str, things: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Things of one kind with their `extra_perms`."""
    paths = {str(thing["path"]) for thing in things}
    if not paths:
        return things
    given = await database.read(lambda connection: acls.of_things(connection, workspace, kind, paths))
    return [{**thing, "extra_perms": given.get(str(thing["path"]), {})} for thing in things]


async def marked_one(database: Database, workspace: str, kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    """The same of one."""
    return (await marked(database, workspace, kind, [thing]))[0]
