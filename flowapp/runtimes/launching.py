"""The server's side of the launcher: start it by exec, ask it for sandboxes, hear when they are gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowapp.runtimes.errors import RuntimeUnavailable, SandboxFailed
from flowapp.runtimes.guest.plan import Plan

_START = Path(__file__).parent / "guest" / "__main__.py"
_START_SECONDS = 30.0
_LARGEST_MESSAGE = 1 << 16
#: kinds of processes that have something to end elsewhere, and how long they may take to say so
_WARNED = frozenset({"postgresql", "mysql"})
_GRACE_S = 1.0


@dataclass(slots=True)
class Sandbox:
    """One isolated process that waits for one job. `handle` is a pidfd: a signal through it cannot hit anybody else."""

    id: int
    kind: str
    channel: socket.socket
    log: int
    handle: int
    gone: asyncio.Future[int]
    _end: Callable[[Sandbox], None]
    _open: bool = True
    _warned: bool = False

    def kill(self) -> None:
        """End every process of it, now. Its user id and its files follow by themselves."""
        self._end(self)

    def stop(self) -> None:
        """End it; one that works elsewhere (a query on a database's server) gets a moment to end that too."""
        if self.kind not in _WARNED or self._warned:
            self.kill()
            return
        self._warned = True
        with contextlib.suppress(OSError):
            self.channel.shutdown(socket.SHUT_RDWR)
        asyncio.get_running_loop().call_later(_GRACE_S, self.kill)

    def close(self) -> None:
        """Let go of the descriptors; what still runs in it is killed, or ends within the moment that it was given."""
        if not self._open:
            return
        self._open = False
        if self._warned and not self.gone.done():
            self.gone.add_done_callback(lambda _: self._let_go())
        else:
            self.kill()
            self._let_go()

    def _let_go(self) -> None:
        self.channel.close()
        os.close(self.log)
        os.close(self.handle)


@dataclass(slots=True)
class Launcher:
    """A running launcher. `lost` is called once when it ends without having been asked to."""

    plan: Plan
    process: subprocess.Popen[bytes]
    control: socket.socket
    facts: dict[str, Any]
    lost: Callable[[], None]
    _asked: dict[int, tuple[str, asyncio.Future[Sandbox]]] = field(default_factory=dict)
    _living: dict[int, Sandbox] = field(default_factory=dict)
    _last_id: int = 0
    _closing: bool = False

    @classmethod
    async def start(cls, python: Path, plan: Plan, lost: Callable[[], None]) -> Launcher:
        """Start one and wait until its isolation stands.

        Raises:
            RuntimeUnavailable: it cannot be started, or this host refuses a mechanism that `plan.level` needs.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        try:
            process = subprocess.Popen(  # noqa: ASYNC220  # a vfork; its parent must be this thread (PDEATHSIG)
                [str(python), "-I", str(_START), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
                cwd="/",
            )
        except OSError as error:
            ours.close()
            raise RuntimeUnavailable(f"{python} could not be started: {error.strerror}") from error
        finally:
            theirs.close()
        facts = await cls._greet(ours, process, plan)
        launcher = cls(plan, process, ours, facts, lost)
        asyncio.get_running_loop().add_reader(ours.fileno(), launcher._hear)
        return launcher

    @staticmethod
    async def _greet(control: socket.socket, process: subprocess.Popen[bytes], plan: Plan) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(control, plan.to_json().encode())
            packet = await asyncio.wait_for(loop.sock_recv(control, _LARGEST_MESSAGE), _START_SECONDS)
            facts: dict[str, Any] = json.loads(packet) if packet else {"error": "the launcher ended at its start"}
        except (OSError, TimeoutError) as error:
            facts = {"error": f"the launcher does not answer ({type(error).__name__})"}
        if "error" in facts:
            control.close()
            process.kill()
            await asyncio.to_thread(process.wait)
            raise RuntimeUnavailable(str(facts["error"]))
        return facts

    @property
    def is_running(self) -> bool:
        """Whether it can still be asked for sandboxes."""
        return not self._closing

    async def sandbox(self, kind: str, *, shared: str | None, bounds: tuple[int, int, int]) -> Sandbox:
        """Ask for one more sandbox.

        Raises:
            SandboxFailed: it could not be made.
        """
        if self._closing:
            raise SandboxFailed("The launcher has ended.")
        self._last_id += 1
        number = self._last_id
        answer: asyncio.Future[Sandbox] = asyncio.get_running_loop().create_future()
        self._asked[number] = (kind, answer)
        message = {"op": "spawn", "id": number, "kind": kind, "shared": shared, "bounds": bounds}
        try:
            await self._send(message)
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            answer.add_done_callback(_close_unused)
            raise

    async def _send(self, message: dict[str, Any]) -> None:
        packet = json.dumps(message).encode()
        try:
            self.control.send(packet)
        except BlockingIOError:
            await asyncio.get_running_loop().sock_sendall(self.control, packet)
        except OSError as error:
            raise SandboxFailed("The launcher has ended.") from error

    def _hear(self) -> None:
        try:
            packet, descriptors, _, _ = socket.recv_fds(self.control, _LARGEST_MESSAGE, 3, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            packet, descriptors = b"", []
        if not packet:
            self._forget()
            return
        message = json.loads(packet)
        if "spawned" in message:
            self._welcome(message["spawned"], descriptors)
        elif "gone" in message:
            sandbox = self._living.pop(message["gone"], None)
            if sandbox is not None and not sandbox.gone.done():
                sandbox.gone.set_result(message["status"])
        elif "refused" in message:
            _, answer = self._asked.pop(message["refused"])
            if not answer.done():
                answer.set_exception(SandboxFailed(f"A sandbox could not be made: {message['reason']}"))

    def _welcome(self, number: int, descriptors: list[int]) -> None:
        kind, answer = self._asked.pop(number)
        channel, log, handle = descriptors
        os.set_blocking(log, False)
        connection = socket.socket(fileno=channel)
        connection.setblocking(False)
        gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        sandbox = Sandbox(number, kind, connection, log, handle, gone, self._end)
        self._living[number] = sandbox
        if answer.done():
            sandbox.close()
        else:
            answer.set_result(sandbox)

    def _end(self, sandbox: Sandbox) -> None:
        if sandbox.gone.done():
            return
        if self.plan.has_namespaces:
            # The handle is of the first process of its namespace: the kernel takes everything else along.
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(sandbox.handle, signal.SIGKILL)
        else:
            with contextlib.suppress(OSError):
                self.control.send(json.dumps({"op": "kill", "id": sandbox.id}).encode())

    def _forget(self) -> None:
        """The launcher is gone, and by the kernel's hand everything that it started."""
        asyncio.get_running_loop().remove_reader(self.control.fileno())
        self.control.close()
        was_closing, self._closing = self._closing, True
        for _, answer in self._asked.values():
            if not answer.done():
                answer.set_exception(SandboxFailed("The launcher has ended."))
        self._asked.clear()
        for sandbox in self._living.values():
            if not sandbox.gone.done():
                sandbox.gone.set_result(-signal.SIGKILL)
        self._living.clear()
        if not was_closing:
            self.lost()

    async def close(self) -> None:
        """End it and every job."""
        self._closing = True
        if self.control.fileno() >= 0:
            with contextlib.suppress(OSError):
                self.control.shutdown(socket.SHUT_WR)
        try:
            await asyncio.to_thread(self.process.wait, 5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)
        if self.control.fileno() >= 0:
            self._forget()


def _close_unused(answer: asyncio.Future[Sandbox]) -> None:
    if not answer.cancelled() and answer.exception() is None:
        answer.result().close()
