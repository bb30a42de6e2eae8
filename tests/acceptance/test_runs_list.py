"""The list of runs: its filters, and the views of it that people keep."""

from __future__ import annotations

import re

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.acceptance.product import Product
from tests.acceptance.test_pages import deployed


class HeldAnswers:
    """What the server tells a page by its websocket, held back for as long as a test wants."""

    def __init__(self, page: Page) -> None:
        self.holding = False
        self._held: list[tuple[WebSocketRoute, str | bytes]] = []
        page.route_web_socket(re.compile("/_event"), self._connect)

    def release(self) -> None:
        """Hand on what was held, in order, and all that comes after it at once."""
        self.holding = False
        for route, message in self._held:
            route.send(message)
        self._held.clear()

    def _connect(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(lambda message: self._held.append((route, message)) if self.holding else route.send(message))


def ran(product: Product, path: str, code: str) -> None:
    """A flow at the path, and one run of it that is over."""
    with product.client() as client:
        deployed(client, path, code)
        client.post(f"/api/w/main/jobs/run_wait_result/f/{path}", json={"text": "x"})


def test_rows_of_the_earlier_filter_never_stand_under_the_new_one(page: Page, product: Product) -> None:
    ran(product, "f/runs/fine", "def main(text: str):\n    return text\n")
    ran(product, "f/runs/breaks", "def main(text: str):\n    raise ValueError(text)\n")
    answers = HeldAnswers(page)
    page.goto("/runs")
    fine, breaks = (page.locator(".row-run", has_text=f"f/runs/{name}").first for name in ("fine", "breaks"))
    expect(fine).to_be_visible()
    card = page.locator(".card.list")
    height = card.bounding_box()
    answers.holding = True
    page.get_by_role("button", name="Failed").click()
    page.wait_for_url(re.compile("status=failure"))
    expect(page.get_by_role("button", name="Failed")).to_have_attribute("aria-pressed", "true")
    expect(fine).not_to_be_visible()
    expect(breaks).not_to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_be_visible()
    assert card.bounding_box() == height, "nothing jumps while it loads"
    answers.release()
    expect(breaks).to_be_visible()
    expect(page.locator(".row-run .badge.ok")).to_have_count(0)

    # back from another place, with another filter than the one that was left
    page.get_by_role("link", name="Approvals").first.click()
    expect(page.get_by_role("heading", name="Approvals")).to_be_visible()
    answers.holding = True
    page.get_by_role("link", name="Runs", exact=True).click()
    page.wait_for_url(re.compile("/runs$"))
    expect(page.get_by_role("status", name="Loading")).to_be_visible()
    expect(breaks).not_to_be_visible()
    answers.release()
    expect(fine).to_be_visible()


def test_the_field_shows_the_path_of_the_filter_that_is_open(page: Page, product: Product) -> None:
    ran(product, "f/runs/found", "def main(text: str):\n    return text\n")
    page.goto("/runs")
    field = page.get_by_placeholder("Find by path")
    field.fill("f/runs/found")
    field.press("Enter")
    expect(page).to_have_url(re.compile("path="))
    expect(page.locator(".row-run")).to_have_count(1)
    all_runs = page.get_by_role("button", name="All")
    all_runs.focus()
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile("/runs$"))
    expect(field).to_have_value("")
    expect(all_runs).to_be_focused()
