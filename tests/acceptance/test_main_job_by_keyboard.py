"""Jobs 1 to 8 in one go on a fresh server, by keyboard alone. Each step has tests of its own, with refusals and odd cases."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.keys import choose_file, press, replace_text, tab_to, walk_to
from tests.acceptance.newcomer import BEST, DONE, FILE, TEMPLATE, TOTAL, Newcomer, comes_back, ended, newcomer_to
from tests.acceptance.notebook_page import NotebookPage
from tests.acceptance.product import Product

NO_POINTER = "addEventListener('pointerdown', () => console.error('the pointer was used'), true)"


@pytest.fixture
def newcomer(browser: Browser, another: Product) -> Iterator[Newcomer]:
    """Somebody who has just started the product."""
    with newcomer_to(browser, another) as somebody:
        yield somebody


def test_the_main_job_by_keyboard_alone(newcomer: Newcomer) -> None:
    page, box, panel, dialog, keyboard = (
        newcomer.page,
        newcomer.box,
        newcomer.panel,
        newcomer.dialog,
        newcomer.page.keyboard,
    )
    page.add_init_script(NO_POINTER)
    newcomer.arrive()
    press(page, page.get_by_role("button", name=re.compile("^Template")))
    press(page, dialog.get_by_role("button", name=TEMPLATE))
    notebook = newcomer.notebook()

    notebook.select("a")
    keyboard.press("i")
    choose_file(page, box.get_by_role("button", name="Upload a file for orders"), FILE)
    expect(box.get_by_text(FILE.name)).to_be_visible()
    tab_to(page, box.get_by_label("Value of threshold"))
    replace_text(page, "50000")
    tab_to(page, box.get_by_label("Value of currency"))
    keyboard.type("US")
    press(page, box.get_by_role("button", name="Field", exact=True), back=True)
    expect(box.get_by_label("Name")).to_be_focused()
    replace_text(page, "contact")
    tab_to(page, box.get_by_role("group", name=re.compile("^Field")).get_by_label("Default"))
    replace_text(page, "Ada")
    press(page, box.get_by_role("button", name="Done"))

    notebook.select("f")
    expect(notebook.cell("f").locator("> .nb-hd .nb-first")).to_contain_text("first")
    keyboard.press("Shift+Enter")
    notebook.expect_states(a=DONE, b=DONE, c=DONE, d=DONE, e=DONE, f=DONE)
    expect(notebook.output("f")).to_contain_text("North")
    notebook.select("a")
    tab_to(page, notebook.output("a").get_by_role("tab", selected=True))
    keyboard.press("ArrowLeft")  # the last one, around the corner
    expect(notebook.output("a")).to_contain_text("497 rows read")
    notebook.select("b")
    into_code(page, notebook, "b")
    keyboard.press("Control+End")
    keyboard.type("\n// by keys")
    keyboard.press("Escape")
    notebook.expect_states(a=DONE, b="stale", c="stale", d="stale", e="stale", f="stale")
    notebook.select("f")
    keyboard.press("Alt+Shift+Enter")
    notebook.idle()
    notebook.expect_states(b="stale", c="stale")
    keyboard.press("e")
    keyboard.press("a")
    notebook.expect_states(a=DONE, b=DONE, c=DONE, d=DONE, e=DONE, f=DONE)
    comes_back(newcomer, notebook, "// by keys")

    write_below(page, notebook, "f", "g", BEST)
    notebook.row("g", "best").wait_for()
    keyboard.press("p")
    expect(dialog.get_by_role("option").first).to_be_visible()
    keyboard.type("results.c")
    walk_to(page, "results.c")
    keyboard.press("ArrowRight")
    walk_to(page, "results.c[0]")
    keyboard.press("Enter")
    expect(notebook.row("g", "best").get_by_role("combobox")).to_have_value("results.c[0]")
    expect(notebook.value("g", "best")).to_contain_text("5 keys")
    revenue, region = notebook.row("g", "revenue"), notebook.row("g", "region")
    notebook.select("g")
    press(page, revenue.get_by_role("button", name="Make revenue an expression"))
    tab_to(page, revenue.get_by_role("combobox"), back=True)
    keyboard.type("results.c[0].")
    expect(
        page.get_by_role("listbox", name="Completions").get_by_role("option").filter(has_text="revenue")
    ).to_be_visible()
    keyboard.type("rev")
    expect(page.get_by_role("listbox", name="Completions").get_by_role("option")).to_have_count(1)
    keyboard.press("Enter")
    expect(revenue.get_by_role("combobox")).to_have_value("results.c[0].revenue")
    expect(notebook.value("g", "revenue")).to_contain_text(re.compile(r"= [\d.]+"))
    tab_to(page, region.get_by_label("region of g"))
    keyboard.type("North")
    press(page, region.get_by_role("button", name="Make region an expression"))
    press(page, region.get_by_role("button", name="Make region a fixed value"))
    expect(region.get_by_label("region of g")).to_have_value("North")

    notebook.select("g")
    keyboard.press("I")
    expect(panel.get_by_label("Find an input")).to_be_focused()
    keyboard.type("region")
    tab_to(page, panel.get_by_label("region of g"))
    replace_text(page, "South")
    keyboard.press("Escape")
    expect(region.get_by_label("region of g")).to_have_value("South")

    write_below(page, notebook, "g", "h", TOTAL)
    notebook.row("h", "total").wait_for()
    keyboard.press("w")
    press(page, panel.get_by_role("button", name="Accept total"))
    press(page, panel.get_by_role("button", name="Refuse currency"))
    expect(notebook.row("h", "total").get_by_role("combobox")).to_have_value("results.b.total")
    keyboard.press("Escape")
    keyboard.press("z")
    expect(notebook.row("h", "total").get_by_role("combobox")).to_have_count(0)
    keyboard.press("w")
    press(page, panel.get_by_role("button", name="Accept both"))
    keyboard.press("Escape")
    keyboard.press("Shift+Enter")
    notebook.expect_states(h=DONE)

    command(page, "deploy")
    keyboard.type("first version")
    tab_to(page, dialog.get_by_label("Path"), back=True)
    replace_text(page, "f/sales/orders")
    keyboard.press("Enter")
    expect(page.get_by_text("Deployed f/sales/orders")).to_be_visible()
    command(page, "run the deployed")
    page.wait_for_url("**/run/f/sales/orders")
    choose_file(page, page.get_by_role("button", name="Choose a file for Orders"), FILE)
    press(page, page.get_by_role("button", name="Run", exact=True))
    page.wait_for_url("**/runs/*")
    timeline, detail = page.get_by_role("region", name="Timeline"), page.locator("#run-detail")
    ended(page)
    tab_to(page, timeline.get_by_role("button", name="Whole run"))
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    expect(detail).to_contain_text("497 items")
    tab_to(page, detail.get_by_role("tab", name="Result"))
    keyboard.press("ArrowRight")
    expect(detail).to_contain_text("order_id")
    keyboard.press("ArrowLeft")
    tab_to(page, detail.get_by_role("tablist", name="Views of the output").get_by_role("tab", selected=True))
    keyboard.press("ArrowLeft")
    expect(detail).to_contain_text("497 rows read")


def into_code(page: Page, notebook: NotebookPage, step: str) -> None:
    """From the selected cell into its text."""
    page.keyboard.press("Enter")
    expect(notebook.cell(step).locator(".monaco-editor.focused")).to_be_visible()


def write_below(page: Page, notebook: NotebookPage, above: str, made: str, code: str) -> None:
    """A new Python cell below another one."""
    notebook.select(above)
    page.keyboard.press("n")
    expect(notebook.cell(made).locator(".monaco-editor.focused")).to_be_visible()
    notebook.type_code(code)
    page.keyboard.press("Escape")
    notebook.settled()


def command(page: Page, words: str) -> None:
    """The first command that the palette finds for some words."""
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type(words)
    page.keyboard.press("Enter")
