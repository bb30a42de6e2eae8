"""Running one script: its arguments made whole, its result reused where that is right, its environment."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from flowapp.engine import checkpoints, gates
from flowapp.engine.environment import Environment, job_of
from flowapp.engine.errors import INTERRUPTIONS, error_value
from flowapp.engine.file_marks import by_content
from flowapp.engine.large import MADE_UP, Budget, CheckedWriter, expand, makes_up_reference
from flowapp.engine.ports import Files, OpenStep, Printing, RunLeaf, Secrets, Tokens, Waiting
from flowapp.engine.ports import Limits as Limiting
from flowapp.engine.references import of_run, written
from flowapp.engine.secrets import SECRET_MARKS, MissingReference, resolve
from flowapp.engine.streams import JobOutput, in_record, with_stream
from flowapp.engine.values import LeafCall, LeafOutcome, Plan
from flowapp.errors import FlowappError
from flowapp.jsontext import NULL, JsonText, canonical, dumps, hash_of, loads
from flowapp.notebook.fingerprint import fingerprint
from flowapp.runtimes.handover import is_own_variable
from flowapp.runtimes.jobs import FileWriter, Job, Limits, Outcome
from flowapp.signatures.sql import DATABASE, DIALECTS, pinned
from flowapp.signatures.sql_files import file_of
from flowapp.store.blobs import REFERENCE
from flowapp.store.masks import masked_error
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow

TOKEN = "WM_TOKEN"  # noqa: S105 - the name of a variable
"""Where a job finds its token."""


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
    """Where people reach Flowapp."""
    internal_url: str = ""
    """Where jobs on this machine reach it."""
    limits: Limits = field(default_factory=Limits)
    secret_key: bytes = field(default_factory=lambda: os.urandom(32))
    """Keys the hashes by which secret values enter a fingerprint: with a new key on each start they never match."""


class LeafPorts(Protocol):
    """The engine's ports, as far as scripts need them."""

    @property
    def secrets(self) -> Secrets | None:
        """Variables and resources."""

    @property
    def tokens(self) -> Tokens | None:
        """Tokens for jobs."""

    @property
    def limits(self) -> Limiting | None:
        """Concurrency keys."""

    @property
    def files(self) -> Files | None:
        """Stored files."""


class Leaves:
    """Runs the scripts of one run."""

    def __init__(
        self,
        store: Store,
        runtimes: RunsJobs,
        settings: LeafSettings,
        run: RunRow,
        plan: Plan,
        ports: LeafPorts,
        waiting: Waiting,
    ) -> None:
        self._store = store
        self._runtimes = runtimes
        self._settings = settings
        self._run = run
        self._plan = plan
        self._ports = ports
        self._waiting = waiting
        self._variables = Environment(run, settings.base_url, settings.internal_url)
        self.shared: Path | None = None
        """The folder that all steps of the run see as `./shared`."""
        self._written: frozenset[str] | None = None
        self._noticed: frozenset[str] = frozenset()
        self.rights = rights_of(run)
        self.running: set[str] = set()

    async def run(self, call: LeafCall, step: Printing) -> LeafOutcome:
        """Run a script, or take an equal one's result. Whatever goes wrong is the outcome's error.

        Raises:
            Parked: there is no place for it under its concurrency limit, and nothing else of the run goes on.
        """
        step_id = call.info.step_id
        try:
            args, resolved = await self._arguments(call)
            if call.checkpoint is not None:
                call = replace(call, checkpoint=await self.expand(call.checkpoint))
        except INTERRUPTIONS:
            raise
        except FlowappError as error:
            return LeafOutcome(_error(error.message, step_id), "failure")
        key = await self._key(call, args if resolved or call.kept else None)
        if key is not None and (call.cache_ttl is not None or step_id not in self._plan.anew):
            reused = await self._stored(call, key)
            if reused is not None:
                return reused
        if call.limit is None:
            return await self._started(call, step, args, key)
        if self._ports.limits is None:
            return LeafOutcome(_error("Concurrency limits are not available here", step_id), "failure")
        identity = job_of(self._run, call)
        await gates.take(self._ports.limits, self._waiting, self._run, identity, call.limit, call.priority)
        try:
            return await self._started(call, step, args, key)
        finally:
            await asyncio.shield(self._ports.limits.give_back(self._run, identity, call.limit))

    async def _started(self, call: LeafCall, step: Printing, args: JsonText, key: str | None) -> LeafOutcome:
        identity = job_of(self._run, call)
        try:
            file = await self._file(call, identity)
        except INTERRUPTIONS:
            raise
        except FlowappError as error:
            return LeafOutcome(_error(f"{error.message} {error.hint}".strip(), call.info.step_id), "failure")
        job = Job(
            id=identity,
            language=call.language,
            code=call.code,
            args=args,
            env=await self._environment(call, identity),
            entrypoint=call.entrypoint,
            timeout_s=call.timeout_s,
            limits=self._settings.limits,
            shared=self._folder(call),
            lock=call.lock,
            path=call.path,
            libraries={script.path: script.code for script in call.libraries},
            owner=self.rights,
            checkpoint=call.checkpoint,
            large=lambda: CheckedWriter(self._store.values.writer()),
            file=file,
        )
        await step.begins()
        own = frozenset(filter(None, (job.env.get(TOKEN),)))
        output = JobOutput(self._store.masks, self._run.id, step, own)
        outcome = await self._in_runtime(job, output)
        if isinstance(outcome, LeafOutcome):
            return outcome
        if outcome.error is not None:
            # what an error says is read by as many as the log, whose last lines often stand in it
            secrets = self._store.masks.texts(self._run.id) | own
            value = dumps({"error": {**masked_error(outcome.error, secrets), "step_id": call.info.step_id}})
            return LeafOutcome(value, "failure", outcome.duration_ms, outcome.isolation)
        merged = with_stream if call.checkpoint is None else in_record
        result = outcome.stored or merged(outcome.result or NULL, output.streamed)
        if call.is_round and not outcome.stored:
            result = checkpoints.without(result, self._store.masks.texts(self._run.id) | own)
        if not outcome.stored and makes_up_reference(result):
            return LeafOutcome(_error(MADE_UP, call.info.step_id), "failure")
        return LeafOutcome(result, "success", outcome.duration_ms, outcome.isolation, key)

    async def _file(self, call: LeafCall, identity: str) -> Callable[[], FileWriter] | None:
        """What takes the rows of an SQL script that makes a stored file of them. That it may is asked before its query runs."""
        wanted = file_of(call.code) if call.language in DIALECTS and self._ports.files is not None else None
        if wanted is None or self._ports.files is None:
            return None
        named = {"s3": wanted.key(call.path, identity), **({"storage": wanted.storage} if wanted.storage else {})}
        return await self._ports.files.open(self._run, named, own=not wanted.prefix)

    async def _in_runtime(self, job: Job, output: JobOutput) -> Outcome | LeafOutcome:
        self.running.add(job.id)
        cut = False
        try:
            outcome = await self._runtimes.run(job, output.write)
            cut = outcome.log_truncated
            return outcome
        except asyncio.CancelledError:
            # whoever cancels the run waits for its processes to be gone
            await asyncio.shield(self._runtimes.cancel(job.id))
            raise
        except INTERRUPTIONS:
            raise
        except FlowappError as error:
            return LeafOutcome(error_value("InternalErr", error.message), "failure")
        finally:
            output.close()
            if cut:
                output.cut(job.limits.output_bytes)
            self.running.discard(job.id)

    # --- arguments --------------------------------------------------------------------------------------------------

    async def expand(self, text: JsonText, budget: Budget | None = None) -> JsonText:
        """A JSON text with the blobs' texts in place of references to them; see `large.expand`."""
        return await expand(self._store, text, budget)

    async def lookup(self, kind: str, path: str) -> JsonText | None:
        """`variable(path)` and `resource(path)`: resources with their own references replaced."""
        if self._ports.secrets is None:
            raise MissingReference("Variables and resources are not available here")
        text = await self._ports.secrets.lookup(self._run, kind, path)
        if text is not None and kind == "resource":
            return await self.filled(text)
        return text

    async def _fetch(self, kind: str, path: str) -> JsonText | None:
        return None if self._ports.secrets is None else await self._ports.secrets.lookup(self._run, kind, path)

    async def written(self, path: str) -> JsonText | None:
        """The resource at a path as somebody has written it, with its references."""
        return None if self._ports.secrets is None else await self._ports.secrets.written(self._run, path)

    async def filled(self, text: JsonText) -> JsonText:
        """A part of such a resource with its references replaced, all of them."""
        return (await resolve(text, self._fetch))[0]

    async def resolved(self, args: JsonText) -> JsonText:
        """Arguments with their references replaced.

        Raises:
            FlowappError: one of them is not there, or the run may not read it.
        """
        return (await self._replaced(args, None))[0]

    async def _replaced(self, args: JsonText, vouched: tuple[str, ...] | None) -> tuple[JsonText, bool]:
        if REFERENCE in args:
            args = await self.expand(args)
        if not any(mark in args for mark in SECRET_MARKS):
            return args, False
        return await resolve(args, self._fetch, frozenset(vouched) if vouched is not None else await self.vouched(args))

    async def _arguments(self, call: LeafCall) -> tuple[JsonText, bool]:
        """The arguments as the script gets them, and whether secrets or resources went into them."""
        args, resolved = await self._replaced(call.args, call.vouched)
        named = pinned(call.language, call.code)
        if not named:
            return args, resolved
        # An SQL script names its connection itself. Only there: the same text in its data stays a text.
        reference = f"$res:{named}"
        connection, _ = await resolve(dumps({DATABASE: reference}), self._fetch, frozenset({reference}))
        return dumps({**loads(args), **loads(connection)}), True

    async def vouched(self, args: JsonText) -> frozenset[str]:
        """The references in arguments that somebody wrote: in the run's document or arguments, or in a called flow."""
        if self._written is None:
            texts = await self._store.values.get_values((self._run.document, self._run.args))
            self._written = of_run(texts[self._run.document], texts[self._run.args], self._run.trigger)
        return written(args) & (self._written | self._noticed)

    def vouching(self, run_leaf: RunLeaf) -> RunLeaf:
        """The same, with the references that count noted on each call: another machine does not know what the run calls."""

        async def run(call: LeafCall, step: OpenStep) -> LeafOutcome:
            if any(mark in call.args for mark in SECRET_MARKS):
                call = replace(call, vouched=tuple(sorted(await self.vouched(call.args))))
            return await run_leaf(call, step)

        return run

    def _folder(self, call: LeafCall) -> Path | None:
        """The folder that a script sees as `./shared`: that of the run, or of the called flow which asks for one."""
        if self.shared is not None or not call.here:
            return self.shared
        return self._runtimes.shared_folder(call.frame.job_id)

    async def _environment(self, call: LeafCall, identity: str) -> Mapping[str, str]:
        own = (item.partition("=") for item in call.envs)
        names = {
            **{name: value for name, _, value in own if is_own_variable(name)},
            **self._variables.of(call),
        }
        if self._ports.tokens is not None:
            names[TOKEN] = await self._ports.tokens.issue(self._run, identity, call.timeout_s)
        return names

    def notice(self, document: JsonText) -> None:
        """A flow is called: its text is part of what the run runs."""
        self._noticed |= written(document)

    # --- reuse ------------------------------------------------------------------------------------------------------

    async def _key(self, call: LeafCall, resolved: JsonText | None) -> str | None:
        """The fingerprint under which the result is looked for and kept, or None when it may not be reused.

        `resolved` are the arguments with secrets in them, where there are any: they count by a keyed hash.
        """
        reuse = self._plan.reuse and not call.frame.asked and call.info.step_id not in self._plan.never
        if call.checkpoint is not None:
            # what a workflow gives hangs on more than its arguments; of a task somebody has said that it does not
            reuse = False
        wanted = (call.cache_ttl is not None and not call.is_round) or reuse
        if not wanted or self.shared is not None or call.here:
            return None  # what a step finds in (or leaves in) `./shared` is in no fingerprint
        args = call.kept or call.args
        if call.task:
            args = JsonText(f"{args}\0{call.task}")
        if call.cache_by_content:
            files = self._ports.files
            args = await by_content(files, self._run, args)
            resolved = None if resolved is None else await by_content(files, self._run, resolved)
        if resolved is not None:
            text = resolved.encode("utf-8", "surrogatepass")
            args = JsonText(args + hashlib.blake2b(text, key=self._settings.secret_key, digest_size=16).hexdigest())
        return fingerprint(call.language, _with_libraries(call), call.lock, args)

    async def _stored(self, call: LeafCall, key: str) -> LeafOutcome | None:
        run = self._run
        found = await self._store.results.lookup(run.workspace, self.rights, key, call.cache_ttl)
        if found is None:
            return None
        value = await self._store.values.get_held(found.value)
        return LeafOutcome(value, "reused", found.duration_ms, "", key, found.run_id)


def _with_libraries(call: LeafCall) -> str:
    """The code with its variables and the versions of the scripts that it imports: another version is other code."""
    imported = (f"\0{script.path}\0{script.hash}" for script in call.libraries)
    return "".join((call.code, *imported, *(f"\0{item}" for item in call.envs)))


def _error(message: str, step_id: str) -> JsonText:
    return error_value("ExecutionErr", message, step_id=step_id)


def rights_of(run: RunRow) -> str:
    """Results are reused only between runs with equal rights."""
    return rights(run.workspace, run.permissioned_as)


def rights(workspace: str, permissioned_as: str) -> str:
    """What the results of somebody's runs are kept under."""
    return hash_of(canonical([workspace, permissioned_as]))
