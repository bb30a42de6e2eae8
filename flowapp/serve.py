"""One process that answers: Granian embedded in our own event loop, started and stopped in the one order that works.

Embedded, there is no supervisor whose death leaves a worker behind, and signals are ours: an open event stream would keep
Granian from stopping for many seconds, so streams are ended before it is asked to.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from flowapp.compose import Services, open_services
from flowapp.errors import FlowappError
from flowapp.settings import Settings

STOP_SECONDS = 5.0


class CannotListen(FlowappError):
    """The address cannot be listened on: taken, not ours, or not permitted."""

    code = "serve.cannot_listen"


def check_address(host: str, port: int) -> str:
    """The numeric address for `host`, after making sure that it can be listened on.

    Raises:
        CannotListen: with one line that says what to do.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise CannotListen(f"HOST {host!r} is not an address of this machine.", "Use 127.0.0.1 or 0.0.0.0.") from None
    with contextlib.closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError:
            raise CannotListen(
                f"Port {port} needs administrator rights.", "Choose another one, like PORT=3001."
            ) from None
        except OSError as error:
            raise CannotListen(
                f"Port {port} on {host} is not free ({error.strerror}).",
                f"Stop what uses it, or choose another one: PORT={port + 1 if port < 65535 else 3000}.",
            ) from None
    return str(address[0])


async def serve(settings: Settings, announce: Callable[[Services], Any]) -> None:
    """Start everything, answer until SIGTERM or SIGINT, stop everything.

    Args:
        settings: configuration.
        announce: called once, when the first request can be answered.

    Raises:
        FlowappError: something needed could not start; what had started has been stopped again.
    """
    address = check_address(settings.host, settings.port)
    async with open_services(settings) as services:
        server = Server(
            services.asgi(),
            address=address,
            port=settings.port,
            interface=Interfaces.ASGI,
            log_enabled=False,
        )
        stopping = _stop_on_signals(server, services)
        serving = asyncio.create_task(server.serve())
        try:
            await _until_listening(address, settings.port, serving)
            announce(services)
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done() and not serving.done():
                # requests that run get a moment; whoever keeps a connection open does not hold the server
                await asyncio.wait({serving}, timeout=STOP_SECONDS)
        finally:
            services.stop_streams()
            if not serving.done():
                serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving


def _stop_on_signals(server: Any, services: Services) -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    stopping: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        if stopping.done():
            return
        logging.getLogger("flowapp").info("stopping")
        stopping.set_result(None)
        services.stop_streams()
        server.stop()

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop)
    return stopping


async def _until_listening(address: str, port: int, serving: asyncio.Task[None]) -> None:
    """Return when the port answers; raise what ended the server if it ended first."""
    for _ in range(400):
        if serving.done():
            serving.result()
            raise CannotListen(f"The server ended before it listened on port {port}.")
        try:
            _, writer = await asyncio.open_connection(address, port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        return
    raise CannotListen(f"Nothing answered on port {port} after 8 seconds.")
