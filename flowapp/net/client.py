"""The client itself: httpx2 over a transport that resolves a host, judges its addresses, and connects to what it judged.

Judging and connecting use the same answer of the resolver, so a name cannot point elsewhere a moment later. Each redirect
is a request of its own and goes the same way. Proxies of the environment are not used: they would resolve for us.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from typing import Any

import httpcore2
import httpx2

from flowapp.net.errors import AddressRefused, ResponseTooLarge
from flowapp.net.policy import AddressPolicy

MAX_RESPONSE_BYTES = 16 << 20

#: Errors of the connection pool and the ones of the client that stand for them, which have the same names.
_ERRORS = {
    getattr(httpcore2, name): getattr(httpx2, name)
    for name in [
        "TimeoutException",
        "ConnectTimeout",
        "ReadTimeout",
        "WriteTimeout",
        "PoolTimeout",
        "NetworkError",
        "ConnectError",
        "ReadError",
        "WriteError",
        "ProtocolError",
        "LocalProtocolError",
        "RemoteProtocolError",
        "UnsupportedProtocol",
        "ProxyError",
    ]
}


def open_client(
    policy: AddressPolicy,
    *,
    timeout_s: float = 30.0,
    max_bytes: int = MAX_RESPONSE_BYTES,
    follow_redirects: bool = False,
) -> httpx2.AsyncClient:
    """A client that calls public addresses, and those that the policy allows. Close it with `aclose`.

    Its requests raise `AddressRefused`, `ResponseTooLarge`, and the errors of httpx2. `timeout_s` bounds each single wait
    (connect, read, write), not the whole request.
    """
    return httpx2.AsyncClient(
        transport=open_transport(policy, max_bytes),
        timeout=timeout_s,
        follow_redirects=follow_redirects,
        max_redirects=5,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
    )


def open_transport(policy: AddressPolicy, max_bytes: int = MAX_RESPONSE_BYTES) -> httpx2.AsyncBaseTransport:
    """What carries the requests of such a client, for a library that makes a client of its own."""
    return _Transport(policy, max_bytes)


class _Backend(httpcore2.AsyncNetworkBackend):
    """Opens connections, to addresses that were judged."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._resolve(host, port, timeout)
        if not self._policy.allows_host(host, port):
            addresses = [address for address in addresses if self._policy.allows_address(address)]
        if not addresses:
            raise AddressRefused(host, port)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise AddressRefused(path, 0)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)

    async def _resolve(self, host: str, port: int, timeout: float | None) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"Looking up {host} took too long") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} cannot be found") from error
        return list(dict.fromkeys(str(info[4][0]) for info in found))


class _Transport(httpx2.AsyncBaseTransport):
    def __init__(self, policy: AddressPolicy, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=20,
            max_keepalive_connections=5,
            keepalive_expiry=30,
            network_backend=_Backend(policy),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        inner = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            response = await self._pool.handle_async_request(inner)
        except Exception as error:
            raise _translated(error) from error
        if any(
            name.lower() == b"content-encoding" and value.lower() != b"identity" for name, value in response.headers
        ):
            # Not asked for, and a short compressed answer may unpack to one of any length.
            await response.aclose()
            raise httpx2.DecodingError("The server sent a compressed answer, which was not asked for.")
        return httpx2.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response, self._max_bytes),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    """An answer's body, up to a limit."""

    def __init__(self, response: httpcore2.Response, limit: int) -> None:
        self._response = response
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.aclose)
            try:
                async for part in self._response.aiter_stream():
                    seen += len(part)
                    if seen > self._limit:
                        raise ResponseTooLarge(self._limit)
                    yield part
            except tuple(_ERRORS) as error:
                raise _translated(error) from error

    async def aclose(self) -> None:
        await self._response.aclose()


def _translated(error: Exception) -> Exception:
    kind = _ERRORS.get(type(error))
    return kind(str(error)) if kind is not None else error
