"""How large a file in a container may become, beside the limits that the host's Podman gives to every container.

Podman forgets those of its `containers.conf` (`default_ulimits`) as soon as one `--ulimit` is named; the help of its `run` has them.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
from collections.abc import Sequence

from flowapp.runtimes import container_client

_FILE_SIZE = "fsize"
_HELP = re.compile(rb"--ulimit [^\n]*\(default \[([^\]\n]*)\]\)")
_ONE = re.compile(r"[a-z]+=-?\d+(?::-?\d+)?")
_ANSWER_S = 15.0


async def configured(podman: str) -> list[str]:
    """Those that Podman gives to every container, as `--ulimit` takes them; none when it does not say."""
    asked = await container_client.started(podman, "run", "--help", stdout=asyncio.subprocess.PIPE)
    try:
        said, _ = await asyncio.wait_for(asked.communicate(), _ANSWER_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            asked.kill()
        await asked.wait()
        return []
    return in_help(said)


def in_help(text: bytes) -> list[str]:
    """Those that the help of `run` names as the default."""
    found = _HELP.search(text)
    given = found[1].decode("utf-8", "replace").split(",") if found else []
    return [one.strip() for one in given if _ONE.fullmatch(one.strip())]


def options(everywhere: Sequence[str], file_mb: int) -> list[str]:
    """Options of `run`: no file larger than that, nor than what every container may write, nor than what the server itself may.

    An engine of a user could not set more than the last of them.
    """
    bounds = [file_mb << 20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]]
    others = []
    for one in everywhere:
        name, _, values = one.partition("=")
        if name == _FILE_SIZE:
            bounds += [int(value) for value in values.split(":")]
        else:
            others.append(f"--ulimit={one}")
    least = min(bound for bound in bounds if bound >= 0)  # -1: no bound
    return [*others, f"--ulimit={_FILE_SIZE}={least}:{least}"]
