"""Stored scripts and flows for the steps of runs: the engine's `Library` port.

What a step names is found with the rights that the run's person has at that moment. A version by its hash stays runnable
when newer ones exist or it is archived; a path means the newest version.
"""

from __future__ import annotations

from typing import Any, Protocol

from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.engine import wiping
from flowapp.engine.values import StoredFlow, StoredScript
from flowapp.jsontext import JsonText, loads
from flowapp.store import flows, scripts
from flowapp.store.tables import RunRow, ScriptRow
from flowapp.workspace import bundles, guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import NotStored
from flowapp.workspace.local_scripts import LocalScripts

HUB = "hub/"


class HubScript(Protocol):
    """A script as a hub answers it. `schema` is JSON text."""

    path: str
    version: str
    content: str
    language: str
    lock: str | None
    schema: str | None
    kind: str


class HubPort(Protocol):
    """What the library needs of the hub."""

    async def script(self, path: str, /) -> Any:
        """The `HubScript` at `hub/<id>/<app>/<name>`; FlowappError when it cannot be had."""


class Library:
    """Scripts and flows by path. `hub` is bound where there is one."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.local = LocalScripts(context)
        self.hub: HubPort | None = None

    async def script(self, run: RunRow, path: str, hash: str | None) -> StoredScript:
        """The newest version of the script at `path`, or the version `hash` of it; what a preview takes along comes first.

        Raises:
            NotStored: there is none, or the hub is not there.
            NotFound, NotAllowed: the run's person may not run it.
        """
        if path.startswith(HUB):
            return await self._hub_script(path)
        if hash is None and (local := await self.local.taken_along(run, path)) is not None:
            return local
        return await self.script_of(await self._identity(run), path, hash)

    async def script_of(self, identity: Identity, path: str, hash: str | None) -> StoredScript:
        """The same for a person, in the workspace that they are in; without the hub.

        Raises:
            NotStored: there is none.
            NotFound, NotAllowed: the person may not run it.
        """
        if path:
            require(identity, "script.run", guard.script_target(identity, path))
        workspace = identity.workspace
        row = await self._context.store.database.read(
            lambda c: scripts.by_hash(c, workspace, hash) if hash else scripts.latest(c, workspace, path)
        )
        if row is None:
            what = f"version {hash} of the script {path}" if hash else f"script at {path}"
            raise NotStored(
                f"There is no {what}.", "It may have been archived or deleted. Choose another for this step."
            )
        # a hash may be of a version that was stored at another path: that is the one whose rights count
        require(identity, "script.run", guard.script_target(identity, row.path))
        return stored_script(row)

    async def flow(self, run: RunRow, path: str, version: int | None) -> StoredFlow:
        """The newest version of the flow at `path`, or the one with that number.

        Raises:
            NotStored: there is none.
            NotFound, NotAllowed: the run's person may not run it.
        """
        identity = await self._identity(run)
        require(identity, "flow.run", guard.flow_target(identity, path))
        row = await self._context.store.database.read(
            lambda c: (
                flows.latest(c, run.workspace, path)
                if version is None
                else flows.version(c, run.workspace, path, version)
            )
        )
        if row is None:
            raise NotStored(
                f"There is no flow at {path}.", "It may have been archived or deleted. Choose another for this step."
            )
        return StoredFlow(path=row.path, version=row.version, document=JsonText(row.document))

    async def _identity(self, run: RunRow) -> Identity:
        username = run.permissioned_as.removeprefix("u/") or run.created_by
        return await self._context.sessions.identity_named(username, run.workspace)

    async def _hub_script(self, path: str) -> StoredScript:
        if self.hub is None:
            raise NotStored(
                f"{path}: this server has no hub.", "Set FLOWAPP_HUB_URL, or store the script in the workspace."
            )
        found: HubScript = await self.hub.script(path)
        return StoredScript(
            path=found.path,
            hash=str(found.version),
            content=found.content,
            language=found.language,
            lock=found.lock,
            schema=JsonText(found.schema) if found.schema else None,
            kind=found.kind or "script",
        )


def stored_script(row: ScriptRow) -> StoredScript:
    """A row as the engine runs it; settings that are not numbers are left out."""
    extra = loads(row.extra)
    window = _number(extra.get("concurrency_time_window_s"))
    limit = _number(extra.get("concurrent_limit"))
    key = extra.get("concurrency_key")
    return StoredScript(
        path=row.path,
        hash=row.hash,
        content=bundles.runnable(row.content, row.bundle, extra.get(bundles.CODEBASE)),
        language=row.language,
        lock=row.lock,
        schema=JsonText(row.schema_text) if row.schema_text else None,
        tag=row.tag,
        timeout_s=_number(extra.get("timeout")),
        cache_ttl=_number(extra.get("cache_ttl")),
        concurrent_limit=None if limit is None else int(limit),
        concurrency_time_window_s=window,
        concurrency_key=key if isinstance(key, str) and key else None,
        delete_after_s=wiping.seconds_of(extra),
        priority=int(_number(extra.get("priority")) or 0),
        envs=tuple(item for item in extra.get("envs") or () if isinstance(item, str)),
        kind=row.kind,
    )


def _number(value: Any) -> float | None:
    valid = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf")
    return float(value) if valid else None
