"""The state of a draft: what its cells keep between runs, as user state and as files in `./shared`. Shown, and resettable."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.jsontext import dumps, loads
from flowapp.store import audit, states
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.open_drafts import OpenDraft

MAX_KEY = 255
MAX_VALUE = 1_000_000
#: Files that are listed.
MOST_FILES = 1_000


def folder_of(draft_id: str) -> str:
    """The name of the shared folder of a draft's cells."""
    return f"draft-{draft_id}"


class DraftStates:
    """The use-cases behind the page's State section."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._store = context.store
        self._runtimes = context.runtimes
        self._drafts = drafts
        drafts.deleted.append(self.forget)

    async def show(self, identity: Identity, draft_id: str) -> dict[str, Any]:
        """`{"states": {key: value}, "files": [{"path", "size"}], "more_files": bool, "shared": bool}`.

        `shared` says whether the flow has a shared folder at all (`same_worker`).
        """
        draft = await self._drafts.open(identity, "draft.read", draft_id)
        kept = await self._store.database.read(lambda connection: states.all_of_run(connection, _key(draft)))
        files = await asyncio.to_thread(self._runtimes.shared_files, folder_of(draft.id))
        return {
            "states": {key: loads(text) for key, text in kept.items()},
            "files": [{"path": path, "size": size} for path, size in files[:MOST_FILES]],
            "more_files": len(files) > MOST_FILES,
            "shared": draft.document.flow["value"].get("same_worker") is True,
        }

    async def put(self, identity: Identity, draft_id: str, key: str, value: Any) -> dict[str, Any]:
        """Set the state at a key; returns what `show` does.

        Raises:
            BadRequest: an empty or too long key, or a value of over 1 MB.
        """
        draft = await self._drafts.open(identity, "draft.run", draft_id)
        text = dumps(value)
        if not key or len(key) > MAX_KEY:
            raise BadRequest(f"A key has 1 to {MAX_KEY} characters.")
        if len(text) > MAX_VALUE:
            raise BadRequest("A state holds at most 1 MB.", "Keep bigger things in files in ./shared.")
        await self._write(identity, draft, f"set {key}", lambda c: states.set(c, _key(draft), key, text))
        return await self.show(identity, draft_id)

    async def remove(self, identity: Identity, draft_id: str, key: str | None) -> dict[str, Any]:
        """Forget the state at a key, or (None) all of it; returns what `show` does."""
        draft = await self._drafts.open(identity, "draft.run", draft_id)

        def work(connection: Connection) -> None:
            if key is None:
                states.clear(connection, _key(draft))
            else:
                states.remove(connection, _key(draft), key)

        await self._write(identity, draft, "reset" if key is None else f"removed {key}", work)
        return await self.show(identity, draft_id)

    async def reset_shared(self, identity: Identity, draft_id: str) -> dict[str, Any]:
        """Remove all files in `./shared`; returns what `show` does.

        Raises:
            BadRequest: cells of the draft are running.
        """
        draft = await self._drafts.open(identity, "draft.run", draft_id)
        if draft.live:
            raise BadRequest("Cells of this notebook are running.", "Wait for them, or cancel them first.")
        await asyncio.to_thread(self._runtimes.drop_shared_folder, folder_of(draft.id))
        await self._write(identity, draft, "emptied ./shared", lambda _connection: None)
        return await self.show(identity, draft_id)

    async def forget(self, draft_id: str) -> None:
        """The draft was deleted: nothing of its state stays."""
        await self._store.database.write(lambda c: states.clear(c, states.key_of("", draft_id)))
        await asyncio.to_thread(self._runtimes.drop_shared_folder, folder_of(draft_id))

    async def _write(self, identity: Identity, draft: OpenDraft, detail: str, work: Any) -> None:
        def both(connection: Connection) -> None:
            work(connection)
            row = draft.row
            audit.add(
                connection,
                workspace=row.workspace,
                by=identity.username,
                action="draft.state",
                target=row.path,
                detail=detail,
            )

        await self._store.database.write(both)


def _key(draft: OpenDraft) -> str:
    return states.key_of("", draft.id)
