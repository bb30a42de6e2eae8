"""Stored scripts in Windmill's shape: every save is a version with a hash, the newest is the path's head."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Denied, decide, missing, require
from flowapp.jsontext import JsonText, canonical, dumps, loads
from flowapp.runtimes.handover import is_own_variable
from flowapp.store import audit, identities, scripts
from flowapp.store.clock import now
from flowapp.store.events import Event
from flowapp.store.tables import ScriptRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.locks import Locks
from flowapp.workspace.open_drafts import SCRIPT, TOPIC
from flowapp.workspace.stored import ALL, Page, enter, path_of, required_text, text_in

LANGUAGES = frozenset(
    [
        "python3",
        "deno",
        "go",
        "bash",
        "powershell",
        "postgresql",
        "mysql",
        "bigquery",
        "snowflake",
        "mssql",
        "oracledb",
        "graphql",
        "nativets",
        "bun",
        "bunnative",
        "php",
        "rust",
        "ansible",
        "csharp",
        "nu",
        "java",
        "ruby",
        "rlang",
        "duckdb",
        "sqlite",  # ours: OpenFlow has none
        "dbt",
    ]
)
KINDS = frozenset(("script", "failure", "trigger", "command", "approval", "preprocessor"))
MAX_CODE = 4_000_000
#: What is kept in columns, or says how to store; all other keys are the client's own and kept as given.
_COLUMNS = frozenset(["path", "summary", "description", "content", "language", "schema", "lock", "kind", "tag"])
_ORDERS = frozenset(
    [
        "parent_hash",
        "auto_parent",
        "deployment_message",
        "skip_draft_deletion",
        "draft_only",
        "hash",
        "workspace_id",
        "created_by",
        "created_at",
        "archived",
        "deleted",
        "starred",
        "extra_perms",
        "is_template",
        "parent_hashes",
        "lock_error_logs",
        "preserve_on_behalf_of",
    ]
)


#: A script's own preprocessor, in Python and in TypeScript.
_PREPROCESSOR = re.compile(r"^(?:async )?def preprocessor\(|^export (?:async )?function preprocessor\(", re.MULTILINE)


def has_preprocessor(code: str) -> bool:
    """Whether a script has a function that makes its arguments out of an event."""
    return _PREPROCESSOR.search(code) is not None


class Scripts:
    """Use-cases about stored scripts."""

    def __init__(self, context: Context, locks: Locks) -> None:
        self._database = context.store.database
        self._locks = locks
        self._events = context.store.events
        #: called with workspace, path and hash of a version that was just stored
        self.stored: list[Callable[[str, str, str], None]] = []

    async def create(self, identity: Identity, body: Mapping[str, Any], *, skip_if_noop: bool = False) -> str:
        """Store a version; returns its hash.

        `parent_hash` must be the head of the path it comes from; `auto_parent` takes the head, whatever it is. Without
        either, the path must be free. `skip_if_noop`: the head's hash, and no new version, when nothing would change.

        Raises:
            AlreadyThere: another script is at the path, or the parent is not its head (any more).
            BadRequest: a field is missing or has another type.
        """
        enter(identity)
        path = path_of(body.get("path"), "script")
        require(identity, "script.write", guard.script_target(identity, path))
        row = _row_of(identity, path, body)
        sent = row.model_copy()
        if row.lock is None:
            locked = await self._locks.script(identity, row.language, row.content, path)
            row.lock = locked.lock
            if locked.problem:
                row.extra = dumps({**loads(row.extra), "lock_error_logs": locked.problem})
        parent = text_in(body, "parent_hash", limit=64) or None
        follow = body.get("auto_parent") is True

        def work(connection: Connection) -> str:
            identities.lock_workspace(connection, identity.workspace)
            head = scripts.head(connection, identity.workspace, path)
            live = head if head is not None and not head.archived else None
            if skip_if_noop and live is not None and _same(live, sent):
                return live.hash
            origin = _origin(connection, identity, path, head, live, parent, follow)
            row.parent_hash = origin.hash if origin is not None else None
            made = scripts.add(connection, row)
            if origin is not None and origin.path != path:  # renamed: the old path leads nowhere
                scripts.archive_path(connection, identity.workspace, origin.path)
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
        for listener in self.stored:
            listener(identity.workspace, path, made)
        return made

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
        return _shown(*found)

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
        return _shown(*found)

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
        decision = decide(identity, "script.read", guard.script_target(identity, path))
        if isinstance(decision, Denied) and decision.hidden:
            return False
        require(identity, "script.read", guard.script_target(identity, path))
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
        return [_shown(row, []) for row in page.of(seen)]

    async def history(self, identity: Identity, path: str) -> list[dict[str, Any]]:
        """Hashes of a path, newest first: `[{"script_hash", "deployment_msg"?}]`.

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
            action = "script.delete" if delete else "script.archive"
            audit.add(
                connection, workspace=workspace, by=identity.username, action=action, target=where, detail=script_hash
            )
            return where

        return await self._database.write(work)

    def _require(self, identity: Identity, action: Action, row: ScriptRow) -> None:
        """By its hash a version of a hidden path must look missing, in the same words."""
        decision = decide(identity, action, guard.script_target(identity, row.path))
        if isinstance(decision, Denied) and decision.hidden:
            raise missing("script version")
        require(identity, action, guard.script_target(identity, row.path))


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


def _row_of(identity: Identity, path: str, body: Mapping[str, Any]) -> ScriptRow:
    content = text_in(body, "content", limit=MAX_CODE)
    language = required_text(body, "language")
    if language not in LANGUAGES:
        raise BadRequest(f"There is no language {language[:40]!r}.", f"Use one of {', '.join(sorted(LANGUAGES))}.")
    kind = text_in(body, "kind", "script", limit=40)
    if kind not in KINDS:
        raise BadRequest(f"There is no kind of script {kind!r}.", f"Use one of {', '.join(sorted(KINDS))}.")
    schema = body.get("schema")
    if schema is not None and not isinstance(schema, dict):
        raise BadRequest("schema must be an object.", "Send the JSON Schema of the arguments.")
    lock = body.get("lock")
    if isinstance(lock, list):
        lock = "\n".join(str(line) for line in lock)
    if lock is not None and not isinstance(lock, str):
        raise BadRequest("lock must be a text.")
    extra = {name: value for name, value in body.items() if name not in _COLUMNS | _ORDERS and value is not None}
    _check_variables(extra.get("envs"))
    if has_preprocessor(content):
        extra["has_preprocessor"] = True
    return ScriptRow(
        workspace=identity.workspace,
        path=path,
        hash="",
        summary=text_in(body, "summary"),
        description=text_in(body, "description"),
        content=content,
        language=language,
        kind=kind,
        schema_text=None if schema is None else dumps(schema),
        lock=lock,
        tag=text_in(body, "tag", limit=200) or None,
        extra=dumps(extra),
        message=text_in(body, "deployment_message")[:2000],
        created_by=identity.username,
        created_at=now(),
    )


def _check_variables(envs: Any) -> None:
    """Refuse what cannot be in a job's environment.

    Raises:
        BadRequest: it is no list of `NAME=value`, or a name is taken.
    """
    if envs is None:
        return
    if not isinstance(envs, list) or not all(isinstance(item, str) and "=" in item for item in envs):
        raise BadRequest("envs must be a list of texts NAME=value.", 'Send {"envs": ["COLOR=red"]}.')
    for item in envs:
        name = item.partition("=")[0]
        if not is_own_variable(name):
            raise BadRequest(f"A script cannot set the variable {name[:80]!r}.", "Choose another name for it.")


def _same(one: ScriptRow, other: ScriptRow) -> bool:
    """Whether two versions are the same but for when they were made; a lock that was not sent is not compared."""
    names = ("summary", "description", "content", "language", "kind", "tag")
    if any(getattr(one, name) != getattr(other, name) for name in names):
        return False
    if other.lock is not None and other.lock != one.lock:
        return False
    schemas = [canonical(loads(row.schema_text or "null")) for row in (one, other)]
    extras = [canonical({**loads(row.extra), "lock_error_logs": None}) for row in (one, other)]
    return schemas[0] == schemas[1] and extras[0] == extras[1]


def _with_ancestors(connection: Connection, row: ScriptRow | None) -> tuple[ScriptRow, list[str]] | None:
    return None if row is None else (row, scripts.ancestors(connection, row))


def _shown(row: ScriptRow, ancestors: list[str]) -> dict[str, Any]:
    extra: dict[str, Any] = loads(row.extra)
    return {
        "ws_error_handler_muted": False,
        "has_preprocessor": False,
        **extra,
        "workspace_id": row.workspace,
        "hash": row.hash,
        "path": row.path,
        "parent_hashes": ancestors or None,
        "summary": row.summary,
        "description": row.description,
        "content": row.content,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "archived": row.archived,
        "deleted": row.deleted,
        "is_template": False,
        "extra_perms": {},
        "language": row.language,
        "kind": row.kind,
        "starred": False,
        "schema": loads(JsonText(row.schema_text)) if row.schema_text else None,
        "lock": row.lock,
        "tag": row.tag,
    }
