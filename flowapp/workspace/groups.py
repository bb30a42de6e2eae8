"""Groups of members, which folders and approvals name. Everybody is in the group `all`.

A group that an admin has linked to an instance group (`instance_groups`) has those of its people too who are members here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import EVERYBODY, Identity
from flowapp.access.policy import Action, Target, missing, require
from flowapp.store import acls, audit, groups, identities, instance_groups, references
from flowapp.store.tables import GroupRow
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.stored import ALL, Page, enter, name_of, required_text, text_in


class Groups:
    """Use-cases about groups. All members see them; admins change them, and those whom a group names say who is in it."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database
        self._sessions = context.sessions

    async def listing(self, identity: Identity, page: Page = ALL) -> list[dict[str, Any]]:
        """All groups by name, with their members' usernames."""
        _ask(identity, "group.read")

        def work(connection: Connection) -> list[dict[str, Any]]:
            rows = page.of([_everybody(identity.workspace), *groups.listing(connection, identity.workspace)])
            given = acls.of_things(connection, identity.workspace, "group")
            return [_shown(connection, row, given.get(row.name)) for row in rows]

        return await self._database.read(work)

    async def names(self, identity: Identity, *, mine: bool = False) -> list[str]:
        """Names of all groups, or of those only that the identity is in."""
        _ask(identity, "group.read")
        if mine:
            return sorted(identity.groups)
        found = await self._database.read(lambda c: groups.listing(c, identity.workspace))
        return [EVERYBODY, *(row.name for row in found)]

    async def get(self, identity: Identity, name: str) -> dict[str, Any]:
        """One group with its members' usernames.

        Raises:
            NotFound: there is none.
        """
        _ask(identity, "group.read")

        def work(connection: Connection) -> dict[str, Any] | None:
            row = (
                _everybody(identity.workspace)
                if name == EVERYBODY
                else groups.get(connection, identity.workspace, name)
            )
            given = acls.of_thing(connection, identity.workspace, "group", name)
            return None if row is None else _shown(connection, row, given)

        found = await self._database.read(work)
        if found is None:
            raise missing("group")
        return found

    async def require_managing(self, identity: Identity, name: str) -> None:
        """Ask whether the identity may change who is in a group.

        Raises:
            NotAllowed: it may not.
            NotFound: there is no such group.
        """
        _ask(identity, "group.manage")
        await self.get(identity, name)

    async def users(self, identity: Identity, name: str) -> list[str]:
        """What names a group, in words: looked at before it is deleted.

        Raises:
            NotFound: there is none.
        """
        await self.require_managing(identity, name)
        return await self._database.read(lambda c: references.of_group(c, identity.workspace, name))

    async def create(self, identity: Identity, body: Mapping[str, Any]) -> str:
        """Make a group: `{"name", "summary"?, "members"?, "instance_group"?}`; returns its name.

        Raises:
            AlreadyThere: there is one of that name.
            BadRequest: somebody of `members` is not a member of the workspace, or there is no such instance group.
            NotAllowed: only admins link a group.
        """
        _ask(identity, "group.manage")
        name, wanted, link = name_of(body.get("name"), "group"), _members_in(body), _link_in(body)
        row = GroupRow(workspace=identity.workspace, name=name, summary=text_in(body, "summary"))

        def work(connection: Connection) -> None:
            if link:
                instance_groups.lock(connection)
            if name == EVERYBODY or groups.get(connection, identity.workspace, name) is not None:
                raise AlreadyThere(f"There is already a group {name}.", "Choose another name.")
            groups.put(connection, row)
            _audited(connection, identity, "group.create", name)
            _set_members(connection, identity, name, wanted)
            _set_link(connection, identity, row, link)

        await self._database.write(work)
        self._sessions.rights_changed()
        return name

    async def update(self, identity: Identity, name: str, body: Mapping[str, Any]) -> str:
        """Change the summary, and where the body says so who is in it (`members`) and its `instance_group` ("" for none).

        Raises:
            NotFound: there is none.
            BadRequest: somebody of `members` is not a member of the workspace, or there is no such instance group.
            NotAllowed: only admins link a group.
        """
        _ask(identity, "group.manage", name)
        wanted, link, summary = _members_in(body), _link_in(body), text_in(body, "summary")

        def change(connection: Connection, row: GroupRow) -> None:
            groups.change(connection, identity.workspace, name, summary=summary)
            _set_members(connection, identity, name, wanted)
            _set_link(connection, identity, row, link)

        await self._change(identity, name, "group.update", change, linking=link is not None)
        return name

    async def delete(self, identity: Identity, name: str) -> None:
        """Take a group away.

        Raises:
            NotFound: there is none.
        """
        _ask(identity, "group.manage")
        await self._change(
            identity, name, "group.delete", lambda connection, _: groups.delete(connection, identity.workspace, name)
        )

    async def add_user(self, identity: Identity, name: str, body: Mapping[str, Any]) -> None:
        """Put a member into the group.

        Raises:
            NotFound: there is no such group.
            BadRequest: nobody of that name is a member of the workspace.
        """
        _ask(identity, "group.manage", name)
        username = required_text(body, "username")

        def change(connection: Connection, _: GroupRow) -> None:
            _add_member(connection, identity.workspace, name, username)

        await self._change(identity, name, "group.adduser", change, username)

    async def remove_user(self, identity: Identity, name: str, body: Mapping[str, Any]) -> None:
        """Take somebody out of the group; who is not in it is no fault.

        Raises:
            NotFound: there is no such group.
        """
        _ask(identity, "group.manage", name)
        username = required_text(body, "username")
        await self._change(
            identity,
            name,
            "group.removeuser",
            lambda connection, _: groups.remove_member(connection, identity.workspace, name, username),
            username,
        )

    async def _change(
        self,
        identity: Identity,
        name: str,
        action: str,
        change: Callable[[Connection, GroupRow], object],
        detail: str = "",
        *,
        linking: bool = False,
    ) -> None:
        _ask(identity, "group.manage", name)

        def work(connection: Connection) -> None:
            if name == EVERYBODY:
                raise BadRequest(f"The group {EVERYBODY} cannot be changed: everybody is in it.")
            if (
                linking
            ):  # before anything is read or changed: whoever deletes the instance group waits for us, or we for them
                instance_groups.lock(connection)
            row = groups.get(connection, identity.workspace, name)
            if row is None:
                raise missing("group")
            change(connection, row)
            _audited(connection, identity, action, name, detail)

        await self._database.write(work)
        self._sessions.rights_changed()


def _ask(identity: Identity, action: Action, name: str = "") -> None:
    enter(identity)
    require(identity, action, Target(identity.workspace, "group", id=name))


def _members_in(body: Mapping[str, Any]) -> list[str] | None:
    wanted = body.get("members")
    if wanted is not None and (not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted)):
        raise BadRequest("members must be a list of usernames.", 'Send {"members": ["ada"]}.')
    return wanted


def _set_members(connection: Connection, identity: Identity, name: str, wanted: list[str] | None) -> None:
    """Make exactly these its members; None leaves them as they are. Each change is noted by itself."""
    if wanted is None:
        return
    before = groups.members(connection, identity.workspace, name)
    for username in sorted(set(before) - set(wanted)):
        groups.remove_member(connection, identity.workspace, name, username)
        _audited(connection, identity, "group.removeuser", name, username)
    for username in sorted(set(wanted) - set(before)):
        _add_member(connection, identity.workspace, name, username)
        _audited(connection, identity, "group.adduser", name, username)


def _link_in(body: Mapping[str, Any]) -> str | None:
    """The instance group that a body wants linked, "" for none; None where it says nothing of it."""
    return text_in(body, "instance_group", limit=60) if "instance_group" in body else None


def _set_link(connection: Connection, identity: Identity, row: GroupRow, wanted: str | None) -> None:
    """Link the group as the body says, under the lock. Who sends back what is there changes nothing, and need not be an admin."""
    if wanted is None or wanted == row.instance_group:
        return
    _ask(identity, "group.link", row.name)
    if wanted and instance_groups.get(connection, wanted) is None:
        raise BadRequest(
            f"There is no instance group {wanted!r}.", "Ask a super admin of this installation for its name."
        )
    groups.change(connection, row.workspace, row.name, instance_group=wanted)
    action, detail = ("group.link", wanted) if wanted else ("group.unlink", row.instance_group)
    _audited(connection, identity, action, row.name, detail)


def _add_member(connection: Connection, workspace: str, name: str, username: str) -> None:
    if identities.member_named(connection, workspace, username) is None:
        raise BadRequest(f"{username[:60]!r} is not a member of this workspace.", "Add the person first.")
    groups.add_member(connection, workspace, name, username)


def _everybody(workspace: str) -> GroupRow:
    return GroupRow(workspace=workspace, name=EVERYBODY, summary="All members")


def _members(connection: Connection, row: GroupRow) -> list[str]:
    if row.name == EVERYBODY:
        return [user.username for user, _ in identities.members(connection, row.workspace)]
    return groups.members(connection, row.workspace, row.name)


def _shown(connection: Connection, row: GroupRow, given: Mapping[str, bool] | None = None) -> dict[str, Any]:
    """As clients see it. `members` are those that the group names itself, as they put them there and take them away."""
    return {
        "workspace_id": row.workspace,
        "name": row.name,
        "summary": row.summary,
        "members": _members(connection, row),
        "extra_perms": dict(given or {}),
        "instance_group": row.instance_group or None,
        "instance_members": (groups.members_by_link(connection, row.workspace, row.name) if row.instance_group else []),
    }


def _audited(connection: Connection, identity: Identity, action: str, name: str, detail: str = "") -> None:
    audit.add(
        connection, workspace=identity.workspace, by=identity.username, action=action, target=f"g/{name}", detail=detail
    )
