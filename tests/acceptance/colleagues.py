"""Somebody else in a browser of their own, and two drafts of one flow."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.acceptance.conftest import Watch
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

PASSWORD = "a long password"


LOAD = "def main(days: int = 7):\n    return [{'city': 'Oslo', 'rows': days}]\n"


SEND = "def main(rows: list):\n    return len(rows)\n"


@dataclass(frozen=True)
class Colleague:
    """Another admin of the workspace, signed in with a browser of their own."""

    username: str
    name: str
    page: Page


def account(client: httpx.Client, username: str, name: str) -> str:
    """Make another admin; their email."""
    email = f"{username}@example.org"
    made = {"email": email, "password": PASSWORD, "username": username, "name": name}
    client.post("/api/users/create", json=made).raise_for_status()
    member = {"email": email, "username": username, "is_admin": True}
    client.post("/api/w/main/workspaces/add_user", json=member).raise_for_status()
    return email


@pytest.fixture
def ada(browser: Browser, product: Product, watch: Watch) -> Iterator[Colleague]:
    """Ada Byron."""
    username = f"ada_{uuid.uuid4().hex[:6]}"
    name = "Ada Byron"
    with product.client() as client:
        email = account(client, username, name)
    profile = browser.new_context(base_url=product.url, viewport={"width": 1440, "height": 900})
    profile.set_default_timeout(15_000)
    watch.attach(profile)
    page = profile.new_page()
    page.goto("/signin")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/signin" not in url)
    yield Colleague(username, name, page)
    profile.close()


def two_cells() -> dict[str, Any]:
    """A flow that loads orders in `a` and sends them in `b`."""
    return flow_of(python("a", LOAD, {}, "Load the orders"), python("b", SEND, {"rows": wire("results.a")}, "Send"))


def opened(page: Page, product: Product) -> NotebookPage:
    """Two cells."""
    with product.client() as client:
        return open_flow(page, client, two_cells())


def beside(notebook: NotebookPage, colleague: Colleague) -> NotebookPage:
    """The same notebook in the colleague's browser."""
    colleague.page.goto(f"/flows/{notebook.draft_id}")
    return NotebookPage(colleague.page).loaded()


def mark(notebook: NotebookPage, step: str) -> Locator:
    """The button at a cell's head that says how much was said about it."""
    return notebook.cell(step).locator("> .nb-hd .nb-comment-button")


def reply(notebook: NotebookPage, step: str, text: str) -> Locator:
    """Answer what was said about a cell; the open panel."""
    mark(notebook, step).click()
    panel = notebook.page.get_by_role("dialog", name=f"Comments on {step}")
    panel.get_by_role("button", name="Reply").click()
    notebook.page.keyboard.type(text)
    notebook.page.keyboard.press("Control+Enter")
    return panel


def people(notebook: NotebookPage) -> Locator:
    """Who else is here, in the bar."""
    return notebook.page.get_by_role("group", name="Also here")


def code(notebook: NotebookPage, step: str) -> Locator:
    """The text of a cell as it stands in its editor."""
    return notebook.cell(step).locator("> .nb-code-wrap .view-lines")


def typing_in(notebook: NotebookPage, step: str, name: str) -> Locator:
    """The word over a text that somebody is typing in it."""
    return notebook.page.get_by_role("group", name=f"{name} is typing in {step}")


@pytest.fixture
def shared_path(product: Product) -> str:
    """A path of the team's for a flow."""
    return f"f/team/{uuid.uuid4().hex[:8]}"


def two_drafts(page: Page, product: Product, ada: Colleague, path: str) -> tuple[NotebookPage, NotebookPage]:
    """A deployed flow of two cells: the draft that it was deployed from, and Ada's own, each in a browser."""
    with product.client() as client:
        made = client.post("/api/w/main/drafts", json={"flow": two_cells(), "path": path}).raise_for_status().json()
        client.post(f"/api/w/main/drafts/{made['id']}/deploy", json={}).raise_for_status()
    page.goto(f"/flows/{made['id']}")
    hers = ada.page.request.post(f"/api/w/main/flows/edit/{path}", headers={"origin": product.url}).json()["id"]
    assert hers != made["id"]
    ada.page.goto(f"/flows/{hers}")
    return NotebookPage(page).loaded(), NotebookPage(ada.page).loaded()


def in_other_drafts(notebook: NotebookPage) -> Locator:
    """Who has another draft of the flow open, in the bar."""
    return notebook.page.get_by_role("group", name="In other drafts of this flow")


def hint(notebook: NotebookPage) -> Locator:
    """The word in a cell that somebody changes it in another draft."""
    return notebook.page.get_by_role("group", name="Ada Byron is changing this cell in another draft")
