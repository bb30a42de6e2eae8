"""Stored scripts in Windmill's shape: every save is a version with a hash, the newest is the path's head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Target, missing, require
from flowapp.jsontext import dumps, loads
from flowapp.store import acls, audit, identities, scripts
from flowapp.store.events import Event
from flowapp.store.tables import ScriptRow
from flowapp.workspace import guard, script_rows
from flowapp.workspace.acl_marks import marked, marked_one
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.lock_jobs import LockJob, failed, lock_job, script_value
from flowapp.workspace.locks import Locks
from flowapp.workspace.open_drafts import SCRIPT, TOPIC
from flowapp.workspace.stored import ALL, Page, enter, path_of, text_in


class Scripts:
    """Use-cases about stored scripts."""

    def __init__(self, context: Context, locks: Locks) -> None:
        self._store = context.store
        self._database = context.store.database
        self._sessions = context.sessions
        self._locks = locks
        self._events = context.store.events
        #: called with workspace, path and hash of a version that was just stored
        self.stored: list[Callable[[str, str, str], None]] = []

    async def create(
        self, identity: Identity, body: Mapping[str, Any], *, skip_if_noop: bool = False, bundle: str | None = None
    ) -> str:
        """Store a version; returns its hash.

        `parent_hash` must be the head of the path it comes from; `auto_parent` takes the head, whatever it is. Without
        either, the path must be free. `skip_if_noop`: the head's hash, and no new version, when nothing would change.
        An archived script is brought back by a version that names its head; without that, what comes to the path is another script.

        Raises:
            AlreadyThere: another script is at the path, or the parent is not its head (any more).
            BadRequest: a field is missing or has another type.
        """
        enter(identity)
        path = path_of(body.get("path"), "script")
        require(identity, "script.write", guard.script_target(identity, path))
        row = script_rows.row_of(identity, path, body, bundle)
        sent = row.model_copy()
        job = await self._lock(identity, row) if row.lock is None else None
        parent = text_in(body, "parent_hash", limit=64) or None
        follow = body.get("auto_parent") is True

        def work(connection: Connection) -> str:
            identities.lock_workspace(connection, identity.workspace)
            head = scripts.head(connection, identity.workspace, path)
            live = head if head is not None and not head.archived else None
            if skip_if_noop and live is not None and script_rows.same(live, sent):
                return live.hash
            origin = _origin(connection, identity, path, head, live, parent, follow)
            row.parent_hash = origin.hash if origin is not None else None
            if live is None and not parent:  # what an archived one gave is not this one's to give
                acls.forget(connection, identity.workspace, "script", path)
            made = scripts.add(connection, row)
            if job is not None:
                job.insert(connection)
            if origin is not None and origin.path != path:  # renamed: the old path leads nowhere
                scripts.archive_path(connection, identity.workspace, origin.path)
                acls.follow(connection, identity.workspace, "script", origin.path, path)
            audit.add(
                connection,
                workspace=identity.workspace,
                by=identity.username,
                action="script.create",
                target=path,
                detail=made,
            )
            event = {"workspace": identity.workspace, "path": path, "hash": made}
            self._events.after_commit(Event(TOPIC, SCRIPT, event))
            return made

        made = await self._database.write(work)
        self._sessions.rights_changed()  # of what was renamed, or had been at the path
        for listener in self.stored:
            listener(identity.workspace, path, made)
        return made

    async def _lock(self, identity: Identity, row: ScriptRow) -> LockJob | None:
        """Put a lock into the row. Where that fails the row says why, and a failed job is to tell those who look at jobs."""
        locked = await self._locks.script(identity, row.language, row.content, row.path)
        row.lock = locked.lock
        if not locked.problem:
            return None
        row.extra = dumps({**loads(row.extra), "lock_error_logs": locked.problem})
        value = script_value(row.language, row.content)
        return await lock_job(self._store, identity, "dependencies", row.path, value, failed(locked.problem))

    def require_storing(self, identity: Identity) -> None:
        """Ask whether the identity may store scripts at all, before a large request is read.

        Raises:
            NotAllowed: the role does not include it.
        """
        enter(identity)
        require(identity, "script.write", Target(identity.workspace, "script"))

    async def by_path(self, identity: Identity, path: str) -> dict[str, Any]:
        """The head of a path.

        Raises:
            NotFound: there is none, or it is archived.
        """
        enter(identity)
        require(identity, "script.read", guard.script_target(identity, path))
        found = await self._database.read(lambda c: _with_ancestors(c, scripts.latest(c, identity.workspace, path)))
        if found is None:
            raise missing(f"script at {path}")
        return await marked_one(self._database, identity.workspace, "script", script_rows.shown(*found))

    async def by_hash(self, identity: Identity, script_hash: str) -> dict[str, Any]:
        """One version.

        Raises:
            NotFound: there is none of that hash, or it is deleted.
        """
        enter(identity)
        found = await self._database.read(
            lambda c: _with_ancestors(c, scripts.by_hash(c, identity.workspace, script_hash))
        )
        if found is None:
            raise missing("script version")
        self._require(identity, "script.read", found[0])
        return await marked_one(self._database, identity.workspace, "script", script_rows.shown(*found))

    async def content(self, identity: Identity, *, path: str = "", script_hash: str = "") -> str:
        """The code of a path's head, or of a version. A path may end in a file extension, as clients ask for files.

        Raises:
            NotFound: there is none.
        """
        if script_hash:
            return str((await self.by_hash(identity, script_hash.partition(".")[0]))["content"])
        if not await self.exists(identity, path):
            path = path.rpartition(".")[0] or path
        return str((await self.by_path(identity, path))["content"])

    async def exists(self, identity: Identity, path: str) -> bool:
        """Whether there is one that the identity may know of, and that is not archived."""
        enter(identity)
        if not guard.knows(identity, "script.read", guard.script_target(identity, path)):
            return False
        return await self._database.read(lambda c: scripts.latest(c, identity.workspace, path)) is not None

    async def listing(
        self,
        identity: Identity,
        *,
        archived: bool = False,
        start: str = "",
        path: str = "",
        created_by: str = "",
        kinds: frozenset[str] = frozenset(),
        languages: frozenset[str] = frozenset(),
        oldest_first: bool = False,
        code: bool = False,
        page: Page = ALL,
    ) -> list[dict[str, Any]]:
        """Heads that the identity may read, newest first; without code unless asked for."""
        enter(identity)
        rows = await self._database.read(lambda c: scripts.heads(c, identity.workspace, archived=archived, code=code))
        seen = [
            row
            for row in rows
            if row.path.startswith(start)
            and path in ("", row.path)
            and created_by in ("", row.created_by)
            and (not kinds or row.kind in kinds)
            and (not languages or row.language in languages)
            and guard.may(identity, "script.read", guard.script_target(identity, row.path))
        ]
        if oldest_first:
            seen.reverse()
        shown = [script_rows.shown(row, []) for row in page.of(seen)]
        return await marked(self._database, identity.workspace, "script", shown)

    async def history(self, identity: Identity, path: str) -> list[dict[str, Any]]:
        """Versions of a path, newest first: `[{"script_hash", "deployment_msg"?, "created_at", "created_by"}]`.

        Raises:
            NotFound: there is none.
        """
        enter(identity)
        require(identity, "script.read", guard.script_target(identity, path))
        rows = await self._database.read(lambda c: scripts.versions(c, identity.workspace, path))
        if not rows:
            raise missing(f"script at {path}")
        return [
            {
                "script_hash": row.hash,
                **({"deployment_msg": row.message} if row.message else {}),
                "created_at": row.created_at,
                "created_by": row.created_by,
            }
            for row in rows
        ]

    async def archive(self, identity: Identity, *, path: str = "", script_hash: str = "") -> str:
        """Archive a path, or one version; returns the path.

        Raises:
            NotFound: there is none.
        """
        return await self._withdraw(identity, path, script_hash, delete=False)

    async def delete(self, identity: Identity, *, path: str = "", script_hash: str = "") -> str:
        """Delete a path, or one version, with its code; returns the path.

        Raises:
            NotFound: there is none.
        """
        return await self._withdraw(identity, path, script_hash, delete=True)

    async def deployment_status(self, identity: Identity, script_hash: str) -> dict[str, Any]:
        """`{"lock"?, "lock_error_logs"?}` of a version: what came of resolving its packages when it was stored."""
        found = await self.by_hash(identity, script_hash)
        return {"lock": found.get("lock"), "lock_error_logs": found.get("lock_error_logs"), "job_id": None}

    async def _withdraw(self, identity: Identity, path: str, script_hash: str, *, delete: bool) -> str:
        enter(identity)
        if path:
            require(identity, "script.write", guard.script_target(identity, path))

        def work(connection: Connection) -> str:
            workspace = identity.workspace
            where = path
            if script_hash:
                row = scripts.by_hash(connection, workspace, script_hash)
                if row is None:
                    raise missing("script version")
                self._require(identity, "script.write", row)
                where = row.path
                done = (scripts.delete_hash if delete else scripts.archive_hash)(connection, workspace, script_hash)
            elif delete:
                done = scripts.delete_path(connection, workspace, path) > 0
            else:
                done = scripts.archive_path(connection, workspace, path) > 0
            if not done:
                raise missing(f"script at {where}")
            if delete and not scripts.versions(connection, workspace, where):
                acls.forget(connection, workspace, "script", where)
            action = "script.delete" if delete else "script.archive"
            audit.add(
                connection, workspace=workspace, by=identity.username, action=action, target=where, detail=script_hash
            )
            return where

        where = await self._database.write(work)
        if delete:
            self._sessions.rights_changed()
        return where

    def _require(self, identity: Identity, action: Action, row: ScriptRow) -> None:
        """By its hash a version of a hidden path must look missing, in the same words."""
        if not guard.knows(identity, action, guard.script_target(identity, row.path)):
            raise missing("script version")


def _origin(
    connection: Connection,
    identity: Identity,
    path: str,
    head: ScriptRow | None,
    live: ScriptRow | None,
    parent: str | None,
    follow: bool,
) -> ScriptRow | None:
    """The version that the new one comes from.

    Raises:
        AlreadyThere: see `Scripts.create`.
    """
    if follow and head is not None:
        return head
    if parent is None or (follow and head is None):
        if live is not None:
            raise AlreadyThere(
                f"There is already a script at {path} ({live.hash}).",
                "Send parent_hash to add a version to it, or choose another path.",
            )
        return head
    origin = scripts.by_hash(connection, identity.workspace, parent)
    if origin is None or not guard.may(identity, "script.write", guard.script_target(identity, origin.path)):
        raise BadRequest(f"The parent {parent[:16]} is not a version of a script here.", "Load the script again.")
    if origin.path != path and live is not None:
        raise AlreadyThere(f"There is already a script at {path} ({live.hash}).", "Choose another path.")
    newest = scripts.head(connection, identity.workspace, origin.path)
    if newest is None or newest.hash != parent:
        raise AlreadyThere(
            f"{origin.path} has a newer version than the parent {parent}"
            f"{f': {newest.hash} by {newest.created_by}' if newest else ''}.",
            "Look at that version first, then send its hash as parent_hash.",
        )
    return origin


def _with_ancestors(connection: Connection, row: ScriptRow | None) -> tuple[ScriptRow, list[str]] | None:
    return None if row is None else (row, scripts.ancestors(connection, row))
