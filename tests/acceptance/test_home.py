"""Job 2: the home page, and the ways to begin a flow."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import NotebookPage

BROKEN = """
summary: Broken
value:
  modules:
    - id: a
      value: {type: rawscript, language: python3, content: "def main(): return 1", input_transforms: {}}
    - id: a
      value: {type: rawscript, language: python3, content: "def main(x): return x", input_transforms: {x: {type: nonsense}}}
"""
GOOD = """
summary: Brought along
x-unknown: kept
value:
  modules:
    - id: only
      value: {type: rawscript, language: python3, content: "def main(): return 'imported'", input_transforms: {}, x-mine: 1}
"""


def test_a_blank_notebook_by_mouse(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name=re.compile("^Blank")).click()
    page.wait_for_url("**/flows/*")
    NotebookPage(page).loaded()
    shoot(page, "notebook-empty")
    page.goto("/")
    expect(page.get_by_role("list").first).to_be_visible()


def test_templates_by_keyboard(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name=re.compile("^Template")).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name=re.compile("^Orders report"))).to_be_visible()
    shoot(page, "home-templates")
    dialog.get_by_role("button", name=re.compile("^Hello, three languages")).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/flows/*")
    expect(NotebookPage(page).loaded().cell("c")).to_be_visible()


def test_a_broken_document_is_refused_with_its_problems_and_nothing_is_stored(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name=re.compile("^Import")).click()
    page.get_by_label("Flow", exact=True).fill(BROKEN)
    page.get_by_role("dialog").get_by_role("button", name="Import").click()
    problems = page.get_by_role("dialog").get_by_role("alert")
    expect(problems).to_contain_text("a")
    expect(problems.get_by_role("listitem").first).to_be_visible()
    shoot(page, "home-import-problems")
    page.goto("/")
    expect(page.get_by_text("Broken", exact=True)).to_have_count(0)


def test_a_document_is_imported_with_what_we_do_not_know(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name=re.compile("^Import")).click()
    page.get_by_label("Flow", exact=True).fill(GOOD)
    page.get_by_role("dialog").get_by_role("button", name="Import").click()
    page.wait_for_url("**/flows/*")
    notebook = NotebookPage(page).loaded()
    expect(notebook.cell("only")).to_be_visible()
    exported = page.request.get(f"/api/w/main/drafts/{notebook.draft_id}/export?format=json").json()
    assert exported["x-unknown"] == "kept"
    assert exported["value"]["modules"][0]["value"]["x-mine"] == 1
