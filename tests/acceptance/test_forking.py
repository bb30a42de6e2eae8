"""A flow of somebody else becomes one's own: the fork, and what it names of variables and resources, bound anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.axe import accessible_now
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.notebook_page import NotebookPage, flow_of, python, wire
from tests.acceptance.product import Product
from tests.acceptance.test_run_again import deployed

W = "/api/w/main"
PATH = "f/forking/report"
DORA = "dora-forks"
CODE = "def main(db, key):\n    return [db, key]\n"


def fixed(value: Any) -> dict[str, Any]:
    return {"type": "static", "value": value}


def made(client: httpx.Client) -> None:
    """A flow that names what Dora may not use, what is not there, and what is hers too."""
    for name, owners in (("forking", []), ("forking-closed", ["u/admin"])):
        client.post(f"{W}/folders/create", json={"name": name, "owners": owners or ["u/admin", f"u/{DORA}"]})
    for path in ("f/forking-closed/db", "f/forking/db", "f/forking/other"):
        resource = {"path": path, "value": {"host": path}, "resource_type": "postgresql"}
        client.post(f"{W}/resources/create", json=resource)
    for path in ("f/forking/key", "f/forking/second_key"):
        client.post(f"{W}/variables/create", json={"path": path, "value": "k", "is_secret": False, "description": ""})
    load = python(
        "a", CODE, {"db": fixed("$res:f/forking-closed/db"), "key": wire("variable('f/forking/key')")}, "Load"
    )
    check = python(
        "b", CODE, {"db": wire("resource('f/forking-closed/db').host"), "key": fixed("$var:f/gone/key")}, "Check"
    )
    deployed(client, PATH, flow_of(load, check, summary="Report of the team"))


@pytest.fixture
def dora(browser: Browser, product: Product, watch: Watch) -> Iterator[Page]:
    """A developer who is no admin, signed in."""
    profile = browser.new_context(base_url=product.url)
    watch.attach(profile)
    with product.client() as client:
        person = {"email": f"{DORA}@example.org", "username": DORA, "password": "a long password"}
        client.post("/api/users/create", json=person).raise_for_status()
        member = {"email": person["email"], "username": DORA, "role": "developer"}
        client.post(f"{W}/workspaces/add_user", json=member).raise_for_status()
        made(client)
    page = profile.new_page()
    page.goto("/signin")
    page.get_by_label("Email").fill(str(person["email"]))
    page.get_by_label("Password").fill(str(person["password"]))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Your flows")).to_be_visible(timeout=60_000)
    yield page
    profile.close()


def test_a_fork_is_bound_anew_and_taken_back_by_keyboard(dora: Page, product: Product) -> None:
    page = dora
    page.goto(f"/run/{PATH}")
    page.get_by_role("button", name="Fork").click()
    dialog = page.get_by_role("dialog", name="Variables and resources")
    expect(dialog).to_contain_text(f"at u/{DORA}/report", timeout=60_000)
    expect(dialog).to_contain_text("2 names are not there, or not yours to use")
    missing = dialog.get_by_role("region", name="To bind anew")
    expect(missing.get_by_role("listitem")).to_have_count(2)
    expect(missing.get_by_role("listitem").first).to_contain_text("Resource of a.db, b.db")
    expect(dialog.get_by_role("region", name="Kept").get_by_role("listitem")).to_contain_text("f/forking/key")
    shoot(page, "fork-dialog")
    accessible_now(page)

    database = dialog.get_by_label("Instead of the resource f/forking-closed/db")
    expect(database).to_be_focused()
    expect(database.locator("option").nth(1)).to_have_text(
        "f/forking/db (postgresql)"
    )  # of the same name: the likely one
    page.keyboard.press("ArrowDown")
    expect(database).to_have_value("f/forking/db")
    dialog.get_by_role("button", name="Bind 1 anew").press("Enter")
    expect(dialog).to_have_count(0)

    notebook = NotebookPage(page).loaded()
    expect(notebook.row("b", "db")).to_contain_text("resource('f/forking/db').host")
    undo = page.get_by_role("button", name="Undo: Bound 1 name anew")
    expect(undo).to_be_visible()
    with product.client() as client:
        assert client.get(f"{W}/flows/get/{PATH}").json()["value"]["modules"][0]["value"]["input_transforms"][
            "db"
        ] == fixed("$res:f/forking-closed/db")
    undo.press("Enter")
    expect(notebook.row("b", "db")).to_contain_text("resource('f/forking-closed/db').host")

    page.reload()  # the dialog does not come again by itself
    notebook.loaded()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Variables and resources").click()
    expect(missing.get_by_role("listitem")).to_have_count(2)
    dialog.get_by_role("button", name="Leave for later").click()
    expect(dialog).to_have_count(0)


def test_a_flow_that_names_nothing_is_forked_without_a_question(page: Page, product: Product) -> None:
    path = "f/forking-plain/count"
    with product.client() as client:
        deployed(client, path, flow_of(python("a", "def main():\n    return 1\n", {}, "Count"), summary="Count"))
        draft = client.post(f"{W}/flows/edit/{path}").json()["id"]
    page.goto(f"/flows/{draft}")
    NotebookPage(page).loaded()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Fork into my own space").click()
    expect(page.get_by_text("Draft, not deployed")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("navigation", name="Place")).to_contain_text("u / admin")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.keyboard.type("Variables and resources that")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Variables and resources")
    expect(dialog).to_contain_text("The flow names no variable and no resource.")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
