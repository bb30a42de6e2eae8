"""The door of this room: take a job, give it to a warm process, answer with its outcome."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from flowapp.jsontext import JsonText
from flowapp.runtimes import ladder, outcomes, versions
from flowapp.runtimes.adapters import Adapters, Prepared, Refused, Setup, Talk
from flowapp.runtimes.conversation import CANCELED, STORED, Answer, Conversation
from flowapp.runtimes.editing import Editing
from flowapp.runtimes.errors import RuntimesClosed, RuntimesError, SandboxFailed
from flowapp.runtimes.guest import frames
from flowapp.runtimes.hot import HotPools
from flowapp.runtimes.jobs import Isolation, Job, Outcome, RuntimeSettings
from flowapp.runtimes.kept import Kept
from flowapp.runtimes.large import parts_of
from flowapp.runtimes.launching import Launcher, Sandbox
from flowapp.runtimes.packages.errors import PackagesUnavailable, PreparingCanceled
from flowapp.runtimes.packages.packages import Packages
from flowapp.runtimes.pools import Pool

_log = logging.getLogger(__name__)
_DEATH_SECONDS = 2.0
#: results above this are checked beside the event loop
_CHECK_INLINE = 1 << 20


@dataclass(slots=True)
class _Running:
    """A job that `cancel` can reach: before it has a process, and after."""

    conversation: Conversation | None = None
    canceled: bool = False


class Runtimes:
    """All languages of this host. One per server; `start` before the first job, `close` after the last."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self.settings = settings
        self._host: ladder.Host | None = None
        self._adapters: Adapters | None = None
        self.packages = Packages(settings)
        self._pools: dict[str, Pool] = {}
        self._hot = HotPools(settings.limits.bounds, settings.loaded_mb << 10)
        self._kept = Kept()
        self.editing = Editing(self.packages)
        self._running: dict[str, list[_Running]] = {}
        self._places = asyncio.Semaphore(settings.max_jobs)
        self._closed = False
        self._restart: asyncio.Task[None] | None = None

    @property
    def isolation(self) -> Isolation:
        """The level that this host reached. Only after `start`."""
        return self._ready().isolation

    async def start(self) -> None:
        """Find the best isolation of this host by using it, and warm the processes up.

        Raises:
            IsolationTooLow: the host does not reach `settings.min_isolation`, or cannot even hide the data folder.
            RuntimeUnavailable: no process can be started at all.
        """
        await self.packages.start()
        self._host = await ladder.climb(self.settings, self._lost)
        self.packages.bind(self._host.launcher.plan)
        plan = self._host.launcher.plan
        # Where interpreters are copied for the jobs' users (guest/staging.py), that happens once, at the start.
        late = plan.has_namespaces or plan.first_uid is None
        version = await versions.python_version(self.settings)
        host = self._host
        apart = plan.has_namespaces or plan.first_uid is not None
        self._adapters = Adapters(Setup(self.settings, host.deno, host.bun, late, version, self.packages, apart))
        await self._adapters.start()
        self._fill(self._host.launcher)

    def _fill(self, launcher: Launcher) -> None:
        bounds = self.settings.limits.bounds
        idle = self._adapters.pools() if self._adapters is not None else {}
        self._pools = {kind: Pool(launcher, kind, target, bounds) for kind, target in idle.items()}
        self._hot.launcher = launcher
        self.editing.launcher = launcher
        for pool in self._pools.values():
            pool.refill()

    async def close(self) -> None:
        """Stop every job and every process."""
        self._closed = True
        if self._restart is not None:
            self._restart.cancel()
        if self._adapters is not None:
            await self._adapters.close()
        await self.packages.close()
        for job_id in list(self._running):
            await self.cancel(job_id)
        await self._hot.close()
        await self._kept.close()
        await self.editing.close()
        for pool in self._pools.values():
            await pool.close()
        if self._host is not None:
            await self._host.launcher.close()
            self._host.shared.close()
            self._host.remove_traces()

    async def run(self, job: Job, on_log: Callable[[str], None]) -> Outcome:
        """Run one job to its end. `on_log` gets its output while it runs, decoded, in pieces of any size.

        Errors of the script, limits and cancellation are `Outcome.error`.

        Raises:
            RuntimesClosed: the server is stopping.
            Exception: what a `ResultWriter` or `FileWriter` raises that is no error of the job.
        """
        running = _Running()
        self._running.setdefault(job.id, []).append(running)
        try:

            def attempt(before: Job, made: Prepared, tell: Callable[[str], None]) -> Awaitable[Outcome]:
                return self._attempt(before, made, tell, running)

            prepared = await self._languages().prepare(job, Talk(on_log, lambda: running.canceled, attempt))
            if isinstance(prepared, Outcome):
                return prepared
            with self.packages.used(prepared.packages):
                async with self._places:
                    return await self._insist(job, prepared, on_log, running)
        except Refused as refused:
            return Outcome(None, refused.error, 0.0, self.isolation.level)
        except PackagesUnavailable as error:
            return Outcome(None, error.as_outcome(), 0.0, self.isolation.level)
        except PreparingCanceled:
            if self._closed:
                raise RuntimesClosed("The server is stopping.") from None
            return Outcome(None, outcomes.canceled(), 0.0, self.isolation.level)
        except SandboxFailed as error:
            return Outcome(None, outcomes.internal(error.message), 0.0, self.isolation.level)
        finally:
            self._running[job.id].remove(running)
            if not self._running[job.id]:
                del self._running[job.id]

    async def cancel(self, job_id: str) -> bool:
        """Kill a job (all jobs of this id) with everything that it started; False when there is none."""
        found = self._running.get(job_id, [])
        for running in found:
            running.canceled = True
            if running.conversation is not None:
                running.conversation.stop(Answer(CANCELED))
        return bool(found)

    def shared_folder(self, name: str) -> Path:
        """The folder that the steps of one run see as `./shared`; made when it is not there."""
        return self._ready().shared.made(name)

    def shared_files(self, name: str) -> list[tuple[str, int]]:
        """The files in a shared folder: their paths in it, sorted, and their sizes in bytes. None where there is no folder."""
        return self._ready().shared.files(name)

    def drop_shared_folder(self, name: str) -> None:
        """Remove a run's shared folder with everything in it; nothing happens when there is none."""
        self._ready().shared.drop(name)

    async def lock(self, language: str, code: str, libraries: Mapping[str, str], path: str) -> str | None:
        """A lock of the packages that code, and the scripts that it imports (code by path), need; None for none.

        Raises:
            PackagesUnavailable: they cannot be resolved.
        """
        return await self.packages.lock(language, code, libraries, path)

    async def cached_packages(self) -> dict[str, Any]:
        """What is kept for cells: see `Packages.describe`; and as `built` a list of what `Builder.built` answers."""
        return {**await self.packages.describe(), "built": await self._languages().built()}

    async def clear_packages(self) -> dict[str, Any]:
        """Remove packages and built programs that no job uses, downloads, and the locks of drafts; answers what is left."""
        await self._hot.close()
        await self.packages.clear()
        await self._languages().clear_built()
        return await self.cached_packages()

    def describe(self) -> dict[str, Any]:
        """Languages, versions, pools and isolation, for health and status pages."""
        host = self._ready()
        return {
            "isolation": host.isolation.to_json(),
            "languages": self._languages().facts(),
            "pools": {name: {"idle": pool.idle, "target": pool.wanted} for name, pool in self._pools.items()},
            "loaded": self._hot.idle,
            "connections": self._kept.idle,
            "running": len(self._running),
        }

    async def _insist(self, job: Job, prepared: Prepared, on_log: Callable[[str], None], running: _Running) -> Outcome:
        try:
            return await self._attempt(job, prepared, on_log, running)
        except SandboxFailed as first:
            _log.warning("job %s: %s Trying once more.", job.id, first.message)
            await self._wait_for_restart()
            return await self._attempt(job, prepared, on_log, running)

    async def _attempt(self, job: Job, prepared: Prepared, on_log: Callable[[str], None], running: _Running) -> Outcome:
        if self._closed:
            raise RuntimesClosed("The server is stopping.")
        pool = self._pools[prepared.kind]
        sandbox = await self._sandbox(pool, job, prepared)
        limits = job.limits
        keeps = prepared.keeps
        large = parts_of(job) if prepared.parts else None
        conversation = Conversation(sandbox, on_log, limits.output_bytes, limits.result_bytes, not keeps, large)
        running.conversation = conversation
        stays = False
        try:
            if running.canceled:
                conversation.stop(Answer(CANCELED))
            begun = time.perf_counter()
            conversation.start(*prepared.texts, job.timeout_s, prepared.program)
            answer = await conversation.answer
            duration = (time.perf_counter() - begun) * 1000
            stays = bool(keeps) and answer.kind in (frames.RESULT, STORED)
        finally:
            running.conversation = None
            if stays:
                conversation.release()
                self._kept.give_back(keeps, sandbox)
            else:
                conversation.close()
            pool.refill_soon()
            if prepared.packages is not None:
                self._hot.done(prepared.packages)
            if conversation.has_parts:
                await asyncio.shield(conversation.forget())
        if answer.kind == frames.BROKEN:
            raise SandboxFailed(answer.body.decode("utf-8", "replace"))
        return await self._outcome(job, prepared, answer, conversation, sandbox, duration)

    async def _sandbox(self, pool: Pool, job: Job, prepared: Prepared) -> Sandbox:
        if prepared.keeps:
            return await self._kept.take(prepared.keeps) or await pool.take()
        if job.shared is None and job.limits.bounds == pool.bounds:
            need = prepared.packages
            loaded = await self._hot.take(need) if need is not None else None
            return loaded or await pool.take()
        shared = str(job.shared) if job.shared else None
        return await pool.make(shared=shared, bounds=job.limits.bounds)

    async def _outcome(
        self,
        job: Job,
        prepared: Prepared,
        answer: Answer,
        conversation: Conversation,
        sandbox: Sandbox,
        duration: float,
    ) -> Outcome:
        level = self.isolation.level
        cut = conversation.log.truncated
        if answer.kind == STORED:
            return Outcome(None, None, duration, level, cut, JsonText(answer.body.decode()))
        if answer.kind == frames.RESULT:
            problem = await _problem_of(answer.body)
            if problem is None:
                return Outcome(JsonText(answer.body.decode()), None, duration, level, cut)
            return Outcome(None, problem, duration, level, cut)
        status: int | None = None
        if answer.kind not in (frames.ERROR, frames.DIED):
            with contextlib.suppress(TimeoutError):
                # `asyncio.wait_for` of Python 3.11 loses a cancellation that comes at the same moment
                async with asyncio.timeout(_DEATH_SECONDS):
                    status = await asyncio.shield(sandbox.gone)
        error = outcomes.error_of(job, answer, conversation.log.tail, status, prepared.place)
        return Outcome(None, error, duration, level, cut)

    def _ready(self) -> ladder.Host:
        if self._host is None:
            raise RuntimesError("The runtimes have not been started.")
        return self._host

    def _languages(self) -> Adapters:
        if self._adapters is None:
            raise RuntimesError("The runtimes have not been started.")
        return self._adapters

    def _lost(self) -> None:
        """The launcher ended by itself (killed by somebody, out of memory): start another one."""
        if not self._closed:
            _log.error("the process that starts scripts ended; starting it again")
            self._restart = asyncio.get_running_loop().create_task(self._start_again())

    async def _start_again(self) -> None:
        host = self._ready()
        old = list(self._pools.values())
        self._hot.launcher = None
        self.editing.launcher = None
        await self._hot.close()
        self._kept.drop_all()
        self.editing.drop_all()
        await host.launcher.close()
        try:
            launcher = await ladder.relaunch(host, self.settings, self._lost)
        except RuntimesError as error:
            _log.error("scripts cannot be started: %s The next job tries again.", error.message)
            return
        self._host = ladder.with_launcher(host, launcher)
        self.packages.bind(launcher.plan)
        self._fill(launcher)
        for pool in old:
            await pool.close()

    async def _wait_for_restart(self) -> None:
        """After a failed start of a job: wait for a launcher that is coming up, or bring one up."""
        if not self._ready().launcher.is_running and (self._restart is None or self._restart.done()):
            self._lost()
        if self._restart is not None:
            await asyncio.shield(self._restart)


async def _problem_of(body: bytes) -> dict[str, Any] | None:
    """Why a result is not the JSON text it should be: a script can write to its own channel."""
    try:
        if len(body) <= _CHECK_INLINE:
            orjson.loads(body)
        else:
            await asyncio.to_thread(orjson.loads, body)
    except ValueError as error:
        return outcomes.bad_result(str(error))
    return None
