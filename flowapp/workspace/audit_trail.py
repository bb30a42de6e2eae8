"""The audit trail of a workspace, for its admins: who did, saw, ran and changed what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import missing, require
from flowapp.store import audit
from flowapp.store.audit import AuditFilter
from flowapp.store.clock import text_of
from flowapp.store.tables import AuditRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.stored import enter

MOST = 1000
#: What clients call a kind of deed, by the verbs of our actions. All other verbs are executing.
_KINDS = {
    "Create": frozenset({"create", "add", "join"}),
    "Update": frozenset({"update", "edit", "adduser", "removeuser", "enable", "disable", "unarchive", "setpassword"}),
    "Delete": frozenset({"delete", "remove", "archive"}),
}
_EXECUTE = "Execute"
#: Other spellings that clients use.
_SAME = {"created": "Create", "updated": "Update", "deleted": "Delete", "executed": _EXECUTE}


class AuditTrail:
    """Use-cases about what has happened."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database

    async def listing(
        self, identity: Identity, query: Mapping[str, str], *, page: int = 1, per_page: int = 100
    ) -> list[dict[str, Any]]:
        """Entries, newest first; for admins of the workspace. `page` counts from 1, and 0 is the first too.

        `query` filters by `username`, `operation`, `operations`, `exclude_operations` (comma lists), `resource`,
        `action_kind`, `before`, `after` (times) and `before_id`; other names are ignored.

        Raises:
            NotAllowed: the identity is no admin.
            BadRequest: a filter's value cannot be read.
        """
        self._ask(identity)
        wanted = filter_of(query)
        size = max(1, min(per_page, MOST))
        offset = (max(1, page) - 1) * size
        rows = await self._database.read(
            lambda c: audit.listing(c, identity.workspace, wanted, offset=offset, limit=size)
        )
        return [_shown(row) for row in rows]

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

    def _ask(self, identity: Identity) -> None:
        enter(identity)
        require(identity, "workspace.manage", guard.workspace_target(identity))


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
        actions=_words(query.get("operation", "")) | _words(query.get("operations", "")),
        without=_words(query.get("exclude_operations", "")),
        verbs=_KINDS.get(kind, frozenset()),
        without_verbs=frozenset().union(*_KINDS.values()) if kind == _EXECUTE else frozenset(),
        since=_moment(query, "after"),
        until=_moment(query, "before"),
        before_id=int(before_id) if before_id else None,
    )


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
