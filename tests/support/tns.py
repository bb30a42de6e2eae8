"""A listener of Oracle's that knows no service: it reads a driver's request to connect and refuses it, in the words of the real one."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

_HEAD = struct.Struct(">HHBBH")
_REFUSE = 4
_NO_SERVICE = b"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=12514)(ERROR_STACK=(ERROR=(CODE=12514)(EMFI=4))))"


@dataclass
class Listener:
    """`received` is all that came in, of all connections."""

    port: int
    received: bytearray = field(default_factory=bytearray)


@contextlib.contextmanager
def listener() -> Iterator[Listener]:
    """One on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = Listener(server.getsockname()[1])
        threading.Thread(target=_answer_all, args=(server, made), daemon=True).start()
        yield made


def _answer_all(server: socket.socket, made: Listener) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                _refuse(connection, made)


def _refuse(connection: socket.socket, made: Listener) -> None:
    request = bytearray()
    # The descriptor follows in a packet of its own where it is long.
    while not (request.count(b"(") and request.count(b"(") == request.count(b")")):
        piece = connection.recv(4096)
        if not piece:
            return
        request += piece
        made.received += piece
    body = struct.pack(">BBH", 0x22, 0, len(_NO_SERVICE)) + _NO_SERVICE
    connection.sendall(_HEAD.pack(_HEAD.size + len(body), 0, _REFUSE, 0, 0) + body)
