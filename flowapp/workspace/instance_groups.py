"""Instance groups: lists of people by email, of the whole installation, which super admins keep.

One gives nothing by itself. Its people count as members of a workspace's group where an admin of that workspace has linked the
two (`groups`), and only those who are members of the workspace anyway.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.person import Person
from flowapp.access.policy import missing
from flowapp.jsontext import dumps, loads
from flowapp.store import audit, groups, instance_groups
from flowapp.store.tables import InstanceGroupRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.instance_group_bodies import (
    MOST_GROUPS,
    MOST_PEOPLE,
    emails_in,
    groups_in,
    new_name_in,
    refuse_role,
    summary_in,
)
from flowapp.workspace.members import email_in
from flowapp.workspace.stored import ALL, Page


class InstanceGroups:
    """Use-cases about instance groups, for super admins. They take the person whose token it is, as there is no workspace."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database
        self._sessions = context.sessions

    async def listing(self, person: Person, page: Page = ALL, *, linked: bool = False) -> list[dict[str, Any]]:
        """All groups by name, with their people; with `linked`, also where each is linked."""
        self._ask(person)

        def work(connection: Connection) -> list[dict[str, Any]]:
            people = instance_groups.all_emails(connection)
            links = instance_groups.links(connection) if linked else {}
            rows = page.of(instance_groups.listing(connection))
            return [
                {**_shown(row, people.get(row.name, [])), **(_linked(links.get(row.name, [])) if linked else {})}
                for row in rows
            ]

        return await self._database.read(work)

    async def get(self, person: Person, name: str) -> dict[str, Any]:
        """One group with its people and where it is linked.

        Raises:
            NotFound: there is none.
        """
        self._ask(person)

        def work(connection: Connection) -> dict[str, Any]:
            row = _found(connection, name)
            links = instance_groups.links(connection).get(name, [])
            return {**_shown(row, instance_groups.emails(connection, name)), **_linked(links)}

        return await self._database.read(work)

    async def export(self, person: Person) -> list[dict[str, Any]]:
        """All groups, as `overwrite` takes them."""
        self._ask(person)

        def work(connection: Connection) -> list[dict[str, Any]]:
            people = instance_groups.all_emails(connection)
            return [_exported(row, people.get(row.name, [])) for row in instance_groups.listing(connection)]

        return await self._database.read(work)

    async def create(self, person: Person, body: Mapping[str, Any]) -> str:
        """Make a group: `{"name", "summary"?, "emails"?}`; returns its name, which is in small letters and without spaces.

        Raises:
            AlreadyThere: there is one of that name.
            BadRequest: no name, no emails, or too many.
        """
        self._ask(person)
        refuse_role(body)
        name, people = new_name_in(body), emails_in(body) or []
        row = InstanceGroupRow(name=name, summary=summary_in(body), extra=dumps({"id": str(uuid.uuid4())}))

        def work(connection: Connection) -> None:
            if instance_groups.get(connection, name) is not None:
                raise AlreadyThere(f"There is already an instance group {name}.", "Choose another name.")
            if len(instance_groups.listing(connection)) >= MOST_GROUPS:
                raise BadRequest(
                    f"There are {MOST_GROUPS} instance groups already.", "Delete some that are not in use."
                )
            instance_groups.put(connection, row)
            _noted(connection, person, "create", name)
            _set_people(connection, person, name, people, instance_groups.spellings(connection, people))
            _refuse_too_many(connection)

        await self._write(work)
        return name

    async def update(self, person: Person, name: str, body: Mapping[str, Any]) -> None:
        """Change what the body names: `{"new_summary"?, "emails"?}`.

        Raises:
            NotFound: there is none.
            BadRequest: no emails, too many, or a role.
        """
        self._ask(person)
        refuse_role(body)
        people, summary = emails_in(body), summary_in(body, "new_summary")

        def work(connection: Connection) -> None:
            row = _found(connection, name)
            if "new_summary" in body:
                row.summary = summary
                instance_groups.put(connection, row)
            _noted(connection, person, "update", name)
            if people is not None:
                _set_people(connection, person, name, people, instance_groups.spellings(connection, people))
                _refuse_too_many(connection)

        await self._write(work)

    async def delete(self, person: Person, name: str) -> None:
        """Take a group away, and every link to it: a new one of that name gives nothing until it is linked anew.

        Raises:
            NotFound: there is none.
        """
        self._ask(person)

        def work(connection: Connection) -> None:
            _found(connection, name)
            _delete(connection, person, name)

        await self._write(work)

    async def add_user(self, person: Person, name: str, body: Mapping[str, Any]) -> None:
        """Put somebody into the group: `{"email"}`. There may be no account of it yet; again is no fault.

        Raises:
            NotFound: there is no such group.
            BadRequest: no email, or too many.
        """
        self._ask(person)
        email = email_in(body)

        def work(connection: Connection) -> None:
            _found(connection, name)
            kept = instance_groups.spellings(connection, [email])[email]
            if instance_groups.add(connection, name, kept):
                _noted(connection, person, "adduser", name, kept)
                _refuse_too_many(connection)

        await self._write(work)

    async def remove_user(self, person: Person, name: str, body: Mapping[str, Any]) -> None:
        """Take somebody out of the group: `{"email"}`; who is not in it is no fault.

        Raises:
            NotFound: there is no such group.
        """
        self._ask(person)
        email = email_in(body)

        def work(connection: Connection) -> None:
            _found(connection, name)
            for one in sorted({email, instance_groups.spellings(connection, [email])[email]}):
                if instance_groups.remove(connection, name, one):
                    _noted(connection, person, "removeuser", name, one)

        await self._write(work)

    async def overwrite(self, person: Person, body: Any) -> None:
        """Have exactly these groups, all or nothing: a list as `export` answers it. One that stays keeps its links.

        Raises:
            BadRequest: no such list, a name twice, a role, or too many groups or people.
        """
        self._ask(person)
        wanted = groups_in(body)

        def work(connection: Connection) -> None:
            before = {row.name: row for row in instance_groups.listing(connection)}
            kept = instance_groups.spellings(connection, (email for _, people in wanted.values() for email in people))
            for name in sorted(before.keys() - wanted.keys()):
                _delete(connection, person, name)
            for name, (row, people) in sorted(wanted.items()):
                if name not in before or _said(before[name]) != _said(row):
                    _noted(connection, person, "update" if name in before else "create", name)
                    instance_groups.put(connection, row)
                _set_people(connection, person, name, people, kept)
            _refuse_too_many(connection)  # at the end only: on the way somebody who moves may be in two

        await self._write(work)

    def _ask(self, person: Person) -> None:
        guard.account_of(self._sessions, person, "instance.manage")

    async def _write(self, work: Callable[[Connection], None]) -> None:
        def locked(connection: Connection) -> None:
            instance_groups.lock(connection)
            work(connection)

        await self._database.write(locked)
        self._sessions.rights_changed()


def _found(connection: Connection, name: str) -> InstanceGroupRow:
    row = instance_groups.get(connection, name) if "\0" not in name else None
    if row is None:
        raise missing("instance group")
    return row


def _delete(connection: Connection, person: Person, name: str) -> None:
    for workspace, group in groups.unlink(connection, name):
        audit.add(
            connection, workspace=workspace, by=person.username, action="group.unlink", target=f"g/{group}", detail=name
        )
    instance_groups.delete(connection, name)
    _noted(connection, person, "delete", name)


def _set_people(
    connection: Connection, person: Person, name: str, people: Sequence[str], kept: Mapping[str, str]
) -> None:
    """Make exactly these its people, as `kept` spells them. Each change is noted by itself."""
    before, wanted = set(instance_groups.emails(connection, name)), {kept[email] for email in people}
    for email in sorted(before - wanted):
        instance_groups.remove(connection, name, email)
        _noted(connection, person, "removeuser", name, email)
    added = sorted(wanted - before)
    instance_groups.add_all(connection, name, added)
    for email in added:
        _noted(connection, person, "adduser", name, email)


def _refuse_too_many(connection: Connection) -> None:
    if instance_groups.size(connection) > MOST_PEOPLE:
        raise BadRequest(f"Instance groups have at most {MOST_PEOPLE} members in all.", "Take some out first.")


def _shown(row: InstanceGroupRow, people: Sequence[str]) -> dict[str, Any]:
    return {"name": row.name, "summary": row.summary, "emails": list(people), "instance_role": None}


def _linked(links: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """In which workspaces it is linked, and to which groups there."""
    found: dict[str, dict[str, Any]] = {}
    for workspace, title, group in links:
        entry = found.setdefault(workspace, {"workspace_id": workspace, "workspace_name": title, "groups": []})
        entry["groups"].append(group)
    return {"workspaces": list(found.values())}


def _said(row: InstanceGroupRow) -> tuple[str | None, Any]:
    return row.summary, loads(row.extra)


def _exported(row: InstanceGroupRow, people: Sequence[str]) -> dict[str, Any]:
    summary = {} if row.summary is None else {"summary": row.summary}
    return {"name": row.name, **summary, **loads(row.extra), "emails": list(people)}


def _noted(connection: Connection, person: Person, verb: str, name: str, detail: str = "") -> None:
    action = f"instance_group.{verb}"
    audit.add(connection, workspace="", by=person.username, action=action, target=name, detail=detail)
