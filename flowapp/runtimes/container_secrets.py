"""Values for a container that no line of a file can hold: Podman keeps them as its secrets while the container may run.

They are not put into the environment of the engine's own process, from where `--env NAME` would take them: the name is the cell's
to choose, and `LD_PRELOAD`, `PATH` or `CONTAINERS_CONF` would be obeyed outside of every container, as the server's user.
Docker keeps secrets for swarms only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence

from flowapp.runtimes.adapters import Refused

_ANSWER_S = 15.0
_log = logging.getLogger(__name__)


def names(container: str, count: int) -> list[str]:
    """What the secrets of a container are called."""
    return [f"{container}-{number}" for number in range(count)]


@contextlib.asynccontextmanager
async def kept(engine: str, secrets: Sequence[str], values: Mapping[str, str]) -> AsyncIterator[list[str]]:
    """Options of `run` that give a container the values as variables; they are gone afterwards.

    Raises:
        Refused: the engine does not take them.
    """
    try:
        for secret, value in zip(secrets, values.values(), strict=True):
            await _create(engine, secret, value.encode())
        yield [f"--secret={secret},type=env,target={name}" for secret, name in zip(secrets, values, strict=True)]
    finally:
        if secrets:
            try:
                await asyncio.shield(remove(engine, secrets))
            except (OSError, TimeoutError):
                _log.warning("variables of a container stay with the engine as its secrets %s", ", ".join(secrets))


async def remove(engine: str, secrets: Sequence[str]) -> None:
    """Remove those that are there. Raises OSError when the engine is gone, TimeoutError when it does not answer."""
    null = asyncio.subprocess.DEVNULL
    removing = await asyncio.create_subprocess_exec(
        engine, "secret", "rm", *secrets, stdin=null, stdout=null, stderr=null
    )
    await _said(removing)


async def _create(engine: str, secret: str, value: bytes) -> None:
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    creating = await asyncio.create_subprocess_exec(
        engine, "secret", "create", secret, "-", stdin=pipe, stdout=null, stderr=pipe
    )
    try:
        said = await _said(creating, value)
    except TimeoutError:
        said = "it takes too long"
    if creating.returncode != 0:
        told = said.strip().splitlines() or ["it does not say why"]
        raise Refused(f"The engine does not take a variable of several lines or of more than 60 KB: {told[-1][:200]}")


async def _said(process: asyncio.subprocess.Process, given: bytes | None = None) -> str:
    """What a process told about a failure, at its end; it does not stay when nobody waits any more."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            _, said = await process.communicate(given)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    return (said or b"").decode("utf-8", "replace")
