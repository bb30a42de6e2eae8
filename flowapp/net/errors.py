"""What can go wrong with a request of the server, besides the network's own errors.

NetError
├── AddressRefused     net.address_refused
├── HostUnreachable    net.host_unreachable
├── ResponseTooLarge   net.response_too_large
└── PolicyInvalid      net.policy_invalid
"""

from __future__ import annotations

from typing import ClassVar

from flowapp.errors import FlowappError


class NetError(FlowappError):
    """A request of the server that was not made, or not finished."""

    code: ClassVar[str] = "net.error"
    status: ClassVar[int] = 502


class AddressRefused(NetError):
    """The host is (or resolves to) an address that the server must not call."""

    code: ClassVar[str] = "net.address_refused"

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"The server does not call {host}:{port}: it is a private or local address.",
            "An administrator can allow single private hosts in the settings.",
        )


class HostUnreachable(NetError):
    """The host cannot be found, or does not answer."""

    code: ClassVar[str] = "net.host_unreachable"


class ResponseTooLarge(NetError):
    """The answer is longer than the client takes."""

    code: ClassVar[str] = "net.response_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The answer is longer than {limit} bytes.", "Ask for less, or another server.")


class PolicyInvalid(NetError):
    """An entry of the allow-list is neither a host nor a network."""

    code: ClassVar[str] = "net.policy_invalid"
    status: ClassVar[int] = 400
