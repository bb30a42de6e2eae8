"""Files that scripts keep beside their results: `wmill.write_s3_file`, `load_s3_file` and their like."""

from __future__ import annotations

import asyncio
import mimetypes
import re
import time
import uuid
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from sqlalchemy.engine import Connection

from flowapp.access.errors import NotAllowed
from flowapp.access.identity import Identity
from flowapp.access.policy import Action, require
from flowapp.store import audit, object_settings, objects
from flowapp.store.buckets import Found
from flowapp.store.objects import Place
from flowapp.store.seen import Look
from flowapp.workspace import guard, object_links
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.object_places import USUAL, ObjectPlaces, Where, key_of
from flowapp.workspace.resources import Resources
from flowapp.workspace.run_secrets import RunSecrets
from flowapp.workspace.stored import enter, name_of, path_of

DEFAULT_NAME = "_default_"
"""What the usual storage is called in addresses."""
MOST_SIGNED = 1000
_EXTENSION = re.compile(r"[A-Za-z0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file to send: its content, and what a browser calls it."""

    found: Found
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Target:
    """A file that somebody is about to write."""

    place: Place
    key: str
    note: Callable[[str], Awaitable[None]]

    async def fill(self, chunks: AsyncIterable[bytes], media_type: str = "") -> str:
        """Keep the file; returns its key. One that has it is replaced as a whole.

        Raises:
            ObjectsAway: the storage does not take it.
        """
        await objects.put(self.place, self.key, chunks, media_type or mimetypes.guess_type(self.key)[0] or "")
        await self.note("object.write")
        return self.key

    async def drop(self) -> None:
        """Take away what was kept.

        Raises:
            ObjectsAway: the storage does not do that.
        """
        await objects.delete(self.place, self.key)
        await self.note("object.delete")


class Objects:
    """Use-cases about stored files."""

    def __init__(self, context: Context, secrets: RunSecrets, resources: Resources) -> None:
        self._database = context.store.database
        self._seen = context.store.seen
        self._places = ObjectPlaces(context, secrets)
        self._resources = resources
        self._key = context.secrets.key_for("object links")

    async def tidy(self) -> None:
        """Remove what servers that were killed left half written."""
        await asyncio.to_thread(self._places.tidy)

    async def put(
        self,
        identity: Identity,
        chunks: AsyncIterable[bytes],
        *,
        key: str = "",
        extension: str = "",
        media_type: str = "",
        where: Where = USUAL,
    ) -> str:
        """Keep a file; returns its key, a new one where none is given. One that has the key is replaced as a whole.

        Raises:
            BadRequest: the key is none, or the storage.
            ObjectsAway: the storage does not take it.
        """
        named = key if key else _new_key(extension)
        return await (await self.target(identity, named, where)).fill(chunks, media_type)

    async def target(self, identity: Identity, key: str, where: Where = USUAL, *, own: bool = False) -> Target:
        """Where a file is going to be, which the identity may write. `own`: it is a new one, which the server has named after the script that
        makes it; to run that is enough then, in somebody else's place too.

        Raises:
            BadRequest: the key is none, or the storage.
        """
        enter(identity)
        named = key_of(key)
        place = await self._place(identity, "object.write", named, where, own=own)
        return Target(place, named, lambda action: self._note(identity, action, named))

    async def get(self, identity: Identity, key: str, where: Where = USUAL) -> StoredFile:
        """A file.

        Raises:
            ObjectMissing: there is none.
        """
        enter(identity)
        named = key_of(key)
        file = await _file(await self._place(identity, "object.read", named, where), named)
        if not identity.job:
            self._note_seen(identity.workspace, identity.username, named)
        return file

    async def delete(self, identity: Identity, key: str, where: Where = USUAL) -> None:
        """Take a file away for good; one that is not there is gone already."""
        enter(identity)
        named = key_of(key)
        await objects.delete(await self._place(identity, "object.write", named, where), named)
        await self._note(identity, "object.delete", named)

    async def sign(self, identity: Identity, wanted: Any, expiry_s: Any) -> list[dict[str, Any]]:
        """The same `{"s3", "storage"?}` with `presigned`: the query of an address that needs no sign-in (see `link`).

        Raises:
            BadRequest: it is no list of up to 1,000 files.
        """
        enter(identity)
        if not isinstance(wanted, Sequence) or isinstance(wanted, str) or len(wanted) > MOST_SIGNED:
            raise BadRequest(f"s3_objects must be a list of up to {MOST_SIGNED} files.", 'A file is {"s3": "its key"}.')
        seconds = expiry_s if isinstance(expiry_s, int) else object_links.DEFAULT_S
        expires = int(time.time()) + min(max(seconds, object_links.LEAST_S), object_links.MOST_S)
        return [self._signed(identity, one, expires) for one in wanted]

    async def link(self, workspace: str, storage: str, key: str, query: str) -> StoredFile:
        """The file of a signed address.

        Raises:
            NotAllowed: the signature is not good for this file, or its time is over.
            ObjectMissing: there is no such file.
        """
        named, stored = _storage(storage), key_of(key)
        if not object_links.is_good(self._key, workspace, named, stored, query, time.time()):
            raise NotAllowed("This link is not good for the file, or its time is over.", "Ask for a new one.")
        file = await _file(await self._places.of_workspace(workspace, named), stored)
        self._note_seen(workspace, "link:signed", stored)
        return file

    async def connection(self, identity: Identity, resource: str) -> dict[str, Any]:
        """The S3 resource at a path, or that of the usual storage, for a library that connects by itself.

        Raises:
            BadRequest: the usual storage is the server's folder.
            NotFound, NotAllowed: the identity may not read the resource.
        """
        enter(identity)
        path = _path(resource)
        if not path:
            stored, _ = await self._database.read(lambda c: object_settings.of(c, identity.workspace))
            usual = stored.get(object_settings.DEFAULT)
            path = usual.path if usual else ""
        if not path:
            raise BadRequest(
                "This workspace keeps its files in the server's folder, which no library connects to.",
                "Use load_s3_file and write_s3_file, or name an S3 resource.",
            )
        value = await self._resources.interpolated(identity, path)
        self._places.check(path, value)
        return dict(value)

    async def storages(self, identity: Identity) -> dict[str, Any]:
        """Where files are kept, in Windmill's shape: `{}` for the server's folder; for admins."""
        require(identity, "workspace.manage", guard.workspace_target(identity))
        stored, _ = await self._database.read(lambda c: object_settings.of(c, identity.workspace))
        shapes = {name: {"type": "S3Storage", "s3_resource_path": one.path} for name, one in stored.items()}
        first = shapes.pop(object_settings.DEFAULT, {})
        return {**first, **({"secondary_storage": shapes} if shapes else {})}

    async def change_storages(self, identity: Identity, body: Mapping[str, Any]) -> None:
        """Keep files elsewhere from now on: `{"large_file_storage"}` as `storages` gives it, null for the server's folder.

        Files that there are stay where they are.

        Raises:
            BadRequest: it has another shape, or a resource is no S3 resource that the admin may use.
        """
        require(identity, "workspace.manage", guard.workspace_target(identity))
        if "large_file_storage" not in body:
            raise BadRequest("large_file_storage is missing.", 'Send {"type": "S3Storage", "s3_resource_path": "f/…"}.')
        named = _resources_of(body["large_file_storage"] or {})
        chosen = {name: await self._places.choose(identity, path) for name, path in named.items()}

        def work(connection: Connection) -> None:
            object_settings.change(connection, identity.workspace, chosen, identity.username)
            audit.add(
                connection,
                workspace=identity.workspace,
                by=identity.username,
                action="workspace.object_storage",
                target=identity.workspace,
                detail=", ".join(named.values()) or "folder",
            )

        await self._database.write(work)

    def _signed(self, identity: Identity, one: Any, expires: int) -> dict[str, Any]:
        if not isinstance(one, Mapping) or not isinstance(one.get("s3"), str):
            raise BadRequest('A file is {"s3": "its key"}.')
        storage = one.get("storage") or ""
        if not isinstance(storage, str):
            raise BadRequest("storage must be the name of a storage.")
        key = key_of(one["s3"])
        require(identity, "object.read", guard.object_target(identity, key))
        query = object_links.signed(self._key, identity.workspace, _storage(storage), key, expires)
        return {**one, "presigned": query}

    async def _place(self, identity: Identity, action: Action, key: str, where: Where, *, own: bool = False) -> Place:
        # in any place: a resource of one's own may name the very bucket that the workspace keeps its files in
        require(identity, action, guard.object_target(identity, "" if own else key))
        meant = replace(where, resource=_path(where.resource), storage=_storage(where.storage))
        return await self._places.find(identity, meant)

    def _note_seen(self, workspace: str, by: str, key: str) -> None:
        self._seen.note(Look(workspace, by, "object.view", key))

    async def _note(self, identity: Identity, action: str, key: str) -> None:
        await self._database.write(
            lambda c: audit.add(c, workspace=identity.workspace, by=identity.username, action=action, target=key)
        )


async def _file(place: Place, key: str) -> StoredFile:
    found = await objects.get(place, key)
    name = key.rpartition("/")[2]
    return StoredFile(found, name, found.media_type or mimetypes.guess_type(name)[0] or "application/octet-stream")


def _new_key(extension: str) -> str:
    ending = f".{extension}" if _EXTENSION.fullmatch(extension) else ""
    return f"uploads/{time.strftime('%Y-%m-%d', time.gmtime())}/{uuid.uuid4()}{ending}"


def _storage(name: str) -> str:
    # clients write an absent one into addresses as their language prints it
    return "" if name in (DEFAULT_NAME, "null", "undefined", "None") else name


def _path(resource: str) -> str:
    return unquote(resource).removeprefix("$res:")


def _resources_of(shape: Any) -> dict[str, str]:
    if not isinstance(shape, Mapping):
        raise BadRequest(
            "large_file_storage must be an object.", 'Like {"type": "S3Storage", "s3_resource_path": "f/…"}.'
        )
    named = {object_settings.DEFAULT: shape} if shape.get("type") else {}
    others = shape.get("secondary_storage") or {}
    if not isinstance(others, Mapping):
        raise BadRequest("secondary_storage must be an object of storages by their names.")
    named |= {name_of(name, "storage"): one for name, one in others.items()}
    return {name: _resource_in(one) for name, one in named.items()}


def _resource_in(one: Any) -> str:
    if not isinstance(one, Mapping) or one.get("type") != "S3Storage":
        raise BadRequest("Files are kept in the server's folder or on S3.", 'Send {"type": "S3Storage", …}.')
    return path_of(str(one.get("s3_resource_path") or "").removeprefix("$res:"), "resource")
