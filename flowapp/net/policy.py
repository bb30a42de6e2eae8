"""Which addresses the server may call: every public one, and the private ones that an administrator names."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from flowapp.net.errors import PolicyInvalid

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which private addresses are allowed. `hosts` are pairs (name, port), port None for any.

    A host that is allowed may resolve to anything; otherwise an address has to be public or in one of `networks`.
    """

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> AddressPolicy:
        """The policy of a comma-separated allow-list: `models.internal`, `localhost:11434`, `[::1]:8000`, `10.1.0.0/16`.

        Raises:
            PolicyInvalid: an entry is none of these; the message names it.
        """
        policy = cls()
        for entry in (part.strip().lower() for part in text.split(",")):
            if entry:
                policy = policy._with(entry)
        return policy

    def allowing_url(self, url: str) -> AddressPolicy:
        """The policy that also allows the host and port of a URL, for an address that comes from the configuration itself.

        Raises:
            PolicyInvalid: the text is no http(s) URL with a host.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
        except ValueError as error:
            raise PolicyInvalid(f"{url!r} is not the address of a server.") from error
        if not host or port is None:
            raise PolicyInvalid(f"{url!r} is not the address of a server.", "It looks like https://host/path.")
        return AddressPolicy(self.hosts | {(host.rstrip("."), port)}, self.networks)

    def allows_host(self, host: str, port: int) -> bool:
        """Whether a host may be called whatever its address is."""
        name = host.lower().rstrip(".")
        return (name, port) in self.hosts or (name, None) in self.hosts

    def allows_address(self, address: str) -> bool:
        """Whether an address, as resolved, may be called."""
        found = _parsed(address)
        if found is None:
            return False
        return is_public(found) or any(
            found in network for network in self.networks if network.version == found.version
        )

    def _with(self, entry: str) -> AddressPolicy:
        try:
            network = ipaddress.ip_network(entry.strip("[]"))
        except ValueError:
            host, port = _host_and_port(entry)
            return AddressPolicy(self.hosts | {(host, port)}, self.networks)
        return AddressPolicy(self.hosts, (*self.networks, network))


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet.

    IPv4 addresses inside IPv6 ones (mapped, 6to4, Teredo, NAT64) are judged by themselves, since that is where a packet
    would go.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        embedded = [each for each in inner if each is not None]
        if embedded:
            return all(is_public(each) for each in embedded)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _parsed(address: str) -> Address | None:
    try:
        # A zone (fe80::1%eth0) is only ever written for addresses that are not public.
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


def _host_and_port(entry: str) -> tuple[str, int | None]:
    host, _, port = entry.rpartition(":") if ":" in entry else (entry, "", "")
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise PolicyInvalid(f"{entry!r} has no usable port.", "An entry is a host, host:port or a network.")
    host = host.strip("[]").rstrip(".")
    if not _HOST.fullmatch(host) and _parsed(host) is None:
        raise PolicyInvalid(
            f"{entry!r} is neither a host nor a network.", "An entry is a host, host:port or a network."
        )
    return host, int(port) if port else None
