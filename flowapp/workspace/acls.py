"""Rights on single things, as Windmill's clients ask for them: what a thing gives people and groups beside what its path does.

Folders keep theirs themselves (`folders`). A group names who manages it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import EVERYBODY, Identity
from flowapp.access.policy import Action, Kind, Target, missing, require
from flowapp.store import acls, audit, flow_versions, groups, identities, resources, schedules, scripts, variables
from flowapp.store.tables import AclRow
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.folders import Folders, who_in
from flowapp.workspace.groups import Groups
from flowapp.workspace.stored import enter, flag_in

#: What a client calls a kind of thing, and what looking at its rights is here.
_THINGS: Mapping[str, tuple[Kind, Action]] = {
    "script": ("script", "script.read"),
    "flow": ("flow", "flow.read"),
    "variable": ("variable", "variable.read"),
    "resource": ("resource", "resource.read"),
    "schedule": ("schedule", "schedule.read"),
}
_FOLDER, _GROUP = "folder", "group_"


class Acls:
    """Use-cases about the rights on one thing. `kind` is a client's word: folder, script, flow, …, group_."""

    def __init__(self, context: Context, folders: Folders, groups_: Groups) -> None:
        self._database = context.store.database
        self._sessions = context.sessions
        self._folders = folders
        self._groups = groups_

    async def get(self, identity: Identity, kind: str, path: str) -> dict[str, bool]:
        """Who may write (true) or look (false), beside those whose path or role says so; of a group, who manages it (true).

        Raises:
            NotFound, NotAllowed: there is none, or the identity may not look at it.
            BadRequest: there is no such kind.
        """
        enter(identity)
        if kind == _FOLDER:
            found: dict[str, bool] = (await self._folders.get(identity, path))["extra_perms"]
            return found
        if kind == _GROUP:
            return dict((await self._groups.get(identity, path))["extra_perms"])
        thing, reading = _thing(kind)
        require(identity, reading, Target(identity.workspace, thing, path=path))

        def read(connection: Connection) -> dict[str, bool]:
            _require_there(connection, identity.workspace, thing, path)
            return acls.of_thing(connection, identity.workspace, thing, path)

        return await self._database.read(read)

    async def add(self, identity: Identity, kind: str, path: str, body: Mapping[str, Any]) -> None:
        """Give somebody a part: `{"owner": "u/ada", "write": true}`. In a group that is managing it; it takes one to be given.

        Raises:
            NotFound, NotAllowed: there is none, or the identity may not say who has a part in it.
            BadRequest: a field is wrong, or nobody of that name is here.
        """
        enter(identity)
        if kind == _FOLDER:
            await self._folders.set_part(identity, path, body.get("owner"), body.get("write", False))
            return
        await self._change(identity, kind, path, body, flag_in(body, "write"))

    async def remove(self, identity: Identity, kind: str, path: str, body: Mapping[str, Any]) -> None:
        """Take a part away: `{"owner"}`. Who has none is no fault.

        Raises:
            NotFound, NotAllowed, BadRequest: as `add`.
        """
        enter(identity)
        if kind == _FOLDER:
            await self._folders.set_part(identity, path, body.get("owner"), None)
            return
        await self._change(identity, kind, path, body, None)

    async def _change(
        self, identity: Identity, kind: str, path: str, body: Mapping[str, Any], write: bool | None
    ) -> None:
        if kind == _GROUP:
            await self._groups.require_managing(identity, path)
            thing: Kind = "group"
        else:
            thing, _ = _thing(kind)
            require(identity, "acl.write", Target(identity.workspace, thing, path=path))
        who = who_in(body.get("owner"))
        # everybody sees a group: to look at it is nothing to be given
        given = None if thing == "group" and not write else write

        def work(connection: Connection) -> None:
            workspace = identity.workspace
            if thing != "group":
                _require_there(connection, workspace, thing, path)
            if given is None:
                acls.take(connection, workspace, thing, path, who)
            else:
                _require_known(connection, workspace, who)
                acls.give(connection, AclRow(workspace=workspace, kind=thing, path=path, who=who, write=given))
            words = "has no part any more" if given is None else "may write" if given else "may look"
            audit.add(
                connection,
                workspace=workspace,
                by=identity.username,
                action="acl.remove" if given is None else "acl.add",
                target=path if thing != "group" else f"g/{path}",
                detail=f"{thing}: {who} {words}",
            )

        await self._database.write(work)
        self._sessions.rights_changed()


def _thing(kind: str) -> tuple[Kind, Action]:
    found = _THINGS.get(kind)
    if found is None:
        known = ", ".join([_FOLDER, *_THINGS, _GROUP])
        raise BadRequest(f"There is no kind {kind[:40]!r} of things with rights.", f"Use one of {known}.")
    return found


def _require_there(connection: Connection, workspace: str, kind: Kind, path: str) -> None:
    found: object
    if kind == "script":
        found = scripts.head(connection, workspace, path)
    elif kind == "flow":
        found = flow_versions.newest(connection, workspace, path)
    elif kind == "variable":
        found = variables.get(connection, workspace, path)
    elif kind == "resource":
        found = resources.get(connection, workspace, path)
    else:
        found = schedules.get(connection, workspace, path)
    if found is None:
        raise missing(kind)


def _require_known(connection: Connection, workspace: str, who: str) -> None:
    kind, _, name = who.partition("/")
    if kind == "u" and identities.member_named(connection, workspace, name) is None:
        raise BadRequest(f"{name[:60]!r} is not a member of this workspace.", "Add the person first.")
    if kind == "g" and name != EVERYBODY and groups.get(connection, workspace, name) is None:
        raise BadRequest(f"There is no group {name[:60]!r} here.", "Make it first.")
