"""What a page is sent, deed by deed: counts and sizes, which no machine's speed changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, TimeoutError


@dataclass
class Sent:
    """What the API sent during a deed: bytes before compression, the event stream and websockets included; and its largest answer."""

    requests: int = 0
    size: int = 0
    largest: int = 0

    def within(self, *, requests: int, size: int) -> None:
        """Fail where it was more."""
        assert (self.requests <= requests, self.size <= size) == (True, True), (
            f"{self}, not {requests} and {size} bytes"
        )


class Traffic:
    """All that comes to a page from now on: made before the page is opened, whose event stream is then seen too."""

    def __init__(self, page: Page) -> None:
        self._now = Sent()
        self._asked: dict[str, int] = {}
        self._streams: set[str] = set()
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._request)
        session.on("Network.dataReceived", self._data)
        session.on("Network.webSocketFrameReceived", self._frame)
        session.send("Network.enable")

    @contextmanager
    def deed(self) -> Iterator[Sent]:
        """Count until what the deed was for stands in the page."""
        self._now = Sent()
        yield self._now

    def _request(self, event: dict[str, Any]) -> None:
        url, key = event["request"]["url"], event["requestId"]
        if "/api/" not in url:
            return
        self._asked[key] = 0
        if event.get("type") == "EventSource":
            self._streams.add(key)
        elif not url.endswith("/presence"):  # told every few seconds, whatever the page does
            self._now.requests += 1

    def _data(self, event: dict[str, Any]) -> None:
        key, size = event["requestId"], int(event["dataLength"])
        if key not in self._asked:
            return
        self._now.size += size
        self._asked[key] += size
        if key not in self._streams:
            self._now.largest = max(self._now.largest, self._asked[key])

    def _frame(self, event: dict[str, Any]) -> None:
        self._now.size += len(event["response"]["payloadData"])


def at_most(page: Page, elements: int) -> None:
    """Wait until the page has no more elements than that, those of editors included."""
    try:
        page.wait_for_function("most => document.querySelectorAll('*').length <= most", arg=elements)
    except TimeoutError as error:
        count = page.evaluate("document.querySelectorAll('*').length")
        raise AssertionError(f"the page has {count} elements, not {elements}") from error
