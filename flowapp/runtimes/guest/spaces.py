"""Process namespaces for jobs, made ahead of time by a process that does nothing else.

The first process of a process namespace takes in its orphans, and everything in the namespace ends with it. It needs no memory of
its own: here it is a clone that shares its maker's, and waits in the C library for a signal that never comes. A process of Python
in its place costs a fork, some 500 copied pages and its end: a quarter of what the kernel does for a trivial job.

The maker is itself the first process of a namespace, in which all the others nest: whatever ends it ends them, and it ends with the
launcher. It ignores the ends of its children, and so do they after it: orphans are reaped by the kernel.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from flowapp.runtimes.guest import kernel

_AHEAD = 2
_MADE = b"."
_LARGEST_ERROR = 1 << 10
#: a maker that somebody has stopped must not stop the launcher with it
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace: the descriptor to enter it by, and that of its first process, whose end is the end of everything in it."""

    namespace: int
    first: int

    def close(self) -> None:
        """Let go of the descriptors."""
        os.close(self.namespace)
        os.close(self.first)


@dataclass(slots=True)
class Spaces:
    """The launcher's end of the maker. `own` is the launcher's own process namespace."""

    own: int
    pid: int
    link: socket.socket

    @classmethod
    def make(cls, own: int) -> Spaces:
        """Fork the maker. Raises OSError when the kernel refuses."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_PATIENCE_S)
        kernel.unshare(kernel.CLONE_NEWPID)
        pid = _forked(own, kernel.fork_without_hooks)
        if pid == 0:
            _live(theirs)
        theirs.close()
        return cls(own, pid, ours)

    def take(self) -> Space:
        """One that is ready; the maker begins with another. Raises OSError when it cannot.

        What it says of a failure is of one that was made ahead: another one may have gone well.
        """
        told = ""
        for _ in range(_AHEAD + 1):
            self.link.send(_MADE)
            packet, descriptors, _, _ = socket.recv_fds(self.link, _LARGEST_ERROR, 2)
            if len(descriptors) == 2:
                return Space(*descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            told = packet.decode()
            if not packet:
                break
        raise OSError(errno.EAGAIN, f"no process namespace could be made: {told or 'its maker ended'}")

    def close(self) -> None:
        """Let go of the maker."""
        self.link.close()

    def end(self) -> None:
        """Kill the maker, and with it every process in every namespace that it made.

        It is gone only when everything in them is reaped, and all that was forked into them is ours to reap.
        """
        self.link.close()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            while os.waitpid(-1, 0)[0] != self.pid:
                pass


def end(first: int) -> None:
    """Kill all that is in a namespace; the descriptor of its first process can be read when nothing is left."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(first, signal.SIGKILL)


def _forked(own: int, fork: Callable[[], int]) -> int:
    """Fork into the namespace that was chosen for children; we stay in our own."""
    pid = -1
    try:
        pid = fork()
    finally:
        if pid != 0:
            kernel.setns(own, kernel.CLONE_NEWPID)
    return pid


def fork_into(own: int, namespace: int, fork: Callable[[], int]) -> int:
    """The child is in a namespace that has its first process; we stay in our own."""
    kernel.setns(namespace, kernel.CLONE_NEWPID)
    return _forked(own, fork)


def _live(link: socket.socket) -> NoReturn:
    """The maker: as many ahead as `_AHEAD`, then one for each one taken."""
    try:
        kernel.set_name("flowapp-spaces")
        kernel.die_with_parent()
        # whoever shares this memory is first in a job's namespace, and nobody there may look into it
        kernel.set_dumpable(False)
        _close_all_but(link)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        for _ in range(_AHEAD):
            _send(link, own)
        while link.recv(1):
            _send(link, own)
    finally:
        os._exit(0)


def _close_all_but(link: socket.socket) -> None:
    kept = link.fileno()
    os.closerange(3, kept)
    os.closerange(kept + 1, 65536)


def _send(link: socket.socket, own: int) -> None:
    try:
        space = _made(own)
    except OSError as error:
        link.send(str(error).encode()[:_LARGEST_ERROR])
        return
    socket.send_fds(link, [_MADE], [space.namespace, space.first])
    space.close()


def _made(own: int) -> Space:
    first = 0
    kernel.unshare(kernel.CLONE_NEWPID)
    try:
        first = kernel.clone_that_waits()
        # before its first process is there, this file cannot be opened
        namespace = os.open("/proc/self/ns/pid_for_children", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return Space(namespace, os.pidfd_open(first))
        except OSError:
            os.close(namespace)
            raise
    except OSError:
        if first:
            os.kill(first, signal.SIGKILL)
        raise
    finally:
        kernel.setns(own, kernel.CLONE_NEWPID)
