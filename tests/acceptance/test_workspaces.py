"""More than one workspace: made and entered by mouse and keys, each tab in its own, and nobody in one that is not theirs."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import RUN_TIMEOUT, NotebookPage, flow_of, python
from tests.acceptance.product import Product


def switch(page: Page) -> Any:
    """The button that names the workspace."""
    return page.get_by_role("navigation", name="Main").get_by_role("button", name=re.compile("^Workspace "))


def make(page: Page, name: str) -> None:
    """By keys alone."""
    press(page, switch(page))
    dialog = page.get_by_role("dialog", name="Workspaces")
    expect(dialog.get_by_role("button", name=re.compile("main$"))).to_be_focused()
    press(page, dialog.get_by_text("New workspace"))
    dialog.get_by_label("Name").focus()
    page.keyboard.type(name)
    page.keyboard.press("Enter")


def test_a_workspace_is_made_entered_and_left(page: Page, product: Product, watch: Watch) -> None:
    watch.expect_error("workspaces/create")  # a name that is taken
    page.goto("/")
    expect(switch(page)).to_have_text("main", timeout=RUN_TIMEOUT)
    make(page, "Sales & More")
    expect(switch(page)).to_have_text("sales_more", timeout=RUN_TIMEOUT)
    expect(page).to_have_url(re.compile(r"\?workspace=sales_more$"))
    expect(page.get_by_text("No flows yet").or_(page.get_by_role("heading", name="Start")).first).to_be_visible()

    with product.client() as client:
        document = flow_of(python("a", "def main():\n    return 'of sales'\n"), summary="Only of sales")
        draft = client.post("/api/w/sales_more/drafts", json={"flow": document}).raise_for_status().json()
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page).to_have_url(re.compile(r"/runs/?\?workspace=sales_more$"))
    page.goto(f"/flows/{draft['id']}?workspace=sales_more")
    notebook = NotebookPage(page).loaded()
    notebook.run("a")
    expect(notebook.output("a")).to_contain_text("of sales", timeout=RUN_TIMEOUT)
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".listed[data-late]")).to_have_count(0)
    expect(
        page.locator(".listed")
        .get_by_text("Only of sales")
        .or_(page.locator(".listed").get_by_text("only_of_sales"))
        .first
    ).to_be_visible()
    page.reload()
    expect(
        page.locator(".listed")
        .get_by_text("Only of sales")
        .or_(page.locator(".listed").get_by_text("only_of_sales"))
        .first
    ).to_be_visible()
    page.get_by_role("link", name="Variables").click()
    expect(page.get_by_role("heading", name="Variables")).to_be_visible()
    page.get_by_role("button", name="New variable").click()
    page.get_by_role("dialog").get_by_label("Path").fill("u/admin/only_here")
    page.get_by_role("dialog").get_by_label("Value").fill("7")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("u/admin/only_here")).to_be_visible()
    with product.client() as client:
        assert client.get("/api/w/sales_more/variables/get/u/admin/only_here").status_code == 200
        assert client.get("/api/w/main/variables/get/u/admin/only_here").status_code == 404

    switch(page).click()
    dialog = page.get_by_role("dialog", name="Workspaces")
    expect(dialog.get_by_role("button", name=re.compile("sales_more$"))).to_have_attribute("aria-current", "true")
    shoot(page, "workspaces")
    dialog.get_by_text("New workspace").click()
    dialog.get_by_label("Name").fill("Main")
    dialog.get_by_role("button", name="Make the workspace").click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is already a workspace main")
    shoot(page, "workspaces-taken")
    dialog.get_by_role("button", name=re.compile("main$")).click()
    expect(switch(page)).to_have_text("main", timeout=RUN_TIMEOUT)
    expect(page.get_by_text("Only of sales")).to_have_count(0)
    page.get_by_role("link", name="Variables").click()
    expect(page.get_by_role("heading", name="Variables")).to_be_visible()
    expect(page.get_by_text("u/admin/only_here")).to_have_count(0)
    expect(page.locator(".page-skeleton")).to_have_count(0)  # what is here is listed
    expect(page.get_by_text("u/admin/only_here")).to_have_count(0)


def test_each_tab_has_its_own(page: Page, context: BrowserContext, product: Product) -> None:
    with product.client() as client:
        client.post("/api/workspaces/create", json={"id": "second", "name": "Second"}).raise_for_status()
    page.goto("/runs")
    expect(switch(page)).to_have_text("main", timeout=RUN_TIMEOUT)
    other = context.new_page()
    other.goto("/runs?workspace=second")
    expect(switch(other)).to_have_text("second", timeout=RUN_TIMEOUT)
    page.reload()
    expect(switch(page)).to_have_text("main", timeout=RUN_TIMEOUT)
    expect(page).to_have_url(re.compile("/runs/?$"))
    other.get_by_role("link", name="Schedules").click()
    expect(other).to_have_url(re.compile(r"/schedules/?\?workspace=second$"))
    other.reload()
    expect(switch(other)).to_have_text("second", timeout=RUN_TIMEOUT)
    with context.expect_page() as opening:
        other.get_by_role("link", name="Runs", exact=True).click(modifiers=["Control"])
    expect(switch(opening.value)).to_have_text("second", timeout=RUN_TIMEOUT)
    other.goto("/runs")  # an address that somebody sent: of the first workspace, as all that name none
    expect(switch(other)).to_have_text("main", timeout=RUN_TIMEOUT)
    opened = context.new_page()
    opened.goto("/")
    expect(switch(opened)).to_have_text("main", timeout=RUN_TIMEOUT)  # nobody entered another one yet

    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/more")
    page.get_by_role("main").get_by_role("button", name="Workspace main").click()
    page.get_by_role("dialog", name="Workspaces").get_by_role("button", name=re.compile("second$")).click()
    expect(page).to_have_url(re.compile(r"/\?workspace=second$"))
    fresh = context.new_page()
    fresh.goto("/")
    expect(switch(fresh)).to_have_text("second", timeout=RUN_TIMEOUT)  # the one entered last
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(switch(page)).to_have_text("second", timeout=RUN_TIMEOUT)
    page.go_back()
    expect(page).to_have_url(re.compile("/more/?$"))
    expect(switch(page)).to_have_text("main", timeout=RUN_TIMEOUT)


def test_nobody_is_in_a_workspace_that_is_not_theirs(elsewhere: BrowserContext, product: Product, watch: Watch) -> None:
    with product.client() as client:
        client.post("/api/workspaces/create", json={"id": "closed", "name": "Closed"}).raise_for_status()
        client.post("/api/workspaces/create", json={"id": "third", "name": "Third"}).raise_for_status()
        account = {"email": "uma@example.org", "password": "a long password", "username": "uma", "name": "Uma"}
        client.post("/api/users/create", json=account).raise_for_status()
        client.post("/api/w/third/workspaces/add_user", json={"email": "uma@example.org", "role": "developer"})
        own = {"path": "u/uma/own", "value": "x", "is_secret": False}
        client.post("/api/w/third/variables/create", json=own).raise_for_status()
        client.post("/api/w/closed/variables/create", json={"path": "u/admin/hidden", "value": "x", "is_secret": False})
    page = elsewhere.new_page()
    page.goto("/signin")
    page.get_by_label("Email").fill("uma@example.org")
    page.get_by_label("Password").fill("a long password")
    page.keyboard.press("Enter")
    expect(switch(page)).to_have_text("third", timeout=RUN_TIMEOUT)  # without being asked
    switch(page).click()
    dialog = page.get_by_role("dialog", name="Workspaces")
    expect(dialog.get_by_role("listitem")).to_have_text([re.compile("Third")])
    expect(dialog.get_by_text("New workspace")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Variables").click()
    expect(page.get_by_text("u/uma/own")).to_be_visible()
    watch.expect_error("404")
    watch.expect_error("403")
    page.goto("/variables?workspace=closed")
    expect(page.get_by_role("alert").first).to_contain_text("You are not in a workspace closed")
    expect(page.get_by_text("u/admin/hidden")).to_have_count(0)
    expect(page.get_by_text("u/uma/own")).to_have_count(0)
    shoot(page, "workspace-of-others")
