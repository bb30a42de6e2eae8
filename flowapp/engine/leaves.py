"""Running one script: its arguments made whole, its result reused where that is right, its environment."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from flowapp.engine.errors import error_value
from flowapp.engine.ports import OpenStep, Secrets, Tokens
from flowapp.engine.secrets import SECRET_MARKS, MissingReference, resolve
from flowapp.engine.values import LeafCall, LeafOutcome, Plan
from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, canonical, dumps, hash_of, loads
from flowapp.notebook.fingerprint import fingerprint
from flowapp.runtimes.jobs import Job, Limits, Outcome
from flowapp.store.blobs import REFERENCE, BlobRef, Blobs
from flowapp.store.runs import job_id
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow


class RunsJobs(Protocol):
    """What the engine needs of `flowapp.runtimes.Runtimes`."""

    async def run(self, job: Job, on_log: Any, /) -> Outcome:
        """Run one job; errors of the script are in the outcome."""

    async def cancel(self, job_id: str, /) -> bool:
        """Kill a running job."""

    def shared_folder(self, name: str, /) -> Path:
        """A folder that jobs see as `./shared`."""

    def drop_shared_folder(self, name: str, /) -> None:
        """Remove it with all that is in it."""


@dataclass(slots=True)
class LeafSettings:
    """What is the same for every script of this server."""

    base_url: str = ""
    limits: Limits = field(default_factory=Limits)
    secret_key: bytes = field(default_factory=lambda: os.urandom(32))
    """Keys the hashes by which secret values enter a fingerprint: with a new key on each start they never match."""


class Leaves:
    """Runs the scripts of one run."""

    def __init__(
        self,
        store: Store,
        runtimes: RunsJobs,
        settings: LeafSettings,
        run: RunRow,
        plan: Plan,
        *,
        secrets: Secrets | None,
        tokens: Tokens | None,
        shared: Path | None = None,
    ) -> None:
        self._shared = shared
        self._store = store
        self._runtimes = runtimes
        self._settings = settings
        self._run = run
        self._plan = plan
        self._secrets = secrets
        self._tokens = tokens
        self.rights = rights_of(run)
        self.running: set[str] = set()

    async def run(self, call: LeafCall, step: OpenStep) -> LeafOutcome:
        """Run a script, or take an equal one's result. Whatever goes wrong is the outcome's error."""
        step_id = call.info.step_id
        try:
            args, resolved = await self._arguments(call.args)
        except FlowappError as error:
            return LeafOutcome(error_value("ExecutionErr", error.message, step_id=step_id), "failure")
        key = self._key(call, args if resolved or call.kept else None)
        if key is not None:
            reused = await self._stored(call, key)
            if reused is not None:
                return reused
        identity = job_id(self._run.id, call.info.path)
        job = Job(
            id=identity,
            language=call.language,
            code=call.code,
            args=args,
            env=await self._environment(call, identity),
            entrypoint=call.entrypoint,
            timeout_s=call.timeout_s,
            limits=self._settings.limits,
            shared=self._shared,
        )
        outcome = await self._in_runtime(job, step)
        if isinstance(outcome, LeafOutcome):
            return outcome
        if outcome.error is not None:
            value = dumps({"error": {**outcome.error, "step_id": step_id}})
            return LeafOutcome(value, "failure", outcome.duration_ms, outcome.isolation)
        result = outcome.result if outcome.result is not None else JsonText("null")
        return LeafOutcome(result, "success", outcome.duration_ms, outcome.isolation, key)

    async def _in_runtime(self, job: Job, step: OpenStep) -> Outcome | LeafOutcome:
        self.running.add(job.id)
        try:
            return await self._runtimes.run(job, step.log)
        except asyncio.CancelledError:
            # whoever cancels the run waits for its processes to be gone
            await asyncio.shield(self._runtimes.cancel(job.id))
            raise
        except FlowappError as error:
            return LeafOutcome(error_value("InternalErr", error.message), "failure")
        finally:
            self.running.discard(job.id)

    # --- arguments --------------------------------------------------------------------------------------------------

    async def expand(self, text: JsonText) -> JsonText:
        """A JSON text with the blobs' texts in place of references to them."""
        return await expand(self._store.blobs, text)

    async def lookup(self, kind: str, path: str) -> JsonText | None:
        """`variable(path)` and `resource(path)`: resources with their own references replaced."""
        if self._secrets is None:
            raise MissingReference("Variables and resources are not available here")
        text = await self._secrets.lookup(self._run, kind, path)
        if text is not None and kind == "resource":
            return (await resolve(text, self._fetch))[0]
        return text

    async def _fetch(self, kind: str, path: str) -> JsonText | None:
        return None if self._secrets is None else await self._secrets.lookup(self._run, kind, path)

    async def _arguments(self, args: JsonText) -> tuple[JsonText, bool]:
        """The arguments as the script gets them, and whether secrets or resources went into them."""
        if REFERENCE in args:
            args = await self.expand(args)
        if any(mark in args for mark in SECRET_MARKS):
            return await resolve(args, self._fetch)
        return args, False

    async def _environment(self, call: LeafCall, identity: str) -> Mapping[str, str]:
        run = self._run
        username = run.permissioned_as.removeprefix("u/") or run.created_by
        names = {
            "WM_WORKSPACE": run.workspace,
            "WM_JOB_ID": identity,
            "WM_FLOW_JOB_ID": run.id,
            "WM_ROOT_FLOW_JOB_ID": run.id,
            "WM_ROOT_JOB_ID": run.id,
            "WM_FLOW_PATH": run.path,
            "WM_JOB_PATH": f"{run.path}/{call.info.step_id}" if run.path else call.info.step_id,
            "WM_FLOW_STEP_ID": call.info.step_id,
            "WM_USERNAME": username,
            "WM_EMAIL": run.created_by,
            "WM_PERMISSIONED_AS": run.permissioned_as,
            "WM_BASE_URL": self._settings.base_url,
            "BASE_URL": self._settings.base_url,
            "BASE_INTERNAL_URL": self._settings.base_url,
        }
        if self._tokens is not None:
            names["WM_TOKEN"] = await self._tokens.issue(run, identity, call.timeout_s)
        return {name: value for name, value in names.items() if value}

    # --- reuse ------------------------------------------------------------------------------------------------------

    def _key(self, call: LeafCall, resolved: JsonText | None) -> str | None:
        """The fingerprint under which the result is looked for and kept, or None when it may not be reused.

        `resolved` are the arguments with secrets in them, where there are any: they count by a keyed hash.
        """
        wanted = call.cache_ttl is not None or (self._plan.reuse and call.info.step_id not in self._plan.never)
        if not wanted or self._shared is not None:
            return None  # what a step finds in (or leaves in) `./shared` is in no fingerprint
        args = call.kept or call.args
        if resolved is not None:
            text = resolved.encode("utf-8", "surrogatepass")
            args = JsonText(args + hashlib.blake2b(text, key=self._settings.secret_key, digest_size=16).hexdigest())
        return fingerprint(call.language, call.code, call.lock, args)

    async def _stored(self, call: LeafCall, key: str) -> LeafOutcome | None:
        run = self._run
        found = await self._store.results.lookup(run.workspace, self.rights, key, call.cache_ttl)
        if found is None:
            return None
        value = await self._store.values.get_value(found.value)
        return LeafOutcome(value, "reused", found.duration_ms, "", key, found.run_id)


def rights_of(run: RunRow) -> str:
    """Results are reused only between runs with equal rights."""
    return hash_of(canonical([run.workspace, run.permissioned_as]))


async def expand(blobs: Blobs, text: JsonText) -> JsonText:
    """Replace blob references, at any depth, by the texts they stand for."""
    if REFERENCE not in text:
        return text
    value = await _expanded(blobs, loads(text))
    # what is uploaded may be large, and putting it together again must not hold everybody else up
    return await asyncio.to_thread(dumps, value)


async def _expanded(blobs: Blobs, value: Any) -> Any:
    if isinstance(value, list):
        return [await _expanded(blobs, item) for item in value]
    if isinstance(value, dict):
        reference = BlobRef.from_json(value)
        if reference is not None:
            return await blobs.read_text(reference.sha256)
        return {name: await _expanded(blobs, item) for name, item in value.items()}
    return value
