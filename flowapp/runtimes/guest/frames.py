"""The one protocol between the server and a job, over a stream socket that belongs to this job alone.

Server → job, once: three lengths (header, code, args), then the three texts; then the sending side is shut.
Job → server: frames of one letter, a length and a body. The first answer (`RESULT` or `ERROR`) ends the job. A result that is
too large to be held comes before it in parts (`parts.py`), and so does a file of rows (`sql_files.py`); the body of `RESULT` is empty then.
A process that keeps its connection to a database says `KEPT` after a result, and takes the next job like the first; its
sending side is not shut.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass
from typing import Any

#: isolation is in place and a job may be sent
READY = b"R"
#: body: how many KB of memory are the process's own, as text, after it has loaded packages ahead of its job
LOADED = b"L"
#: body: the result as JSON text; empty after parts
RESULT = b"O"
#: how the result of a workflow as code begins that has ended: what follows, up to a last brace, is what the script gave
COMPLETE = '{"type":"complete","result":'
#: a part of a result: a list begins
LIST = b"["
#: a part of a result; body: the next values of the list that began last, JSON text with commas between
ITEMS = b"I"
#: a part of a result: the list that began last is over
LIST_END = b"]"
#: a part of a file that is made of rows; body: its next bytes
FILE = b"F"
#: body: the error as a JSON object
ERROR = b"X"
#: after a result: nothing of the job is left in the session, and another one may be sent
KEPT = b"K"
#: body: the exit status of a script that ended without an answer, as text; negative = signal
DIED = b"D"
#: body: why the sandbox could not be set up, as text
BROKEN = b"S"

FRAME_HEAD = struct.Struct(">cI")
JOB_HEAD = struct.Struct(">III")
_DESCRIPTOR = struct.Struct("i")


@dataclass(frozen=True, slots=True)
class JobText:
    """A job as it arrives. `header` is small and parsed; code and args are still text.

    `program` is the descriptor of what is to run, where that was built before and came beside the texts.
    """

    header: dict[str, Any]
    code: bytes
    args: bytes
    program: int | None = None


def size_text(size: int) -> str:
    """A number of bytes for people."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} KB"


def limit_text(limit: int) -> str:
    """A limit for people: whole megabytes (of 2**20 bytes) as they are set, less as a size."""
    return f"{limit >> 20} MB" if limit >= 1 << 20 else size_text(limit)


def frame(kind: bytes, body: bytes = b"") -> bytes:
    """One frame as bytes; big bodies are better sent by `send`."""
    return FRAME_HEAD.pack(kind, len(body)) + body


def send(channel: socket.socket, kind: bytes, body: bytes = b"") -> None:
    """Send a frame without copying a big body."""
    if len(body) < 1 << 16:
        channel.sendall(frame(kind, body))
    else:
        channel.sendall(FRAME_HEAD.pack(kind, len(body)))
        channel.sendall(body)


def receive_job(channel: socket.socket) -> JobText | None:
    """Wait for the job. None: the server let go of this process and it should end."""
    first, beside, _, _ = channel.recvmsg(JOB_HEAD.size, socket.CMSG_SPACE(_DESCRIPTOR.size), socket.MSG_CMSG_CLOEXEC)
    rest = _exactly(channel, JOB_HEAD.size - len(first)) if first else None
    if rest is None:
        return None
    texts = [_exactly(channel, length) for length in JOB_HEAD.unpack(first + rest)]
    header, code, args = texts
    if header is None or code is None or args is None:
        return None
    return JobText(
        json.loads(header), bytes(code), bytes(args), _DESCRIPTOR.unpack(beside[0][2])[0] if beside else None
    )


def _exactly(channel: socket.socket, length: int) -> bytearray | None:
    buffer = bytearray(length)
    view = memoryview(buffer)
    while view:
        count = channel.recv_into(view)
        if count == 0:
            return None
        view = view[count:]
    return buffer
