"""Lists that are cut say so and offer the rest, in results and in the picker; by mouse and by keyboard."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.keys import tab_to
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import Product

MANY = "def main():\n    return {'numbers': [100_000 + n for n in range(230)]}\n"
TAKES = "def main(x: int):\n    return x\n"


def ran(page: Page, product: Product) -> NotebookPage:
    """a has given a list of 230 numbers; b has an input that nobody set."""
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", MANY), python("b", TAKES)))
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    return notebook


def test_a_long_list_in_a_result_is_read_to_its_end(page: Page, product: Product) -> None:
    notebook = ran(page, product)
    output = notebook.output("a")
    numbers = output.get_by_role("treeitem").filter(has_text=re.compile("^numbers"))
    tree = output.get_by_role("tree")
    tab_to(page, tree)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(numbers).to_have_attribute("aria-expanded", "true")
    more = output.get_by_role("treeitem").filter(has_text="shown, show more")
    expect(output.get_by_role("treeitem").filter(has_text=re.compile("^0:"))).to_be_visible()
    page.keyboard.press("End")
    expect(more).to_contain_text("100 of 230 shown, show more")
    shoot(page, "result-cut-list")
    page.keyboard.press("Enter")
    expect(output.get_by_role("treeitem").filter(has_text=re.compile("^100:"))).to_be_visible()
    page.keyboard.press("End")
    expect(more).to_contain_text("200 of 230 shown")
    more.get_by_role("button").click()
    expect(more).to_have_count(0)
    tree.focus()
    page.keyboard.press("End")
    expect(output.get_by_role("treeitem").filter(has_text=re.compile("^229:"))).to_contain_text("100229")

    find = output.get_by_label("Find a key or value")
    find.fill("1")  # more of them than are sent
    expect(output.get_by_role("status").filter(has_text="shown; a longer text finds fewer")).to_be_visible()
    find.fill("100229")
    expect(output.get_by_role("status").filter(has_text="longer text")).to_have_count(0)


def test_the_picker_reaches_what_is_far_down_in_a_list(page: Page, product: Product) -> None:
    notebook = ran(page, product)
    notebook.row("b", "x").get_by_role("button", name="Connect x").click()
    picker = page.get_by_role("dialog", name="Connect x")
    find = picker.get_by_role("combobox")
    expect(picker.get_by_role("option", name=re.compile("^results.a, "))).to_be_visible()
    find.fill("results.a")
    page.keyboard.press("ArrowRight")
    inside = picker.get_by_role("option", name=re.compile(r"^results.a.numbers, "))
    expect(inside).to_be_visible()
    inside.locator(".nb-twist").click()
    more = picker.get_by_role("option", name=re.compile("shown, show more$"))
    expect(more).to_have_text("100 of 230 shown, show more")
    more.scroll_into_view_if_needed()
    shoot(page, "picker-cut-list")
    more.hover()
    expect(more).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(more).to_have_text("200 of 230 shown, show more")
    at = picker.get_by_role("option", selected=True)
    expect(at).to_have_accessible_name(re.compile(r"^results.a.numbers\[100\], "))  # the keys go on with what is new
    more.click()
    expect(more).to_have_count(0)
    expect(find).to_be_focused()
    picker.get_by_role("option", name=re.compile(r"^results.a.numbers\[229\], ")).click()
    expect(notebook.row("b", "x").get_by_role("combobox")).to_have_value("results.a.numbers[229]")


LONG = (
    "def main():\n    return {'a_name_that_is_longer_than_a_phone_is_wide_' * 2: 'a value that is long as well ' * 3}\n"
)


def test_a_phone_shows_long_names_in_the_picker_to_their_end(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", LONG), python("b", TAKES)))
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    page.set_viewport_size({"width": 390, "height": 900})
    notebook.row("b", "x").get_by_role("button", name="Connect x").click()
    picker = page.get_by_role("dialog", name="Connect x")
    picker.get_by_role("combobox").fill("a_name_that")
    row = picker.get_by_role("option", name=re.compile("a_name_that_is_longer")).first
    expect(row).to_be_visible()
    shoot(page, "picker-long-name")
    assert row.locator("code").evaluate("node => node.scrollWidth <= node.clientWidth")
    assert picker.evaluate("node => node.scrollWidth <= node.clientWidth")
