"""Sample data for a cell that never ran: asked for by a press, checked, shown, and taken as its stand-in; cells below run with it."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import Product
from tests.acceptance.test_assistant import panel_of
from tests.acceptance.test_model_proposals import Model, model, own_page

__all__ = ["model", "own_page"]

FETCHES = "def main() -> list[dict]:\n    raise RuntimeError('no network here')\n"
COUNTS = "def main(rows: list):\n    return f'{len(rows)} rows'\n"
READS_A = {"rows": {"type": "javascript", "expr": "results.a"}}
CITIES = [{"city": "Oslo", "rows": 3}, {"city": "Rome", "rows": 5}]


def opened(page: Page, product: Product) -> NotebookPage:
    with product.client() as client:
        return open_flow(page, client, flow_of(python("a", FETCHES, summary="Cities"), python("b", COUNTS, READS_A)))


def test_by_keyboard_a_sample_is_checked_shown_and_handed_on(own_page: tuple[Page, Product], model: Model) -> None:
    page, product = own_page
    notebook = opened(page, product)
    notebook.select("a")
    page.keyboard.press("V")
    dialog = page.get_by_role("dialog", name="Stand-ins of a")
    press(page, dialog.get_by_role("button", name="Make sample data…"), back=True)
    expect(dialog).to_have_count(0)
    panel = panel_of(page)
    wish = panel.get_by_label("Question or wish")
    expect(wish).to_be_focused()
    expect(panel.get_by_label("Sample data for")).to_have_value("result")
    panel.get_by_text("What is sent").click()
    expect(panel.locator(".nb-assist-sent pre")).to_contain_text("result_to_make")
    assert model.asked == []  # nothing is sent before the press
    panel.get_by_text("What is sent").click()

    model.sample = {"message": "Two cities.", "name": "two cities", "value": '{"city": "Oslo"}'}
    wish.focus()
    press(page, panel.get_by_role("button", name="Make sample data", exact=True))
    expect(panel.get_by_role("alert")).to_contain_text("does not fit what the cell declares to return")
    expect(panel.get_by_role("article")).to_have_count(0)
    shoot(page, "assistant-cell-sample-refused")

    model.sample["value"] = json.dumps(CITIES)
    wish.focus()
    press(page, panel.get_by_role("button", name="Make sample data", exact=True))
    card = panel.get_by_role("article", name="Stand-in “two cities” of a")
    expect(card.locator(".monaco-editor")).to_contain_text("Oslo")
    expect(card).to_contain_text("handed on instead of running the cell")
    expect(notebook.state("a")).not_to_contain_text("Pinned")
    shoot(page, "assistant-cell-sample")
    accessible(page, ".nb-assist")
    wish.focus()
    press(page, card.get_by_role("button", name=re.compile("^Accept")))
    expect(notebook.state("a")).to_contain_text("Pinned: two cities")
    notebook.run("b")
    expect(notebook.output("b")).to_contain_text("2 rows")
    assert notebook.module("a")["mock"] == {"enabled": True, "return_value": CITIES}
    shoot(page, "assistant-cell-sample-taken")


def test_without_a_model_it_says_what_is_missing(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.cell("b").get_by_role("button", name=re.compile("^More")).first.click()
    page.get_by_role("menuitem", name="Make sample data…").click()
    panel = panel_of(page)
    expect(panel.get_by_label("Sample data for")).to_contain_text("the result of b")
    panel.get_by_role("button", name="Make sample data", exact=True).click()
    expect(panel.locator(".nb-notice")).to_contain_text("OPENAI_API_KEY")
