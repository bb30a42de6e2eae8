"""Everything of a workspace that somebody may read, as the archive that Windmill's command line pulls and compares with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Target
from flowapp.store import (
    acls,
    audit,
    flow_versions,
    folders,
    groups,
    identities,
    resource_types,
    resources,
    schedules,
    scripts,
    variables,
)
from flowapp.store.seen import Look
from flowapp.store.tables import VariableRow
from flowapp.workspace import export_files as files
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.export_files import File, Packing, TypeScript
from flowapp.workspace.stored import enter, reading

#: Resources that runs write, not people.
_OF_RUNS = frozenset({"state", "cache"})


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret variable, whose file is made when the database has been left, and what it gives whom."""

    row: VariableRow
    given: files.Given


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an archive shall hold, by the names that the command line uses in its request."""

    archive_type: str = "zip"
    plain_secret: bool = False
    skip_variables: bool = False
    skip_resources: bool = False
    skip_resource_types: bool = False
    skip_secrets: bool = False
    include_schedules: bool = False
    include_users: bool = False
    include_groups: bool = False
    include_key: bool = False
    default_ts: TypeScript = "bun"

    @property
    def packing(self) -> Packing:
        """How the files are packed.

        Raises:
            BadRequest: in a way that is not known here; clients know the first words, and ask for another way.
        """
        if self.archive_type == "zip":
            return "zip"
        if self.archive_type == "tar":
            return "tar"
        raise BadRequest(f"Invalid Archive Type: {self.archive_type[:40]!r}.", "Ask for zip or tar.")


class Export:
    """The use-case of taking a workspace along."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database
        self._seen = context.store.seen
        self._box = context.secrets
        self._masks = context.store.masks

    async def archive(self, identity: Identity, wanted: Wanted) -> bytes:
        """The archive of what the identity may read; what it may not read is left out.

        Secrets are ciphertexts, which the same workspace takes back at the same path; in clear with `plain_secret`.

        Raises:
            BadRequest: an unknown kind of archive, or the workspace's key is asked for.
        """
        enter(identity)
        packing = wanted.packing
        if wanted.include_key:
            raise BadRequest("This server does not give the key of its secrets away.", "Leave includeKey out.")
        found = await self._database.read(lambda c: list(_files(c, identity, wanted)))
        opened = [content.row for content in found if isinstance(content, Secret)]
        if not identity.job:
            about = "with secrets in clear" if opened and wanted.plain_secret else ""
            await self._seen.note_first(
                Look(identity.workspace, identity.username, "workspace.export", identity.workspace, about)
            )
        if opened and wanted.plain_secret:
            await self._note_opened(identity, opened)
        named = {name: text for name, text in (self._file(item, wanted) for item in found)}
        return await asyncio.to_thread(files.packed, named, packing)

    def _file(self, item: File | Secret, wanted: Wanted) -> File:
        if not isinstance(item, Secret):
            return item
        open_or_not = self._box.open if wanted.plain_secret else self._box.portable
        row = item.row
        return files.variable_file(row, open_or_not(row.workspace, row.path, row.value), item.given)

    async def _note_opened(self, identity: Identity, rows: list[VariableRow]) -> None:
        """That somebody looked at secrets is on record; what a job read does not show in its log."""
        if identity.job:
            for row in rows:
                self._masks.note(identity.run, self._box.open(row.workspace, row.path, row.value))
            return

        def work(connection: Connection) -> None:
            for row in rows:
                audit.add(
                    connection,
                    workspace=row.workspace,
                    by=identity.username,
                    action="variable.decrypt",
                    target=row.path,
                    detail="export",
                )

        await self._database.write(work)


def _files(connection: Connection, identity: Identity, wanted: Wanted) -> Iterator[File | Secret]:
    """All files but those of secrets, which are made later."""
    yield from _code(connection, identity, wanted.default_ts)
    if not wanted.skip_variables:
        yield from _variables(connection, identity, wanted)
    if not wanted.skip_resources:
        yield from _resources(connection, identity)
    if not wanted.skip_resource_types and _may(identity, "resource_type.read", "resource type"):
        for kind in resource_types.listing(connection, identity.workspace):
            yield files.resource_type_file(kind)
    if wanted.include_schedules:
        yield from _schedules(connection, identity)
    if wanted.include_users and _may(identity, "member.read", "user"):
        yield from _users(connection, identity)
    if wanted.include_groups and _may(identity, "group.read", "group"):
        for group in groups.listing(connection, identity.workspace):
            given = acls.of_thing(connection, identity.workspace, "group", group.name)
            yield files.group_file(group, groups.members(connection, identity.workspace, group.name), given)


def _code(connection: Connection, identity: Identity, default_ts: TypeScript) -> Iterator[File]:
    """Scripts and flows, and the folders that they are in."""
    for folder in folders.listing(connection, identity.workspace):
        if guard.may(identity, "folder.read", guard.folder_target(identity, folder.name)):
            yield files.folder_file(folder)
    given = acls.of_things(connection, identity.workspace, "script")
    for script in scripts.heads(connection, identity.workspace, code=True):
        if guard.may(identity, "script.read", guard.script_target(identity, script.path)):
            yield from files.script_files(script, default_ts, given.get(script.path))
    given = acls.of_things(connection, identity.workspace, "flow")
    for flow in flow_versions.heads(connection, identity.workspace):
        if guard.may(identity, "flow.read", guard.flow_target(identity, flow.path)):
            yield files.flow_file(flow, given.get(flow.path))


def _variables(connection: Connection, identity: Identity, wanted: Wanted) -> Iterator[File | Secret]:
    action = reading(identity, "variable")
    given = acls.of_things(connection, identity.workspace, "variable")
    for row in variables.listing(connection, identity.workspace):
        if (row.is_secret and wanted.skip_secrets) or not guard.may(
            identity, action, guard.variable_target(identity, row.path)
        ):
            continue
        mine = given.get(row.path)
        yield Secret(row, mine) if row.is_secret else files.variable_file(row, row.value, mine)


def _resources(connection: Connection, identity: Identity) -> Iterator[File]:
    action = reading(identity, "resource")
    for row in resources.listing(connection, identity.workspace):
        if row.resource_type not in _OF_RUNS and guard.may(identity, action, guard.resource_target(identity, row.path)):
            yield files.resource_file(row)


def _schedules(connection: Connection, identity: Identity) -> Iterator[File]:
    for row in schedules.listing(connection, identity.workspace):
        if guard.may(identity, "schedule.read", Target(identity.workspace, "schedule", path=row.path)):
            yield files.schedule_file(row)


def _users(connection: Connection, identity: Identity) -> Iterator[File]:
    """Members, but for viewers: the command line has no such role, and would make something else of them."""
    for user, role in identities.members(connection, identity.workspace):
        if role != "viewer":
            yield files.user_file(user, role)


def _may(identity: Identity, action: Action, kind: Any) -> bool:
    return guard.may(identity, action, Target(identity.workspace, kind))
