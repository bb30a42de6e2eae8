"""The audit trail of a workspace, for its admins: who did, saw, ran and changed what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.errors import NotAllowed
from flowapp.access.identity import INSTANCE, Identity
from flowapp.access.policy import missing, require
from flowapp.jsontext import dumps
from flowapp.store import audit
from flowapp.store.audit import AuditFilter
from flowapp.store.clock import text_of
from flowapp.store.tables import AuditRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.stored import enter
from flowapp.workspace.table import csv_line

MOST = 1000
#: What clients call a kind of deed, by the verbs of our actions. All other verbs are executing.
_KINDS = {
    "Create": frozenset({"create", "add", "join"}),
    "Update": frozenset({"update", "edit", "adduser", "removeuser", "enable", "disable", "unarchive", "setpassword"}),
    "Delete": frozenset({"delete", "remove", "archive", "clear_history"}),
    "Read": frozenset({"view", "view_request", "open", "decrypt", "export"}),
}
_EXECUTE = "Execute"
#: Other spellings that clients use.
_SAME = {"created": "Create", "updated": "Update", "deleted": "Delete", "executed": _EXECUTE, "seen": "Read"}


class AuditTrail:
    """Use-cases about what has happened."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database
        self._seen = context.store.seen

    async def listing(
        self, identity: Identity, query: Mapping[str, str], *, page: int = 1, per_page: int = 100
    ) -> list[dict[str, Any]]:
        """Entries, newest first; for admins of the workspace. `page` counts from 1, and 0 is the first too.

        `query` filters by `username`, `operation`, `operations`, `exclude_operations` (comma lists), `resource`, `about` (a
        part of a resource), `area` (the first word of an operation), `action_kind`, `before`, `after` (times) and
        `before_id`; other names are ignored. `installation=true` adds what belongs to no workspace, such as sign-ins.

        Raises:
            NotAllowed: the identity is no admin, or no super admin where the installation is asked for.
            BadRequest: a filter's value cannot be read.
        """
        places = self._ask(identity, query)
        wanted = filter_of(query)
        size = max(1, min(per_page, MOST))
        offset = (max(1, page) - 1) * size
        await self._seen.settle()
        rows = await self._database.read(lambda c: audit.listing(c, places, wanted, offset=offset, limit=size))
        return [_shown(row) for row in rows]

    async def export(self, identity: Identity, query: Mapping[str, str], form: str) -> AsyncIterator[bytes]:
        """All entries that `query` takes (see `listing`) as `csv` or `json`, in pieces, newest first. Exporting is noted too.

        Raises:
            NotAllowed: as for `listing`. Whatever refuses is raised here, not from the pieces.
            BadRequest: a filter's value cannot be read, or there is no such form.
        """
        places = self._ask(identity, query)
        wanted = filter_of(query)
        if form not in _FORMS:
            raise BadRequest(f"There is no form {form[:20]!r} of an export.", "Use csv or json.")
        detail = ", ".join(f"{name}={value}" for name, value in query.items() if value)

        def note(connection: Connection) -> None:
            by, workspace = identity.username, identity.workspace
            audit.add(connection, workspace=workspace, by=by, action="audit.export", target=form, detail=detail)

        await self._seen.settle()
        await self._database.write(note)
        return _FORMS[form](self._pieces(places, wanted))

    async def _pieces(self, places: tuple[str, ...], wanted: AuditFilter) -> AsyncIterator[list[dict[str, Any]]]:
        """The entries in lists; each begins where the one before ended, whatever is noted meanwhile."""
        while True:
            current = wanted
            rows = await self._database.read(lambda c: audit.listing(c, places, current, limit=MOST))  # noqa: B023
            if rows:
                yield [_shown(row) for row in rows]
            if len(rows) < MOST:
                return
            wanted = replace(wanted, before_id=rows[-1].id)

    async def get(self, identity: Identity, entry: int) -> dict[str, Any]:
        """One entry.

        Raises:
            NotAllowed: the identity is no admin.
            NotFound: there is none.
        """
        self._ask(identity)
        row = await self._database.read(lambda c: audit.get(c, identity.workspace, entry))
        if row is None:
            raise missing("entry")
        return _shown(row)

    def _ask(self, identity: Identity, query: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """The workspaces whose entries are asked for, if the identity may see them."""
        enter(identity)
        require(identity, "workspace.manage", guard.workspace_target(identity))
        if query is None or query.get("installation", "").lower() not in ("true", "on", "1"):
            return (identity.workspace,)
        if not identity.super_admin or identity.job:
            raise NotAllowed("Only a super admin of this installation sees what concerns all of it.", "Leave it out.")
        return identity.workspace, INSTANCE


def filter_of(query: Mapping[str, str]) -> AuditFilter:
    """The filter that a query means.

    Raises:
        BadRequest: a value cannot be read.
    """
    kind = query.get("action_kind", "")
    kind = _SAME.get(kind.lower(), kind.capitalize())
    if kind and kind != _EXECUTE and kind not in _KINDS:
        raise BadRequest(f"There is no action_kind {kind[:40]!r}.", f"Use one of {', '.join([*_KINDS, _EXECUTE])}.")
    before_id = query.get("before_id", "")
    if before_id and not (before_id.isascii() and before_id.isdigit() and len(before_id) <= 18):
        raise BadRequest("before_id must be the id of an entry.")
    return AuditFilter(
        by=query.get("username", ""),
        target=query.get("resource", ""),
        about=query.get("about", ""),
        area=query.get("area", ""),
        actions=_words(query.get("operation", "")) | _words(query.get("operations", "")),
        without=_words(query.get("exclude_operations", "")),
        verbs=_KINDS.get(kind, frozenset()),
        without_verbs=frozenset().union(*_KINDS.values()) if kind == _EXECUTE else frozenset(),
        since=_moment(query, "after"),
        until=_moment(query, "before"),
        before_id=int(before_id) if before_id else None,
    )


async def _as_csv(pieces: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[bytes]:
    yield csv_line(("time", "person", "action", "object", "detail", "address", "workspace")).encode()
    async for piece in pieces:
        lines = [
            csv_line(
                (
                    entry["timestamp"],
                    entry["username"],
                    entry["operation"],
                    entry["resource"] or "",
                    entry["parameters"].get("detail", ""),
                    entry.get("address", ""),
                    entry["workspace_id"],
                )
            )
            for entry in piece
        ]
        yield "".join(lines).encode("utf-8", "replace")


async def _as_json(pieces: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[bytes]:
    yield b"["
    between = ""
    async for piece in pieces:
        text = between + ",\n".join(dumps(entry) for entry in piece)
        between = ",\n"
        yield text.encode("utf-8", "replace")
    yield b"]\n"


_FORMS = {"csv": _as_csv, "json": _as_json}


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def _moment(query: Mapping[str, str], name: str) -> str:
    text = query.get(name, "")
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return text_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise BadRequest(f"{name} must be a time such as 2026-01-31T12:00:00Z, not {text[:40]!r}.") from None


def _shown(row: AuditRow) -> dict[str, Any]:
    verb = row.action.rpartition(".")[2]
    return {
        "workspace_id": row.workspace,
        "id": row.id,
        "timestamp": row.at,
        "username": row.by,
        "operation": row.action,
        "action_kind": next((kind for kind, verbs in _KINDS.items() if verb in verbs), _EXECUTE),
        "resource": row.target or None,
        "parameters": {"detail": row.detail} if row.detail else {},
        **({"address": row.address} if row.address else {}),
    }
