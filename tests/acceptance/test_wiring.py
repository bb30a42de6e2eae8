"""Job 5: connect an input to an earlier result, by picking, by typing, by value."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press, replace_text, slow_frames, tab_to, walk_to
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import Product

ROWS = 'def main():\n    return {"rows": [{"total": 41, "name": "first"}, {"total": 5, "name": "second"}]}\n'
TAKES = 'def main(amount: float, label: str = "none"):\n    return [amount, label]\n'


def two_cells() -> dict[str, Any]:
    """a gives rows; b takes an amount, which nothing is connected to."""
    return flow_of(python("a", ROWS, summary="Rows"), python("b", TAKES, summary="Takes"))


def opened(page: Page, product: Product) -> NotebookPage:
    """The two cells, a has run."""
    with product.client() as client:
        notebook = open_flow(page, client, two_cells())
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    return notebook


def test_by_mouse_through_the_picker(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.row("b", "amount").hover()
    notebook.row("b", "amount").get_by_role("button", name="Connect amount").click()
    picker = page.get_by_role("dialog", name="Connect amount")
    expect(picker.get_by_role("option").first).to_be_visible()
    shoot(page, "notebook-picker")
    picker.get_by_role("combobox").fill("results.a")
    for expr in ("results.a", "results.a.rows", "results.a.rows[0]"):
        picker.locator(f'[role=option][aria-label^="{expr},"] .nb-twist').first.click()
    picker.locator('[role=option][aria-label^="results.a.rows[0].total,"]').first.click()
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_value("results.a.rows[0].total")
    expect(notebook.value("b", "amount")).to_contain_text("41")
    notebook.run("b")
    notebook.expect_state("b", "fresh", "reused")
    expect(notebook.output("b")).to_contain_text("41")


def test_the_picker_finds_what_is_deep_inside_of_a_value(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("b")
    page.keyboard.press("p")
    picker = page.get_by_role("dialog", name="Connect amount")
    expect(picker.get_by_role("option").first).to_be_visible()
    page.keyboard.type("total")
    expect(picker.get_by_text("Inside of values")).to_be_visible()  # a heading for the eye: options have no groups
    shoot(page, "notebook-picker-deep")
    page.keyboard.press("Enter")
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_value(
        re.compile(r"^results\.a\.rows\[\d\]\.total$")
    )
    notebook.select("b")
    page.keyboard.press("p")
    page.keyboard.type("no such value")
    expect(page.get_by_text("Nothing is called “no such value”")).to_be_visible()


def test_by_mouse_from_a_value_of_an_earlier_result(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    for expr in ("results.a.rows", "results.a.rows[0]"):
        notebook.output("a").locator(f'[data-pick="{expr}"] .twist').click()
    notebook.row("b", "amount").hover()
    notebook.row("b", "amount").get_by_role("button", name="Connect amount").click()
    expect(page.get_by_role("dialog", name="Connect amount")).to_be_visible()
    notebook.output("a").locator('[data-pick="results.a.rows[0].total"]').get_by_text("41").click()
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_value("results.a.rows[0].total")
    expect(notebook.value("b", "amount")).to_contain_text("41")


def test_by_dragging_a_value_of_an_earlier_result(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    row = notebook.output("a").locator('[data-pick="results.a.rows"]')
    row.hover()
    target = notebook.row("b", "amount")
    row.get_by_title(re.compile("drag it onto an input")).drag_to(target)
    expect(target.get_by_role("combobox")).to_have_value("results.a.rows")
    expect(target).not_to_have_attribute("data-drop", re.compile(".*"))
    # onto a field that holds an expression already, with its editor open; and out of a table
    row.get_by_title("Show as a table").click()
    cell = notebook.output("a").locator('td[data-pick="results.a.rows[0].total"]')
    cell.hover()
    target.get_by_role("combobox").focus()
    cell.hover()
    cell.get_by_role("button", name="Use this value in a cell").drag_to(target.get_by_role("combobox"))
    expect(target.get_by_role("combobox")).to_have_value("results.a.rows[0].total")
    expect(notebook.value("b", "amount")).to_contain_text("41")
    page.get_by_role("button", name=re.compile("^Undo: ")).click()
    expect(target.get_by_role("combobox")).to_have_value("results.a.rows")


def test_by_keyboard_through_the_picker(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    keyboard = page.keyboard
    notebook.select("b")
    keyboard.press("p")
    picker = page.get_by_role("dialog", name="Connect amount")
    expect(picker.get_by_role("option").first).to_be_visible()
    keyboard.type("results.a")
    walk_to(page, "results.a")
    keyboard.press("ArrowRight")
    walk_to(page, "results.a.rows")
    keyboard.press("ArrowRight")
    walk_to(page, "results.a.rows[0]")
    keyboard.press("ArrowRight")
    walk_to(page, "results.a.rows[0].total")
    keyboard.press("Enter")
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_value("results.a.rows[0].total")
    expect(notebook.value("b", "amount")).to_contain_text("41")


@pytest.mark.parametrize("opener", ["p", "Control+k"])
def test_a_pointer_that_rests_on_a_list_does_not_take_the_choice_from_the_keys(
    page: Page, product: Product, opener: str
) -> None:
    many = "def main():\n    return {f'field_{n}': n for n in range(40)}\n"
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", many), python("b", TAKES)))
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    notebook.select("b")
    page.keyboard.press(opener)
    options = page.get_by_role("dialog").get_by_role("option")
    if opener == "p":
        page.get_by_role("dialog").get_by_role("option", name=re.compile(r"^results\.a,")).first.wait_for()
        page.keyboard.type("results.a")
        walk_to(page, "results.a")
        page.keyboard.press("ArrowRight")
        expect(options.filter(has_text="field_39")).to_be_attached()
    resting = options.first.bounding_box()
    assert resting is not None
    page.mouse.move(resting["x"] + 60, resting["y"] + 60)
    page.mouse.move(resting["x"] + 60, resting["y"] + 80)  # a real move: the row under it is chosen
    labels = options.evaluate_all("rows => rows.map(row => row.id)")
    chosen = page.get_by_role("dialog").locator("[role=option][aria-selected=true]")
    begin = labels.index(chosen.get_attribute("id"))
    assert begin > 0
    for wanted in labels[begin + 1 : begin + 20]:
        page.keyboard.press("ArrowDown")
        page.mouse.move(resting["x"] + 60, resting["y"] + 80)  # as some browsers do by themselves when rows scroll
        expect(chosen).to_have_id(wanted)


def test_completion_while_typing_javascript(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    row = notebook.row("b", "amount")
    row.get_by_role("button", name="Make amount an expression").click()
    field = row.get_by_role("combobox")
    field.click()
    page.keyboard.type("results.a.")
    completions = page.get_by_role("listbox", name="Completions")
    expect(completions.get_by_role("option").filter(has_text="results.a.rows")).to_be_visible()
    slow_frames(page)
    page.keyboard.press("Enter")
    page.keyboard.type(".map(r => r.total).reduce((a, b) => a + b)")
    expect(notebook.value("b", "amount")).to_contain_text("46")


def test_an_expression_that_cannot_be_evaluated_says_why(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    row = notebook.row("b", "amount")
    row.get_by_role("button", name="Make amount an expression").click()
    row.get_by_role("combobox").fill("results.a.rows[9].total")
    expect(notebook.value("b", "amount")).to_have_attribute("data-ok", "false")
    row.get_by_role("combobox").fill("results.a.rows[")
    expect(notebook.value("b", "amount")).to_have_attribute("data-ok", "false")


def test_switching_between_value_and_expression_loses_neither(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    row = notebook.row("b", "amount")
    row.get_by_label("amount of b").fill("12")
    page.keyboard.press("Enter")
    notebook.settled()
    row.get_by_role("button", name="Make amount an expression").click()
    row.get_by_role("combobox").fill("results.a.rows[1].total")
    page.keyboard.press("Enter")
    notebook.settled()
    row.get_by_role("button", name="Make amount a fixed value").click()
    expect(row.get_by_label("amount of b")).to_have_value("12")
    row.get_by_role("button", name="Make amount an expression").click()
    expect(row.get_by_role("combobox")).to_have_value("results.a.rows[1].total")
    page.reload()
    notebook.loaded()
    expect(row.get_by_role("combobox")).to_have_value("results.a.rows[1].total")


def test_the_same_by_keyboard(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    row, keyboard = notebook.row("b", "amount"), page.keyboard
    notebook.select("b")
    tab_to(page, row.get_by_label("amount of b"))
    keyboard.type("12")
    keyboard.press("Enter")
    press(page, row.get_by_role("button", name="Make amount an expression"))
    field = row.get_by_role("combobox")
    tab_to(page, field, back=True)
    replace_text(page, "results.a.rows[1].total")
    keyboard.press("Escape")  # closes the completions
    expect(notebook.value("b", "amount")).to_contain_text("5")
    press(page, row.get_by_role("button", name="Make amount a fixed value"))
    expect(row.get_by_label("amount of b")).to_have_value("12")
    press(page, row.get_by_role("button", name="Make amount an expression"))
    expect(field).to_have_value("results.a.rows[1].total")


def test_renaming_a_step_renames_it_in_every_expression(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    row = notebook.row("b", "amount")
    row.get_by_role("button", name="Make amount an expression").click()
    row.get_by_role("combobox").fill("results.a.rows[0].total")
    page.keyboard.press("Enter")
    notebook.settled()
    notebook.select("a")
    page.keyboard.press("r")
    page.keyboard.press("Control+a")
    page.keyboard.type("orders")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Rename a to orders — 1 expression changes")).to_be_visible()
    page.keyboard.press("Enter")
    expect(notebook.cell("orders")).to_be_visible()
    expect(row.get_by_role("combobox")).to_have_value("results.orders.rows[0].total")
    notebook.expect_state("orders", "fresh", "reused")
