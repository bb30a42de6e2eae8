"""The server's own requests: private addresses are refused after resolving and on each redirect."""

from __future__ import annotations

import gzip
import ipaddress
import socket
from typing import Any

import httpx2
import pytest

from flowapp.net import AddressPolicy, AddressRefused, ResponseTooLarge, open_client
from flowapp.net.errors import PolicyInvalid
from flowapp.net.policy import is_public
from tests.unit.net.http_server import Answer, Request, http_server


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


class TestPolicy:
    def test_reads_hosts_ports_and_networks(self) -> None:
        policy = AddressPolicy.parse("localhost:11434, models.internal, 10.1.0.0/16, [::1]:8000, ")
        assert policy.allows_host("localhost", 11434)
        assert policy.allows_host("Models.Internal.", 443)
        assert policy.allows_host("::1", 8000)
        assert not policy.allows_host("localhost", 80)
        assert policy.allows_address("10.1.2.3")
        assert not policy.allows_address("10.2.0.1")

    def test_allows_a_configured_url_and_nothing_beside_it(self) -> None:
        policy = AddressPolicy().allowing_url("http://127.0.0.1:8080/v1")
        assert policy.allows_host("127.0.0.1", 8080)
        assert not policy.allows_host("127.0.0.1", 8081)
        assert AddressPolicy().allowing_url("https://models.internal/v1").allows_host("models.internal", 443)

    @pytest.mark.parametrize("entry", ["a b", "host:port", "host:99999", "http://x", "-"])
    def test_refuses_what_it_cannot_read(self, entry: str) -> None:
        with pytest.raises(PolicyInvalid):
            AddressPolicy.parse(entry)

    @pytest.mark.parametrize("url", ["", "models", "ftp://x/", "http://"])
    def test_refuses_a_url_without_a_server(self, url: str) -> None:
        with pytest.raises(PolicyInvalid):
            AddressPolicy().allowing_url(url)


async def hello(request: Request) -> Answer:
    return Answer({"target": request.target})


async def test_loopback_is_refused_and_never_reached() -> None:
    async with http_server(hello) as server, open_client(AddressPolicy()) as client:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            with pytest.raises(AddressRefused):
                await client.get(f"http://{host}:{server.port}/")
        assert server.requests == []


async def test_an_allowed_host_is_called() -> None:
    async with http_server(hello) as server, open_client(AddressPolicy().allowing_url(server.url)) as client:
        assert (await client.get(f"{server.url}/x?y=1")).json() == {"target": "/x?y=1"}


async def test_a_redirect_to_a_private_address_is_refused() -> None:
    async def elsewhere(request: Request) -> Answer:
        return Answer(status=302, headers={"location": f"http://127.0.0.1:{other.port}/secret"})

    async with http_server(hello) as other, http_server(elsewhere) as server:
        policy = AddressPolicy().allowing_url(server.url)
        async with open_client(policy, follow_redirects=True) as client:
            with pytest.raises(AddressRefused):
                await client.get(server.url)
        assert other.requests == []


async def test_a_name_that_resolves_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: Any, port: Any, *args: Any, **more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.0.5", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    async with open_client(AddressPolicy()) as client:
        with pytest.raises(AddressRefused, match=r"harmless\.example:443"):
            await client.get("https://harmless.example/")


async def test_a_name_that_cannot_be_found_is_a_connection_error() -> None:
    async with open_client(AddressPolicy()) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get("http://nowhere.invalid/")


async def test_an_answer_that_is_too_long_is_cut_off() -> None:
    async def long(request: Request) -> Answer:
        return Answer(b"x" * 5000)

    async with (
        http_server(long) as server,
        open_client(AddressPolicy().allowing_url(server.url), max_bytes=1000) as client,
    ):
        with pytest.raises(ResponseTooLarge):
            await client.get(server.url)


async def test_a_compressed_answer_is_not_unpacked() -> None:
    async def packed(request: Request) -> Answer:
        assert request.headers["accept-encoding"] == "identity"
        return Answer(gzip.compress(b"x" * 100_000), headers={"content-encoding": "gzip"})

    async with http_server(packed) as server, open_client(AddressPolicy().allowing_url(server.url)) as client:
        with pytest.raises(httpx2.DecodingError):
            await client.get(server.url)
