"""Connections that are no HTTP: to a host whose addresses are judged first, and connected to as they were judged."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from typing import Any, TypeAlias

from flowapp.net.errors import AddressRefused, HostUnreachable
from flowapp.net.policy import AddressPolicy

_Info: TypeAlias = tuple[int, int, int, str, Any]
"""As `getaddrinfo` gives it: family, kind, protocol, name, address."""


async def connect(policy: AddressPolicy, host: str, port: int, timeout_s: float) -> socket.socket:
    """A connected TCP socket that does not block; who gets it closes it. `timeout_s` bounds looking up and connecting together.

    Raises:
        AddressRefused: the policy allows none of the host's addresses.
        HostUnreachable: it cannot be found, or does not answer in time.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            if not policy.allows_host(host, port):
                found = [info for info in found if policy.allows_address(str(info[4][0]))]
            if not found:
                raise AddressRefused(host, port)
            return await _first(found)
    except TimeoutError:
        raise HostUnreachable(f"{host}:{port} does not answer.") from None
    except (OSError, UnicodeError) as error:
        raise HostUnreachable(
            f"{host}:{port} cannot be reached: {getattr(error, 'strerror', None) or error}."
        ) from None


async def _first(found: Sequence[_Info]) -> socket.socket:
    failure: OSError | None = None
    for family, kind, protocol, _, address in found:
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, address)
        except OSError as error:
            failure = error
            made.close()
        except BaseException:
            with contextlib.suppress(OSError):
                made.close()
            raise
        else:
            return made
    assert failure is not None
    raise failure
