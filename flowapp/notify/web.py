"""A message to a web address: `text` as Slack's incoming webhooks (and those made like them) take it, and data for programs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2

from flowapp.net import AddressPolicy, NetError, open_client
from flowapp.notify.errors import NotSent

TIMEOUT_S = 10.0
_LONGEST_ANSWER = 64 << 10
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Where messages are posted to. The address itself is often a secret: it is in no error."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def host(self) -> str:
        """What errors call it."""
        return urlsplit(self.url).hostname or ""

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> WebAddress:
        """The address that a resource `{url, headers}` describes.

        Raises:
            NotSent: it has no usable one.
        """
        url, headers = value.get("url") or value.get("webhook_url"), value.get("headers") or {}
        if not is_web_address(url):
            raise NotSent("The resource is neither a mail server (host) nor a web address (url).")
        if not isinstance(headers, Mapping) or not all(_is_header(name, text) for name, text in headers.items()):
            raise NotSent("The headers of the web address must be an object of texts.")
        return cls(str(url), dict(headers))


def is_web_address(url: Any) -> bool:
    """Whether something is the text of a web address with a host."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


async def post_message(address: WebAddress, body: Mapping[str, Any], policy: AddressPolicy) -> None:
    """Post a message; it has been taken when this returns. Redirects are not followed.

    Raises:
        NotSent: it was not; says why.
    """
    client = open_client(policy, timeout_s=TIMEOUT_S, max_bytes=_LONGEST_ANSWER)
    try:
        async with asyncio.timeout(2 * TIMEOUT_S):
            answer = await client.post(address.url, json=dict(body), headers=dict(address.headers))
    except NetError as error:
        raise NotSent(error.message, error.hint) from None
    except TimeoutError:
        raise NotSent(f"{address.host} does not answer in time.") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NotSent(f"{address.host} cannot be reached ({type(error).__name__}).") from None
    finally:
        await client.aclose()
    if not 200 <= answer.status_code < 300:
        raise NotSent(f"{address.host} answered {answer.status_code}.")


def _is_header(name: Any, text: Any) -> bool:
    if not isinstance(name, str) or not _HEADER.fullmatch(name) or not isinstance(text, str):
        return False
    return text.isascii() and text.isprintable()
