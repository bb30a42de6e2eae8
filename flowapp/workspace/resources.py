"""Resources: typed JSON values by path, which may refer to variables and other resources (`$var:path`, `$res:path`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import missing, require
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store import acls, audit, resources
from flowapp.store.blobs import REFERENCE
from flowapp.store.clock import now
from flowapp.store.seen import Look
from flowapp.store.tables import ResourceRow
from flowapp.workspace import guard
from flowapp.workspace.acl_marks import marked, marked_one
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.run_secrets import RunSecrets
from flowapp.workspace.stored import ALL, Page, enter, path_of, reading, text_in

STATE = "state"
#: What clients store beside the value, and get back as they gave it: also that a description is empty, or not given.
_EXTRA = ("is_oauth", "account", "labels", "ws_specific", "description")
MAX_VALUE = 8_000_000


class Resources:
    """Use-cases about resources."""

    def __init__(self, context: Context, secrets: RunSecrets) -> None:
        self._database = context.store.database
        self._sessions = context.sessions
        self._seen = context.store.seen
        self._secrets = secrets

    async def create(self, identity: Identity, body: Mapping[str, Any], *, update_if_exists: bool = False) -> str:
        """Store a new resource; returns its path. Its type need not be stored.

        Raises:
            AlreadyThere: there is one at that path, and `update_if_exists` is not set.
            BadRequest: a field is missing or has another type.
        """
        enter(identity)
        path = path_of(body.get("path"), "resource")
        kind = text_in(body, "resource_type", "any", limit=200)
        self._require_writing(identity, path, kind)
        row = ResourceRow(
            workspace=identity.workspace,
            path=path,
            resource_type=kind,
            value=_text_of(body.get("value")),
            description=text_in(body, "description"),
            edited_by=identity.username,
            edited_at=now(),
            extra=dumps({name: body[name] for name in _EXTRA if name in body}),
        )

        def work(connection: Connection) -> None:
            if not resources.add(connection, row):
                known = resources.get(connection, identity.workspace, path)
                if not update_if_exists or known is None:
                    raise AlreadyThere(f"There is already a resource at {path}.", "Update it, or choose another path.")
                self._require_writing(identity, path, known.resource_type)
                resources.put(connection, row)
            _audited(connection, identity, "resource.create", path)

        await self._database.write(work)
        return path

    async def update(self, identity: Identity, path: str, body: Mapping[str, Any]) -> str:
        """Change what the body names (`value` may be null), and nothing else; returns the path, which may be a new one.

        Raises:
            NotFound: there is none.
            AlreadyThere: there is one at the new path.
        """
        enter(identity)
        require(identity, _writing(identity, path, STATE), guard.resource_target(identity, path))
        target = path if body.get("path") is None else path_of(body["path"], "resource")

        def work(connection: Connection) -> None:
            row = resources.get(connection, identity.workspace, path)
            if row is None:
                raise missing("resource")
            kind = text_in(body, "resource_type", row.resource_type, limit=200)
            for there, what in ((path, row.resource_type), (target, kind)):
                self._require_writing(identity, there, what)
            changed = ResourceRow(
                workspace=row.workspace,
                path=target,
                resource_type=kind,
                value=_text_of(body["value"]) if "value" in body else row.value,
                description=text_in(body, "description", row.description),
                edited_by=identity.username,
                edited_at=now(),
                extra=dumps({**loads(row.extra), **{name: body[name] for name in _EXTRA if name in body}}),
            )
            if target != path:
                if not resources.move(connection, path, changed):
                    raise AlreadyThere(f"There is already a resource at {target}.", "Choose another path.")
                acls.follow(connection, identity.workspace, "resource", path, target)
            else:
                resources.put(connection, changed)
            _audited(connection, identity, "resource.update", path)

        await self._database.write(work)
        if target != path:
            self._sessions.rights_changed()
        return target

    async def get(self, identity: Identity, path: str) -> dict[str, Any]:
        """One resource, its value as it is stored.

        Raises:
            NotFound: there is none.
        """
        row = await self._row(identity, path)
        shown = {**_listed(row), "value": loads(row.value)}
        return await marked_one(self._database, identity.workspace, "resource", shown)

    async def value(self, identity: Identity, path: str) -> Any:
        """The value as it is stored.

        Raises:
            NotFound: there is none.
        """
        return loads((await self._row(identity, path)).value)

    async def interpolated(self, identity: Identity, path: str) -> Any:
        """The value with `$var:` and `$res:` replaced, at any depth, by what the identity may use.

        Raises:
            NotFound: there is none, or something that it refers to is missing or not the identity's.
        """
        await self._row(identity, path)
        found = await self._secrets.value(identity, "resource", path)
        if found is None:
            raise missing("resource")
        return loads(found)

    async def exists(self, identity: Identity, path: str) -> bool:
        """Whether there is one that the identity may know of."""
        enter(identity)
        if not guard.knows(identity, reading(identity, "resource"), guard.resource_target(identity, path)):
            return False
        return await self._database.read(lambda c: resources.get(c, identity.workspace, path)) is not None

    async def listing(
        self,
        identity: Identity,
        *,
        start: str = "",
        path: str = "",
        types: frozenset[str] = frozenset(),
        without: frozenset[str] = frozenset(),
        values: bool = True,
        page: Page = ALL,
    ) -> list[dict[str, Any]]:
        """What the identity may read, by path; of certain types only, or without some."""
        enter(identity)
        rows = await self._database.read(lambda c: resources.listing(c, identity.workspace, start or path))
        action = reading(identity, "resource")
        seen = [
            row
            for row in rows
            if (not path or row.path == path)
            and (not types or row.resource_type in types)
            and row.resource_type not in without
            and guard.may(identity, action, guard.resource_target(identity, row.path))
        ]
        shown = page.of(seen)
        if values and shown:
            self._note_seen(identity, start or path, "a list with values")
        told = [{**_listed(row), **({"value": loads(row.value)} if values else {})} for row in shown]
        return await marked(self._database, identity.workspace, "resource", told)

    async def counts(self, identity: Identity) -> dict[str, int]:
        """How many resources of each type the identity may read."""
        enter(identity)
        rows = await self._database.read(lambda c: resources.listing(c, identity.workspace))
        action = reading(identity, "resource")
        return Counter(
            row.resource_type for row in rows if guard.may(identity, action, guard.resource_target(identity, row.path))
        )

    async def delete(self, identity: Identity, path: str) -> None:
        """Take it away.

        Raises:
            NotFound: there is none.
        """
        enter(identity)
        require(identity, "resource.write", guard.resource_target(identity, path))

        def work(connection: Connection) -> None:
            if not resources.delete(connection, identity.workspace, path):
                raise missing("resource")
            acls.forget(connection, identity.workspace, "resource", path)
            _audited(connection, identity, "resource.delete", path)

        await self._database.write(work)
        self._sessions.rights_changed()

    async def update_value(self, identity: Identity, path: str, body: Mapping[str, Any]) -> str:
        """Replace the value only; `{"value"}` may be null, and a body without it is refused.

        Raises:
            NotFound: there is none.
            BadRequest: the body names no value.
        """
        enter(identity)
        if "value" not in body:
            require(identity, _writing(identity, path, STATE), guard.resource_target(identity, path))
            raise BadRequest("value is missing.", 'Send {"value": …}; null is a value.')
        return await self.update(identity, path, {"value": body["value"]})

    async def _row(self, identity: Identity, path: str) -> ResourceRow:
        enter(identity)
        require(identity, reading(identity, "resource"), guard.resource_target(identity, path))
        row = await self._database.read(lambda c: resources.get(c, identity.workspace, path))
        if row is None:
            raise missing("resource")
        self._note_seen(identity, path)
        return row

    def _note_seen(self, identity: Identity, path: str, detail: str = "") -> None:
        """That a person saw a value; what a job reads is its run's business."""
        if not identity.job:
            self._seen.note(Look(identity.workspace, identity.username, "resource.view", path, detail))

    def _require_writing(self, identity: Identity, path: str, kind: str) -> None:
        require(identity, _writing(identity, path, kind), guard.resource_target(identity, path))


def _writing(identity: Identity, path: str, kind: str) -> Any:
    """A job keeps its own state (`set_state`) for whomever it runs; anything else is writing a resource."""
    own = path.startswith(f"u/{identity.username}/")
    return "state.write" if identity.job and own and kind == STATE else "resource.write"


def _text_of(value: Any) -> JsonText:
    text = dumps(value)
    if len(text) > MAX_VALUE:
        raise BadRequest(f"A resource's value has at most {MAX_VALUE // 1_000_000} MB.", "Keep files elsewhere.")
    if f'"{REFERENCE}"' in text:
        raise BadRequest("A resource cannot refer to an uploaded file.", "Put the text itself into the value.")
    return text


def _audited(connection: Connection, identity: Identity, action: str, path: str) -> None:
    audit.add(connection, workspace=identity.workspace, by=identity.username, action=action, target=path)


def _listed(row: ResourceRow) -> dict[str, Any]:
    extra = loads(row.extra)
    return {
        "workspace_id": row.workspace,
        "path": row.path,
        "resource_type": row.resource_type,
        "description": row.description,
        "is_oauth": bool(extra.get("is_oauth")),
        "is_linked": False,
        "is_refreshed": False,
        "is_expired": False,
        "extra_perms": {},
        "created_by": row.edited_by,
        "edited_at": row.edited_at,
        "labels": extra.get("labels") or [],
        "ws_specific": bool(extra.get("ws_specific")),
    }
