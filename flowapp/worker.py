"""A process that runs flows and scripts for the servers of one PostgreSQL database, and answers on no port."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence

from flowapp.compose import open_worker
from flowapp.settings import Settings


async def work(settings: Settings, tags: tuple[str, ...], announce: Callable[[Sequence[str]], None]) -> None:
    """Start, work until SIGTERM or SIGINT, stop. What is under way then is taken over by others.

    Args:
        settings: configuration, with a PostgreSQL database and the address of a server.
        tags: what to take work of.
        announce: called once with notes for whoever started it, when work is taken.

    Raises:
        FlowappError: something needed could not start.
    """
    async with open_worker(settings, tags) as notes:
        loop = asyncio.get_running_loop()
        stopping: asyncio.Future[None] = loop.create_future()

        def stop() -> None:
            if not stopping.done():
                stopping.set_result(None)

        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop)
        announce(notes)
        await stopping
