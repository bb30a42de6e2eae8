"""Folders `f/<name>`: owners manage them, `extra_perms` says who else may write (`true`) or look (`false`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Target, missing, require
from flowapp.access.sessions import Sessions
from flowapp.jsontext import dumps, loads
from flowapp.store import audit, folders, identities
from flowapp.store.clock import now
from flowapp.store.database import Database
from flowapp.store.tables import FolderRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.stored import ALL, Page, enter, name_of, text_in

#: Given back as clients sent them; of the texts they tell an empty one from none.
_EXTRA = ("summary", "display_name", "labels")
_WHO = re.compile(r"^[ug]/[A-Za-z0-9_.@-]{1,100}$")


class Folders:
    """Use-cases about folders."""

    def __init__(self, context: Context) -> None:
        self._database: Database = context.store.database
        self._sessions: Sessions = context.sessions

    async def create(self, identity: Identity, body: Mapping[str, Any]) -> str:
        """Make a folder; returns its name. Who makes it is an owner, by name or by a group, unless an admin says who is.

        A name under which things are stored already is the team's: only an admin may put a folder over it.

        Raises:
            AlreadyThere: there is one of that name, or things are stored under it.
            BadRequest: a field has another type.
        """
        enter(identity)
        require(identity, "folder.create", Target(identity.workspace, "folder"))
        name = name_of(body.get("name"), "folder")
        row = _changed(FolderRow(workspace=identity.workspace, name=name, created_by="", edited_at=""), body)
        said_by_admin = identity.role == "admin" and body.get("owners") is not None
        if not said_by_admin and folders.right_of(row, identity.username, identity.groups) != "owner":
            row.owners = dumps([identity.permissioned_as, *loads(row.owners)])
        row.created_by = identity.username

        def work(connection: Connection) -> None:
            identities.lock_workspace(connection, identity.workspace)
            if folders.get(connection, identity.workspace, name) is not None:
                raise AlreadyThere(f"There is already a folder {name}.", "Choose another name.")
            if identity.role != "admin" and any(folders.usage(connection, identity.workspace, name).values()):
                raise AlreadyThere(f"Things are stored under f/{name} already.", "An admin can make a folder of it.")
            folders.put(connection, row)
            _audited(connection, identity, "folder.create", name)

        await self._database.write(work)
        self._sessions.rights_changed()
        return name

    async def update(self, identity: Identity, name: str, body: Mapping[str, Any]) -> str:
        """Change what the body names; returns the name.

        Windmill's command line makes folders with an empty list of owners: of an admin, who owns every folder, that is taken
        at its word; from anybody else it changes no owner, so that nobody gives a folder up by it.

        Raises:
            NotFound: there is none.
            BadRequest: a field has another type.
        """

        def change(row: FolderRow) -> FolderRow:
            changed = _changed(row, body)
            if identity.role != "admin" and not loads(changed.owners):
                changed.owners = row.owners
            return changed

        return await self._change(identity, name, change)

    async def add_owner(self, identity: Identity, name: str, owner: Any) -> str:
        """Give the folder one more owner (`u/<name>` or `g/<group>`)."""

        def change(row: FolderRow) -> FolderRow:
            owners = loads(row.owners)
            row.owners = dumps(owners if owner in owners else [*owners, who_in(owner)])
            return row

        return await self._change(identity, name, change)

    async def remove_owner(self, identity: Identity, name: str, owner: Any) -> str:
        """Take an owner from the folder; the last one stays.

        Raises:
            BadRequest: it is the last one.
        """

        def change(row: FolderRow) -> FolderRow:
            left = [known for known in loads(row.owners) if known != owner]
            if not left:
                raise BadRequest("A folder has at least one owner.", "Name another owner first.")
            row.owners = dumps(left)
            return row

        return await self._change(identity, name, change)

    async def set_part(self, identity: Identity, name: str, owner: Any, write: Any) -> str:
        """Let somebody (`u/<name>` or `g/<group>`) write (True) or look (False), or take that away (None).

        Raises:
            BadRequest: a field has another type.
        """

        def change(row: FolderRow) -> FolderRow:
            perms = {known: may for known, may in loads(row.extra_perms).items() if known != owner}
            return _changed(row, {"extra_perms": perms if write is None else {**perms, who_in(owner): write}})

        return await self._change(identity, name, change)

    async def get(self, identity: Identity, name: str) -> dict[str, Any]:
        """One folder.

        Raises:
            NotFound: there is none, or the identity has no part in it.
        """
        enter(identity)
        _ask(identity, "folder.read", name)
        row = await self._database.read(lambda c: folders.get(c, identity.workspace, name))
        if row is None:
            raise missing("folder")
        return _shown(row)

    async def exists(self, identity: Identity, name: str) -> bool:
        """Whether there is one that the identity may know of."""
        enter(identity)
        if not guard.may(identity, "folder.read", guard.folder_target(identity, name)):
            return False
        return await self._database.read(lambda c: folders.get(c, identity.workspace, name)) is not None

    async def listing(self, identity: Identity, page: Page = ALL) -> list[dict[str, Any]]:
        """The folders that the identity has a part in, by name."""
        enter(identity)
        rows = await self._database.read(lambda c: folders.listing(c, identity.workspace))
        seen = [row for row in rows if guard.may(identity, "folder.read", guard.folder_target(identity, row.name))]
        return [_shown(row) for row in page.of(seen)]

    async def usage(self, identity: Identity, name: str) -> dict[str, int]:
        """How many things of each kind are stored in the folder."""
        await self.get(identity, name)
        found = await self._database.read(lambda c: folders.usage(c, identity.workspace, name))
        names = {"flow_version": "flows", "script": "scripts", "variable": "variables", "resource": "resources"}
        return {names.get(kind, f"{kind}s"): count for kind, count in found.items()}

    async def delete(self, identity: Identity, name: str) -> None:
        """Take the folder away. Refused while anything is stored in it: it would be everybody's then.

        Raises:
            NotFound: there is none.
            AlreadyThere: something is stored in it.
        """
        enter(identity)
        _ask(identity, "folder.manage", name)

        def work(connection: Connection) -> None:
            used = {kind: count for kind, count in folders.usage(connection, identity.workspace, name).items() if count}
            if used and identity.role != "admin":
                raise AlreadyThere(f"Things are stored in f/{name}.", "Move or delete them first, or ask an admin.")
            if not folders.delete(connection, identity.workspace, name):
                raise missing("folder")
            _audited(connection, identity, "folder.delete", name)

        await self._database.write(work)
        self._sessions.rights_changed()

    async def _change(self, identity: Identity, name: str, change: Any) -> str:
        enter(identity)
        _ask(identity, "folder.manage", name)

        def work(connection: Connection) -> None:
            identities.lock_workspace(connection, identity.workspace)
            row = folders.get(connection, identity.workspace, name)
            if row is None:
                raise missing("folder")
            changed: FolderRow = change(row)
            changed.edited_at = now()
            folders.put(connection, changed)
            _audited(connection, identity, "folder.update", name)

        await self._database.write(work)
        self._sessions.rights_changed()
        return name


def _ask(identity: Identity, action: Action, name: str) -> None:
    require(identity, action, guard.folder_target(identity, name))


def _changed(row: FolderRow, body: Mapping[str, Any]) -> FolderRow:
    owners = body.get("owners")
    if owners is not None and not isinstance(owners, list):
        raise BadRequest("owners must be a list.", 'Send {"owners": ["u/ada", "g/crew"]}.')
    perms = body.get("extra_perms")
    if perms is not None and not isinstance(perms, dict):
        raise BadRequest("extra_perms must be an object.", 'Send {"extra_perms": {"u/ada": true, "g/crew": false}}.')
    if perms is not None and not all(isinstance(value, bool) for value in perms.values()):
        raise BadRequest("Each of extra_perms is true (may write) or false (may look).")
    return FolderRow(
        workspace=row.workspace,
        name=row.name,
        summary=text_in(body, "summary", row.summary),
        display_name=text_in(body, "display_name", row.display_name),
        owners=row.owners if owners is None else dumps([who_in(owner) for owner in owners]),
        extra_perms=row.extra_perms if perms is None else dumps({who_in(name): value for name, value in perms.items()}),
        created_by=row.created_by,
        edited_at=now(),
        extra=dumps({**loads(row.extra), **{name: body[name] for name in _EXTRA if name in body}}),
    )


def who_in(value: Any) -> str:
    """A name of a person or group, as `u/<name>` or `g/<group>`.

    Raises:
        BadRequest: it is none.
    """
    if not isinstance(value, str) or not _WHO.match(value):
        raise BadRequest(f"{str(value)[:60]!r} names nobody.", "Write u/<name> or g/<group>.")
    return value


def _audited(connection: Connection, identity: Identity, action: str, name: str) -> None:
    audit.add(connection, workspace=identity.workspace, by=identity.username, action=action, target=f"f/{name}")


def _shown(row: FolderRow) -> dict[str, Any]:
    extra = loads(row.extra)
    return {
        "workspace_id": row.workspace,
        "name": row.name,
        **({"labels": extra["labels"]} if "labels" in extra else {}),
        "summary": row.summary or extra.get("summary"),
        "display_name": row.display_name or row.name,
        "owners": loads(row.owners),
        "extra_perms": loads(row.extra_perms),
        "created_by": row.created_by,
        "edited_at": row.edited_at,
    }
