"""The launcher: makes the jail, forks an agent for each job ahead of time, and tells the server when a job is gone.

It is started by exec (the server has threads, and a fork of it would be unsafe), runs no user code, and ends with the
server: by the closed control socket, or by the kernel's signal at the server's death.

Control messages are JSON, one per packet. Server → launcher: the plan, then `{"op": "spawn", "id", "kind", "shared",
"bounds"}` and `{"op": "kill", "id"}`. Launcher → server: `{"ok"}` or `{"error"}` once, then `{"spawned": id, "pid"}`
with the descriptors of the job (channel, log, process) and `{"gone": id, "status"}` when nothing of it is left.

Most jobs are forked by copies of this process, as its own children (see `zygotes`).
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import time
from dataclasses import dataclass, field
from typing import Any, NoReturn

from flowapp.runtimes.guest import (
    agent,
    cgroups,
    family,
    interpreters,
    kernel,
    landlock,
    limits,
    preload,
    python_cell,
    sandbox,
    spaces,
    staging,
    walls,
    zygotes,
)
from flowapp.runtimes.guest.limits import Bounds
from flowapp.runtimes.guest.living import Asked, Ends, Job
from flowapp.runtimes.guest.plan import JAIL_TMP, NONE, USER, Plan

_LARGEST_MESSAGE = 1 << 16
_MOST_SLOTS = 256
_COUNT_SECONDS = 2.0
#: other processes of the same user may start while a job runs
_SPARE_TASKS = 64


@dataclass(slots=True)
class Launcher:
    """State of the one launcher of this process."""

    control: socket.socket
    setting: zygotes.Setting
    groups: cgroups.Groups | None
    lifeline: tuple[int, int]
    jobs: dict[int, Job] = field(default_factory=dict)
    leaving: dict[int, Job] = field(default_factory=dict)
    space_maker: spaces.Spaces | None = None
    makers: dict[str, zygotes.Zygote] = field(default_factory=dict)
    asked: dict[int, Asked] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)
    unswept: bool = False
    counted: tuple[float, int] = (float("-inf"), 0)
    free: list[int] = field(default_factory=lambda: list(range(_MOST_SLOTS - 1, -1, -1)))
    poll: select.poll = field(default_factory=select.poll)

    @property
    def plan(self) -> Plan:
        """How jobs are kept apart."""
        return self.setting.plan

    def serve(self) -> None:
        """Answer the server until it closes the control socket."""
        wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _note)
        self.poll.register(self.control, select.POLLIN)
        self.poll.register(wake_read, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in self.poll.poll()}
            if wake_read in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake_read, 4096)
                self._reap()
            for first in ready & self.leaving.keys():
                self._left(first)
            for kind, zygote in list(self.makers.items()):
                if zygote.link.fileno() in ready:
                    self._hear(kind, zygote)
            self._sweep()
            if self.control.fileno() in ready:
                try:
                    packet = self.control.recv(_LARGEST_MESSAGE)
                except ConnectionResetError:
                    return
                if not packet:
                    return
                self._obey(json.loads(packet))

    def end(self) -> None:
        """Kill every job, wait until nothing of them is left, and remove what was made for them."""
        for zygote in self.makers.values():
            zygote.close()
        for job in self.jobs.values():
            self._kill(job)
        for job in self.jobs.values():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(job.pid, 0)
            self._clean(job)
        if self.space_maker is not None:
            self.space_maker.end()
        if self.groups is not None:
            self.groups.remove()

    def _obey(self, message: dict[str, Any]) -> None:
        if message["op"] == "kill":
            job = self.jobs.get(message["id"])
            if job is not None:
                self._kill(job)
        elif not self.free:
            self._tell({"refused": message["id"], "reason": "every place for a job is taken"})
        else:
            try:
                self._spawn(message)
            except OSError as error:
                self._tell({"refused": message["id"], "reason": str(error)})

    def _spawn(self, message: dict[str, Any]) -> None:
        kind = message["kind"]
        maker = self._maker(kind) if zygotes.has_its_own(kind, self.plan) else None
        slot = self.free[-1]
        start = zygotes.Start(
            message["id"], self._place(slot, message.get("shared")), kind, Bounds.of(message, self._neighbours())
        )
        ends = Ends.make()
        try:
            space = self._space()
        except OSError:
            ends.close_job()
            ends.close_server()
            raise
        self.free.pop()
        asked = Asked(start, slot, ends, space)
        try:
            pipes = agent.Pipes(ends.job.fileno(), ends.log_write, self.lifeline[0])
            if maker is not None:
                maker.ask(start, pipes, space)
                self.asked[start.id] = asked
                return
            namespace = None if space is None else space.namespace
            pid = zygotes.fork_job(self.setting.pid_namespace, namespace, kernel.fork_without_hooks)
            if pid == 0:
                self._become_agent(start, pipes)
        except OSError:
            self._give_back(asked)
            raise
        finally:
            ends.close_job()
        self._spawned(asked, pid)

    def _space(self) -> spaces.Space | None:
        """A process namespace for a job, where jobs have one. Raises OSError."""
        own = self.setting.pid_namespace
        if own is None:
            return None
        if self.space_maker is None:
            self.space_maker = spaces.Spaces.make(own)
        return self.space_maker.take()

    def _spawned(self, asked: Asked, pid: int) -> None:
        """A job's process exists: tell the server."""
        start, slot, ends, space = asked.start, asked.slot, asked.ends, asked.space
        try:
            if self.groups is not None:
                # The job exists already: a group that somebody removed must not lose it. Its other limits stand.
                with contextlib.suppress(OSError):
                    self.groups.put(pid, slot, start.bounds.memory_mb)
            first = None if space is None else space.first
            if space is not None:
                os.close(space.namespace)
            self.jobs[start.id] = Job(start.id, slot, pid, first)
            handle = os.pidfd_open(pid) if first is None else os.dup(first)
            self._tell({"spawned": start.id, "pid": pid}, [ends.server.fileno(), ends.log_read, handle])
            os.close(handle)
        finally:
            ends.close_server()

    def _maker(self, kind: str) -> zygotes.Zygote:
        """The zygote of a kind; forked when there is none."""
        if kind not in self.makers:
            zygote = self.makers[kind] = zygotes.make(kind, self.setting, self._let_go)
            self.poll.register(zygote.link, select.POLLIN)
        return self.makers[kind]

    def _hear(self, kind: str, zygote: zygotes.Zygote) -> None:
        answer = zygote.answer()
        if answer is None:
            # It ended, and what it was asked for will not come; the next request makes another one.
            self.poll.unregister(zygote.link)
            zygote.close()
            del self.makers[kind]
            lost = [id_ for id_, asked in self.asked.items() if asked.start.kind == kind]
            for id_ in lost:
                self._refuse(id_, "the process that makes jobs of its kind ended")
        elif "error" in answer:
            self._refuse(answer["id"], answer["error"])
        elif self.ended.pop(answer["pid"], None) is not None:
            self._refuse(answer["id"], "it ended at its start")
        else:
            self._spawned(self.asked.pop(answer["id"]), answer["pid"])

    def _refuse(self, id_: int, reason: str) -> None:
        self._give_back(self.asked.pop(id_))
        self._tell({"refused": id_, "reason": reason})

    def _give_back(self, asked: Asked) -> None:
        """What a job had that was not made."""
        if asked.space is not None:
            spaces.end(asked.space.first)
        asked.close()
        if not self.plan.has_namespaces:
            _remove_tree(f"{self.plan.scaffold}/{asked.slot}")
        self.free.append(asked.slot)

    def _let_go(self) -> None:
        """In a zygote: what belongs to the launcher, or to jobs that others make, is not kept open."""
        self.control.close()
        os.close(self.lifeline[1])
        for other in self.makers.values():
            other.close()
        for asked in self.asked.values():
            asked.close()
        for job in self.jobs.values():
            if job.first is not None:
                os.close(job.first)
        if self.space_maker is not None:
            self.space_maker.close()

    def _become_agent(self, start: zygotes.Start, pipes: agent.Pipes) -> NoReturn:
        """In the child: never come back into the launcher's code, whatever happens."""
        try:
            os.close(self.lifeline[1])
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        finally:
            zygotes.become_agent(self.setting, start, pipes)

    def _neighbours(self) -> int:
        """How many tasks the kernel would count into a job's limit of processes although they are not the job's.

        None where each job has a user, or a user namespace that counts by itself (Linux 5.14).
        """
        if self.plan.first_uid is not None or (self.plan.level == USER and kernel.counts_per_namespace()):
            return 0
        if time.monotonic() - self.counted[0] > _COUNT_SECONDS:
            self.counted = (time.monotonic(), limits.tasks_of_user(os.getuid()) + _SPARE_TASKS)
        return self.counted[1]

    def _place(self, slot: int, shared: str | None) -> sandbox.Place:
        uid = None if self.plan.first_uid is None else self.plan.first_uid + slot
        if self.plan.has_namespaces:
            return sandbox.Place(JAIL_TMP, uid, shared)
        folder = f"{self.plan.scaffold}/{slot}"
        os.mkdir(folder, 0o700)
        if uid is not None:
            os.chown(folder, uid, uid)
        return sandbox.Place(folder, uid, shared)

    def _kill(self, job: Job) -> None:
        if job.first is not None:
            spaces.end(job.first)
            return
        family.end_descendants(job.pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(job.pid, signal.SIGKILL)

    def _reap(self) -> None:
        if not self.asked:
            self.ended.clear()
        by_pid = {job.pid: job for job in self.jobs.values() if not job.reaped}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            job = by_pid.get(pid)
            if job is None and self.asked:
                self.ended[pid] = status  # of a job whose maker has not answered yet, maybe
            if job is not None:
                job.reaped, job.status = True, os.waitstatus_to_exitcode(status)
                self._ended(job)
            if self.space_maker is not None and pid == self.space_maker.pid:
                self.space_maker.close()
                self.space_maker = None

    def _ended(self, job: Job) -> None:
        """The process of a job has ended. What else is left of it goes now."""
        if job.first is None:
            self._clean(job)
            self._gone(job)
        else:
            spaces.end(job.first)
            self.leaving[job.first] = job
            self.poll.register(job.first, select.POLLIN)

    def _left(self, first: int) -> None:
        """Nothing is left in a job's process namespace."""
        job = self.leaving.pop(first)
        self.poll.unregister(first)
        os.close(first)
        self._gone(job)

    def _gone(self, job: Job) -> None:
        del self.jobs[job.id]
        self.free.append(job.slot)
        self._tell({"gone": job.id, "status": job.status})

    def _clean(self, job: Job) -> None:
        """Remove what a job left where no namespace took it along: strays, files, and its user's processes."""
        if self.plan.has_namespaces:
            return
        self.unswept = True
        self._sweep()
        if self.plan.first_uid is not None:
            family.end_all_of_user(self.plan.first_uid + job.slot)
        _remove_tree(f"{self.plan.scaffold}/{job.slot}")

    def _sweep(self) -> None:
        """End what ended jobs have left running. Not while a zygote makes a job: its process is here before it is known."""
        if not self.unswept or self.asked:
            return
        self.unswept = False
        known = {other.pid for other in self.jobs.values()} | {zygote.pid for zygote in self.makers.values()}
        for stray in family.children_of(os.getpid()):
            if stray not in known:
                family.end_descendants(stray)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(stray, signal.SIGKILL)

    def _tell(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        packet = json.dumps(message).encode()
        if descriptors:
            socket.send_fds(self.control, [packet], descriptors)
        else:
            self.control.send(packet)


def _remove_tree(folder: str) -> None:
    import shutil  # only without namespaces; every fork would pay for the libraries that it loads

    shutil.rmtree(folder, ignore_errors=True)


def _note(_number: int, _frame: object) -> None:
    """A handler must exist for the wake-up pipe to be written."""


def main(control_descriptor: int) -> None:
    """Run the launcher on an inherited control socket."""
    kernel.set_name("flowapp-jobs")
    kernel.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=control_descriptor)
    control.set_inheritable(False)
    packet = control.recv(_LARGEST_MESSAGE)
    if not packet:
        return
    plan = interpreters.added_to(Plan.from_json(packet))
    # Looked for first: from inside a user namespace or a jail nothing of it is to be seen.
    groups = cgroups.find() if plan.level != NONE else None
    try:
        plan = staging.staged(plan)
        locks = walls.build(plan, control)
        namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC) if plan.has_namespaces else None
    except OSError as error:
        control.send(json.dumps({"error": str(error)}).encode())
        return
    preload.load(preload.COMMON)
    python_cell.prepare()
    gc.collect()
    gc.freeze()
    python_cell.practise()
    facts = {
        "ok": True,
        "landlock": landlock.abi(),
        "seccomp": locks.seccomp_program is not None,
        "control_group": groups is not None,
    }
    control.send(json.dumps(facts).encode())
    launcher = Launcher(control, zygotes.Setting(plan, locks, namespace), groups, os.pipe2(os.O_CLOEXEC))
    try:
        launcher.serve()
    finally:
        launcher.end()
