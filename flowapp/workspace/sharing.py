"""Links by which anybody looks at one run or flow: made and revoked by members, opened by whoever has one.

A link never shows more than whoever made it may share at that moment: it ends with their rights. One that is unknown,
tampered with, expired or revoked, or whose run or flow is gone, is the same nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity, LinkIdentity
from flowapp.access.limits import AttemptLimiter
from flowapp.access.policy import missing, require
from flowapp.access.tokens import hash_token, new_token
from flowapp.store import audit, identities, shared_links
from flowapp.store.clock import now, text_of
from flowapp.store.seen import Visits
from flowapp.store.tables import FlowVersionRow, RunRow, SharedLinkRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.shareable import READ, SHARE, Kind, Shareable, asked_for, behind, found, linked
from flowapp.workspace.stored import text_in

DAYS = (1, 7, 30)
MOST_LINKS = 50
LONGEST_NOTE = 200
PER_MINUTE = 120
"""So often may one address open links, good or bad."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that leads somewhere: to a run, or to the deployed version of a flow. `maker` is who made it."""

    row: RunRow | FlowVersionRow
    expires_at: str
    maker: Identity


class Sharing:
    """Use-cases about sharing links."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._sessions = context.sessions
        self._base_url = context.settings.base_url
        self._limiter = AttemptLimiter(PER_MINUTE, total=20 * PER_MINUTE, message="Too many requests.")
        self._visits = Visits()

    # --- for members --------------------------------------------------------------------------------------------------

    async def create(self, identity: Identity, kind: Kind, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a link to a run (`name` is its id) or flow (its path): `{"days": 1, 7 or 30, "note"?}`.

        Its `token`, `path` and `url` are told this once.

        Raises:
            NotFound, NotAllowed: see `shareable.asked_for`.
            BadRequest: a field is wrong, or there are too many links.
        """
        shared = await asked_for(self._store, identity, kind, name)
        days = body.get("days", 7)
        if type(days) is not int or days not in DAYS:
            raise BadRequest("days must be 1, 7 or 30.", "A link ends by itself; make a new one then.")
        token = new_token("link")
        row = SharedLinkRow(
            id=secrets.token_hex(6),
            hash=hash_token(token),
            workspace=identity.workspace,
            kind=kind,
            target=shared.name,
            note=text_in(body, "note", limit=LONGEST_NOTE).strip(),
            created_by=identity.username,
            created_at=now(),
            expires_at=text_of(datetime.now(UTC) + timedelta(days=days)),
        )

        def work(connection: Connection) -> None:
            # a link that is made while its flow goes away would wait for what is stored at the path next
            identities.lock_workspace(connection, row.workspace)
            there = found(connection, self._store, row)
            if there is None:
                raise missing(kind)
            if len(shared_links.of(connection, row.workspace, kind, shared.name, now())) >= MOST_LINKS:
                raise BadRequest(f"This {kind} has {MOST_LINKS} links.", "Revoke some that nobody needs.")
            shared_links.add(connection, row)
            _audited(connection, there, identity.username, "link.create", f"link {row.id}, {days} days")

        await self._store.database.write(work)
        path = f"/shared/{token}"
        return {**_shown(row), "token": token, "path": path, "url": f"{self._base_url}{path}"}

    async def listing(self, identity: Identity, kind: Kind, name: str) -> list[dict[str, Any]]:
        """The links that still lead somewhere, newest first; without their tokens, which nobody knows any more."""
        shared = await linked(self._store, identity, kind, name)
        rows = await self._store.database.read(
            lambda c: shared_links.of(c, identity.workspace, kind, shared.name, now())
        )
        return [_shown(row) for row in rows]

    async def revoke(self, identity: Identity, kind: Kind, name: str, link_id: str) -> None:
        """Make a link worthless, whoever made it.

        Raises:
            NotFound: there is none.
        """
        shared = await linked(self._store, identity, kind, name)

        def work(connection: Connection) -> None:
            if not shared_links.remove(connection, identity.workspace, kind, shared.name, link_id):
                raise missing("link")
            _audited(connection, shared, identity.username, "link.delete", f"link {link_id}")

        await self._store.database.write(work)

    # --- for whoever has the link -------------------------------------------------------------------------------------

    async def open(self, token: str, address: str, *, counts: bool = True) -> Opened:
        """What a link leads to. Requests of one address are one visit (see `store.seen`); `counts`: it is noted.

        Raises:
            NotFound: the link is worth nothing, for whichever reason.
            TooManyAttempts: too many requests of this address.
        """
        self._limiter.check(address)
        self._limiter.failed(address)
        row = await self._store.database.read(lambda c: shared_links.good(c, hash_token(token), now()))
        shared = await behind(self._store, row) if row is not None else None
        if row is None or shared is None:
            raise missing("link")
        maker = await self._sessions.identity_named(row.created_by, row.workspace)
        if not guard.may(maker, SHARE[shared.kind], shared.target):
            raise missing("link")
        require(LinkIdentity(row.workspace, shared.kind, row.target), READ[shared.kind], shared.target)
        link = row.id
        if counts and self._visits.begins((link, address)):

            def work(connection: Connection) -> None:
                shared_links.note_opened(connection, link, now())
                _audited(connection, shared, f"link:{link}", "link.open", "", address)

            await self._store.database.write(work)
        return Opened(shared.row, row.expires_at, maker)


def _audited(connection: Connection, shared: Shareable, by: str, action: str, detail: str, address: str = "") -> None:
    more = f"{shared.words}{', ' if detail else ''}{detail}"
    workspace = shared.row.workspace
    audit.add(connection, workspace=workspace, by=by, action=action, target=shared.path, detail=more, address=address)


def _shown(row: SharedLinkRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "note": row.note,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "opened": row.opened,
        "opened_at": row.opened_at,
    }
