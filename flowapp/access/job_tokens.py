"""Tokens by which a running job calls the API: signed, not stored.

A step that had to write a token row before it starts would cost every step a transaction, and most steps never call the API.
So a token is a statement, "job j of run r in workspace w, for u, until t", with an HMAC under a key that is derived from the
workspace's own: making one is pure computation, on any server, also on a worker without the database's writer.

What a row would give is asked where it matters, when the token is used: the run must not be over and the job must not have
ended (one read), so a token that leaked into a log dies with its job. The person's rights are those of that moment. The
time in the token is only the last line: a job that runs until its time limit, and a minute more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.store import identities
from flowapp.store.database import Database
from flowapp.store.tables import RunRow

PREFIX = "fj_"
GRACE_S = 60.0
_MAX_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class JobClaims:
    """What a valid token says. `expires` is in seconds since 1970."""

    workspace: str
    job: str
    run: str
    username: str
    expires: float


class JobTokens:
    """Issues and checks the job tokens of one database. It is the engine's `Tokens` port."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._keys: dict[str, bytes] = {}

    async def issue(self, run: RunRow, job_id: str, seconds: float) -> str:
        """A token for a job of the run, with the rights of the run's person.

        Args:
            run: the run that the job belongs to.
            job_id: the job.
            seconds: how long the job may run.
        """
        key = await self._key(run.workspace)
        if key is None:  # a run cannot outlive its workspace; without one, nothing would accept a token
            return ""
        username = run.permissioned_as.removeprefix("u/") or run.created_by
        claims = [run.workspace, job_id, run.id, username, round(self._clock() + seconds + GRACE_S)]
        payload = _text(json.dumps(claims, separators=(",", ":")).encode())
        return f"{PREFIX}{payload}.{_text(_signed(key, payload))}"

    async def claims(self, token: str) -> JobClaims | None:
        """What the token says; None unless its signature and time are right and its job still lives."""
        found = _parsed(token)
        if found is None:
            return None
        payload, signature, claims = found
        key = await self._key(claims.workspace)
        if key is None or not hmac.compare_digest(_signed(key, payload), signature) or claims.expires < self._clock():
            return None
        lives = await self._database.read(lambda c: identities.job_lives(c, claims.run, claims.job))
        return claims if lives else None

    async def _key(self, workspace: str) -> bytes | None:
        known = self._keys.get(workspace)
        if known is not None:
            return known

        def work(connection: Connection) -> str | None:
            return identities.workspace_key(connection, workspace)

        secret = await self._database.read(work)
        if not secret:
            return None
        self._keys[workspace] = hmac.digest(secret.encode(), b"flowapp job token", hashlib.sha256)
        return self._keys[workspace]


def _parsed(token: str) -> tuple[str, bytes, JobClaims] | None:
    if not token.startswith(PREFIX) or len(token) > _MAX_LENGTH or not token.isascii():
        return None
    payload, _, signature = token.removeprefix(PREFIX).partition(".")
    try:
        claims: Any = json.loads(_bytes(payload))
        workspace, job, run, username, expires = claims
        signed = _bytes(signature)
    except (ValueError, TypeError, RecursionError):
        return None
    if not all(isinstance(item, str) for item in (workspace, job, run, username)) or not isinstance(expires, int):
        return None
    return payload, signed, JobClaims(workspace, job, run, username, float(expires))


def _signed(key: bytes, payload: str) -> bytes:
    return hmac.digest(key, payload.encode(), hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
