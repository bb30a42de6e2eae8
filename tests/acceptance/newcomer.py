"""Somebody new in front of a server that was just started for the first time, for the tests of the whole main job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Locator, Page, expect

from tests.acceptance.conftest import PATIENCE_MS, Watch
from tests.acceptance.notebook_page import RUN_TIMEOUT, NotebookPage
from tests.acceptance.product import ROOT, Product

DONE = "fresh|reused"
TEMPLATE = re.compile("^Orders report")
FILE = ROOT / "assets/orders-2026-q3.csv"
BEST = "def main(best: dict, revenue: float, region: str):\n    return [best, revenue, region]\n"
TOTAL = "def main(total: float, currency: str):\n    return [total, currency]\n"


@dataclass
class Newcomer:
    """Somebody in front of a server that was just started for the first time."""

    page: Page
    product: Product

    @property
    def box(self) -> Locator:
        """The flow's input."""
        return self.page.get_by_role("region", name="Flow input")

    @property
    def panel(self) -> Locator:
        """The side panel."""
        return self.page.get_by_role("complementary", name="Side panel")

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    def arrive(self) -> None:
        """Follow the link that the start printed."""
        self.page.goto(self.product.printed_link())
        expect(self.page.get_by_role("heading", name="Your flows")).to_be_visible()

    def notebook(self) -> NotebookPage:
        """The notebook that opens."""
        self.page.wait_for_url("**/flows/*")
        return NotebookPage(self.page).loaded()


@contextmanager
def newcomer_to(browser: Browser, product: Product) -> Iterator[Newcomer]:
    """A fresh server, and a browser that knows nothing of it; what the page logs or asks of others fails the test."""
    product.start()
    watch = Watch(product.url)
    profile = browser.new_context(base_url=product.url, viewport={"width": 1440, "height": 900}, accept_downloads=True)
    profile.set_default_timeout(PATIENCE_MS)
    watch.attach(profile)
    watch.expect_error("ERR_")  # the lost connection, while the server is started anew
    yield Newcomer(profile.new_page(), product)
    profile.close()
    product.stop()
    watch.verify()


def comes_back(newcomer: Newcomer, notebook: NotebookPage, typed: str) -> None:
    """After a reload and a restart of the server everything is there as it was."""
    notebook.settled()
    newcomer.page.reload()
    notebook.loaded()
    newcomer.product.restart()
    newcomer.page.reload()
    notebook.loaded()
    notebook.expect_states(a=DONE, b=DONE, c=DONE, d=DONE, e=DONE, f=DONE)
    expect(notebook.output("a")).to_contain_text("497 rows read")
    expect(notebook.cell("b").locator(".nb-code")).to_contain_text(typed)
    expect(newcomer.box.get_by_label("Value of threshold")).to_have_value("50000")


def ended(page: Page) -> None:
    """Wait until the run has succeeded."""
    expect(page.locator(".run-title .badge")).to_contain_text(re.compile("Done|Success"), timeout=RUN_TIMEOUT)
