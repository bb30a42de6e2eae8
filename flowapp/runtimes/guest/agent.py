"""A job's process: builds the walls around itself, then runs the cell.

Where a process namespace takes in what the job leaves behind (see `spaces`), that is all. Elsewhere, and where the language is a
program of its own (Deno, Bun), it stays outside of user code: it starts the language, holds the job's channel, waits for the end,
and ends what descends from it.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from dataclasses import dataclass
from typing import NoReturn

from flowapp.runtimes.guest import editing_cell, frames, kernel, python_cell, sandbox, typescript_cell
from flowapp.runtimes.guest.family import end_descendants
from flowapp.runtimes.guest.limits import Bounds
from flowapp.runtimes.guest.plan import Plan

_CHANNEL = 3
_LIFELINE = 4
_FIRST_FREE = 5


@dataclass(frozen=True, slots=True)
class Pipes:
    """The descriptors that the launcher made for one job."""

    channel: int
    log: int
    lifeline: int


def run(plan: Plan, place: sandbox.Place, locks: sandbox.Locks, pipes: Pipes, kind: str, bounds: Bounds) -> NoReturn:
    """Be the agent of one job of `kind` ("script", "deno", "bun" or a database). Never returns."""
    status = 70
    try:
        channel = _settle(pipes)
        try:
            if place.uid is not None:
                os.fchown(1, place.uid, place.uid)
            sandbox.enter(plan, place, locks)
            bounds.apply(kind)
            _end_if_launcher_is_gone()
        except OSError as error:
            frames.send(channel, frames.BROKEN, str(error).encode())
            os._exit(71)
        if not plan.has_namespaces:
            kernel.adopt_orphans()
        status = _serve(plan, place, channel, kind, bounds)
        if not plan.has_namespaces:
            end_descendants(os.getpid())
        with contextlib.suppress(OSError):
            frames.send(channel, frames.DIED, str(status).encode())
    finally:
        os._exit(status & 0xFF)


def _settle(pipes: Pipes) -> socket.socket:
    """Bring the descriptors to fixed numbers and close all that belongs to the launcher or to other jobs."""
    null = os.open("/dev/null", os.O_RDWR)
    # Duplicated upwards first: a number to be filled might be one that is still needed.
    high = [os.dup(descriptor) for descriptor in (null, pipes.log, pipes.channel, pipes.lifeline)]
    floor = max(high)
    spare = [_dup_above(descriptor, floor) for descriptor in high]
    for target, descriptor in ((0, spare[0]), (1, spare[1]), (2, spare[1])):
        os.dup2(descriptor, target, inheritable=True)
    os.dup2(spare[2], _CHANNEL, inheritable=False)
    os.dup2(spare[3], _LIFELINE, inheritable=False)
    os.closerange(_FIRST_FREE, 65536)
    os.setsid()
    return socket.socket(fileno=_CHANNEL)


def _dup_above(descriptor: int, floor: int) -> int:
    copy = os.dup(descriptor)
    return copy if copy > floor else _dup_above(copy, floor)


def _end_if_launcher_is_gone() -> None:
    """The parent may have ended before the kernel was asked to tell us: the lifeline pipe then has no writer."""
    poll = select.poll()
    poll.register(_LIFELINE, 0)
    if poll.poll(0):
        os._exit(72)
    os.close(_LIFELINE)


def _serve(plan: Plan, place: sandbox.Place, channel: socket.socket, kind: str, bounds: Bounds) -> int:
    """Be the language's idle process, or start it and wait for its end; answers the exit status (negative: signal)."""
    kernel.set_dumpable(False)
    if kind in ("deno", "bun"):
        return typescript_cell.serve(plan, place, channel, kind, bounds.memory_mb)
    if plan.has_namespaces and kernel.thread_id_place():
        kernel.after_fork()
        _be_the_cell(plan, place, channel, kind)
    child = os.fork()
    if child == 0:
        kernel.die_with_parent()
        _be_the_cell(plan, place, channel, kind)
    for descriptor in (1, 2):
        os.close(descriptor)
    return wait_for(child)


def _be_the_cell(plan: Plan, place: sandbox.Place, channel: socket.socket, kind: str) -> NoReturn:
    kernel.set_dumpable(True)
    editing_cell.deno = plan.deno or ""
    python_cell.serve(place, channel, kind, plan.drivers)


def wait_for(child: int) -> int:
    """Reap orphans until `child` ends; its status, negative for a signal."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return os.waitstatus_to_exitcode(status)
