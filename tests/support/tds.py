"""A small server that speaks as much of SQL Server's protocol (TDS 7.4) as a client needs to sign in and send a batch.

It answers what a test tells it, without encryption, and keeps the bytes of what it was asked. It proves that the client is called as it
should be, not that SQL Server would understand.
"""

from __future__ import annotations

import contextlib
import socketserver
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

_PRELOGIN, _LOGIN, _BATCH, _RPC, _ANSWER = 0x12, 0x10, 0x01, 0x03, 0x04
_LAST = 1
_MORE, _ERROR, _COUNT = 0x01, 0x02, 0x10
_COLLATION = bytes(5)


@dataclass(slots=True)
class TdsServer:
    """What it answers a batch: results of `(names, rows)`, or a failure `(number, line, message)` of those with `FROM` in them."""

    port: int = 0
    results: list[tuple[Sequence[str], list[Sequence[Any]]]] = field(default_factory=list)
    changed: int = 0
    failure: tuple[int, int, str] | None = None
    asked: list[tuple[int, bytes]] = field(default_factory=list)

    def has_got(self, text: str) -> bool:
        """Whether a request held this text."""
        return any(text.encode("utf-16-le") in data for _, data in self.asked)

    @property
    def resource(self) -> dict[str, Any]:
        """A resource of type ms_sql_server."""
        return {"host": "127.0.0.1", "port": self.port, "user": "sa", "password": "very-secret", "dbname": "shop"}

    def answer(self, kind: int, data: bytes) -> bytes:
        """The tokens that answer a request."""
        if kind == _PRELOGIN:
            return _prelogin()
        if kind == _LOGIN:
            return _signed_in()
        if kind not in (_BATCH, _RPC):
            return _done(0)
        if self.failure is not None and "FROM".encode("utf-16-le") in data:
            return _failed(*self.failure) + _done(_ERROR)
        tokens = b""
        for names, rows in self.results:
            tokens += _columns(names, rows[0]) + b"".join(b"\xd1" + b"".join(map(_value, row)) for row in rows)
            tokens += _done(_MORE | _COUNT, len(rows))
        return tokens + (_done(_COUNT, self.changed) if self.changed else _done(0))


@contextlib.contextmanager
def tds_server() -> Iterator[TdsServer]:
    """One that listens on a port of this machine until the block ends."""
    found = TdsServer()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    kind, data = self._request()
                    found.asked.append((kind, data))
                    tokens = found.answer(kind, data)
                    self.request.sendall(struct.pack(">BBHHBB", _ANSWER, _LAST, len(tokens) + 8, 0, 1, 0) + tokens)

        def _request(self) -> tuple[int, bytes]:
            data = b""
            while True:
                kind, status, length, *_ = struct.unpack(">BBHHBB", self._exactly(8))
                data += self._exactly(length - 8)
                if status & _LAST:
                    return kind, data

        def _exactly(self, count: int) -> bytes:
            data = b""
            while len(data) < count:
                piece = self.request.recv(count - len(data))
                if not piece:
                    raise ConnectionError
                data += piece
            return data

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def _prelogin() -> bytes:
    no_encryption = b"\x02"
    options = [(0, bytes([16, 0, 0, 0, 0, 0])), (1, no_encryption), (2, b"\0"), (3, b""), (4, b"\0")]
    at = 5 * len(options) + 1
    table, data = b"", b""
    for number, value in options:
        table += struct.pack(">BHH", number, at + len(data), len(value))
        data += value
    return table + b"\xff" + data


def _signed_in() -> bytes:
    name = "Test".encode("utf-16-le")
    body = struct.pack(">BI", 1, 0x74000004) + bytes([len(name) // 2]) + name + bytes([16, 0, 0, 0])
    return b"\xad" + struct.pack("<H", len(body)) + body + _done(0)


def _done(status: int, count: int = 0) -> bytes:
    return struct.pack("<BHHQ", 0xFD, status, 0, count)


def _failed(number: int, line: int, message: str) -> bytes:
    text = message.encode("utf-16-le")
    body = struct.pack("<IBBH", number, 1, 16, len(message)) + text + bytes([0, 0]) + struct.pack("<I", line)
    return b"\xaa" + struct.pack("<H", len(body)) + body


def _columns(names: Sequence[str], row: Sequence[Any]) -> bytes:
    """As the first row's values need them."""
    found = b"\x81" + struct.pack("<H", len(names))
    for name, value in zip(names, row, strict=True):
        found += struct.pack("<IH", 0, 1) + _type(value) + bytes([len(name)]) + name.encode("utf-16-le")
    return found


def _type(value: Any) -> bytes:
    if isinstance(value, int):
        return b"\x26\x08"
    if isinstance(value, Decimal):
        return bytes([0x6A, 17, 38, 2])
    if isinstance(value, date):
        return b"\x28"
    if isinstance(value, bytes):
        return b"\xa5" + struct.pack("<H", 100)
    return b"\xe7" + struct.pack("<H", 200) + _COLLATION


def _value(value: Any) -> bytes:
    if isinstance(value, int):
        return b"\x08" + struct.pack("<q", value)
    if isinstance(value, Decimal):
        return bytes([17, int(value >= 0)]) + int(abs(value) * 100).to_bytes(16, "little")
    if isinstance(value, date):
        return b"\x03" + (value.toordinal() - 1).to_bytes(3, "little")
    if value is None:
        return b"\xff\xff"
    data = value if isinstance(value, bytes) else value.encode("utf-16-le")
    return struct.pack("<H", len(data)) + data
