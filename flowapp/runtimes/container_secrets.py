"""Values for a container that no line of a file can hold: Podman keeps them as its secrets while the container may run.

They are not put into the environment of the engine's own process, from where `--env NAME` would take them: the name is the cell's
to choose, and `LD_PRELOAD`, `PATH` or `CONTAINERS_CONF` would be obeyed outside of every container, as the server's user.
Docker keeps secrets for swarms only.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

from flowapp.runtimes import container_client
from flowapp.runtimes.adapters import Refused

_ANSWER_S = 15.0


def names(container: str, count: int) -> list[str]:
    """What the secrets of a container are called."""
    return [f"{container}-{number}" for number in range(count)]


async def made(
    engine: str, secrets: Sequence[str], values: Mapping[str, str], is_canceled: Callable[[], bool]
) -> list[str]:
    """Options of `run` that give a container the values as variables.

    Raises:
        Refused: the engine does not take them.
        PreparingCanceled: they are not wanted any more.
    """
    for secret, value in zip(secrets, values.values(), strict=True):
        await container_client.unless_canceled(_create(engine, secret, value.encode()), is_canceled)
    return [f"--secret={secret},type=env,target={name}" for secret, name in zip(secrets, values, strict=True)]


async def remove(engine: str, secrets: Sequence[str]) -> bool:
    """Remove those that are there; whether none is left. Raises OSError when the engine is gone, TimeoutError when it does not answer."""
    removing = await container_client.started(engine, "secret", "rm", *secrets)
    await _said(removing)
    if removing.returncode == 0:
        return True
    # It fails for one that was never made as well.
    listing = await container_client.started(
        engine, "secret", "ls", "--format={{.Name}}", stdout=asyncio.subprocess.PIPE
    )
    listed, _ = await _answer(listing)
    return listing.returncode == 0 and not set(listed.decode("utf-8", "replace").split()) & set(secrets)


async def _create(engine: str, secret: str, value: bytes) -> None:
    pipe = asyncio.subprocess.PIPE
    creating = await container_client.started(engine, "secret", "create", secret, "-", stdin=pipe, stderr=pipe)
    try:
        said = await _said(creating, value)
    except TimeoutError:
        said = "it takes too long"
    if creating.returncode != 0:
        told = said.strip().splitlines() or ["it does not say why"]
        raise Refused(f"The engine does not take a variable of several lines or of more than 60 KB: {told[-1][:200]}")


async def _said(process: asyncio.subprocess.Process, given: bytes | None = None) -> str:
    """What a process told about a failure, at its end."""
    return (await _answer(process, given))[1].decode("utf-8", "replace")


async def _answer(process: asyncio.subprocess.Process, given: bytes | None = None) -> tuple[bytes, bytes]:
    """Both outputs of a process, at its end; it does not stay when nobody waits any more."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            output, said = await process.communicate(given)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    return output or b"", said or b""
