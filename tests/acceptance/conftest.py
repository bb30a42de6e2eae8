"""Browser tests against the real product. A page that logs an error or asks anybody else for anything fails its test.

With SCREENSHOTS=1 in the environment they leave pictures of what they see in test-artifacts/, for people who change a page.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.acceptance.product import ARTIFACTS, TOKEN, Product

PATIENCE_MS = 15_000
"""How long a test waits for what it expects of a page, unless it says otherwise. Several browsers and servers share few cores."""
CHROMIUM_FLAGS = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Watch:
    """What a page must not do: log errors, or reach outside."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.errors: list[str] = []
        self._asked: list[Request] = []
        self.expected: list[str] = []

    def attach(self, context: BrowserContext) -> None:
        """Listen to every page of the context."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.errors.append(f"uncaught: {error.error}"))
        context.on("request", self._request)

    def expect_error(self, part: str) -> None:
        """Tell that an error with this text belongs to the test."""
        self.expected.append(part)

    def verify(self) -> None:
        """Fail for what was seen and not expected."""
        unexpected = [error for error in self.errors if not any(part in error for part in self.expected)]
        # the browser tells of some that the page's policy has stopped too
        outside = [request.url for request in self._asked if request.failure != "csp"]
        assert not outside, f"requests left the machine: {outside}"
        assert not unexpected, "the page logged errors:\n" + "\n".join(unexpected)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            place = message.location.get("url", "")
            self.errors.append(f"{message.text} ({place})")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self._origin, "data:", "blob:", "about:")):
            self._asked.append(request)


expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The server that most tests share."""
    server = Product(tmp_path_factory.mktemp("acceptance") / "home")
    server.start()
    yield server
    if server.running():
        server.stop()
    ARTIFACTS.mkdir(exist_ok=True)
    shutil.copy(server.output, ARTIFACTS / "server.log")


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Product]:
    """A server of the test's own, not started yet; stopped in any case."""
    server = Product(tmp_path / "home")
    yield server
    if server.running():
        server.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's own Chromium; no browser is downloaded."""
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    assert found, "no Chromium found: scripts/test installs it, or run: apt install chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def watch(product: Product) -> Watch:
    """What the test's pages did wrong; verified when the test ends."""
    return Watch(product.url)


@pytest.fixture
def timezone() -> str | None:
    """Where the person is; None is where the server is. A test that is about times has it as a parameter."""
    return None


@pytest.fixture
def context(browser: Browser, product: Product, watch: Watch, timezone: str | None) -> Iterator[BrowserContext]:
    """A fresh browser profile at 1440 pixels, not signed in."""
    size: ViewportSize = {"width": 1440, "height": 900}
    profile = browser.new_context(base_url=product.url, viewport=size, accept_downloads=True, timezone_id=timezone)
    profile.set_default_timeout(PATIENCE_MS)
    watch.attach(profile)
    yield profile
    profile.close()
    watch.verify()


@pytest.fixture
def stranger(context: BrowserContext) -> Page:
    """A page of somebody who has not signed in."""
    return context.new_page()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of the signed-in admin."""
    assert context.request.get(f"/signin?token={TOKEN}").ok  # the page has the cookie of it, and nothing to draw yet
    return context.new_page()


@pytest.fixture
def elsewhere(browser: Browser, product: Product, watch: Watch) -> Iterator[BrowserContext]:
    """Another person's browser."""
    profile = browser.new_context(base_url=product.url, viewport={"width": 1440, "height": 900})
    profile.set_default_timeout(PATIENCE_MS)
    watch.attach(profile)
    yield profile
    profile.close()


def shoot(page: Page, name: str) -> None:
    """Screenshots at 1440 and 390 pixels, light and dark, into test-artifacts/, where they are asked for."""
    if not os.environ.get("SCREENSHOTS"):
        return
    ARTIFACTS.mkdir(exist_ok=True)
    before = page.viewport_size
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(250)
            page.screenshot(path=ARTIFACTS / f"{name}-{width}-{scheme}.png", animations="disabled")
    page.emulate_media(color_scheme="light")
    if before:
        page.set_viewport_size(before)
