"""The one client for requests that the server itself makes: it does not reach into private networks."""

from __future__ import annotations

from flowapp.net.client import open_client
from flowapp.net.errors import AddressRefused, NetError, ResponseTooLarge
from flowapp.net.policy import AddressPolicy

__all__ = ["AddressPolicy", "AddressRefused", "NetError", "ResponseTooLarge", "open_client"]
