"""Copies of the launcher that fork jobs, each those of its kind, made when the first one is asked for.

A fork costs by what the forking process holds: with all that some jobs want, every job would pay twice for it. Therefore kinds whose
imports are dear have their own. And whoever has forked copies every page that it writes to next: some 260 in the launcher, which
keeps the books of all jobs. Therefore the commonest kind has one too, which does nothing between two forks. A zygote forks
jobs as children of the launcher, which goes on to watch them; it runs no user code, and ends with the launcher.

Both sides speak over one socket: the id and `{"id", "place", "kind", "bounds"}`, which is read by the job, with the job's descriptors
(channel, log, lifeline, process namespace) one way, `_ANSWER` back, followed by the error when the pid is 0.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from flowapp.runtimes.guest import agent, kernel, preload, python_cell, sandbox, spaces, sql_cell
from flowapp.runtimes.guest.limits import Bounds
from flowapp.runtimes.guest.plan import CLIENT, SCRIPT, Plan

_LARGEST_MESSAGE = 1 << 16
_ID = struct.Struct("q")
#: id and pid
_ANSWER = struct.Struct("qi")
_DESCRIPTOR = struct.Struct("i")
_MOST_DESCRIPTORS = 4


@dataclass(frozen=True, slots=True)
class Setting:
    """What all jobs of a launcher have in common."""

    plan: Plan
    locks: sandbox.Locks
    pid_namespace: int | None


@dataclass(frozen=True, slots=True)
class Start:
    """What one job is made with."""

    id: int
    place: sandbox.Place
    kind: str
    bounds: Bounds

    def to_json(self) -> bytes:
        """As one packet."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Start:
        """What `to_json` wrote."""
        data = json.loads(text)
        return cls(data["id"], sandbox.Place(**data["place"]), data["kind"], Bounds(**data["bounds"]))


@dataclass(frozen=True, slots=True)
class Zygote:
    """The launcher's end of one."""

    pid: int
    link: socket.socket

    def ask(self, start: Start, pipes: agent.Pipes, space: spaces.Space | None) -> None:
        """Have a job made, in that process namespace. Raises OSError when the zygote is gone."""
        descriptors = [pipes.channel, pipes.log, pipes.lifeline, *([space.namespace] if space else [])]
        socket.send_fds(self.link, [_ID.pack(start.id), start.to_json()], descriptors)

    def answer(self) -> dict[str, Any] | None:
        """Its next answer; None when it has ended."""
        with contextlib.suppress(OSError):
            packet = self.link.recv(_LARGEST_MESSAGE)
            if packet:
                id_, pid = _ANSWER.unpack_from(packet)
                return {"id": id_, "pid": pid} if pid else {"id": id_, "error": packet[_ANSWER.size :].decode()}
        return None

    def close(self) -> None:
        """Let it end."""
        self.link.close()


def has_its_own(kind: str, plan: Plan) -> bool:
    """Whether jobs of a kind are forked by a zygote of that kind.

    The commonest only where namespaces end what a job has left running: elsewhere the launcher does, in between two jobs being made.
    """
    return kind == CLIENT or kind in sql_cell.MODULES or (kind == SCRIPT and plan.has_namespaces)


def make(kind: str, setting: Setting, let_go: Callable[[], None]) -> Zygote:
    """Fork one; it loads what it needs while the launcher goes on. `let_go` closes what belongs to the launcher."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            let_go()
            _live(kind, setting, theirs)
        finally:
            os._exit(70)
    theirs.close()
    return Zygote(pid, ours)


def _live(kind: str, setting: Setting, link: socket.socket) -> NoReturn:
    kernel.set_name(f"flowapp-{kind}")
    kernel.die_with_parent()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _load(kind, setting.plan)
    gc.collect()
    gc.freeze()
    python_cell.practise()
    # What this loop does is paid with copied pages by each job: it reads into one buffer, and what is there is the job's to read.
    buffer = bytearray(_LARGEST_MESSAGE)
    room = socket.CMSG_SPACE(_MOST_DESCRIPTORS * _DESCRIPTOR.size)
    while True:
        length, beside, _, _ = link.recvmsg_into([buffer], room, socket.MSG_CMSG_CLOEXEC)
        if not length:
            os._exit(0)
        descriptors = [number for (number,) in _DESCRIPTOR.iter_unpack(beside[0][2])]
        told = b""
        try:
            pid = _sibling(setting, memoryview(buffer)[_ID.size : length], link, descriptors)
        except OSError as error:
            pid, told = 0, str(error).encode()
        for descriptor in descriptors:
            os.close(descriptor)
        link.send(_ANSWER.pack(*_ID.unpack_from(buffer), pid) + told)


def _load(kind: str, plan: Plan) -> None:
    if kind == SCRIPT:
        return
    if kind == CLIENT:
        preload.load(preload.CLIENT)
        return
    # What cannot be imported is told by the job itself.
    with contextlib.suppress(ImportError):
        sql_cell.load(kind, plan.drivers)


def _sibling(setting: Setting, start: memoryview, link: socket.socket, descriptors: list[int]) -> int:
    pipes, namespace = descriptors[:3], next(iter(descriptors[3:]), None)
    pid = fork_job(setting.pid_namespace, namespace, kernel.fork_sibling)
    if pid == 0:
        try:
            link.close()
            become_agent(setting, Start.from_json(bytes(start)), agent.Pipes(*pipes))
        finally:
            os._exit(70)
    return pid


def fork_job(own: int | None, namespace: int | None, fork: Callable[[], int]) -> int:
    """Fork; the child is in the process `namespace`, if there is one, and we stay in our `own`."""
    if own is None or namespace is None:
        return fork()
    return spaces.fork_into(own, namespace, fork)


def become_agent(setting: Setting, start: Start, pipes: agent.Pipes) -> NoReturn:
    """In the child: never come back into the code of the launcher or a zygote, whatever happens."""
    try:
        kernel.set_name("flowapp-job")
        agent.run(setting.plan, start.place, setting.locks, pipes, start.kind, start.bounds)
    finally:
        os._exit(70)
