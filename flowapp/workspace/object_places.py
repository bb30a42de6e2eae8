"""Where the files of a workspace are: a folder of the server, the bucket that its admins chose, or one that a call names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flowapp.access.identity import Identity
from flowapp.jsontext import loads
from flowapp.net.policy import AddressPolicy
from flowapp.net.sockets import connect
from flowapp.store import object_settings
from flowapp.store.objects import Bucket, Folder, Place
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.run_secrets import RunSecrets

MAX_KEY = 1024
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,200}")
_REGION = re.compile(r"[A-Za-z0-9-]{1,60}")
_FIRST_S = 5.0


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
        """A storage of a workspace, "" for the usual one. Its resource is read with the rights of the admin who chose it."""
        resources, by = await self._context.store.database.read(lambda c: object_settings.of(c, workspace))
        if storage in resources:
            chosen_by = await self._context.sessions.identity_named(by, workspace)
            return await self._bucket(chosen_by, resources[storage])
        if storage:
            raise BadRequest(f"There is no storage {storage[:60]!r} here.", "The workspace's admins name storages.")
        if self._folder is None:
            raise BadRequest(
                "Files have no place here: several servers may share this database, and no folder.",
                "Set FLOWAPP_OBJECTS_DIR to a folder that all of them see, or choose an S3 resource for the workspace.",
            )
        return Folder(self._folder / workspace)

    async def _bucket(self, identity: Identity, path: str) -> Bucket:
        text = await self._secrets.value(identity, "resource", path)
        if text is None:
            raise BadRequest(f"There is no resource {path[:200]}.", "Files are kept in what an S3 resource names.")
        bucket = bucket_of(path, loads(text))
        await self._judge(bucket)
        return bucket

    async def _judge(self, bucket: Bucket) -> None:
        """The server calls no address that its administrator would not let it call.

        By TLS a host proves who it is, whatever its name comes to mean a moment later. Without it only addresses are called,
        and hosts that the allow-list names.

        Raises:
            AddressRefused, HostUnreachable: it is a private address, or does not answer.
            BadRequest: it is called without TLS, and is not on the list.
        """
        if not bucket.endpoint:
            return
        parts = urlsplit(bucket.endpoint)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        # a name that is not on the list may come to mean another address; an address stays what it is
        trusted = self._policy.allows_host(host, port) or self._policy.allows_address(host)
        if parts.scheme == "http" and not trusted:
            raise BadRequest(
                f"{host}:{port} is called without TLS.",
                "Set useSSL in the resource, or have an administrator add the host to FLOWAPP_ALLOWED_HOSTS.",
            )
        (await connect(self._policy, host, port, _FIRST_S)).close()


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
    if not all(c.isprintable() for c in key) or max(len(part.encode()) for part in parts) > 200:
        raise BadRequest("A file's name has no control characters, and each part of it at most 200 bytes.")
    return key


def bucket_of(path: str, value: Any) -> Bucket:
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
    region = fields["region"] or "us-east-1"
    if not _BUCKET.fullmatch(fields["bucket"]) or not _REGION.fullmatch(region):
        raise BadRequest(f"The bucket or region of {path} is none.", "A bucket has letters, digits, dots and hyphens.")
    return Bucket(
        fields["bucket"],
        region,
        fields["accessKey"],
        fields["secretKey"],
        endpoint=_endpoint(path, value),
        path_style=bool(value.get("pathStyle")),
        token=fields["token"],
    )


def _endpoint(path: str, value: Mapping[str, Any]) -> str:
    host = _text(path, value, "endPoint").removeprefix("https://").removeprefix("http://").rstrip("/")
    if not host or host.endswith(".amazonaws.com"):
        return ""
    port = value.get("port")
    named = f"{host}:{port}" if port else host
    if not re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?", named):
        raise BadRequest(f"The endPoint of {path} is no host.", "It looks like s3.example.com, or like minio:9000.")
    return f"{'http' if value.get('useSSL') is False else 'https'}://{named}"


def _text(path: str, value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise BadRequest(f"{name} of {path} must be a text.")
    return found.strip()
