"""Scripts as a client's folder has them: what differs from the stored ones is kept for a day, for locks and previews.

They are named by their path and the hash of their code (`temp_script_refs`), and stand in for the stored scripts of these
paths wherever other code imports them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import Target, require
from flowapp.engine.values import StoredScript
from flowapp.jsontext import loads
from flowapp.store import scripts, temp_scripts
from flowapp.store.clock import now, text_of
from flowapp.store.tables import RunRow, TempScriptRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.script_rows import MAX_CODE
from flowapp.workspace.stored import enter

#: In the trigger of a run: which scripts of a folder it takes along, path to hash.
NOTED = "local_scripts"
_KEPT = timedelta(days=1)
_MOST = 1000


class LocalScripts:
    """Use-cases about scripts of clients' folders."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database

    async def keep(self, identity: Identity, code: Any) -> str:
        """Keep code for a day; returns its hash.

        Raises:
            BadRequest: it is no text, or too long.
        """
        enter(identity)
        require(identity, "script.write", Target(identity.workspace, "script"))
        if not isinstance(code, str) or len(code) > MAX_CODE or "\0" in code:
            raise BadRequest(f"The body must be a JSON text of at most {MAX_CODE} characters.", "Send the code.")
        row = TempScriptRow(workspace=identity.workspace, hash=hash_of(code), content=code, created_at=now())
        since = text_of(datetime.now(UTC) - _KEPT)
        await self._database.write(lambda c: temp_scripts.keep(c, row, since))
        return row.hash

    async def differing(self, identity: Identity, body: Mapping[str, Any]) -> list[str]:
        """Of `{"scripts": {path: hash of the code}, "workspace_deps": [{"path"}]}` the paths that are not stored so.

        A script that the identity may not read differs. Dependencies of a workspace are never stored, so they differ too.

        Raises:
            BadRequest: the body has another form.
        """
        enter(identity)
        require(identity, "script.read", Target(identity.workspace, "script"))
        given = _texts(body.get("scripts"), "scripts")
        others = body.get("workspace_deps") or []
        if not isinstance(others, list) or not all(isinstance(item, Mapping) for item in others):
            raise BadRequest(
                "workspace_deps must be a list of objects.", 'Send {"scripts": {…}, "workspace_deps": []}.'
            )
        known = {
            path: digest
            for path, digest in given.items()
            if guard.may(identity, "script.read", guard.script_target(identity, path))
        }

        def read(connection: Any) -> set[str]:
            rows = {path: scripts.latest(connection, identity.workspace, path) for path in known}
            return {path for path, row in rows.items() if row is not None and hash_of(row.content) == known[path]}

        same = await self._database.read(read)
        return [*(path for path in given if path not in same), *(str(item.get("path")) for item in others)]

    async def named(self, identity: Identity, refs: Any) -> dict[str, str]:
        """The code of `temp_script_refs` by path; nothing for null.

        Raises:
            BadRequest: they have another form, or one of them is not kept (any more).
        """
        enter(identity)
        if refs is None:
            return {}
        given = _texts(refs, "temp_script_refs")
        found = await self._database.read(
            lambda c: temp_scripts.contents(c, identity.workspace, frozenset(given.values()))
        )
        for path, digest in given.items():
            if digest not in found:
                raise BadRequest(
                    f"The code of {path[:200]} ({digest[:64]}) is not kept here.",
                    "Send it to scripts/raw_temp/store first; it is kept for a day.",
                )
        return {path: found[digest] for path, digest in given.items()}

    async def taken_along(self, run: RunRow, path: str) -> StoredScript | None:
        """The script of a folder that a run has for a path."""
        if NOTED not in (run.trigger or ""):
            return None
        digest = (loads(run.trigger).get(NOTED) or {}).get(path) if run.trigger else None
        if digest is None:
            return None
        found = await self._database.read(lambda c: temp_scripts.contents(c, run.workspace, (digest,)))
        return local_script(path, found[digest]) if digest in found else None


def local_script(path: str, code: str) -> StoredScript:
    """Code of a folder as the engine imports it; its language is that of whoever imports it."""
    return StoredScript(path=path, hash=hash_of(code)[:16], content=code, language="")


def hash_of(code: str) -> str:
    """The SHA-256 of code, in hex: clients make the same."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def _texts(value: Any, name: str) -> dict[str, str]:
    if (
        not isinstance(value, Mapping)
        or len(value) > _MOST
        or not all(isinstance(text, str) and "\0" not in path + text for path, text in value.items())
    ):
        raise BadRequest(
            f"{name} must be an object of paths and hashes, at most {_MOST}.", f'Send {{"{name}": {{"f/a/b": "…"}}}}.'
        )
    return dict(value)
