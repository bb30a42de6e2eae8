"""Variables: texts by path; a secret's value leaves the database encrypted, and comes in clear only to whom asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import missing, require
from flowapp.jsontext import dumps, loads
from flowapp.store import acls, audit, variables
from flowapp.store.clock import now
from flowapp.store.seen import Look
from flowapp.store.tables import VariableRow
from flowapp.workspace import guard
from flowapp.workspace.acl_marks import marked, marked_one
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.stored import ALL, Page, enter, flag_in, path_of, reading, text_in

MAX_VALUE = 1_000_000
#: What clients store beside the value, and get back as they gave it.
_EXTRA = ("account", "is_oauth", "expires_at", "labels", "ws_specific", "description")
#: What a job finds in its environment; the values differ from job to job.
_CONTEXTUAL = (
    ("WM_WORKSPACE", "The workspace"),
    ("WM_TOKEN", "A token with the rights of the run's person, for as long as the job lives"),
    ("WM_EMAIL", "Email of the person whom the job runs for"),
    ("WM_USERNAME", "Username of the person whom the job runs for"),
    ("WM_PERMISSIONED_AS", "Whose rights the job has, as u/<username>"),
    ("WM_BASE_URL", "Address of this server"),
    ("BASE_INTERNAL_URL", "Address at which the job reaches this server"),
    ("WM_JOB_ID", "The job"),
    ("WM_JOB_PATH", "Path of the script or step"),
    ("WM_FLOW_JOB_ID", "The job of the flow around the step"),
    ("WM_ROOT_FLOW_JOB_ID", "The job of the outermost flow"),
    ("WM_FLOW_PATH", "Path of the flow"),
    ("WM_FLOW_STEP_ID", "The step"),
    ("WM_STATE_PATH", "Path of the resource that keeps the script's state"),
    ("WM_STATE_PATH_NEW", "The same"),
)


class Variables:
    """Use-cases about variables."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._database = context.store.database
        self._sessions = context.sessions
        self._box = context.secrets
        self._masks = context.store.masks
        self._seen = context.store.seen

    async def create(self, identity: Identity, body: Mapping[str, Any], *, already_encrypted: bool = False) -> str:
        """Store a new variable; returns its path.

        `already_encrypted`: a secret's value is a ciphertext that this workspace gave out. Other values are stored as given.

        Raises:
            AlreadyThere: there is one at that path.
            BadRequest: a field has another type, or the ciphertext is not ours.
        """
        enter(identity)
        path = path_of(body.get("path"), "variable")
        require(identity, "variable.write", guard.variable_target(identity, path))
        is_secret = flag_in(body, "is_secret")
        value = text_in(body, "value", limit=MAX_VALUE)
        row = VariableRow(
            workspace=identity.workspace,
            path=path,
            value=self._sealed(identity, path, value, already_encrypted) if is_secret else value,
            is_secret=is_secret,
            description=text_in(body, "description"),
            edited_by=identity.username,
            edited_at=now(),
            extra=dumps({name: body[name] for name in _EXTRA if name in body}),
        )

        def work(connection: Connection) -> None:
            if not variables.add(connection, row):
                raise AlreadyThere(f"There is already a variable at {path}.", "Update it, or choose another path.")
            _audited(connection, identity, "variable.create", path)

        await self._database.write(work)
        return path

    async def update(
        self, identity: Identity, path: str, body: Mapping[str, Any], *, already_encrypted: bool = False
    ) -> str:
        """Change what the body names, and nothing else; returns the path, which may be a new one.

        Raises:
            NotFound: there is none at that path.
            AlreadyThere: there is one at the new path.
            BadRequest: as `create`.
        """
        enter(identity)
        require(identity, "variable.write", guard.variable_target(identity, path))
        target = path if body.get("path") is None else path_of(body["path"], "variable")
        require(identity, "variable.write", guard.variable_target(identity, target))

        def work(connection: Connection) -> None:
            row = variables.get(connection, identity.workspace, path)
            if row is None:
                raise missing("variable")
            changed = self._changed(identity, row, target, body, already_encrypted)
            if target != path:
                if not variables.add(connection, changed):
                    raise AlreadyThere(f"There is already a variable at {target}.", "Choose another path.")
                variables.delete(connection, identity.workspace, path)
                acls.follow(connection, identity.workspace, "variable", path, target)
            else:
                variables.put(connection, changed)
            _audited(connection, identity, "variable.update", path)

        await self._database.write(work)
        if target != path:
            self._sessions.rights_changed()
        return target

    async def get(
        self, identity: Identity, path: str, *, decrypt: bool = True, include_encrypted: bool = False
    ) -> dict[str, Any]:
        """One variable. A secret's value is in clear with `decrypt`, else the ciphertext with `include_encrypted`, else null.

        Raises:
            NotFound: there is none.
        """
        row = await self._row(identity, path)
        shown = _listed(row)
        if row.is_secret and decrypt:
            shown["value"] = await self._in_clear(identity, row)
        elif row.is_secret and include_encrypted:
            shown["value"] = self._box.portable(row.workspace, path, row.value)
        return await marked_one(self._database, identity.workspace, "variable", shown)

    async def value(self, identity: Identity, path: str) -> str:
        """The value in clear.

        Raises:
            NotFound: there is none.
        """
        row = await self._row(identity, path)
        return await self._in_clear(identity, row) if row.is_secret else row.value

    async def exists(self, identity: Identity, path: str) -> bool:
        """Whether there is one that the identity may know of."""
        enter(identity)
        if not guard.knows(identity, reading(identity, "variable"), guard.variable_target(identity, path)):
            return False
        return await self._database.read(lambda c: variables.get(c, identity.workspace, path)) is not None

    async def listing(self, identity: Identity, *, start: str = "", page: Page = ALL) -> list[dict[str, Any]]:
        """What the identity may read, by path; secrets without their value."""
        enter(identity)
        rows = await self._database.read(lambda c: variables.listing(c, identity.workspace, start))
        action = reading(identity, "variable")
        seen = [row for row in rows if guard.may(identity, action, guard.variable_target(identity, row.path))]
        shown = [_listed(row) for row in page.of(seen)]
        return await marked(self._database, identity.workspace, "variable", shown)

    async def contextual(self, identity: Identity) -> list[dict[str, Any]]:
        """The names that every job finds in its environment: `[{"name", "value", "description", "is_custom"}]`."""
        enter(identity)
        return [{"name": name, "value": "", "description": text, "is_custom": False} for name, text in _CONTEXTUAL]

    async def delete(self, identity: Identity, path: str) -> None:
        """Take it away.

        Raises:
            NotFound: there is none.
        """
        enter(identity)
        require(identity, "variable.write", guard.variable_target(identity, path))

        def work(connection: Connection) -> None:
            if not variables.delete(connection, identity.workspace, path):
                raise missing("variable")
            acls.forget(connection, identity.workspace, "variable", path)
            _audited(connection, identity, "variable.delete", path)

        await self._database.write(work)
        self._sessions.rights_changed()

    async def delete_bulk(self, identity: Identity, paths: Any) -> list[str]:
        """Take several away; returns those that were there. All are allowed, or none is deleted."""
        enter(identity)
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise BadRequest("paths must be a list of paths.", 'Send {"paths": ["f/team/a"]}.')
        for path in paths:
            require(identity, "variable.write", guard.variable_target(identity, path_of(path, "variable")))

        def work(connection: Connection) -> list[str]:
            gone = [path for path in paths if variables.delete(connection, identity.workspace, path)]
            for path in gone:
                acls.forget(connection, identity.workspace, "variable", path)
                _audited(connection, identity, "variable.delete", path)
            return gone

        gone = await self._database.write(work)
        self._sessions.rights_changed()
        return gone

    async def encrypt(self, identity: Identity, value: Any) -> str:
        """The ciphertext of a text, which `create` and `update` take with `already_encrypted` at any path."""
        enter(identity)
        require(identity, "variable.write", guard.variable_target(identity, f"u/{identity.username}/"))
        if not isinstance(value, str):
            raise BadRequest("The body must be a JSON text.", 'Send "the secret".')
        return self._box.seal_free(identity.workspace, value)

    def _changed(
        self, identity: Identity, row: VariableRow, target: str, body: Mapping[str, Any], already_encrypted: bool
    ) -> VariableRow:
        is_secret = flag_in(body, "is_secret", row.is_secret)
        if body.get("value") is not None:
            value = text_in(body, "value", limit=MAX_VALUE)
            stored = self._sealed(identity, target, value, already_encrypted) if is_secret else value
        elif is_secret and row.is_secret and target == row.path:
            stored = row.value
        else:
            clear = self._box.open(row.workspace, row.path, row.value) if row.is_secret else row.value
            stored = self._box.seal(row.workspace, target, clear) if is_secret else clear
        return VariableRow(
            workspace=row.workspace,
            path=target,
            value=stored,
            is_secret=is_secret,
            description=text_in(body, "description", row.description),
            edited_by=identity.username,
            edited_at=now(),
            extra=dumps({**loads(row.extra), **{name: body[name] for name in _EXTRA if name in body}}),
        )

    def _sealed(self, identity: Identity, path: str, value: str, already_encrypted: bool) -> str:
        if not already_encrypted:
            return self._box.seal(identity.workspace, path, value)
        if not self._box.opens(identity.workspace, path, value):
            raise BadRequest(
                "The value is not a ciphertext of this workspace for this path.",
                "Encrypt it here (variables/encrypt), or send it in clear without already_encrypted.",
            )
        return value

    async def _row(self, identity: Identity, path: str) -> VariableRow:
        enter(identity)
        require(identity, reading(identity, "variable"), guard.variable_target(identity, path))
        row = await self._database.read(lambda c: variables.get(c, identity.workspace, path))
        if row is None:
            raise missing("variable")
        return row

    async def _in_clear(self, identity: Identity, row: VariableRow) -> str:
        """The secret. That a person looked at it is on record; of a job its run tells, whose log must not."""
        secret = self._box.open(row.workspace, row.path, row.value)
        if identity.job:
            self._masks.note(identity.run, secret)
        else:
            await self._seen.note_first(Look(row.workspace, identity.username, "variable.decrypt", row.path))
        return secret


def _audited(connection: Connection, identity: Identity, action: str, path: str) -> None:
    audit.add(connection, workspace=identity.workspace, by=identity.username, action=action, target=path)


def _listed(row: VariableRow) -> dict[str, Any]:
    extra = loads(row.extra)
    return {
        "workspace_id": row.workspace,
        "path": row.path,
        "value": None if row.is_secret else row.value,
        "is_secret": row.is_secret,
        "description": row.description,
        "extra_perms": {},
        "account": extra.get("account"),
        "is_oauth": bool(extra.get("is_oauth")),
        "is_expired": False,
        "edited_at": row.edited_at,
        "labels": extra.get("labels") or [],
        "ws_specific": bool(extra.get("ws_specific")),
    }
