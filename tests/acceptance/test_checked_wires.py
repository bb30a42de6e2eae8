"""What is wrong with wires is seen before any run: on the field, in the code, on a folded cell, and in the list with its rule."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

ORDER = """from typing import TypedDict

class Order(TypedDict):
    name: str
    total: float

def main() -> Order:
    return {"name": "first", "total": 41}
"""
BARE = 'def main():\n    return {"rows": [{"total": 41}]}\n'
TAKES = "def main(amount: float, label: str):\n    return [amount, label]\n"


def flow() -> dict[str, Any]:
    wrong = {"amount": wire("results.a.name"), "label": wire("results.a.nmae")}
    late = {"amount": wire("results.r.rows[0].totl"), "label": {"type": "static", "value": "x"}}
    return flow_of(
        python("a", ORDER, summary="An order"),
        python("r", BARE, summary="Rows"),
        python("b", TAKES, wrong, summary="Takes both"),
        python("c", TAKES, late, summary="Takes a row"),
        python("d", "def main():\n    x = 1\n    return +\n", summary="Does not parse"),
    )


def opened(page: Page, product: Product) -> NotebookPage:
    with product.client() as client:
        return open_flow(page, client, flow())


def test_wrong_wires_are_told_of_on_the_field_and_in_the_list(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    expect(notebook.row("b", "amount")).to_contain_text("results.a.name is a text, and amount takes a number.")
    expect(notebook.row("b", "label")).to_contain_text(
        "The code of a declares no nmae in results.a. Did you mean name?"
    )
    expect(notebook.row("b", "label")).to_have_attribute("data-wrong", "warning")
    page.get_by_role("tab", name=re.compile("^Problems")).click()
    panel = page.get_by_role("tabpanel")
    rule = panel.get_by_role("button", name="wire.unknown_field")
    rule.click()
    about = panel.get_by_role("region", name="Rule wire.unknown_field")
    expect(about).to_contain_text("Where a field is there only at times, write ?. or ??.")
    expect(rule).to_have_attribute("aria-expanded", "true")
    shoot(page, "notebook-checked-wires")
    accessible(page, ".nb-side")
    rule.click()
    expect(about).to_have_count(0)
    panel.get_by_role("button", name=re.compile("declares no nmae")).click()
    field = notebook.row("b", "label").get_by_role("combobox")
    expect(field).to_be_focused()
    field.fill("results.a.name")
    expect(notebook.row("b", "label")).not_to_have_attribute("data-wrong", "warning")
    expect(panel.get_by_role("button", name=re.compile("declares no nmae"))).to_have_count(0)


def test_a_result_tells_of_wires_below(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    expect(notebook.row("c", "amount")).not_to_have_attribute("data-wrong", re.compile(".*"))
    notebook.run("r")
    notebook.expect_state("r", "fresh", "reused")
    expect(notebook.row("c", "amount")).to_contain_text(
        "The last result has no totl in results.r.rows[0]. Did you mean total?"
    )


def test_the_picker_says_from_where_values_are_known(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.run("r")
    notebook.expect_state("r", "fresh", "reused")
    notebook.row("b", "label").hover()
    notebook.row("b", "label").get_by_role("button", name="Connect label").click()
    picker = page.get_by_role("dialog", name="Connect label")
    declared = picker.get_by_role("option", name=re.compile("^results.a, object, declared by the code")).first
    expect(declared).to_contain_text("declared")
    ran = picker.get_by_role("option", name=re.compile("^results.r, object, 1 key, known from the last result")).first
    expect(ran.locator(".nb-origin")).to_have_text("result")
    shoot(page, "notebook-picker-origin")
    accessible(page, ".nb-picker")


def test_a_folded_cell_says_that_it_hides_problems(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    head = notebook.cell("b").locator("> .nb-hd")
    head.hover()
    head.get_by_role("button", name="Fold", exact=True).click()
    mark = head.get_by_role("button", name="2 problems in b")
    expect(mark).to_be_visible()
    shoot(page, "notebook-folded-problems")
    mark.click()
    panel = page.get_by_role("tabpanel", name=re.compile("^Problems"))
    panel.get_by_role("button", name=re.compile("declares no nmae")).click()
    expect(notebook.row("b", "label").get_by_role("combobox")).to_be_focused()
    expect(mark).to_have_count(0)


def test_a_line_that_does_not_parse_is_marked_in_the_gutter(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    code = notebook.cell("d").locator("> .nb-code-wrap")
    code.scroll_into_view_if_needed()
    expect(code.locator(".nb-problem-bad").first).to_be_visible()
    page.get_by_role("tab", name=re.compile("^Problems")).click()
    page.get_by_role("tabpanel").get_by_role("button", name=re.compile("^error d ")).click()
    expect(code.locator(".monaco-editor.focused")).to_be_visible()
    expect(code.locator(".monaco-editor .nb-problem-bad")).to_be_visible()
    shoot(page, "notebook-gutter-problem")
    notebook.set_code("d", "def main():\n    return 1\n")
    expect(code.locator(".nb-problem-bad")).to_have_count(0)


def test_on_a_phone_the_list_is_a_sheet(page: Page, product: Product) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    notebook = opened(page, product)
    page.get_by_role("button", name=re.compile("^Side panel")).click()
    page.get_by_role("tab", name=re.compile("^Problems")).click()
    panel = page.get_by_role("tabpanel")
    panel.get_by_role("button", name="wire.type_mismatch").click()
    expect(panel.get_by_role("region", name="Rule wire.type_mismatch")).to_contain_text("Wire another value")
    shoot(page, "notebook-problems-sheet")
    panel.get_by_role("button", name=re.compile("takes a number")).click()
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_be_focused()
