"""The bin of the notebook: a deleted cell is found there, and put back."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import flow_of, open_flow, python, wire
from tests.acceptance.product import Product


def test_a_deleted_cell_is_put_back_by_keyboard(page: Page, product: Product) -> None:
    long = "def main():\n" + "".join(
        f"    line_{n} = 'a rather long text in a line of code that is cut where the box ends {n}'\n" for n in range(9)
    )
    flow = flow_of(
        python(
            "a",
            long + "    return 1\n",
            summary="A cell with a long name that does not fit into a narrow dialog at all",
        ),
        python("b", "def main(x):\n    return x\n", {"x": wire("results.a")}),
    )
    with product.client() as client:
        notebook = open_flow(page, client, flow)
    menu = page.get_by_role("button", name="More", exact=True)
    menu.click()
    page.get_by_role("menuitem", name="Bin…").click()
    dialog = page.get_by_role("dialog", name="Bin")
    expect(dialog.get_by_text("No cell is in the bin.")).to_be_visible()
    shoot(page, "bin-empty")
    page.keyboard.press("Escape")
    for step in ("b", "a"):
        notebook.select(step)
        page.keyboard.press("d")
        page.keyboard.press("d")
        expect(notebook.cell(step)).to_have_count(0)
    page.keyboard.press("Control+k")
    page.keyboard.type("deleted cells")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    expect(dialog.get_by_role("button", name="Put back a")).to_be_focused()
    shoot(page, "bin")
    accessible(page)
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    expect(dialog.get_by_role("button", name="Put back b")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("No cell is in the bin.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(notebook.cell("a")).to_be_visible()
    expect(notebook.row("b", "x")).to_contain_text("results.a")
    page.reload()
    expect(notebook.loaded().cell("a")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Undo: Inserted"))).to_be_visible()
