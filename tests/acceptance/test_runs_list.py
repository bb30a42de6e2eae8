"""The list of runs: its filters, and the views of it that people keep."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.notebook_page import flow_of, python
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
    page.keyboard.type("-or-not")
    expect(page).to_have_url(re.compile("path=f%2Fruns%2Ffound$"))
    expect(page.locator(".row-run")).to_have_count(1)
    expect(field).to_be_focused()
    expect(field).to_have_value("f/runs/found-or-not")
    all_runs = page.get_by_role("button", name="All")
    all_runs.focus()
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile("/runs$"))
    expect(field).to_have_value("")
    expect(all_runs).to_be_focused()


@pytest.fixture
def colleague(browser: Browser, product: Product, watch: Watch) -> Iterator[Page]:
    """A page of a developer of the workspace."""
    email, password = "dora@runs.example.org", "a long password"
    with product.client() as client:
        made = {"email": email, "password": password, "username": "dora_runs", "name": "Dora Runs"}
        client.post("/api/users/create", json=made).raise_for_status()
        member = {"email": email, "username": "dora_runs", "role": "developer"}
        client.post("/api/w/main/workspaces/add_user", json=member).raise_for_status()
    profile = browser.new_context(base_url=product.url, viewport={"width": 1440, "height": 900})
    watch.attach(profile)
    page = profile.new_page()
    page.goto("/signin")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/signin" not in url)
    yield page
    profile.close()


def test_a_view_is_kept_opened_shared_renamed_and_deleted(page: Page, product: Product, colleague: Page) -> None:
    ran(product, "f/runs/nightly", "def main(text: str):\n    raise ValueError(text)\n")
    ran(product, "f/runs/daily", "def main(text: str):\n    raise ValueError(text)\n")
    page.goto("/runs")
    expect(page.get_by_text("Narrow the list, and keep that here")).to_be_visible()
    shoot(page, "run-views-none")
    page.goto("/runs?status=failure&path=f/runs/nightly")
    keep = page.get_by_role("button", name="Keep as a view")
    keep.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Keep this filter as a view")
    expect(dialog.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Failed nightly runs")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"view=\w+"))
    view = page.get_by_role("list", name="Views").get_by_role("button", name="Failed nightly runs")
    expect(view).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".row-run")).to_have_count(1)
    link = page.url

    # opened by keyboard, from all runs; the state that it lists looks pressed
    page.get_by_role("button", name="All").click()
    expect(view).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".row-run", has_text="f/runs/daily").first).to_be_visible()
    view.focus()
    page.keyboard.press("Space")
    expect(page.locator(".row-run")).to_have_count(1)
    expect(page).to_have_url(link)
    expect(page.get_by_role("button", name="Failed", exact=True)).to_have_attribute("aria-pressed", "true")

    # a name that is taken is said in the dialog, where what was typed stays
    page.goto("/runs?path=f/runs/daily")
    keep.click()
    dialog.get_by_label("Name").fill("failed nightly RUNS")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Choose another name")
    expect(dialog.get_by_label("Name")).to_have_value("failed nightly RUNS")
    shoot(page, "run-views-dialog")
    dialog.get_by_label("Name").fill("Everything that runs daily in the flow of the sales team, whatever became of it")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("list", name="Views").get_by_role("button")).to_have_count(2)

    # another developer opens the link: nothing before it is shared, the view after
    colleague.goto(link)
    expect(colleague.get_by_text("This view is not there.")).to_be_visible()
    expect(colleague.locator(".row-run")).to_have_count(0)
    shoot(colleague, "run-views-missing")
    view.click()
    page.get_by_role("button", name="Rename or share").click()
    change = page.get_by_role("dialog", name="Change this view")
    change.get_by_label("Name").fill("Nightly failures")
    change.get_by_label(re.compile("Share with the workspace")).check()
    change.get_by_role("button", name="Save").click()
    renamed = page.get_by_role("list", name="Views").get_by_role("button", name="Nightly failures")
    expect(renamed).to_have_attribute("title", re.compile("Shared with the workspace"))
    shoot(page, "run-views")
    accessible(page)
    colleague.reload()
    shared = colleague.get_by_role("list", name="Views").get_by_role("button", name="Nightly failures")
    expect(shared).to_have_attribute("aria-pressed", "true")
    expect(shared).to_have_attribute("title", re.compile("Shared by"))
    expect(colleague.locator(".row-run")).to_have_count(1)
    expect(colleague.get_by_role("button", name="Delete view")).to_have_count(0)

    # on a phone, its buttons are as high as others
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("Rename or share", "Delete view"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box is not None and box["height"] >= 40, (name, box)
    page.set_viewport_size({"width": 1440, "height": 900})

    # a question is about the view of its address, and goes with it
    page.goto("/runs?path=f/runs/daily")
    renamed.click()
    page.get_by_role("button", name="Delete view").click()
    question = page.get_by_role("alertdialog", name="Delete this view?")
    expect(question).to_contain_text("“Nightly failures” goes")
    page.go_back()
    expect(page).to_have_url(re.compile("path="))
    expect(question).to_have_count(0)
    renamed.click()

    # deleted by keyboard
    page.get_by_role("button", name="Delete view").focus()
    page.keyboard.press("Enter")
    expect(question).to_contain_text("for everybody in the workspace")
    question.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/runs$"))
    expect(page.get_by_role("list", name="Views").get_by_role("button")).to_have_count(1)

    # who has it open sees so with the next run, and no run without it
    ran(product, "f/runs/later", "def main(text: str):\n    return text\n")
    expect(colleague.get_by_text("This view is not there.")).to_be_visible()
    expect(colleague.locator(".row-run")).to_have_count(0)


def test_filters_and_views_of_another_workspace_stay_there(page: Page, product: Product) -> None:
    with product.client() as client:
        client.post("/api/workspaces/create", json={"id": "nights", "name": "Nights"}).raise_for_status()
        flow = flow_of(python("a", "def main():\n    raise ValueError('of nights')\n"))
        stored = {"path": "f/runs/there", "summary": "There", "value": flow["value"]}
        client.post("/api/w/nights/flows/create", json=stored).raise_for_status()
        client.post("/api/w/nights/jobs/run_wait_result/f/f/runs/there", json={})
    page.goto("/runs?workspace=nights")
    row = page.locator(".row-run", has_text="f/runs/there")
    expect(row).to_be_visible()
    page.get_by_role("button", name="Failed").click()
    expect(page).to_have_url(re.compile("status=failure&workspace=nights"))
    expect(page.get_by_role("button", name="Failed")).to_have_attribute("aria-pressed", "true")
    expect(row).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("No run matches")).to_be_visible()
    page.go_back()
    expect(row).to_be_visible()
    page.get_by_role("button", name="Keep as a view").click()
    dialog = page.get_by_role("dialog", name="Keep this filter as a view")
    dialog.get_by_label("Name").fill("Of the nights")
    dialog.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"view=\w+&workspace=nights"))
    page.reload()
    view = page.get_by_role("list", name="Views").get_by_role("button", name="Of the nights")
    expect(view).to_have_attribute("aria-pressed", "true")
    expect(row).to_be_visible()
    page.goto("/runs?workspace=main")
    expect(page.get_by_role("button", name="All")).to_have_attribute("aria-pressed", "true")
    expect(view).to_have_count(0)


def test_more_filters_by_keyboard(page: Page, product: Product) -> None:
    ran(product, "f/runs/filtered", "def main(text: str):\n    return text\n")
    page.goto("/runs?path=f/runs/filtered")
    rows = page.locator(".row-run", has_text="f/runs/filtered")
    expect(rows).to_have_count(1)
    person, begun = page.locator("[name=created_by]"), page.locator("[name=trigger]")
    expect(person).not_to_be_visible()
    page.get_by_text("More filters").focus()
    page.keyboard.press("Enter")
    person.focus()
    page.keyboard.type("nobody")
    shoot(page, "runs-more-filters")
    accessible(page)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("created_by=nobody"))
    expect(page.get_by_text("No run matches")).to_be_visible()
    expect(person).to_have_value("nobody")
    expect(person).to_be_focused()
    person.fill("admin")
    begun.select_option("A webhook")
    page.get_by_label("From", exact=True).fill("2026-01-01")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url(re.compile("created_by=admin&trigger=webhook&since=2026-01-01"))
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Failed", exact=True).click()
    page.wait_for_url(re.compile("status=failure.*created_by=admin"))
    expect(page.get_by_text("No run matches")).to_be_visible()
    page.get_by_role("button", name="Keep as a view").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Failed webhooks of admin")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"view=\w+"))
    expect(person).to_have_value("admin")
    expect(begun).to_have_value("webhook")
    page.get_by_role("link", name="Show all runs").first.click()
    page.wait_for_url(re.compile("/runs$"))
    expect(rows.first).to_be_visible()
    expect(person).not_to_be_visible()
    with product.client() as client:
        for view in client.get("/api/w/main/run_views").json():
            if view["name"] == "Failed webhooks of admin":
                client.delete(f"/api/w/main/run_views/{view['id']}").raise_for_status()
