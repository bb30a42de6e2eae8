"""Processes that hold an open connection to a database, ready for the next job that needs the very same one.

Such a process is behind the same walls as any other and runs nothing but our own code: the statements run on the
database's server. It serves one job at a time, and only jobs of one key, which its adapter makes of whose jobs they are
and all that the connection is made with. After a job it resets its session and says so; one that does not is ended, as is one
whose job failed, timed out or was canceled, and one that nobody has needed for a while.
"""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass

from flowapp.runtimes.guest import frames
from flowapp.runtimes.launching import Sandbox

_log = logging.getLogger(__name__)
_CHUNK = 1 << 16
_COMING_S = 0.02


@dataclass(frozen=True, slots=True)
class _Idle:
    key: bytes
    sandbox: Sandbox
    timer: asyncio.TimerHandle


class Kept:
    """The idle ones, newest last. `most` bounds all of them, `most_each` those of one key."""

    def __init__(self, *, idle_s: float = 60.0, reset_s: float = 5.0, most: int = 8, most_each: int = 4) -> None:
        self._idle_s = idle_s
        self._reset_s = reset_s
        self._most = most
        self._most_each = most_each
        self._idle: list[_Idle] = []
        self._returning: dict[asyncio.Task[None], bytes] = {}
        self._closed = False

    @property
    def idle(self) -> int:
        """How many wait now."""
        return len(self._idle)

    async def take(self, key: bytes) -> Sandbox | None:
        """One that has this connection open, the caller's from now on; None when there is none.

        Waits a moment for one that is about to come back, which takes less than to connect.
        """
        found = self._newest(key)
        coming = [task for task, other in self._returning.items() if other == key]
        if found is None and coming:
            await asyncio.wait(coming, timeout=_COMING_S, return_when=asyncio.FIRST_COMPLETED)
            found = self._newest(key)
        return found

    def _newest(self, key: bytes) -> Sandbox | None:
        """The one used last: when there is less to do, the others grow old."""
        for one in reversed(self._idle):
            if one.key == key:
                self._remove(one)
                if not one.sandbox.gone.done():
                    return one.sandbox
                one.sandbox.close()
        return None

    def give_back(self, key: bytes, sandbox: Sandbox) -> None:
        """A job with this key has succeeded in it; it is taken again once its session is reset. Returns at once."""
        if self._closed:
            sandbox.close()
            return
        task = asyncio.get_running_loop().create_task(self._return(key, sandbox))
        self._returning[task] = key
        task.add_done_callback(self._returning.pop)

    async def _return(self, key: bytes, sandbox: Sandbox) -> None:
        try:
            async with asyncio.timeout(self._reset_s):
                is_kept = await _says_kept(sandbox)
        except BaseException as error:
            sandbox.close()
            if isinstance(error, (OSError, TimeoutError)):
                _log.info("a connection that %s cells used was not reset (%s)", sandbox.kind, type(error).__name__)
                return
            raise
        if not is_kept or self._closed:
            sandbox.close()
            return
        _throw_away(sandbox.log)
        loop = asyncio.get_running_loop()
        one = _Idle(key, sandbox, loop.call_later(self._idle_s, self._grow_old, sandbox))
        self._idle.append(one)
        of_key = [other for other in self._idle if other.key == key]
        if len(of_key) > self._most_each:
            self._drop(of_key[0])
        elif len(self._idle) > self._most:
            self._drop(self._idle[0])

    def _grow_old(self, sandbox: Sandbox) -> None:
        for one in [one for one in self._idle if one.sandbox is sandbox]:
            self._drop(one)

    def _drop(self, one: _Idle) -> None:
        self._remove(one)
        one.sandbox.close()

    def _remove(self, one: _Idle) -> None:
        self._idle.remove(one)
        one.timer.cancel()

    def drop_all(self) -> None:
        """End the idle ones."""
        for one in list(self._idle):
            self._drop(one)

    async def close(self) -> None:
        """End all of them, for good."""
        self._closed = True
        for task in list(self._returning):
            task.cancel()
        await asyncio.gather(*self._returning, return_exceptions=True)
        self.drop_all()


async def _says_kept(sandbox: Sandbox) -> bool:
    """Whether the process says that it is ready for another job; False when it ends or says anything else."""
    head = b""
    while len(head) < frames.FRAME_HEAD.size:
        loop = asyncio.get_running_loop()
        piece = await loop.sock_recv(sandbox.channel, frames.FRAME_HEAD.size - len(head))
        if not piece:
            return False
        head += piece
    return head == frames.frame(frames.KEPT)


def _throw_away(log: int) -> None:
    """What is still in the log belongs to nobody: the next job must not find it in its own."""
    try:
        while os.read(log, _CHUNK):
            continue
    except OSError:
        return
