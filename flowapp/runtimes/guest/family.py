"""Ending a process with everything that descends from it, where no process namespace does that for us.

Orphans go to the nearest ancestor that adopts them (the agent, then the launcher), so that a daemon that left its
session and its parents is still found here.
"""

from __future__ import annotations

import contextlib
import os
import signal

_ROUNDS = 200


def children_of(pid: int) -> list[int]:
    """The direct children of a process, over all its threads."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:
                found += [int(child) for child in file.read().split()]
    return found


def descendants_of(pid: int) -> list[int]:
    """Everything below a process, parents first."""
    found: list[int] = []
    open_ends = [pid]
    while open_ends:
        below = children_of(open_ends.pop())
        found += below
        open_ends += below
    return found


def end_descendants(pid: int) -> None:
    """Stop, then kill everything below a process; returns when nothing that runs is left.

    Stopping first keeps a fork bomb from growing while it is being counted.
    """
    stopped: set[int] = set()
    for _ in range(_ROUNDS):
        fresh = [child for child in descendants_of(pid) if child not in stopped]
        if not fresh:
            break
        _signal_all(fresh, signal.SIGSTOP)
        stopped.update(fresh)
    _signal_all(sorted(stopped), signal.SIGKILL)


def _signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_all_of_user(uid: int) -> None:
    """Kill every process of a user id that belongs to this one job."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
