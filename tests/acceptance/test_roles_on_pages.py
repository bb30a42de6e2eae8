"""What the pages offer to somebody who may not make or change things: what they may, and nothing that would be refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.acceptance.axe import accessible_now
from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, python, wire
from tests.acceptance.product import Product

W = "/api/w/main"
ECHO = "def main(text: str):\n    return text\n"
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


def fill_place(product: Product, folder: str) -> str:
    """A folder that lets everybody look, with a flow, a script and a schedule; the id of a run of the flow."""
    cell = python("a", ECHO, {"text": wire("flow_input.text")}, "Say it")
    flow = {"path": f"{folder}/echo", **flow_of(cell, schema=SCHEMA, summary="Echo")}
    with product.client() as client:
        made = {"name": folder.removeprefix("f/"), "extra_perms": {"g/all": False}}
        client.post(f"{W}/folders/create", json=made).raise_for_status()
        client.post(f"{W}/flows/create", json=flow).raise_for_status()
        script = {"path": f"{folder}/script", "content": ECHO, "language": "python3", "summary": "Says it"}
        client.post(f"{W}/scripts/create", json=script).raise_for_status()
        schedule: dict[str, Any] = {
            "path": f"{folder}/daily",
            "schedule": "0 0 9 * * *",
            "timezone": "UTC",
            "args": {"text": "x"},
        }
        schedule |= {"script_path": f"{folder}/echo", "is_flow": True, "enabled": False}
        client.post(f"{W}/schedules/create", json=schedule).raise_for_status()
        return client.post(f"{W}/jobs/run/f/{folder}/echo", json={"text": "hello"}).raise_for_status().text


@pytest.fixture(autouse=True)
def without_schedules(product: Product) -> Iterator[None]:
    """Other tests of this server begin with an empty list of schedules."""
    yield
    with product.client() as client:
        for kept in client.get(f"{W}/schedules/list").json():
            client.delete(f"{W}/schedules/delete/{kept['path']}").raise_for_status()


def enter(context: BrowserContext, product: Product, name: str, role: str) -> Page:
    """A page of a new member, who is signed in."""
    with product.client() as client:
        body = {"email": f"{name}@example.org", "role": role}
        client.post(f"{W}/workspaces/add_user", json=body).raise_for_status()
        link = client.post("/api/users/sign_in_link", json={"username": name}).raise_for_status().text
    page = context.new_page()
    page.goto(link[link.index("/signin") :])
    return page


def offers(page: Page, *names: str, not_these: tuple[str, ...] = ()) -> None:
    """The page has these buttons or links, and not those."""

    def named(name: str) -> Locator:
        begins = re.compile(rf"^{re.escape(name)}(\s|$)")
        return page.get_by_role("button", name=begins).or_(page.get_by_role("link", name=begins))

    for name in names:
        expect(named(name).first).to_be_visible()
    for name in not_these:
        expect(named(name)).to_have_count(0)


MAKING = ("Blank", "Template", "Import", "Delete flow")


def test_a_viewer_looks_at_everything_and_is_offered_nothing_else(elsewhere: BrowserContext, product: Product) -> None:
    run = fill_place(product, "f/looks")
    page = enter(elsewhere, product, "vila", "viewer")
    page.goto("/")
    row = page.get_by_role("listitem").filter(has_text="f/looks/echo")
    expect(row).to_be_visible()
    offers(page, not_these=(*MAKING, "Run"))
    shoot(page, "home-viewer")
    row.get_by_role("link", name="Echo").click()
    expect(page.get_by_text("You may look at this flow and its runs, and not run it.")).to_be_visible()
    offers(page, not_these=("Run", "Webhook", "Share", "Fork"))
    page.get_by_text("What it does, cell by cell").click()
    cells = page.locator(".flow-cells li")
    expect(cells).to_have_count(1)
    expect(cells).to_contain_text("Say it")
    expect(cells).to_contain_text("return text")
    expect(cells).to_contain_text("flow_input.text")
    accessible_now(page)
    shoot(page, "flow-viewer")
    page.goto(f"/runs/{run}")
    expect(page.locator(".run-title .badge")).to_contain_text("Done", timeout=RUN_TIMEOUT)
    offers(page, "Compare", not_these=("Run again", "Run with other input", "Open in notebook", "Share", "Cancel run"))
    page.goto("/runs")
    page.get_by_role("checkbox", name=re.compile("Choose run")).first.check()
    expect(page.get_by_role("group", name="Chosen runs")).to_be_visible()
    offers(page, "Choose none", not_these=("Run again", "Cancel runs"))
    for place, made in (("variables", "variable"), ("resources", "resource")):
        page.goto(f"/{place}")
        expect(page.get_by_text(f"No {place} for you to see")).to_be_visible()
        offers(page, not_these=(f"New {made}",))
    page.goto("/scripts")
    expect(page.get_by_text("f/looks/script")).to_be_visible()
    offers(page, not_these=("New script",))
    page.goto("/schedules")
    row = page.get_by_role("listitem").filter(has_text="f/looks/daily")
    expect(row.get_by_role("switch")).to_be_disabled()
    offers(page, not_these=("New schedule", "Delete"))
    row.get_by_role("button", name="f/looks/daily", exact=True).click()
    dialog = page.get_by_role("dialog", name="Schedule")
    expect(dialog.get_by_text("You may look at this, not change it.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Save")).to_have_count(0)


def test_an_operator_runs_and_is_offered_nothing_to_make(elsewhere: BrowserContext, product: Product) -> None:
    fill_place(product, "f/operates")
    page = enter(elsewhere, product, "otis", "operator")
    page.goto("/")
    row = page.get_by_role("listitem").filter(has_text="f/operates/echo")
    expect(row.get_by_role("link", name="Run", exact=True)).to_be_visible()
    offers(page, not_these=MAKING)
    row.get_by_role("link", name="Echo").click()
    page.wait_for_url(re.compile("/run/f/operates/echo"))
    page.get_by_label("text").fill("by otis")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".run-title .badge")).to_contain_text("Done", timeout=RUN_TIMEOUT)
    offers(page, "Run again", "Run with other input", not_these=("Open in notebook", "Share"))
    shoot(page, "run-operator")


def test_who_may_have_no_drafts_any_more_is_led_to_none(elsewhere: BrowserContext, product: Product) -> None:
    page = enter(elsewhere, product, "dana", "developer")
    flow = flow_of(python("a", ECHO, {"text": wire("'hi'")}, "Say it"), summary="Mine once")
    draft = page.request.post(f"{W}/drafts", data={"flow": flow, "path": "u/dana/once"}).json()["id"]
    cell = page.request.get(f"{W}/drafts/{draft}/notebook").json()["cells"][0]["id"]
    body = {"client": "page", "cells": [cell]}
    run = page.request.post(f"{W}/drafts/{draft}/run", data=body).json()["run_id"]
    page.goto(f"/runs/{run}")
    offers(page, "Open in notebook")
    page.goto("/")
    expect(page.get_by_role("link", name="Mine once")).to_be_visible()
    with product.client() as client:
        client.post(f"{W}/users/update/dana", json={"role": "operator"}).raise_for_status()
    page.goto("/")
    expect(page.get_by_role("heading", name="Flows").first).to_be_visible()
    expect(page.locator(".list li, .list .empty, .empty").first).to_be_visible()  # not before the list is read
    expect(page.get_by_text("Mine once")).to_have_count(0)
    page.goto(f"/runs/{run}")
    expect(page.locator(".run-title .badge")).to_contain_text("Done", timeout=RUN_TIMEOUT)
    offers(page, "Compare", not_these=("Open in notebook",))
