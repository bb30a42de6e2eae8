"""Naming things: links to one cell, and lists of the variables and resources that a field may name."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

READ = "class postgresql(dict):\n    pass\n\n\ndef main(database: postgresql, note: str):\n    return note\n"


def test_a_link_leads_to_its_cell(page: Page, context: BrowserContext, product: Product) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    with product.client() as client:
        modules = [python(f"s{number}", f"def main():\n    return {number}\n") for number in range(30)]
        notebook = open_flow(page, client, flow_of(*modules))
    notebook.cell("s25").scroll_into_view_if_needed()
    notebook.cell("s25").get_by_role("button", name="More for s25").click()
    page.get_by_role("menuitem", name="Copy a link to it").click()
    expect(page.get_by_text("Copied the link to s25")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"/flows/[^/]+#cell=s25$", link)
    other = context.new_page()
    other.goto(link)
    there = NotebookPage(other).loaded()
    expect(there.cell("s25")).to_be_in_viewport()
    expect(there.cell("s25")).to_be_focused()
    expect(other).to_have_url(re.compile(r"/flows/[^/#]+$"))
    other.goto(link.replace("s25", "gone"))
    other.reload()  # an address that differs by its fragment alone loads nothing
    expect(other.get_by_text("There is no cell gone here any more")).to_be_visible()


def test_the_cell_of_a_link_stays_in_view_until_somebody_does_something(page: Page, product: Product) -> None:
    with product.client() as client:
        modules = [python(f"s{number}", f"def main():\n    return {number}\n") for number in range(30)]
        answer = client.post("/api/w/main/drafts", json={"flow": flow_of(*modules)})
    page.clock.install()
    page.goto(f"/flows/{answer.json()['id']}#cell=s25")
    notebook = NotebookPage(page).loaded()
    cell = notebook.cell("s25")
    expect(cell).to_be_in_viewport()
    page.clock.fast_forward(5_000)  # a page on a busy machine gets its last heights late
    grow_without_anchor(page, 4_000)
    expect(cell).to_be_in_viewport()
    page.keyboard.press("Shift")
    grow_without_anchor(page, 8_000)
    expect(cell).not_to_be_in_viewport()


def grow_without_anchor(page: Page, pixels: int) -> None:
    """Make what is above all cells higher, in a browser that keeps no place by itself; laid out and told to observers at the end."""
    page.locator(".nb-main").evaluate("node => { node.style.overflowAnchor = 'none' }")
    page.get_by_role("region", name="Flow input").evaluate(
        "(node, pixels) => { node.style.minHeight = `${pixels}px` }", pixels
    )
    page.evaluate("() => new Promise(done => { new ResizeObserver(done).observe(document.querySelector('.nb-main')) })")


def test_a_link_that_was_cut_off_opens_the_notebook(page: Page, product: Product) -> None:
    with product.client() as client:
        answer = client.post("/api/w/main/drafts", json={"flow": flow_of(python("a", "def main():\n    return 1\n"))})
    page.goto(f"/flows/{answer.json()['id']}#cell=%E0%A4%A")
    notebook = NotebookPage(page).loaded()
    expect(notebook.cell("a")).to_be_visible()
    expect(page.locator(".nb-toast")).to_have_count(0)


def test_a_field_offers_what_it_may_name(page: Page, product: Product, watch: Watch) -> None:
    with product.client() as client:
        variable = {"path": "f/names/key", "value": "v", "is_secret": True}
        client.post("/api/w/main/variables/create", json=variable).raise_for_status()
        for path, kind in (("f/names/db", "postgresql"), ("f/names/shop", "mysql")):
            body = {"path": path, "value": {"host": "h"}, "resource_type": kind}
            client.post("/api/w/main/resources/create", json=body).raise_for_status()
        module = python("a", READ, {"note": {"type": "static", "value": "$var:f/names/none"}})
        notebook = open_flow(page, client, flow_of(module))
    database = notebook.row("a", "database").get_by_role("combobox")
    database.focus()
    offered = notebook.row("a", "database").locator("datalist option")
    expect(offered.and_(page.locator("[value='$res:f/names/db']"))).to_have_count(1)
    expect(offered.and_(page.locator("[value='$res:f/names/shop']"))).to_have_count(0)
    shoot(page, "references")
    database.press_sequentially("$res:f/names/d")
    expect(notebook.row("a", "database")).not_to_contain_text("Name a resource")
    database.fill("host h")
    expect(notebook.row("a", "database")).to_contain_text("Name a resource as $res:path")
    database.fill("$res:f/names/db")
    note = notebook.row("a", "note").get_by_role("combobox")
    note.focus()
    anything = notebook.row("a", "note").locator("datalist option")
    expect(anything.and_(page.locator("[value='$var:f/names/key']"))).to_have_count(1)
    expect(anything.and_(page.locator("[value='$res:f/names/shop']"))).to_have_count(1)
    note.fill("$var:f/names/key")
    page.keyboard.press("Tab")
    notebook.settled()
    inputs = notebook.module("a")["value"]["input_transforms"]
    assert (inputs["database"]["value"], inputs["note"]["value"]) == ("$res:f/names/db", "$var:f/names/key")
    database.fill('{"host": "here"}')
    page.keyboard.press("Tab")
    notebook.settled()
    assert notebook.module("a")["value"]["input_transforms"]["database"]["value"] == {"host": "here"}


def test_an_object_is_typed_where_a_resource_may_be_named(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", READ, {"note": {"type": "static", "value": "n"}})))

    def kept() -> Any:
        return notebook.module("a")["value"]["input_transforms"]["database"]["value"]

    row = notebook.row("a", "database")
    field = row.get_by_role("combobox")
    field.press_sequentially('{"host": "h"}')
    assert kept() == {"host": "h"}, "it is kept before anybody leaves the field"
    expect(field).to_be_focused()
    field.press("ArrowLeft")
    field.press_sequentially(', "port": ')
    expect(row).to_contain_text("or write one as a JSON object")
    expect(field).to_be_focused()
    field.press_sequentially("5")
    expect(field).to_have_value('{"host": "h", "port": 5}')
    expect(row).not_to_contain_text("or write one as a JSON object")
    assert kept() == {"host": "h", "port": 5}
    page.keyboard.press("Tab")
    expect(row.get_by_role("textbox")).to_have_value('{"host":"h","port":5}')


def test_a_result_is_typed_where_a_resource_may_be_named(page: Page, product: Product) -> None:
    with product.client() as client:
        first = python("a", "def main():\n    return {'host': 'h'}\n")
        note = {"note": {"type": "static", "value": "n"}}
        notebook = open_flow(page, client, flow_of(first, python("b", READ, note)))
    row = notebook.row("b", "database")
    row.get_by_role("combobox").press_sequentially("results.a")
    shoot(page, "expression-for-a-resource")
    row.get_by_role("button", name="Use as an expression").click()
    notebook.settled()
    assert notebook.module("b")["value"]["input_transforms"]["database"] == wire("results.a")
