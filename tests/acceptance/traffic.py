"""What a page is sent, deed by deed: counts and sizes, which no machine's speed changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page


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
    """All that comes to a page from now on."""

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
        if "/api/" in event["request"]["url"]:
            self._asked[event["requestId"]] = 0
            self._now.requests += 1
            if event.get("type") == "EventSource":
                self._streams.add(event["requestId"])

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


def nodes(page: Page) -> int:
    """How many elements the page has, those of editors included."""
    return int(page.evaluate("document.querySelectorAll('*').length"))


def memory(pid: int) -> int:
    """The bytes of memory that a process has for itself."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))
