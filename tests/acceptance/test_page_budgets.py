"""What a page may cost whoever opens it with an empty cache: bytes on the wire and requests. Times are for scripts/bench."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, python
from tests.acceptance.product import TOKEN, Product

QUIET_S = 1.5
MB = 1_000_000


@dataclass
class Wire:
    """What came over the network since the page was made."""

    sizes: list[int] = field(default_factory=list)
    latest: float = 0.0

    @classmethod
    def of(cls, context: BrowserContext, page: Page) -> Wire:
        """Listen to a page."""
        wire = cls()
        session = context.new_cdp_session(page)
        session.on("Network.loadingFinished", wire._finished)
        session.send("Network.enable")
        return wire

    def settle(self, page: Page) -> None:
        """Wait until nothing more comes."""
        self.latest = time.monotonic()
        while time.monotonic() - self.latest < QUIET_S:
            page.wait_for_timeout(100)

    def _finished(self, event: dict[str, Any]) -> None:
        self.sizes.append(int(event["encodedDataLength"]))
        self.latest = time.monotonic()


@pytest.mark.parametrize(
    ("path", "shows"),
    [("/", "Flows"), ("/runs", "Runs"), ("/scripts", "Scripts"), ("/schedules", "Schedules"), ("/people", "People")],
)
def test_a_list(context: BrowserContext, product: Product, path: str, shows: str) -> None:
    page = opened(context)
    wire = Wire.of(context, page)
    page.goto(path)
    expect(page.get_by_role("navigation", name="Main").get_by_text(shows, exact=True)).to_be_visible()
    wire.settle(page)
    spent(wire, 0.45 * MB, 30)


@pytest.mark.parametrize(("cells", "most_bytes"), [(10, 1.5 * MB), (100, 1.6 * MB)])
def test_a_notebook(context: BrowserContext, product: Product, cells: int, most_bytes: float) -> None:
    modules = [python(f"s{number}", f"def main():\n    return {number}\n") for number in range(cells)]
    with product.client() as client:
        flow = flow_of(*modules)
        draft = client.post("/api/w/main/drafts", json={"flow": flow}).raise_for_status().json()["id"]
    page = opened(context)
    wire = Wire.of(context, page)
    page.goto(f"/flows/{draft}")
    expect(page.locator(".monaco-editor").first).to_be_visible(timeout=RUN_TIMEOUT)
    wire.settle(page)
    spent(wire, most_bytes, 50)


def opened(context: BrowserContext) -> Page:
    assert context.request.get(f"/signin?token={TOKEN}").ok
    return context.new_page()


def spent(wire: Wire, most_bytes: float, most_requests: int) -> None:
    assert (sum(wire.sizes) <= most_bytes, len(wire.sizes) <= most_requests) == (True, True), (
        f"{sum(wire.sizes)} bytes in {len(wire.sizes)} requests"
    )
    assert wire.sizes, "nothing was seen on the wire"
