"""Several stand-ins of a cell: typed, taken from results, put in force, changed and forgotten; by keyboard too."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import tab_to
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import Product

GIVES = "def main():\n    return [{'city': 'Oslo', 'rows': 3}, {'city': 'Rome', 'rows': 5}]\n"
COUNTS = "def main(rows: list):\n    return f'{len(rows)} rows'\n"
READS_A = {"rows": {"type": "javascript", "expr": "results.a"}}


def opened(page: Page, product: Product) -> NotebookPage:
    """a gives rows, b counts them."""
    with product.client() as client:
        return open_flow(page, client, flow_of(python("a", GIVES, summary="Rows"), python("b", COUNTS, READS_A)))


def dialog_of(page: Page, step: str = "a") -> Locator:
    return page.get_by_role("dialog", name=f"Stand-ins of {step}")


def kept(dialog: Locator) -> Locator:
    return dialog.get_by_role("radiogroup", name="In force")


def test_by_keyboard_one_is_typed_and_used_and_the_cell_runs_again(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("a")
    page.keyboard.press("V")
    dialog = dialog_of(page)
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("empty list")
    page.keyboard.press("Tab")
    expect(dialog.get_by_label("Value", exact=True)).to_have_value("json")
    page.keyboard.press("Tab")
    page.keyboard.type("[oops")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Keep and use")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("This is no JSON")
    shoot(page, "stand-ins-refused")
    dialog.get_by_label("JSON", exact=True).fill("[]")
    dialog.get_by_role("button", name="Keep and use").press("Enter")
    empty = kept(dialog).get_by_role("radio", name="empty list")
    expect(empty).to_be_checked()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(notebook.state("a")).to_contain_text("Pinned: empty list")
    notebook.run("b")
    expect(notebook.output("b")).to_contain_text("0 rows")
    assert notebook.module("a")["mock"] == {"enabled": True, "return_value": []}

    # the choice is a group of radio buttons: arrows go through it
    notebook.select("a")
    page.keyboard.press("V")
    expect(empty).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(kept(dialog).get_by_role("radio", name="None")).to_be_checked()
    page.keyboard.press("Escape")
    expect(notebook.state("a")).not_to_have_attribute("data-kind", "pinned")


def test_results_become_stand_ins_which_are_changed_and_forgotten(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.run("a")
    notebook.expect_state("a", "fresh")
    notebook.set_code("a", "def main():\n    raise ValueError('no rows today')\n")
    notebook.run("a")
    notebook.expect_state("a", "failed")
    notebook.set_code("a", "def main():\n    return ['now']\n")
    notebook.run("a")
    notebook.expect_state("a", "fresh")

    # of the present result, and of results of earlier runs, a failed one among them
    notebook.state("a").click()
    page.get_by_role("dialog", name="State of the cell").get_by_role("button", name="Stand-ins…").click()
    dialog = dialog_of(page)
    name, value = dialog.get_by_label("Name", exact=True), dialog.get_by_label("Value", exact=True)
    expect(value).to_have_value("own")
    name.fill("now")
    dialog.get_by_role("button", name="Keep", exact=True).click()
    expect(kept(dialog).get_by_role("radio", name="now")).not_to_be_checked()
    runs = value.locator("optgroup[label='Result of a run in this notebook'] option")
    expect(runs).to_have_count(3)
    expect(runs.nth(1)).to_contain_text("Failed")
    for number, called in ((2, "two rows"), (1, "an error")):
        name.fill(called)
        value.select_option(index=[*value.locator("option").all_inner_texts()].index(runs.nth(number).inner_text()))
        if number == 2:
            expect(dialog.locator(".nb-stand-in-preview")).to_contain_text("Oslo")
            shoot(page, "stand-ins-from-run")
        dialog.get_by_role("button", name="Keep and use").click()
        expect(kept(dialog).get_by_role("radio", name=called)).to_be_checked()
    kept(dialog).get_by_role("radio", name="two rows").check()
    page.keyboard.press("Escape")
    expect(notebook.state("a")).to_contain_text("Pinned: two rows")
    notebook.run("b")
    expect(notebook.output("b")).to_contain_text("2 rows")

    # changed: name and value; what is in force follows
    notebook.select("a")
    page.keyboard.press("V")
    dialog.get_by_role("button", name="Change two rows").click()
    form = dialog.get_by_role("form", name="Change two rows")
    expect(form.get_by_label("Name", exact=True)).to_be_focused()
    expect(form.get_by_label("JSON", exact=True)).to_have_value(re.compile("Oslo"))
    form.get_by_label("Name", exact=True).fill("one row, of a city whose name is so long that it needs a line")
    form.get_by_label("JSON", exact=True).fill('[{"city": "Llanfairpwllgwyngyll", "rows": 1}]')
    form.get_by_role("button", name="Save", exact=True).click()
    long = kept(dialog).get_by_role("radio", name=re.compile("^one row, of a city"))
    expect(long).to_be_checked()
    shoot(page, "stand-ins")
    accessible(page, ".nb-dialog")
    # a choice that goes makes way for a typed value, which the form then shows
    value.select_option("mock")
    kept(dialog).get_by_role("radio", name="None").check()
    expect(value).to_have_value("json")
    expect(dialog.get_by_label("JSON", exact=True)).to_be_visible()
    long.check()
    dialog.get_by_role("button", name=re.compile("^Forget one row")).click()
    nameless = kept(dialog).get_by_role("radio", name="A value without a name")
    expect(nameless).to_be_checked()
    dialog.get_by_role("button", name="Close").click()
    expect(notebook.state("a")).to_contain_text("Pinned: 1 item")
    notebook.select("a")
    page.keyboard.press("z")
    expect(notebook.state("a")).to_contain_text("Pinned: one row")


FAILS = "def main():\n    raise ValueError('no rows today')\n"


def failed(page: Page, product: Product) -> NotebookPage:
    """a fails where b wanted its rows."""
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", FAILS, summary="Rows"), python("b", COUNTS, READS_A)))
    notebook.select("b")
    notebook.run("b")
    notebook.expect_state("a", "failed")
    return notebook


def test_a_run_stops_at_a_failure_which_offers_a_stand_in_and_goes_on(page: Page, product: Product) -> None:
    notebook = failed(page, product)
    offer = notebook.output("a").get_by_role("button", name="Use a stand-in for a")
    expect(offer).to_be_visible()
    expect(notebook.output("b").get_by_role("button", name="Use a stand-in for b")).to_have_count(0)
    shoot(page, "failed-cell-offers-a-stand-in")
    accessible(page, ".nb-instead")
    offer.click()
    dialog = dialog_of(page)
    dialog.get_by_label("Name", exact=True).fill("one row")
    dialog.get_by_label("JSON", exact=True).fill('[{"city": "Oslo"}]')
    dialog.get_by_role("button", name="Keep and use").click()
    page.keyboard.press("Escape")
    expect(notebook.state("a")).to_contain_text("Pinned: one row")
    expect(offer).to_have_count(0)
    notebook.run("b")
    expect(notebook.output("b")).to_contain_text("1 row")


def test_by_keyboard_a_failure_leads_to_a_stand_in(page: Page, product: Product) -> None:
    notebook = failed(page, product)
    notebook.select("a")
    tab_to(page, notebook.output("a").get_by_role("button", name="Use a stand-in for a"))
    page.keyboard.press("Enter")
    expect(dialog_of(page).get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    notebook.select("a")
    tab_to(page, notebook.state("a"))
    page.keyboard.press("Enter")
    offered = page.get_by_role("dialog", name="State of the cell").get_by_role("button", name="Stand-ins…")
    tab_to(page, offered)
    page.keyboard.press("Enter")
    expect(dialog_of(page)).to_be_visible()
