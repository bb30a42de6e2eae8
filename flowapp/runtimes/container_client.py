"""The program of a container engine, called with what it needs of the server's environment and nothing else.

An engine hands parts of its environment on: Podman copies proxies into containers, whose addresses may hold a password. And a
server's environment holds its database and its secret key.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from flowapp.runtimes import versions
from flowapp.runtimes.packages.errors import PreparingCanceled

T = TypeVar("T")
_NULL = asyncio.subprocess.DEVNULL
_LOOK_S = 0.1
#: where the engine and its helpers are, where it keeps its files, which engine is asked and how, and how images are fetched
_NEEDED = frozenset((
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"),
    *("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME", "XDG_CACHE_HOME", "DBUS_SESSION_BUS_ADDRESS"),
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_API_VERSION"),
    *("CONTAINER_HOST", "CONTAINER_CONNECTION", "CONTAINER_SSHKEY", "CONTAINER_PROXY", "SSH_AUTH_SOCK"),
    *("CONTAINERS_CONF", "CONTAINERS_CONF_OVERRIDE", "CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF"),
    *("_CONTAINERS_USERNS_CONFIGURED", "_CONTAINERS_ROOTLESS_UID", "_CONTAINERS_ROOTLESS_GID"),
    *("STORAGE_DRIVER", "STORAGE_OPTS", "REGISTRY_AUTH_FILE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
))  # fmt: skip


def environment() -> dict[str, str]:
    """What of the server's environment the engine's program gets."""
    return {name: value for name, value in os.environ.items() if name in _NEEDED}


def is_podman(engine: str) -> bool:
    """Whether a program is Podman, and not Docker."""
    return "podman" in os.path.basename(engine)


async def started(
    *words: str, stdin: int = _NULL, stdout: int = _NULL, stderr: int = _NULL, apart: bool = False
) -> asyncio.subprocess.Process:
    """A call of an engine; `apart` from the server's terminal. Raises OSError when there is no such program."""
    return await asyncio.create_subprocess_exec(
        *words, stdin=stdin, stdout=stdout, stderr=stderr, env=environment(), start_new_session=apart
    )


async def version_of(engine: str) -> str | None:
    """What it answers to `--version`, its number only; None when it does not answer."""
    return await versions.version_of(engine, environment())


async def unless_canceled(work: Awaitable[T], is_canceled: Callable[[], bool]) -> T:
    """Wait for work, which is cut off when it is not wanted any more.

    Raises:
        PreparingCanceled: it is not wanted any more.
        Exception: whatever the work raises.
    """
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            if is_canceled():
                raise PreparingCanceled
            await asyncio.wait({task}, timeout=_LOOK_S)
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
