"""Looking into big values in a process of its own, so that the server never stops to parse 50 MB.

Run as `python -m flowapp.workspace.values_process` by `BigValues`. It reads blob files and answers what `describe.py`
computes; it knows no database, no network and no identity. It ends when its input ends or after two idle minutes.

A frame is 1 byte of kind, 4 bytes of length (big endian), then that many bytes. A request is one JSON frame; the answer is
any number of `c` frames (content) and one `e` (end), or one `x` (an error, as JSON).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import struct
import sys
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from flowapp.jsontext import dumps
from flowapp.openflow import shapes
from flowapp.workspace import describe, large_parts, rich, table, tree

IDLE_S = 120
KEPT_BYTES = 96 << 20
TIMEOUT_S = 60.0
#: Longer answers (whole tables as CSV) wait in a file for their reader.
SPOOL_BYTES = 4 << 20
_HEAD = struct.Struct(">cI")
_MEMORY_BYTES = 6 << 30


_BRIEFLY = {"sample": tree.sample, "shape": shapes.of_value}


class BigValueFailed(Exception):
    """The values process ended or did not answer in time."""


def answer(value: Any, request: dict[str, Any]) -> Iterator[bytes]:
    """The answer to a request about a parsed value, in pieces.

    Raises:
        tree.PathMissing: there is nothing at `at`.
    """
    path: Sequence[str | int] = request.get("at") or ()
    match request["op"]:
        case "describe":
            found: Any = describe.describe(value, request["file_url"], failed=request["failed"])
        case "node":
            found = describe.tree_node(value, path, request["offset"], request["limit"], request["q"])
        case "text":
            found = describe.text_part(value, path, request["offset"], request["limit"])
        case "table":
            found = describe.table_page(value, path, table.View(**request["view"]))
        case "csv":
            for piece in describe.table_csv(value, path, table.View(**request["view"])) or ():
                yield piece.encode()
            return
        case "file":
            file = rich.file_of(tree.at(value, path))
            if file is not None:
                about = {"name": file.name, "media_type": file.media_type, "inline": file.inline}
                yield dumps(about).encode()
                yield file.content
            return
        case "value":
            found = large_parts.stored(tree.at(value, path))
        case "look":
            value = tree.at(value, path)
            found = {"text": tree.summary(value), "type": tree.type_of(value), "node": tree.node(value)}
        case "sample" | "shape" as brief:
            found = _BRIEFLY[brief](tree.at(value, path))
        case other:
            raise ValueError(f"unknown request {other!r}")
    yield dumps(found).encode("utf-8", "surrogatepass")


@dataclass(slots=True)
class _Child:
    process: asyncio.subprocess.Process

    async def read(self) -> tuple[bytes, bytes]:
        assert self.process.stdout is not None
        kind, size = _HEAD.unpack(await self.process.stdout.readexactly(_HEAD.size))
        return kind, await self.process.stdout.readexactly(size)


class BigValues:
    """The server's side of the values process: starts it when needed, asks one question at a time."""

    def __init__(self) -> None:
        self._child: _Child | None = None
        self._lock = asyncio.Lock()

    async def ask(self, blob: Path, request: dict[str, Any]) -> AsyncIterator[bytes]:
        """The pieces of the answer about the value in a blob file.

        Raises:
            tree.PathMissing: there is nothing at the path asked for.
            BigValueFailed: the process died (the value is too big for the memory) or took too long.
        """
        # All of the answer is taken before the first piece is handed on: whoever reads slowly must not hold up the others.
        sizes: list[int] = []
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as kept:
            async with self._lock:
                async for piece in self._answered(blob, request):
                    sizes.append(len(piece))
                    kept.write(piece)
            kept.seek(0)
            for size in sizes:
                yield kept.read(size)

    async def _answered(self, blob: Path, request: dict[str, Any]) -> AsyncIterator[bytes]:
        finished = False
        try:
            child = await self._send(blob, request)
            while True:
                kind, content = await asyncio.wait_for(child.read(), TIMEOUT_S)
                if kind == b"c":
                    yield content
                    continue
                finished = True
                if kind == b"x":
                    _raise(json.loads(content))
                return
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            raise BigValueFailed("The result could not be read in time or in the memory at hand") from error
        finally:
            if not finished:
                await self._stop()

    async def close(self) -> None:
        """End the process."""
        async with self._lock:
            await self._stop()

    async def _send(self, blob: Path, request: dict[str, Any]) -> _Child:
        body = dumps({**request, "blob": str(blob)}).encode()
        frame = _HEAD.pack(b"q", len(body)) + body
        for fresh in (False, True):
            child = await self._running(fresh=fresh)
            assert child.process.stdin is not None
            with contextlib.suppress(ConnectionError):
                child.process.stdin.write(frame)
                await child.process.stdin.drain()
                if child.process.returncode is None:
                    return child
        raise BigValueFailed("The process that reads big results could not be started")

    async def _running(self, *, fresh: bool) -> _Child:
        if fresh:
            await self._stop()
        if self._child is None or self._child.process.returncode is not None:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                __name__,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ},
                cwd=Path(__file__).resolve().parents[2],
                limit=1 << 20,
            )
            self._child = _Child(process)
        return self._child

    async def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.process.kill()
        await child.process.wait()
        # closing the pipe's transport now keeps the event loop from finding it open at its end
        transport = getattr(child.process, "_transport", None)
        if transport is not None:
            transport.close()


def _raise(problem: dict[str, str]) -> None:
    if problem["kind"] == "path":
        raise tree.PathMissing(problem["message"])
    raise BigValueFailed(problem["message"])


class _Kept:
    """Parsed values, the last used ones, bounded by the size of their texts."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    def get(self, blob: str) -> Any:
        if blob not in self._values:
            with open(blob, "rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
                text = reader.readall().decode("utf-8", "surrogatepass")
            while self._values and sum(size for size, _ in self._values.values()) + len(text) > KEPT_BYTES:
                self._values.popitem(last=False)
            self._values[blob] = len(text), large_parts.shown(text)
        self._values.move_to_end(blob)
        return self._values[blob][1]


def _serve(source: BinaryIO, target: BinaryIO) -> None:
    kept = _Kept()

    def send(kind: bytes, content: bytes) -> None:
        target.write(_HEAD.pack(kind, len(content)))
        target.write(content)
        target.flush()

    while select.select([source], [], [], IDLE_S)[0]:
        head = source.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return
        request = json.loads(source.read(_HEAD.unpack(head)[1]))
        try:
            for piece in answer(kept.get(request["blob"]), request):
                send(b"c", piece)
            send(b"e", b"")
        except tree.PathMissing as error:
            send(b"x", json.dumps({"kind": "path", "message": str(error)}).encode())
        except (MemoryError, OSError, ValueError, RecursionError, TypeError, KeyError) as error:
            send(b"x", json.dumps({"kind": "failed", "message": f"{type(error).__name__}: {error}"}).encode())


def _main() -> None:
    import ctypes
    import resource
    import signal

    parent = os.getppid()
    with contextlib.suppress(OSError, AttributeError):  # only Linux knows it; elsewhere the end of input ends us
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the server, which then ends this process
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    _serve(os.fdopen(0, "rb"), os.fdopen(1, "wb"))


if __name__ == "__main__":
    _main()
