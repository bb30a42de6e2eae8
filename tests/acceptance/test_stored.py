"""The pages Variables, Resources and Schedules: made, used, changed, found, deleted."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible, accessible_now
from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import flow_of, python, wire
from tests.acceptance.product import Product


def test_a_secret_is_made_used_and_deleted(page: Page, product: Product) -> None:
    with product.client() as client:  # tests of other files may have run on this server
        for kept in client.get("/api/w/main/variables/list").json():
            client.delete(f"/api/w/main/variables/delete/{kept['path']}").raise_for_status()
    page.goto("/variables")
    expect(page.get_by_text("No variables yet")).to_be_visible()
    shoot(page, "variables-empty")
    page.get_by_role("button", name="New variable").click()
    dialog = page.get_by_role("dialog", name="New variable")
    expect(dialog.get_by_label("Path")).to_have_value("u/admin/")
    dialog.get_by_label("Path").fill("u/admin/no good")
    dialog.get_by_label("Value").fill("hunter2")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("is not a path")
    expect(dialog.get_by_label("Value")).to_have_value("hunter2")
    shoot(page, "variables-refused")
    dialog.get_by_label("Path").fill("u/admin/password")
    dialog.get_by_label("Description").fill("Of the shop")
    page.keyboard.press("Enter")
    row = page.get_by_role("listitem").filter(has_text="u/admin/password")
    expect(row).to_contain_text("Secret")
    expect(page.locator("body")).not_to_contain_text("hunter2")
    with product.client() as client:
        cell = python("a", "def main(p: str):\n    return len(p)\n", {"p": wire("variable('u/admin/password')")})
        client.post("/api/w/main/drafts", json={"flow": flow_of(cell), "path": "u/admin/shop"}).raise_for_status()
        assert client.get("/api/w/main/variables/get_value/u/admin/password").json() == "hunter2"
    row.get_by_role("button", name="u/admin/password", exact=True).click()
    dialog = page.get_by_role("dialog", name="Change variable")
    expect(dialog.get_by_label("Value")).to_have_value("")
    dialog.get_by_label("Description").fill("Of the new shop")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Of the new shop")
    with product.client() as client:
        assert client.get("/api/w/main/variables/get_value/u/admin/password").json() == "hunter2"
    shoot(page, "variables")
    row.get_by_role("button", name="Delete u/admin/password").click()
    asks = page.get_by_role("alertdialog")
    expect(asks).to_contain_text("draft u/admin/shop")
    shoot(page, "variables-delete")
    asks.get_by_role("button", name="Keep it").click()
    expect(row).to_be_visible()
    row.get_by_role("button", name="Delete u/admin/password").click()
    asks.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)


def test_a_resource_is_written_as_json(page: Page, product: Product) -> None:
    page.goto("/")
    page.get_by_role("link", name="Resources").click()
    page.get_by_role("button", name="New resource").click()
    dialog = page.get_by_role("dialog", name="New resource")
    dialog.get_by_label("Path").fill("u/admin/db")
    dialog.get_by_label("Type").fill("postgresql")
    dialog.get_by_label("Value (JSON)").fill('{"host": localhost}')
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("not JSON")
    dialog.get_by_label("Value (JSON)").fill('{"host": "localhost", "password": "$var:u/admin/p"}')
    shoot(page, "resources-dialog")
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("listitem").filter(has_text="u/admin/db")
    expect(row).to_contain_text("postgresql")
    with product.client() as client:
        value = client.get("/api/w/main/resources/get_value/u/admin/db").json()
    assert value == {"host": "localhost", "password": "$var:u/admin/p"}
    row.get_by_role("button", name="u/admin/db", exact=True).click()
    expect(page.get_by_label("Value (JSON)")).to_have_value(re.compile('"host": "localhost"'))
    page.keyboard.press("Escape")
    shoot(page, "resources")
    accessible(page)


def test_an_earlier_value_of_a_resource_is_seen_and_brought_back(page: Page, product: Product) -> None:
    address = "/api/w/main/resources"
    big = 12345678901234567890
    with product.client() as client:
        made = {"path": "u/admin/moved", "resource_type": "any", "value": {"host": "one", "account": big}}
        client.post(f"{address}/create", json=made).raise_for_status()
    page.goto("/resources")
    row = page.get_by_role("button", name="u/admin/moved", exact=True)
    row.click()
    dialog = page.get_by_role("dialog", name="Change resource")
    expect(dialog.get_by_label("Value (JSON)")).to_be_visible()
    expect(dialog.get_by_text("earlier value")).to_have_count(0)
    page.keyboard.press("Escape")
    with product.client() as client:
        client.post(f"{address}/update_value/u/admin/moved", json={"value": {"host": "two"}}).raise_for_status()
    row.click()
    dialog.get_by_text("1 earlier value").click()
    dialog.get_by_role("button", name="Show").click()
    expect(dialog.get_by_label("The value as it was")).to_contain_text(f'"account": {big}')
    accessible_now(page)
    shoot(page, "resources-earlier")
    dialog.get_by_label("Description").fill("Where it was")
    dialog.get_by_role("button", name="Bring it back").click()
    question = dialog.get_by_role("alertdialog", name="Discard what you typed?")
    expect(question.get_by_role("button", name="Keep editing")).to_be_focused()
    shoot(page, "resources-earlier-typed")
    page.keyboard.press("Enter")
    expect(question).to_have_count(0)
    expect(dialog.get_by_label("Description")).to_have_value("Where it was")
    with product.client() as client:
        assert client.get(f"{address}/get_value/u/admin/moved").json() == {"host": "two"}
    dialog.get_by_role("button", name="Bring it back").click()
    question.get_by_role("button", name="Discard").click()
    expect(dialog).to_have_count(0)
    with product.client() as client:
        assert client.get(f"{address}/get_value/u/admin/moved").json() == {"host": "one", "account": big}
    row.click()
    expect(dialog.get_by_text("2 earlier values")).to_be_visible()


def test_a_schedule_is_made_switched_off_and_deleted(page: Page, product: Product) -> None:
    with product.client() as client:
        cell = python("a", "def main():\n    return 1\n", {})
        made = client.post("/api/w/main/drafts", json={"flow": flow_of(cell)}).raise_for_status().json()
        deploy = {"path": "f/team/nightly", "message": "first"}
        client.post(f"/api/w/main/drafts/{made['id']}/deploy", json=deploy).raise_for_status()
    page.goto("/schedules")
    expect(page.get_by_text("No schedules yet")).to_be_visible()
    page.get_by_role("button", name="New schedule").click()
    dialog = page.get_by_role("dialog", name="New schedule")
    dialog.get_by_label("Path").fill("u/admin/nightly")
    dialog.get_by_label("Runs").fill("flow f/team/nightly")
    when = dialog.get_by_label("When (cron)")
    when.fill("0 0 25 * * *")
    expect(dialog).to_contain_text("is not a schedule")
    when.fill("0 30 2 * * *")
    dialog.get_by_label("Time zone").fill("Europe/Paris")
    expect(dialog.get_by_text("Next, in your time:").locator("time")).to_have_count(5)
    expect(dialog).to_contain_text("At 02:30")
    dialog.get_by_label("Summary").fill("Every night")
    shoot(page, "schedules-dialog")
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("listitem").filter(has_text="u/admin/nightly")
    expect(row).to_contain_text("flow f/team/nightly · 0 30 2 * * * · Europe/Paris")
    expect(row).to_contain_text("next ")
    shoot(page, "schedules")
    row.get_by_role("switch").click()
    expect(row.get_by_role("switch")).to_have_text("Off")
    expect(row).not_to_contain_text("next ")
    with product.client() as client:
        stored = client.get("/api/w/main/schedules/get/u/admin/nightly").json()
    assert (stored["enabled"], stored["timezone"], stored["is_flow"]) == (False, "Europe/Paris", True)
    row.get_by_role("button", name="u/admin/nightly", exact=True).click()
    dialog = page.get_by_role("dialog", name="Change schedule")
    expect(dialog.get_by_label("When (cron)")).to_have_value("0 30 2 * * *")
    page.keyboard.press("Escape")
    row.get_by_role("button", name="Delete u/admin/nightly").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No schedules yet")).to_be_visible()
    accessible_now(page)
