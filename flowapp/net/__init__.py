"""The one door for what the server itself asks of others: it does not reach into private networks."""

from __future__ import annotations

from flowapp.net.client import open_client
from flowapp.net.errors import AddressRefused, HostUnreachable, NetError, ResponseTooLarge
from flowapp.net.policy import AddressPolicy
from flowapp.net.sockets import connect

__all__ = [
    "AddressPolicy",
    "AddressRefused",
    "HostUnreachable",
    "NetError",
    "ResponseTooLarge",
    "connect",
    "open_client",
]
