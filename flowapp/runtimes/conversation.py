"""One job's conversation with its process: hands over the job, streams its log, takes its one answer.

Everything happens in callbacks of the event loop; nothing here waits, and nothing here trusts what the job sends.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from flowapp.runtimes.errors import ResultRefused
from flowapp.runtimes.executables import Executable
from flowapp.runtimes.guest import frames
from flowapp.runtimes.large import Broken, InParts
from flowapp.runtimes.launching import Sandbox

_log = logging.getLogger(__name__)
_CHUNK = 1 << 16
_TAIL = 4096
#: after the answer, at most this much of what lies in the log pipe is still taken
_LAST_DRAIN = 1 << 20
_LARGEST_ERROR = 1 << 20
_STEPS_PER_CALL = 16
_ANSWERS = frames.READY + frames.RESULT + frames.ERROR + frames.DIED + frames.BROKEN
_RESULTS = frames.RESULT + frames.ITEMS + frames.FILE
#: without a body
_BARE = frames.READY + frames.LIST + frames.LIST_END

TIMED_OUT = b"t"
CANCELED = b"c"
FORGED = b"f"
#: body: why the result cannot be kept
REFUSED = b"r"
#: the result came in parts, and is stored; body: what stands for it
STORED = b"s"
ENDED = b"e"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a conversation ended: a frame kind of `frames`, or one of the kinds of this module, with its body."""

    kind: bytes
    body: bytes = b""


class Conversation:
    """Hands one job to one sandbox. `answer` is done when the job is over; `close` must be called in any case, or `release`."""

    def __init__(
        self,
        sandbox: Sandbox,
        on_log: Callable[[str], None],
        output_bytes: int,
        result_bytes: int,
        last: bool = True,
        large: InParts | None = None,
    ) -> None:
        """`last`: the process will get no other job. `large` takes what comes in parts, where that may be."""
        self._loop = asyncio.get_running_loop()
        self._sandbox = sandbox
        self._result_bytes = result_bytes
        self._last = last
        self._large = large
        self._storing: asyncio.Task[None] | None = None
        self.answer: asyncio.Future[Answer] = self._loop.create_future()
        self.log = LogReader(on_log, output_bytes)
        self._unsent: list[memoryview] = []
        self._program: Executable | None = None
        self._head = bytearray()
        self._body: bytearray | None = None
        self._kind = b""
        self._filled = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(
        self, header: bytes, code: bytes, args: bytes, timeout_s: float, program: Executable | None = None
    ) -> None:
        """Send the job and listen. `program` goes along as a descriptor."""
        head = frames.JOB_HEAD.pack(len(header), len(code), len(args)) + header
        self._unsent = [memoryview(part) for part in (head, code, args) if part]
        self._program = program
        self._loop.add_reader(self._sandbox.channel.fileno(), self._on_channel)
        self._loop.add_reader(self._sandbox.log, self._on_log)
        self._timer = self._loop.call_later(timeout_s, self.stop, Answer(TIMED_OUT))
        self._send()

    def stop(self, answer: Answer) -> None:
        """End the job from outside."""
        self._sandbox.stop()
        self._finish(answer)

    def close(self) -> None:
        """Stop listening and let go of the sandbox."""
        self.release()
        self._sandbox.close()

    @property
    def has_parts(self) -> bool:
        """Whether a part of a result came: `forget` must be called then."""
        return self._storing is not None or (self._large is not None and self._large.begun)

    async def forget(self) -> None:
        """After `close` or `release`: wait for what is being stored, and forget a result that has no end."""
        if self._storing is not None:
            await asyncio.wait([self._storing])
        if self._large is not None:
            answer = self.answer
            told = answer.done() and not answer.cancelled() and answer.exception() is None
            await self._large.close(told and answer.result().kind == STORED)

    def release(self) -> None:
        """Stop listening; the sandbox is somebody else's from now on."""
        if self._timer is not None:
            self._timer.cancel()
        if self._sandbox.channel.fileno() >= 0:
            self._loop.remove_writer(self._sandbox.channel.fileno())
            self._loop.remove_reader(self._sandbox.channel.fileno())
            self._loop.remove_reader(self._sandbox.log)

    def _send(self) -> None:
        channel = self._sandbox.channel
        try:
            while self._unsent:
                sent = channel.sendmsg(self._unsent, self._beside())
                self._program = None
                while self._unsent and sent >= len(self._unsent[0]):
                    sent -= len(self._unsent.pop(0))
                if sent:
                    self._unsent[0] = self._unsent[0][sent:]
        except BlockingIOError:
            self._loop.add_writer(channel.fileno(), self._send)
            return
        except OSError:
            # Its end is noticed where it is read.
            self._unsent = []
        self._loop.remove_writer(channel.fileno())
        if self._last:
            with contextlib.suppress(OSError):
                channel.shutdown(socket.SHUT_WR)

    def _beside(self) -> list[tuple[int, int, bytes]]:
        """What goes along with the first byte."""
        if self._program is None:
            return []
        return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", self._program.descriptor))]

    def _on_log(self) -> None:
        if not self.log.read(self._sandbox.log):
            self._loop.remove_reader(self._sandbox.log)

    def _on_channel(self) -> None:
        try:
            for _ in range(_STEPS_PER_CALL):
                if self.answer.done() or self._storing is not None or not self._step():
                    return
        except BlockingIOError:
            return
        except OSError:
            self._finish(Answer(ENDED))

    def _step(self) -> bool:
        """Take what is there of the present frame; False when there will be no more."""
        channel = self._sandbox.channel
        if self._body is None:
            data = channel.recv(frames.FRAME_HEAD.size - len(self._head))
            if not data:
                self._finish(Answer(ENDED))
                return False
            self._head += data
            return self._open_frame() if len(self._head) == frames.FRAME_HEAD.size else True
        count = channel.recv_into(memoryview(self._body)[self._filled :])
        if count == 0:
            self._finish(Answer(ENDED))
            return False
        self._filled += count
        if self._filled == len(self._body):
            return self._end_frame()
        return True

    def _open_frame(self) -> bool:
        self._kind, length = frames.FRAME_HEAD.unpack(self._head)
        self._head.clear()
        known = _ANSWERS if self._large is None else _ANSWERS + self._large.kinds
        most = self._result_bytes if self._kind in _RESULTS else 0 if self._kind in _BARE else _LARGEST_ERROR
        if self._kind not in known or length > most:
            self.stop(Answer(FORGED))
            return False
        self._body = bytearray(length)
        self._filled = 0
        return self._end_frame() if length == 0 else True

    def _end_frame(self) -> bool:
        body, self._body = bytes(self._body or b""), None
        if self._kind == frames.READY:
            return True
        if self._large is not None and self._kind in self._large.kinds:
            self._store(self._large.take(self._kind, body))
            return False
        if self._large is not None and self._kind == frames.RESULT and self._large.begun:
            self._store(self._end_large(self._large))
            return False
        self._finish(Answer(self._kind, body))
        return False

    async def _end_large(self, large: InParts) -> None:
        self._finish(Answer(STORED, (await large.finish()).encode()))

    def _store(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something with a part; until it is done nothing more is read, so that the job waits when it is faster."""
        self._loop.remove_reader(self._sandbox.channel.fileno())
        self._storing = self._loop.create_task(self._stored(work))

    async def _stored(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Broken:
            self.stop(Answer(FORGED))
        except ResultRefused as error:
            self.stop(Answer(REFUSED, error.message.encode()))
        except OSError as error:
            self.stop(Answer(REFUSED, f"The result could not be stored: {error.strerror or error}.".encode()))
        except Exception as error:
            # It says nothing of the job: the database may be away. Whoever waits for the job decides what that means.
            self._sandbox.stop()
            self._finish(error)
        finally:
            self._storing = None
        if not self.answer.done():
            self._loop.add_reader(self._sandbox.channel.fileno(), self._on_channel)

    def _finish(self, answer: Answer | Exception) -> None:
        if self.answer.done():
            return
        self._loop.remove_reader(self._sandbox.channel.fileno())
        self._loop.remove_reader(self._sandbox.log)
        self.log.drain(self._sandbox.log)
        if isinstance(answer, Answer):
            self.answer.set_result(answer)
        else:
            self.answer.set_exception(answer)


class LogReader:
    """Reads a job's output as it comes, cuts it at a limit, and keeps its end for error messages.

    Past the limit the output is read and thrown away, so that the job neither stops nor fills the server's memory.
    """

    def __init__(self, on_log: Callable[[str], None], limit: int) -> None:
        self._on_log = on_log
        self._left = limit
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = b""
        self.truncated = False

    @property
    def tail(self) -> str:
        """The end of the output, about the last 4 KB."""
        return self._tail.decode("utf-8", "replace")

    def read(self, descriptor: int) -> int:
        """Take one chunk; the number of bytes that came, 0 at the end or when there is nothing now."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return -1
        except OSError:
            return 0
        if data:
            self._take(data)
        return len(data)

    def drain(self, descriptor: int) -> None:
        """Take what lies in the pipe, without waiting and without an end being there."""
        total = 0
        while total < _LAST_DRAIN and (count := self.read(descriptor)) > 0:
            total += count
        self._emit(self._decoder.decode(b"", final=True))

    def _take(self, data: bytes) -> None:
        self._tail = (self._tail + data[-_TAIL:])[-_TAIL:]
        if self.truncated:
            return
        if len(data) <= self._left:
            self._left -= len(data)
            self._emit(self._decoder.decode(data))
            return
        self.truncated = True
        self._emit(self._decoder.decode(data[: self._left], final=True))
        self._emit(f"\n… output cut here: at most {self._limit / 1e6:.1f} MB are kept. The step goes on.\n")

    def _emit(self, text: str) -> None:
        if not text:
            return
        try:
            self._on_log(text)
        except Exception:
            # What listens to a log must not decide whether the job is ever answered.
            _log.exception("a listener of a job's log failed")
