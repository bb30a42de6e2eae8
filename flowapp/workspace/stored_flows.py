"""Deployed flows in Windmill's shape: what clients store is kept as they sent it, and given back so.

A flow is stored without looking at what its steps name: clients push a flow and its scripts in any order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import missing, require
from flowapp.jsontext import dumps, loads
from flowapp.openflow import documents
from flowapp.openflow.errors import DocumentInvalid
from flowapp.openflow.lint import refusals
from flowapp.openflow.walk import walk
from flowapp.store import acls, audit, flow_versions, flows, identities, shared_links
from flowapp.store.clock import now
from flowapp.store.tables import FlowVersionRow
from flowapp.workspace import flow_news, flow_paths, guard, step_names
from flowapp.workspace.acl_marks import marked, marked_one
from flowapp.workspace.blob_guard import require_known
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.lock_jobs import LockJob, failed, lock_job
from flowapp.workspace.locks import Locks
from flowapp.workspace.stored import ALL, Page, enter, text_in

#: Keys of a request that say how to store, or that the server makes: they are no part of the document.
_NOT_STORED = frozenset(
    [
        "path",
        "deployment_message",
        "skip_draft_deletion",
        "draft_only",
        "preserve_on_behalf_of",
        "edited_by",
        "edited_at",
        "archived",
        "extra_perms",
        "workspace_id",
        "starred",
        "version_id",
        "version",
        "is_draft",
        "lock_error_logs",
        "dependency_job",
    ]
)
_OWN = frozenset(("summary", "description", "value", "schema"))


class StoredFlows:
    """Use-cases about deployed flows, as Windmill's clients ask for them."""

    def __init__(self, context: Context, locks: Locks) -> None:
        self._store = context.store
        self._database = context.store.database
        self._sessions = context.sessions
        self._locks = locks
        self._values = context.store.values

    async def create(self, identity: Identity, body: Mapping[str, Any]) -> str:
        """Store a new flow: an OpenFlow object with `path`; returns the path.

        Raises:
            AlreadyThere: there is a flow at the path that is not archived.
            DocumentInvalid, BadRequest: it is no OpenFlow document.
        """
        enter(identity)
        path = flow_paths.checked(text_in(body, "path"))
        require(identity, "flow.deploy", guard.flow_target(identity, path))
        await require_known(self._database, identity.workspace, body)
        row, job = await self._row(identity, path, body)

        def work(connection: Connection) -> str:
            identities.lock_workspace(connection, identity.workspace)
            if flows.latest(connection, identity.workspace, path) is not None:
                raise AlreadyThere(f"There is already a flow at {path}.", "Update it, or choose another path.")
            # an archived one that was here is another flow, and what it gave is not this one's to give
            shared_links.forget_flow(connection, identity.workspace, path)
            acls.forget(connection, identity.workspace, "flow", path)
            self._add(connection, identity, row, job, "flow.create")
            return path

        made = await self._database.write(work)
        self._sessions.rights_changed()
        return made

    async def update(self, identity: Identity, path: str, body: Mapping[str, Any]) -> str:
        """Store the next version; with another `path` in the body the flow moves there. Returns the path.

        Raises:
            NotFound: there is no flow at the path.
            AlreadyThere: there is one at the new path.
            DocumentInvalid, BadRequest: as `create`.
        """
        enter(identity)
        require(identity, "flow.deploy", guard.flow_target(identity, path))
        target = path if body.get("path") is None else flow_paths.checked(text_in(body, "path"))
        require(identity, "flow.deploy", guard.flow_target(identity, target))
        await require_known(self._database, identity.workspace, body)
        row, job = await self._row(identity, target, body)

        def work(connection: Connection) -> str:
            identities.lock_workspace(connection, identity.workspace)
            if flow_versions.newest(connection, identity.workspace, path) is None:
                raise missing("flow")
            if target != path:
                if flow_versions.newest(connection, identity.workspace, target) is not None:
                    raise AlreadyThere(f"There is already a flow at {target}.", "Choose another path.")
                flow_versions.keep_for_runs(connection, self._values, identity.workspace, path)
                step_names.follow_path(connection, identity.workspace, path, target)
                shared_links.follow_flow(connection, identity.workspace, path, target)
            flow_versions.archive(connection, identity.workspace, target, False)
            self._add(connection, identity, row, job, "flow.update")
            return target

        done = await self._database.write(work)
        if target != path:
            self._sessions.rights_changed()
        return done

    async def by_id(self, identity: Identity, version_id: int) -> dict[str, Any]:
        """One version by its id over all flows.

        Raises:
            NotFound: there is none.
        """
        enter(identity)
        row = await self._database.read(lambda c: flows.by_id(c, identity.workspace, version_id))
        if row is None or not guard.may(identity, "flow.read", guard.flow_target(identity, row.path)):
            raise missing("flow version")
        return await marked_one(self._database, identity.workspace, "flow", shown(row))

    async def exists(self, identity: Identity, path: str) -> bool:
        """Whether there is one that the identity may know of, and that is not archived."""
        enter(identity)
        if not guard.knows(identity, "flow.read", guard.flow_target(identity, path)):
            return False
        return await self._database.read(lambda c: flows.latest(c, identity.workspace, path)) is not None

    async def listing(
        self,
        identity: Identity,
        *,
        archived: bool = False,
        start: str = "",
        path: str = "",
        created_by: str = "",
        oldest_first: bool = False,
        page: Page = ALL,
    ) -> list[dict[str, Any]]:
        """Flows that the identity may read, last stored first; without their modules."""
        enter(identity)
        rows = await self._database.read(lambda c: flow_versions.heads(c, identity.workspace, archived=archived))
        seen = [
            row
            for row in rows
            if row.path.startswith(start)
            and path in ("", row.path)
            and created_by in ("", row.created_by)
            and guard.may(identity, "flow.read", guard.flow_target(identity, row.path))
        ]
        if oldest_first:
            seen.reverse()
        told = [{name: value for name, value in shown(row).items() if name != "value"} for row in page.of(seen)]
        return await marked(self._database, identity.workspace, "flow", told)

    async def history(self, identity: Identity, path: str) -> list[dict[str, Any]]:
        """Versions, newest first: `[{"id", "created_at", "deployment_msg"?}]`.

        Raises:
            NotFound: there is no such flow.
        """
        enter(identity)
        require(identity, "flow.read", guard.flow_target(identity, path))
        rows = await self._database.read(lambda c: flows.versions(c, identity.workspace, path))
        if not rows:
            raise missing("flow")
        return [
            {
                "id": row.id,
                "created_at": row.created_at,
                **({"deployment_msg": row.message} if row.message else {}),
            }
            for row in rows
        ]

    async def archive(self, identity: Identity, path: str, body: Mapping[str, Any]) -> None:
        """Archive a flow (`{"archived": true}`), or bring it back.

        Raises:
            NotFound: there is none.
            BadRequest: `archived` is missing.
        """
        enter(identity)
        require(identity, "flow.deploy", guard.flow_target(identity, path))
        archived = body.get("archived")
        if not isinstance(archived, bool):
            raise BadRequest("archived must be true or false.", 'Send {"archived": true}.')

        def work(connection: Connection) -> None:
            if not flow_versions.archive(connection, identity.workspace, path, archived):
                raise missing("flow")
            _audited(connection, identity, "flow.archive" if archived else "flow.unarchive", path)

        await self._database.write(work)

    async def delete(self, identity: Identity, path: str) -> None:
        """Take a flow with all its versions away; its runs stay.

        Where there is none (any more) nothing happens: the command line asks once for each of a flow's files.

        Raises:
            NotFound, NotAllowed: nothing at that path is the identity's to delete.
        """
        enter(identity)
        require(identity, "flow.deploy", guard.flow_target(identity, path))

        def work(connection: Connection) -> None:
            identities.lock_workspace(connection, identity.workspace)
            flow_versions.keep_for_runs(connection, self._values, identity.workspace, path)
            shared_links.forget_flow(connection, identity.workspace, path)
            step_names.forget_path(connection, identity.workspace, path)
            if flow_versions.delete(connection, identity.workspace, path):
                _audited(connection, identity, "flow.delete", path)

        await self._database.write(work)
        self._sessions.rights_changed()

    async def _row(
        self, identity: Identity, path: str, body: Mapping[str, Any]
    ) -> tuple[FlowVersionRow, LockJob | None]:
        """The row of a new version, and a failed job where the packages of a step could not be had."""
        row = await asyncio.to_thread(_row_of, identity, path, body)
        flow = await asyncio.to_thread(loads, row.document)
        problems = await self._locks.flow(identity, flow, path)
        row.document = dumps(flow)
        if not problems:
            return row, None
        why = failed(" ".join(problems))
        return row, await lock_job(self._store, identity, "flowdependencies", path, flow["value"], why)

    def _add(
        self, connection: Connection, identity: Identity, row: FlowVersionRow, job: LockJob | None, action: str
    ) -> None:
        before = flow_versions.newest(connection, row.workspace, row.path)
        number = flows.add(connection, row)
        step_names.follow_document(connection, before, row)
        flow_news.tell_deployed(connection, self._store.events, row)
        if job is not None:
            job.insert(connection)
        _audited(connection, identity, action, row.path, f"version {number}: {row.message}")


def shown(row: FlowVersionRow) -> dict[str, Any]:
    """A version in Windmill's shape: what the document holds, as it was stored, and who stored it when."""
    document: dict[str, Any] = loads(row.document)
    return {
        "ws_error_handler_muted": False,
        **{name: value for name, value in document.items() if name not in _OWN | _NOT_STORED},
        "path": row.path,
        "summary": document.get("summary") or "",
        "description": document.get("description") or "",
        "value": document["value"],
        "schema": document.get("schema"),
        "edited_by": row.created_by,
        "edited_at": row.created_at,
        "archived": row.archived,
        "extra_perms": {},
        "starred": False,
        "version_id": row.id,
        "workspace_id": row.workspace,
    }


def _row_of(identity: Identity, path: str, body: Mapping[str, Any]) -> FlowVersionRow:
    document = {name: value for name, value in body.items() if name not in _NOT_STORED}
    document.setdefault("summary", "")
    documents.parse(document)
    if problems := list(refusals(document)):
        raise DocumentInvalid(problems)
    for place in walk(document):
        value = place.module.get("value")
        named = value.get("path") if isinstance(value, Mapping) else None
        if isinstance(named, str) and named.startswith("/"):
            raise BadRequest(f"The step {place.step_id} names {named[:80]!r}.", "Write paths as u/…, f/… or hub/….")
    return FlowVersionRow(
        workspace=identity.workspace,
        path=path,
        version=0,
        summary=str(document.get("summary") or "")[:500],
        document=dumps(document),
        message=text_in(body, "deployment_message")[:2000],
        created_by=identity.username,
        created_at=now(),
    )


def _audited(connection: Connection, identity: Identity, action: str, path: str, detail: str = "") -> None:
    audit.add(connection, workspace=identity.workspace, by=identity.username, action=action, target=path, detail=detail)
