"""The pages around the notebook: lists, one run while it lives, forms, the shell; readable for everybody in both themes."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible_now
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, python, wire
from tests.acceptance.product import Product

PRINTER = "import time\n\n\ndef main(text: str):\n    for i in range(200):\n        print('\\x1b[33mrow\\x1b[0m', i, flush=True)\n        time.sleep(0.1)\n    return text\n"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "order": ["text", "kind", "limits"],
    "required": ["text"],
    "properties": {
        "text": {"type": "string", "contentMediaType": "text/csv", "title": "Orders"},
        "kind": {"type": "string", "enum": ["small", "large"], "default": "small"},
        "limits": {"type": "object", "properties": {"most": {"type": "integer", "maximum": 10}}},
    },
}


def deployed(client: httpx.Client, path: str, code: str, schema: dict[str, Any] | None = None) -> None:
    """A deployed flow of one step."""
    flow = flow_of(python("a", code, {"text": wire("flow_input.text")}, "Print"), schema=schema or SCHEMA, summary=path)
    draft = client.post("/api/w/main/drafts", json={"flow": flow}).raise_for_status().json()
    answer = client.post(f"/api/w/main/drafts/{draft['id']}/deploy", json={"path": path, "message": "test"})
    answer.raise_for_status()


def started(client: httpx.Client, path: str, args: dict[str, Any]) -> str:
    """The id of a run."""
    return client.post(f"/api/w/main/jobs/run/f/{path}", json=args).raise_for_status().text.strip().strip('"')


def test_a_run_is_watched_live_and_cancelled(page: Page, product: Product) -> None:
    with product.client() as client:
        deployed(client, "f/pages/printer", PRINTER)
        run = started(client, "f/pages/printer", {"text": "x"})
    page.goto(f"/runs/{run}")
    page.get_by_role("region", name="Timeline").get_by_role("button", name=re.compile("Print")).click()
    log = page.get_by_role("log")
    expect(log).to_contain_text("row 3", timeout=RUN_TIMEOUT)
    expect(log).to_contain_text("row 12", timeout=RUN_TIMEOUT)
    expect(log.locator(".ansi-yellow-fg").first).to_be_visible()
    page.get_by_role("button", name="Cancel run").click()
    expect(page.locator(".run-title .badge")).to_contain_text("Cancelled", timeout=RUN_TIMEOUT)
    expect(page.locator(".run-error")).to_have_count(0)
    page.get_by_role("tab", name=re.compile("Logs")).click()
    expect(page.get_by_role("log")).to_contain_text("row 5")


def test_a_run_form_takes_a_file_and_shows_errors_beside_fields(page: Page, product: Product) -> None:
    with product.client() as client:
        deployed(client, "f/pages/form", "def main(text: str):\n    return text.upper()\n")
    page.goto("/run/f/pages/form")
    expect(page.get_by_label("kind")).to_have_value("0")
    page.get_by_label("most").fill("99")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".form-field", has_text="Orders").locator(".form-error")).to_contain_text("Needed")
    expect(page.locator(".form-field", has_text="most").locator(".form-error")).to_contain_text("10 or less")
    page.get_by_label("most").fill("9")
    page.locator("input[type=file]").set_input_files(
        {"name": "orders.csv", "mimeType": "text/csv", "buffer": b"id,amount\n1,abc\n"}
    )
    expect(page.get_by_text("orders.csv")).to_be_visible()
    shoot(page, "run-form-filled")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/runs/*")
    expect(page.locator("#run-detail")).to_contain_text("1,ABC", timeout=RUN_TIMEOUT)
    page.get_by_role("link", name="Run with other input").click()
    expect(page.get_by_text("Filled with the input of an earlier run")).to_be_visible()
    expect(page.get_by_label("most")).to_have_value("9")


def test_runs_are_filtered_by_the_address(page: Page, product: Product) -> None:
    with product.client() as client:
        deployed(client, "f/pages/broken", "def main(text: str):\n    raise ValueError(text)\n")
        run = started(client, "f/pages/broken", {"text": "no"})
    page.goto(f"/runs/{run}")
    expect(page.locator(".run-error")).to_contain_text("ValueError in a: no", timeout=RUN_TIMEOUT)
    page.goto("/runs")
    page.get_by_role("button", name="Failed").click()
    page.wait_for_url(re.compile("status=failure"))
    expect(page.get_by_text("f/pages/broken").first).to_be_visible()
    expect(page.locator(".row-run .badge.ok")).to_have_count(0)
    page.get_by_placeholder("Find by path").fill("f/pages/nothing")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No run matches")).to_be_visible()
    page.get_by_role("link", name="Show all runs").click()
    expect(page.get_by_text("f/pages/broken").first).to_be_visible()


def test_the_theme_is_remembered_and_the_rail_is_reached_by_keyboard(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.get_by_role("button", name="Use dark colours").click()
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page.reload()
    expect(page.locator("html")).to_have_class(re.compile("dark"))


def test_what_runs_cells_is_shown_and_packages_are_cleared(page: Page, product: Product) -> None:
    code = "import tabulate\ndef main():\n    return tabulate.__version__\n"
    with product.client() as client:
        answer = client.post(
            "/api/w/main/jobs/run_wait_result/preview", json={"content": code, "language": "python3", "args": {}}
        )
        answer.raise_for_status()
    page.goto("/")
    page.get_by_role("link", name="Runtimes").click()
    python = page.get_by_role("listitem").filter(has_text=re.compile(r"Python 3\."))
    expect(python).to_contain_text("Ready")
    expect(page.get_by_role("listitem").filter(has_text="Rust")).to_contain_text("Does not run here")
    expect(page.get_by_role("region", name="Isolation")).to_contain_text("limits")
    packages = page.get_by_role("region", name="Packages")
    expect(packages).to_contain_text("tabulate")
    shoot(page, "runtimes")
    packages.get_by_role("button", name="Clear what no job uses").click()
    expect(packages).to_contain_text("No packages are installed")
    expect(packages).to_contain_text("0 bytes installed")
    shoot(page, "runtimes-cleared")


def test_signing_out_ends_the_session(page: Page, watch: Watch) -> None:
    watch.expect_error("/approvals/count")  # asked by the page that is being left, it may arrive after the end
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/runs")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_address_that_leads_nowhere_helps(page: Page, watch: Watch) -> None:
    watch.expect_error("404")
    page.goto("/no/such/page")
    page.get_by_role("link", name="All flows").click()
    expect(page.get_by_role("heading", name="Your flows")).to_be_visible()
    page.goto("/runs/00000000-0000-0000-0000-000000000000")
    expect(page.get_by_role("heading", name="There is no such run")).to_be_visible()
    page.goto("/run/f/not/deployed")
    expect(page.get_by_role("heading", name="This flow is not deployed")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible(page: Page, product: Product, scheme: str) -> None:
    with product.client() as client:
        deployed(
            client, f"f/pages/{scheme}", "def main(text: str):\n    print(text)\n    return [{'id': 1, 'n': text}]\n"
        )
        run = started(client, f"f/pages/{scheme}", {"text": "x"})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in (
        "/",
        "/runs",
        "/runtimes",
        "/more",
        "/whats-new",
        f"/run/f/pages/{scheme}",
        f"/runs/{run}",
        f"/runs/compare?a={run}",
    ):
        page.goto(path)
        expect(page.get_by_text("Connected")).to_be_visible()
        page.wait_for_timeout(800)
        accessible_now(page)


def test_a_phone_has_the_other_places_behind_more(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/runtimes")
    rail = page.get_by_role("navigation", name="Main")
    expect(rail.get_by_role("link", name="Runtimes")).to_be_hidden()
    expect(rail.get_by_role("link", name="More")).to_have_attribute("aria-current", "page")
    rail.get_by_role("link", name="More").click()
    places = page.get_by_role("list", name="More places")
    expect(places.get_by_role("link")).to_have_text(
        ["Scripts", "Hub", "Variables", "Resources", "Runtimes", "People", "Account", "What's new"]
    )
    expect(page.get_by_role("main").get_by_role("button", name="Sign out")).to_be_visible()
    shoot(page, "more")
    places.get_by_role("link", name="People").click()
    expect(page).to_have_url(re.compile("/people$"))
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(rail.get_by_role("link", name="More")).to_be_hidden()
    expect(rail.get_by_role("link", name="People")).to_be_visible()
