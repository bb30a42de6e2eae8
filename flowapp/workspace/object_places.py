"""Where the files of a workspace are: a folder of the server, the bucket that its admins chose, or one that a call names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flowapp.access.errors import AccessError
from flowapp.access.identity import Identity
from flowapp.jsontext import dumps, hash_of, loads
from flowapp.net.policy import AddressPolicy
from flowapp.store import object_settings, resources
from flowapp.store.buckets import Bucket
from flowapp.store.object_settings import Chosen
from flowapp.store.objects import UNFINISHED, Folder, Place, tidy
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.run_secrets import RunSecrets

MAX_KEY = 1024
DEFAULT_REGION = "us-east-1"
"""Where a resource names none."""
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,200}")
_REGION = re.compile(r"[A-Za-z0-9-]{1,60}")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True)
class Where:
    """What a call names: an S3 resource by its path, or one of the workspace's storages; both empty for the usual one."""

    resource: str = ""
    storage: str = ""


USUAL = Where()


class ObjectPlaces:
    """Finds places. `folder` is where files are whose workspace has no bucket; None where servers share no folder."""

    def __init__(self, context: Context, secrets: RunSecrets) -> None:
        self._context = context
        self._secrets = secrets
        self._policy = AddressPolicy.parse(context.settings.allowed_hosts)
        store = context.store
        given = context.settings.objects_dir
        self._folder = given or (None if store.database.shared else store.home / "objects")

    async def find(self, identity: Identity, where: Where) -> Place:
        """The place that a call means. A resource that it names is read with the rights of whoever calls.

        Raises:
            BadRequest: there is no such storage or resource, or it names no bucket.
            NotFound, NotAllowed: the identity may not use the resource.
        """
        if where.resource:
            return await self._bucket(identity, where.resource)
        return await self.of_workspace(identity.workspace, where.storage)

    async def of_workspace(self, workspace: str, storage: str) -> Place:
        """A storage of a workspace, "" for the usual one. Its resource is read with the rights of the admin who chose it.

        Raises:
            BadRequest: there is none of that name, or what the admin chose is not what is there now.
        """
        chosen, by = await self._context.store.database.read(lambda c: object_settings.of(c, workspace))
        if storage in chosen:
            return await self._chosen(workspace, chosen[storage], by)
        if storage:
            raise BadRequest(f"There is no storage {storage[:60]!r} here.", "The workspace's admins name storages.")
        if self._folder is None:
            raise BadRequest(
                "Files have no place here: several servers may share this database, and no folder.",
                "Set FLOWAPP_OBJECTS_DIR to a folder that all of them see, or choose an S3 resource for the workspace.",
            )
        return Folder(self._folder / workspace)

    async def choose(self, identity: Identity, path: str) -> Chosen:
        """The resource at a path as it is now: an admin says that files are to be kept there.

        Raises:
            BadRequest: there is none, or it names no bucket.
            NotFound, NotAllowed: the identity may not use it.
        """
        bucket = await self._bucket(identity, path)
        return Chosen(path, await self._mark(identity.workspace, path, bucket))

    def check(self, path: str, value: Any) -> None:
        """Refuse what is no S3 resource.

        Raises:
            BadRequest: a field is missing or makes no sense.
        """
        bucket_of(path, value, self._policy, self._context.store.home)

    def tidy(self) -> None:
        """Remove half written files of servers that were killed."""
        if self._folder is not None:
            tidy(self._folder)

    async def _chosen(self, workspace: str, chosen: Chosen, by: str) -> Bucket:
        again = "An admin of the workspace has to choose it again, on the page Settings."
        try:
            admin = await self._context.sessions.identity_named(by, workspace)
            bucket = await self._bucket(admin, chosen.path)
        except AccessError:
            raise BadRequest(
                f"{by} chose where files are kept, and may not use {chosen.path} any more.", again
            ) from None
        # whoever may change the resource could have it sent elsewhere, with secrets that only the admin may use
        if await self._mark(workspace, chosen.path, bucket) != chosen.mark:
            raise BadRequest(f"{chosen.path} was changed after an admin chose it for files.", again)
        return bucket

    async def _mark(self, workspace: str, path: str, bucket: Bucket) -> str:
        row = await self._context.store.database.read(lambda c: resources.get(c, workspace, path))
        written = None if row is None else row.value
        return hash_of(dumps([written, bucket.name, bucket.region, bucket.endpoint, bucket.path_style]))

    async def _bucket(self, identity: Identity, path: str) -> Bucket:
        text = await self._secrets.value(identity, "resource", path)
        if text is None:
            raise BadRequest(f"There is no resource {path[:200]}.", "Files are kept in what an S3 resource names.")
        return bucket_of(path, loads(text), self._policy, self._context.store.home)


def key_of(text: str) -> str:
    """The key of a file: names between slashes, without one at its begin and end.

    Raises:
        BadRequest: it is empty or too long, or has parts that are no names.
    """
    key = text.strip("/")
    parts = key.split("/")
    if not key or len(key.encode("utf-8", "replace")) > MAX_KEY or any(part in ("", ".", "..") for part in parts):
        raise BadRequest(
            f"{text[:80]!r} cannot be the name of a file.", f"Use names between slashes, up to {MAX_KEY} bytes."
        )
    if UNFINISHED.search(key):
        raise BadRequest(
            "A file's name does not end with # and a number.", "Files are called so while they are written."
        )
    if not all(c.isprintable() for c in key) or max(len(part.encode()) for part in parts) > 200:
        raise BadRequest("A file's name has no control characters, and each part of it at most 200 bytes.")
    return key


def bucket_of(path: str, value: Any, policy: AddressPolicy, spool: Path) -> Bucket:
    """The bucket of an S3 resource `{bucket, region, endPoint, useSSL, accessKey, secretKey, pathStyle, port, token}`.

    Raises:
        BadRequest: a field is missing or makes no sense.
    """
    if not isinstance(value, Mapping):
        raise BadRequest(f"{path} is no S3 resource.", "It is an object with bucket, region, accessKey and secretKey.")
    fields = {name: _text(path, value, name) for name in ("bucket", "region", "accessKey", "secretKey", "token")}
    for name in ("bucket", "accessKey", "secretKey"):
        if not fields[name]:
            raise BadRequest(f"{path} names no {name}.", "Files are kept with its key, never with the server's own.")
    region = fields["region"] or DEFAULT_REGION
    if not _BUCKET.fullmatch(fields["bucket"]) or not _REGION.fullmatch(region):
        raise BadRequest(f"The bucket or region of {path} is none.", "A bucket has letters, digits, dots and hyphens.")
    endpoint = _endpoint(path, value)
    return Bucket(
        name=fields["bucket"],
        region=region,
        access_key=fields["accessKey"],
        secret_key=fields["secretKey"],
        endpoint=endpoint,
        path_style=bool(value.get("pathStyle")) or _is_address(endpoint),
        token=fields["token"],
        policy=policy,
        spool=spool,
    )


def _endpoint(path: str, value: Mapping[str, Any]) -> str:
    host = _text(path, value, "endPoint").removeprefix("https://").removeprefix("http://").rstrip("/")
    if not host or host.endswith(".amazonaws.com"):
        return ""
    port = value.get("port")
    url = f"{'http' if value.get('useSSL') is False else 'https'}://{host}{f':{port}' if port else ''}"
    try:
        parts = urlsplit(url)
        named = parts.hostname if parts.port != 0 else None
    except ValueError:  # a port that is none, or brackets around no address
        named = None
    if not named or parts.path or parts.query or parts.fragment or "@" in url or not _HOST.fullmatch(named):
        raise BadRequest(f"The endPoint of {path} is no host.", "It looks like s3.example.com, or like minio:9000.")
    return url


def _is_address(endpoint: str) -> bool:
    """Whether an endpoint is a number: there is no name to put a bucket's before."""
    try:
        ipaddress.ip_address(urlsplit(endpoint).hostname or "")
    except ValueError:
        return False
    return True


def _text(path: str, value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise BadRequest(f"{name} of {path} must be a text.")
    return found.strip()
