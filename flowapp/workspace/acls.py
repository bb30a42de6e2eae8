"""Rights on single things, as Windmill's clients ask for them. Here folders carry them, and things have the rights of their folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Kind, Target, require
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.folders import Folders
from flowapp.workspace.groups import Groups
from flowapp.workspace.stored import enter, flag_in

#: What a client calls a kind of thing: what looking at its rights is here, and what changing them.
_THINGS: Mapping[str, tuple[Kind, Action, Action]] = {
    "script": ("script", "script.read", "script.write"),
    "flow": ("flow", "flow.read", "flow.deploy"),
    "variable": ("variable", "variable.read", "variable.write"),
    "resource": ("resource", "resource.read", "resource.write"),
    "schedule": ("schedule", "schedule.read", "schedule.write"),
}
_FOLDER, _GROUP = "folder", "group_"


class Acls:
    """Use-cases about the rights on one thing. `kind` is a client's word: folder, script, flow, …, group_."""

    def __init__(self, folders: Folders, groups: Groups) -> None:
        self._folders = folders
        self._groups = groups

    async def get(self, identity: Identity, kind: str, path: str) -> dict[str, bool]:
        """Who may write (true) or look (false), beside those whose folder or role says so.

        Raises:
            NotFound, NotAllowed: the identity may not look at it.
            BadRequest: there is no such kind.
        """
        enter(identity)
        if kind == _FOLDER:
            found: dict[str, bool] = (await self._folders.get(identity, path))["extra_perms"]
            return found
        if kind == _GROUP:
            await self._groups.get(identity, path)
            return {}
        thing, reading, _ = _thing(kind)
        require(identity, reading, Target(identity.workspace, thing, path=path))
        return {}

    async def add(self, identity: Identity, kind: str, path: str, body: Mapping[str, Any]) -> None:
        """Give somebody a part in a folder: `{"owner": "u/ada", "write": true}`.

        Raises:
            NotFound, NotAllowed: the identity may not change it.
            BadRequest: the thing takes no rights of its own, or a field is wrong.
        """
        enter(identity)
        if kind == _FOLDER:
            await self._folders.set_part(identity, path, body.get("owner"), body.get("write", False))
        elif kind == _GROUP:
            await self._groups.require_managing(identity, path)
            if flag_in(body, "write"):
                raise BadRequest("Groups have no admins of their own.", "Admins of the workspace manage them.")
        else:
            self._refuse(identity, kind, path)

    async def remove(self, identity: Identity, kind: str, path: str, body: Mapping[str, Any]) -> None:
        """Take a part in a folder away: `{"owner"}`. Who has none is no fault.

        Raises:
            NotFound, NotAllowed, BadRequest: as `add`.
        """
        enter(identity)
        if kind == _FOLDER:
            await self._folders.set_part(identity, path, body.get("owner"), None)
        elif kind == _GROUP:
            await self._groups.require_managing(identity, path)
        else:
            self._refuse(identity, kind, path)

    def _refuse(self, identity: Identity, kind: str, path: str) -> None:
        thing, _, writing = _thing(kind)
        require(identity, writing, Target(identity.workspace, thing, path=path))
        raise BadRequest(f"A {thing} has the rights of its folder.", "Change them there: acls/add/folder/<name>.")


def _thing(kind: str) -> tuple[Kind, Action, Action]:
    found = _THINGS.get(kind)
    if found is None:
        known = ", ".join([_FOLDER, *_THINGS, _GROUP])
        raise BadRequest(f"There is no kind {kind[:40]!r} of things with rights.", f"Use one of {known}.")
    return found
