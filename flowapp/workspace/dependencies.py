"""Locks for clients that store them themselves: of a script, and of all scripts of a flow.

A client asks for a job and then for its result. The packages are resolved before the job is stored, so it is over as soon as
its id is known: nothing is left half done when the server stops.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.jsontext import dumps, loads
from flowapp.languages import by_name
from flowapp.openflow.walk import walk
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.local_scripts import LocalScripts
from flowapp.workspace.lock_jobs import Kind, failed, lock_job, script_value
from flowapp.workspace.locks import Locked, Locks
from flowapp.workspace.script_rows import MAX_CODE
from flowapp.workspace.stored import enter, required_text, text_in

#: How long resolving may take: a client waits for nothing else.
PATIENCE_S = 180.0


class Dependencies:
    """Use-cases about locks."""

    def __init__(self, context: Context, locks: Locks, local: LocalScripts) -> None:
        self._store = context.store
        self._locks = locks
        self._local = local

    async def script_lock(self, identity: Identity, body: Mapping[str, Any]) -> Locked:
        """The lock of the script that a body brings: `{"raw_scripts": [{"raw_code", "language", "script_path"}], …}`.

        Raises:
            BadRequest: the body has another form, or asks for what is not there.
        """
        script = await self._script(identity, body)
        return await self._lock(identity, script, body)

    async def script_job(self, identity: Identity, body: Mapping[str, Any]) -> str:
        """The id of a job, which is over, whose result is `{"lock"}`; a lock is "" where no packages are needed.

        Raises:
            BadRequest: as `script_lock`.
        """
        script = await self._script(identity, body)
        locked = await self._lock(identity, script, body)
        value = script_value(script["language"], script["raw_code"])
        result = failed(locked.problem) if locked.problem else {"lock": locked.lock or ""}
        return await self._ended(identity, "dependencies", str(script["script_path"]), value, result)

    async def flow_job(self, identity: Identity, body: Mapping[str, Any]) -> str:
        """The id of a job, which is over, whose result is `{"updated_flow_value"}`: each script in it has a lock.

        `body` is `{"flow_value", "path", "temp_script_refs"?}`; scripts that have a lock keep it.

        Raises:
            BadRequest: the body has another form, or asks for what is not there.
        """
        enter(identity)
        path = text_in(body, "path", limit=1000)
        require(identity, "flow.deploy", guard.flow_target(identity, path))
        value = body.get("flow_value")
        if not isinstance(value, dict) or not isinstance(value.get("modules"), list):
            raise BadRequest("flow_value must be an object with modules.", 'Send {"flow_value": {"modules": []}}.')
        _refuse_workspace_dependencies(body)
        local = await self._local.named(identity, body.get("temp_script_refs"))
        flow = loads(dumps({"value": value}))
        problems = await self._locks.flow(identity, flow, path, local=local, patience_s=PATIENCE_S)
        for place in walk(flow):
            script = place.module.get("value")
            if isinstance(script, dict) and script.get("type") == "rawscript" and script.get("lock") is None:
                script["lock"] = ""
        result = failed(" ".join(problems)) if problems else {"updated_flow_value": flow["value"]}
        return await self._ended(identity, "flowdependencies", path, value, result)

    async def _script(self, identity: Identity, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The script that a body is about, checked."""
        enter(identity)
        given = body.get("raw_scripts")
        scripts = [item for item in given if isinstance(item, Mapping)] if isinstance(given, list) else []
        wanted = next((item for item in scripts if item.get("script_path") == body.get("entrypoint")), None)
        script = wanted or (scripts[0] if scripts else {})
        path = text_in(script, "script_path", limit=1000)
        require(identity, "script.write", guard.script_target(identity, path))
        if not scripts:
            raise BadRequest("raw_scripts must be a list of one script.", "Send raw_code, language and script_path.")
        _refuse_workspace_dependencies(body)
        if by_name(required_text(script, "language")) is None:
            raise BadRequest(f"There is no language {str(script['language'])[:40]!r}.", "Such as python3 or bun.")
        code = text_in(script, "raw_code", limit=MAX_CODE)
        return {"raw_code": code, "language": script["language"], "script_path": path}

    async def _lock(self, identity: Identity, script: Mapping[str, Any], body: Mapping[str, Any]) -> Locked:
        local = await self._local.named(identity, body.get("temp_script_refs"))
        return await self._locks.script(
            identity,
            script["language"],
            script["raw_code"],
            script["script_path"],
            local=local,
            patience_s=PATIENCE_S,
        )

    async def _ended(
        self, identity: Identity, kind: Kind, path: str, value: Mapping[str, Any], result: Mapping[str, Any]
    ) -> str:
        job = await lock_job(self._store, identity, kind, path, value, result)
        return await self._store.database.write(job.insert)


def _refuse_workspace_dependencies(body: Mapping[str, Any]) -> None:
    if body.get("raw_workspace_dependencies"):
        raise BadRequest(
            "Dependencies of the whole workspace (dependencies/…) are not used here.",
            "Name packages in the script itself, as docs/packages.md tells.",
        )
