"""A person before any workspace is named, and the cookie that their browser keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowapp.jsontext import loads

_COOKIE = "flowapp_session"
_MARK = "flowapp_mark"
SESSION_DAYS = 30


def session_cookie(host: str) -> str:
    """The name of the session cookie of the server at `host[:port]`, as browsers see it.

    Browsers share cookies between the ports of a host: with one name, two servers on it would sign each other out.
    """
    return _of_port(_COOKIE, host)


def mark_cookie(host: str) -> str:
    """The name of the cookie that says, to our own scripts, that somebody signed in anew. It holds nothing else."""
    return _of_port(_MARK, host)


def _of_port(name: str, host: str) -> str:
    port = host.rpartition(":")[2]
    return f"{name}_{port}" if port.isdigit() else name


@dataclass(frozen=True, slots=True)
class Person:
    """Who a token belongs to, before any workspace is named, and what the token is limited to.

    `workspace`: the only one it is good for (None: all of the person's). `job`: the job that holds it, and `run` the run of
    that job. `expires_at` is stored text.
    """

    email: str
    username: str
    token_hash: str
    super_admin: bool = False
    workspace: str | None = None
    scopes: tuple[str, ...] | None = None
    job: str = ""
    run: str = ""
    expires_at: str | None = None


def person_of(row: Mapping[Any, Any], digest: str) -> Person:
    """The person of a row of `identities.valid_token`."""
    run, _, job = str(row["job"] or "").partition("/")
    scopes = None if row["scopes"] is None else tuple(str(scope) for scope in loads(row["scopes"]))
    return Person(
        str(row["email"]),
        str(row["username"]),
        digest,
        super_admin=bool(row["super_admin"]),
        workspace=row["workspace"],
        scopes=scopes,
        job=job,
        run=run,
        expires_at=row["expires_at"],
    )
