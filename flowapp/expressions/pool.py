"""The evaluating processes: started by exec, handed one batch at a time, killed when they take too long.

The time limit inside a process does not stop everything (a native call may never look at it), so the parent's clock and
SIGKILL are what counts. A killed process is replaced at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowapp.expressions.errors import EvaluatorUnavailable, WorkerDied, WorkerTooSlow

log = logging.getLogger(__name__)
LENGTHS = struct.Struct("<IQ")
START_SECONDS = 20.0
LARGEST_ANSWER = 512 << 20
USER_ID = 64_120
"""The evaluating processes' own user when the server runs as root: no file belongs to it, nobody else runs as it."""
_PROGRAM = Path(__file__).with_name("worker.py")


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` of wall clock for a batch; `memory_mb` for its JavaScript values; processes kept and at most."""

    seconds: float = 10.0
    memory_mb: int = 256
    kept: int = 2
    most: int = 6


class Process(asyncio.Protocol):
    """One evaluating process and the socket to it."""

    def __init__(self) -> None:
        self.mechanisms: list[str] = []
        self._received = bytearray()
        self._answer: asyncio.Future[tuple[dict[str, Any], memoryview]] | None = None
        self._link: asyncio.Transport | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, memory_mb: int) -> None:
        """Start it, and wait until it has given up its rights and proved that it can evaluate.

        Raises:
            WorkerDied, WorkerTooSlow: it cannot.
        """
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        try:
            self._process = _execute(theirs, memory_mb)
        finally:
            theirs.close()
        await loop.create_connection(lambda: self, sock=ours)
        self._answer = loop.create_future()
        header, _ = await self._within(START_SECONDS, self._answer)
        self.mechanisms = list(header["mechanisms"])

    async def ask(self, header: bytes, texts: Sequence[bytes], seconds: float) -> tuple[dict[str, Any], memoryview]:
        """Send one batch and wait for its answer. After any exception the process is to be killed.

        Raises:
            WorkerDied: it ended.
            WorkerTooSlow: no answer within `seconds`.
        """
        if self._link is None or self._link.is_closing():
            raise WorkerDied("The evaluating process ended")
        self._answer = asyncio.get_running_loop().create_future()
        self._link.write(b"".join((LENGTHS.pack(len(header), sum(map(len, texts))), header, *texts)))
        return await self._within(seconds, self._answer)

    async def _within(
        self, seconds: float, answer: asyncio.Future[tuple[dict[str, Any], memoryview]]
    ) -> tuple[dict[str, Any], memoryview]:
        def give_up() -> None:
            if not answer.done():
                answer.set_exception(WorkerTooSlow("The evaluating process did not answer in time"))

        timer = asyncio.get_running_loop().call_later(seconds, give_up)
        try:
            return await answer
        finally:
            timer.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        assert isinstance(transport, asyncio.Transport)
        self._link = transport

    def data_received(self, data: bytes) -> None:
        """Called by the event loop: complete the frame that is being waited for."""
        received = self._received
        received += data
        if len(received) < LENGTHS.size:
            return
        header_length, texts_length = LENGTHS.unpack_from(received)
        end = LENGTHS.size + header_length
        if end + texts_length > LARGEST_ANSWER:
            self._end("The answer of the evaluating process is too large")
        elif len(received) >= end + texts_length and self._answer is not None and not self._answer.done():
            self._received = bytearray()
            self._answer.set_result((json.loads(received[LENGTHS.size : end]), memoryview(received)[end:]))

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the event loop: the process is gone."""
        self._end("The evaluating process ended")

    def _end(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WorkerDied(why))

    def kill(self) -> None:
        """End the process at once."""
        if self._link is not None:
            self._link.abort()
        if self._process is not None:
            self._process.kill()

    def gone(self) -> bool:
        """Whether the (killed) process has ended and been waited for."""
        return self._process is None or self._process.poll() is not None

    def wait(self) -> None:
        """Wait for a killed process: a matter of milliseconds."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)


def _execute(link: socket.socket, memory_mb: int) -> subprocess.Popen[bytes]:
    """Start the program by exec, with nothing of ours but one end of a socket."""
    uid = USER_ID if os.getuid() == 0 else -1
    return subprocess.Popen(
        [sys.executable, "-I", str(_PROGRAM), str(link.fileno()), str(uid), str(memory_mb << 20), str(os.getpid())],
        pass_fds=[link.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={},
        close_fds=True,
    )


class Pool:
    """Evaluating processes, started ahead up to `kept`, more under load up to `most`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: deque[Process] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._count = 0
        self._killed: list[Process] = []
        self._busy: set[Process] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False
        self.mechanisms: list[str] = []

    async def start(self) -> None:
        """Start the processes that are kept.

        Raises:
            EvaluatorUnavailable: they do not come up here.
        """
        self._count += self._limits.kept
        try:
            self._idle.extend(await asyncio.gather(*[self._spawn() for _ in range(self._limits.kept)]))
        except (WorkerDied, WorkerTooSlow, OSError) as error:
            self.kill_all()
            raise EvaluatorUnavailable(f"Expressions cannot be evaluated on this machine: {error}") from None

    async def take(self) -> Process:
        """A process for one batch; give it back with `give` or `drop`.

        Raises:
            EvaluatorUnavailable: the pool is closed, or a process could not be started.
        """
        while not self._closed:
            if self._idle:
                # the one that has been idle longest: the last one may still be making its next context
                process = self._idle.popleft()
                self._busy.add(process)
                return process
            if self._count < self._limits.most:
                self._count += 1
                try:
                    process = await self._spawn()
                except BaseException as error:
                    self._count -= 1
                    self._wake()
                    if isinstance(error, (WorkerDied, WorkerTooSlow, OSError)):
                        raise EvaluatorUnavailable(f"No evaluating process could be started: {error}") from None
                    raise
                self._busy.add(process)
                return process
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            try:
                await future
            except asyncio.CancelledError:
                # it may have been this waiter's turn already: the next one has it now
                self._wake()
                raise
        raise EvaluatorUnavailable("The server is stopping")

    def give(self, process: Process) -> None:
        """Give a healthy process back."""
        self._busy.discard(process)
        self._idle.append(process)
        self._wake()

    def drop(self, process: Process) -> None:
        """Kill a process and start another in its place if the pool got small."""
        self._busy.discard(process)
        self._kill(process)
        self._count -= 1
        self._killed = [killed for killed in self._killed if not killed.gone()]
        if self._count < self._limits.kept and not self._closed:
            self._count += 1
            task = asyncio.get_running_loop().create_task(self._replace())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)
        else:
            self._wake()

    async def close(self) -> None:
        """Kill every process, whatever it is doing."""
        self._closed = True
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        self.kill_all()
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def kill_all(self) -> None:
        """Kill the processes of this pool and wait for them."""
        for process in (*self._idle, *self._busy):
            self._kill(process)
        self._idle, self._busy = deque(), set()
        for process in self._killed:
            process.wait()
        self._killed = []

    def _kill(self, process: Process) -> None:
        process.kill()
        self._killed.append(process)

    async def _spawn(self) -> Process:
        process = Process()
        try:
            await process.start(self._limits.memory_mb)
        except BaseException:
            self._kill(process)
            raise
        self.mechanisms = process.mechanisms
        return process

    async def _replace(self) -> None:
        try:
            self._idle.append(await self._spawn())
        except (WorkerDied, WorkerTooSlow, OSError) as error:
            log.error("an evaluating process could not be replaced: %s", error)
            self._count -= 1
        finally:
            self._wake()

    def _wake(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
