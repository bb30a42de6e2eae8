"""A new id of a step: what it changes elsewhere is shown before it is done, and all of it is one step back."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, Route, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.intercept import intercept
from tests.acceptance.keys import replace_text, tab_to
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

ROWS = 'def main():\n    return {"rows": [1, 2]}\n'
TAKES = "def main(rows: list, text: str, other: int = 0):\n    return rows\n"
INPUTS = {"rows": wire("results.a.rows"), "text": wire('`results.a: ${results["a"].rows}`'), "other": wire("1 + 1")}
LISTED = ["b · rowsresults.aload.rows", 'b · text`results.a: ${results["aload"].rows}`', "c · Skip!results.aload"]


def opened(page: Page, product: Product) -> NotebookPage:
    """a is read by two inputs of b and a setting of c; nothing reads c."""
    last = {**python("c", "def main():\n    return 1\n"), "skip_if": {"expr": "!results.a"}}
    with product.client() as client:
        return open_flow(page, client, flow_of(python("a", ROWS), python("b", TAKES, INPUTS), last))


def typed(notebook: NotebookPage, step: str, to: str) -> None:
    """Write another id over the one of a cell, by keys."""
    notebook.select(step)
    notebook.page.keyboard.press("r")
    replace_text(notebook.page, to)


def field(notebook: NotebookPage, step: str) -> Locator:
    """Where the id of a step is written."""
    return notebook.page.get_by_role("textbox", name=f"Step id of {step}", exact=True)


def test_what_a_new_id_changes_is_shown_first(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    typed(notebook, "a", "load")
    page.keyboard.press("Enter")
    preview = page.get_by_role("dialog", name="Rename a to load — 3 expressions change")
    expect(preview.get_by_role("listitem")).to_have_text(LISTED)
    expect(preview.locator("del")).to_have_text(["a", "a", "a"])
    expect(preview.get_by_role("button", name="Rename")).to_be_focused()
    shoot(page, "notebook-rename")
    accessible(page, ".nb-rename")

    page.keyboard.press("Escape")  # back to the text
    expect(preview).to_have_count(0)
    expect(field(notebook, "a")).to_be_focused()
    expect(field(notebook, "a")).to_have_value("load")
    page.keyboard.press("End")
    page.keyboard.type("-it")
    page.keyboard.press("Enter")
    preview = page.get_by_role("dialog", name="Rename a to load-it — 3 expressions change")
    expect(preview.locator("ins")).to_have_text(['["load-it"]', "load-it", '["load-it"]'])
    tab_to(page, preview.get_by_role("button", name="Cancel"))
    page.keyboard.press("Enter")
    expect(preview).to_have_count(0)
    expect(notebook.cell("a")).to_be_focused()
    expect(field(notebook, "a")).to_have_value("a")

    typed(notebook, "a", "load")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Rename a to load")).to_be_visible()
    page.keyboard.press("Enter")
    expect(notebook.cell("load")).to_be_focused()
    expect(notebook.row("b", "rows").get_by_role("combobox")).to_have_value("results.load.rows")
    expect(notebook.row("b", "text").get_by_role("combobox")).to_have_value('`results.a: ${results["load"].rows}`')
    assert notebook.module("c")["skip_if"]["expr"] == "!results.load"

    page.keyboard.press("z")
    expect(notebook.row("b", "rows").get_by_role("combobox")).to_have_value("results.a.rows")
    expect(notebook.cell("a")).to_be_visible()
    assert notebook.module("c")["skip_if"]["expr"] == "!results.a"


def test_without_references_it_is_done_at_once(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    typed(notebook, "c", "last")
    page.keyboard.press("Enter")
    expect(notebook.cell("last")).to_be_focused()
    expect(page.locator(".nb-rename")).to_have_count(0)


def test_an_expression_that_was_typed_just_now_counts(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    held: list[Route] = []
    intercept(page, "**/operations", lambda route: held.append(route))  # the server does not know it yet
    notebook.row("b", "other").get_by_role("combobox").fill("results.a.rows[0]")
    typed(notebook, "a", "load")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Rename a to load — 4 expressions change")).to_be_visible()
    page.unroute("**/operations")  # which lets them go on


def test_leaving_the_field_shows_it_too(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    typed(notebook, "a", "load")
    page.keyboard.press("Tab")
    preview = page.get_by_role("dialog", name="Rename a to load")
    expect(preview.get_by_role("button", name="Rename")).to_be_focused()
    page.keyboard.press("Escape")
    expect(field(notebook, "a")).to_be_focused()
    page.get_by_role("textbox", name="Title of c", exact=True).click()
    preview = page.get_by_role("dialog", name="Rename a to load")
    preview.get_by_role("button", name="Rename").click()
    expect(notebook.cell("load")).to_be_visible()
    expect(notebook.row("b", "rows").get_by_role("combobox")).to_have_value("results.load.rows")
