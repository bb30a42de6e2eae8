"""Running one use-case of `workspace.operating` on the database of this machine's settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from flowapp.cli.settled import settings

if TYPE_CHECKING:
    from flowapp.workspace.operating import Operating

T = TypeVar("T")


def operate(work: Callable[[Operating], Awaitable[T]]) -> T:
    """What `work` answers.

    Raises:
        FlowappError: it cannot be done, or there is no database yet.
    """
    import asyncio

    from flowapp.store.beside import open_beside
    from flowapp.workspace.operating import Operating

    configured = settings()

    async def opened() -> T:
        async with open_beside(configured.database_url, configured.home) as database:
            return await work(Operating(database))

    return asyncio.run(opened())
