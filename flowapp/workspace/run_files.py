"""Stored files for agents and caches: read and kept with the rights that the run's person has at that moment."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

from flowapp.access.identity import Identity
from flowapp.engine.ports import FileContent
from flowapp.runtimes.jobs import FileWriter
from flowapp.store.tables import RunRow
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.object_places import Where
from flowapp.workspace.objects import Objects
from flowapp.workspace.written_file import WrittenFile


class RunFiles:
    """See `ports.Files`."""

    def __init__(self, context: Context, objects: Objects) -> None:
        self._sessions = context.sessions
        self._objects = objects

    async def read(self, run: RunRow, file: Mapping[str, Any], most: int) -> FileContent:
        """See `ports.Files`."""
        person, storage = await self._person(run), file.get("storage")
        stored = await self._objects.get(person, str(file.get("s3")), Where(storage=str(storage or "")))
        try:
            if stored.found.size > most:
                raise BadRequest(
                    f"The file {stored.name} is too large to be sent to a model.", "Files have at most 20 MB together."
                )
            content = b"".join([bytes(piece) async for piece in stored.found.chunks])
        finally:
            await stored.found.close()
        return FileContent(stored.name, stored.media_type, content)

    async def digest(self, run: RunRow, file: Mapping[str, Any]) -> str:
        """See `ports.Files`."""
        where = Where(storage=str(file.get("storage") or ""))
        stored = await self._objects.get(await self._person(run), str(file.get("s3")), where)
        digest = hashlib.blake2b(digest_size=16)
        try:
            async for piece in stored.found.chunks:
                digest.update(bytes(piece))
        finally:
            await stored.found.close()
        return digest.hexdigest()

    async def open(self, run: RunRow, file: Mapping[str, Any], *, own: bool) -> Callable[[], FileWriter]:
        """See `ports.Files`."""
        where = Where(storage=str(file.get("storage") or ""))
        target = await self._objects.target(await self._person(run), str(file["s3"]), where, own=own)
        return lambda: WrittenFile(target, {**file, "s3": target.key})

    async def keep(self, run: RunRow, content: bytes, extension: str) -> dict[str, Any]:
        """See `ports.Files`."""

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        key = await self._objects.put(await self._person(run), chunks(), extension=extension)
        return {"s3": key}

    async def _person(self, run: RunRow) -> Identity:
        username = run.permissioned_as.removeprefix("u/") or run.created_by
        # as a job: the trail tells of people who look, and a run's files are its run's business
        return replace(await self._sessions.identity_named(username, run.workspace), run=run.id, job=run.id)
