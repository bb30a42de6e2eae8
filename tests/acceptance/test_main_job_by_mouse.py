"""Jobs 1 to 8 in one go on a fresh server, by mouse; text is typed. Each step has tests of its own, with refusals and odd cases."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.newcomer import BEST, DONE, FILE, TEMPLATE, TOTAL, Newcomer, comes_back, ended, newcomer_to
from tests.acceptance.product import Product


@pytest.fixture
def newcomer(browser: Browser, another: Product) -> Iterator[Newcomer]:
    """Somebody who has just started the product."""
    with newcomer_to(browser, another) as somebody:
        yield somebody


def test_the_main_job_by_mouse(newcomer: Newcomer) -> None:
    page, box, panel, dialog = newcomer.page, newcomer.box, newcomer.panel, newcomer.dialog
    newcomer.arrive()
    page.get_by_role("button", name=re.compile("^Template")).click()
    dialog.get_by_role("button", name=TEMPLATE).click()
    notebook = newcomer.notebook()

    with page.expect_file_chooser() as chooser:
        box.get_by_text("orders", exact=True).hover()
        box.get_by_role("button", name="Upload a file for orders").click()
    chooser.value.set_files(FILE)
    expect(box.get_by_text(FILE.name)).to_be_visible()
    box.get_by_label("Value of threshold").fill("50000")
    box.get_by_label("Value of currency").select_option("USD")
    box.get_by_role("button", name="Field", exact=True).click()
    page.keyboard.type("contact")
    box.get_by_role("group", name=re.compile("^Field")).get_by_label("Default").fill("Ada")
    box.get_by_role("button", name="Done").click()

    runs_before = notebook.cell("f").locator("> .nb-hd .nb-first")
    expect(runs_before).to_contain_text("first")
    notebook.run("f")
    notebook.expect_states(a=DONE, b=DONE, c=DONE, d=DONE, e=DONE, f=DONE)
    expect(notebook.output("f")).to_contain_text("North")
    notebook.cell("a").scroll_into_view_if_needed()  # results far away are not drawn
    notebook.output("a").get_by_role("tab", name=re.compile("^Logs")).click()
    expect(notebook.output("a")).to_contain_text("497 rows read")
    notebook.append_code("b", "\n// by mouse")
    notebook.expect_states(a=DONE, b="stale", c="stale", d="stale", e="stale", f="stale")
    notebook.cell("f").hover()
    notebook.cell("f").get_by_role("button", name="More for f").click()
    page.get_by_role("menuitem", name="Run on the old results").click()
    notebook.idle()
    notebook.expect_states(b="stale", c="stale")
    page.get_by_role("button", name=re.compile("^Run out of date")).click()
    notebook.expect_states(a=DONE, b=DONE, c=DONE, d=DONE, e=DONE, f=DONE)
    comes_back(newcomer, notebook, "// by mouse")

    gap = page.locator(".nb-slot[data-root] > .nb-gap").last
    gap.get_by_role("button", name="Insert Python").click()
    notebook.set_code("g", BEST)
    notebook.row("g", "best").get_by_role("button", name="Connect best").click()
    picker = page.get_by_role("dialog", name="Connect best")
    picker.get_by_role("combobox").fill("results.c")
    picker.locator('[role=option][aria-label^="results.c,"] .nb-twist').first.click()
    picker.locator('[role=option][aria-label^="results.c[0],"]').first.click()
    expect(notebook.row("g", "best").get_by_role("combobox")).to_have_value("results.c[0]")
    expect(notebook.value("g", "best")).to_contain_text("5 keys")
    revenue = notebook.row("g", "revenue")
    revenue.get_by_role("button", name="Make revenue an expression").click()
    revenue.get_by_role("combobox").click()
    page.keyboard.type("results.c[0].")
    page.get_by_role("listbox", name="Completions").get_by_role("option").filter(has_text="revenue").click()
    expect(notebook.value("g", "revenue")).to_contain_text(re.compile(r"= [\d.]+"))
    region = notebook.row("g", "region")
    region.get_by_label("region of g").fill("North")
    region.hover()
    region.get_by_role("button", name="Make region an expression").click()
    region.get_by_role("button", name="Make region a fixed value").click()
    expect(region.get_by_label("region of g")).to_have_value("North")

    panel.get_by_role("tab", name="Static inputs").click()
    panel.get_by_label("Find an input").fill("region")
    panel.get_by_label("region of g").fill("South")
    panel.get_by_label("Find an input").click()
    expect(region.get_by_label("region of g")).to_have_value("South")

    gap.get_by_role("button", name="Insert Python").click()
    notebook.set_code("h", TOTAL)
    notebook.row("h", "total").wait_for()
    notebook.cell("h").get_by_role("button", name="Connect inputs").click()
    panel.get_by_role("button", name="Accept total").click()
    panel.get_by_role("button", name="Refuse currency").click()
    expect(notebook.row("h", "total").get_by_role("combobox")).to_have_value("results.b.total")
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(notebook.row("h", "total").get_by_role("combobox")).to_have_count(0)
    panel.get_by_role("tab", name="Static inputs").click()
    notebook.cell("h").get_by_role("button", name="Connect inputs").click()
    panel.get_by_role("button", name="Accept both").click()
    notebook.run("h")
    notebook.expect_state("h", *DONE.split("|"))

    page.get_by_role("button", name="Deploy", exact=True).click()
    dialog.get_by_label("What changed").fill("first version")
    dialog.get_by_label("Path").fill("f/sales/orders")
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    page.get_by_role("link", name="Run…").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file for Orders").click()
    chooser.value.set_files(FILE)
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/runs/*")
    timeline, detail = page.get_by_role("region", name="Timeline"), page.locator("#run-detail")
    ended(page)
    timeline.get_by_role("button", name=re.compile("Read and check")).click()
    expect(detail).to_contain_text("497 items")
    detail.get_by_role("tab", name=re.compile("^Logs")).click()
    expect(detail).to_contain_text("497 rows read")
    detail.get_by_role("tab", name="Input").click()
    expect(detail).to_contain_text("order_id")
