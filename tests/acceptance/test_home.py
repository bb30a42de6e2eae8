"""Job 2: the home page, and the ways to begin a flow."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import choose_file, press
from tests.acceptance.notebook_page import NotebookPage, open_template

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


def test_a_blank_notebook_by_keyboard(page: Page) -> None:
    page.goto("/")
    press(page, page.get_by_role("button", name=re.compile("^Blank")))
    page.wait_for_url("**/flows/*")
    notebook = NotebookPage(page).loaded()
    press(page, page.get_by_role("button", name="Insert Python"))
    expect(notebook.cell("a").locator(".monaco-editor.focused")).to_be_visible()


def test_templates_by_keyboard(page: Page) -> None:
    page.goto("/")
    press(page, page.get_by_role("button", name=re.compile("^Template")))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name=re.compile("^Orders report"))).to_be_visible()
    shoot(page, "home-templates")
    press(page, dialog.get_by_role("button", name=re.compile("^Hello, three languages")))
    page.wait_for_url("**/flows/*")
    expect(NotebookPage(page).loaded().cell("c")).to_be_visible()


def test_a_dialog_is_closed_by_opening_the_page_again(page: Page) -> None:
    for name in ("Template", "Import"):
        page.goto("/")
        page.get_by_role("button", name=re.compile(f"^{name}")).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.reload()
        expect(page.get_by_role("link", name="Flows")).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)


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


def test_an_export_as_a_folder_is_imported_again_by_keyboard(page: Page, tmp_path: Path) -> None:
    notebook = open_template(page, "Orders report")
    before = notebook.exported()
    packed = tmp_path / "orders.flow.zip"
    packed.write_bytes(page.request.get(f"/api/w/main/drafts/{notebook.draft_id}/export?format=zip").body())
    page.goto("/")
    import_file(page, packed)
    page.wait_for_url("**/flows/*")
    assert NotebookPage(page).loaded().exported() == before


def test_a_jupyter_notebook_becomes_cells_that_run(page: Page, tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Load"], "metadata": {}},
        {"cell_type": "code", "source": ["import math\n", "radii = [1, 2]"], "outputs": [], "metadata": {}},
        {"cell_type": "code", "source": ["[round(math.pi * r * r, 1) for r in radii]"], "outputs": [], "metadata": {}},
    ]
    file = tmp_path / "circles.ipynb"
    file.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    page.goto("/")
    import_file(page, file)
    page.wait_for_url("**/flows/*")
    notebook = NotebookPage(page).loaded()
    expect(notebook.cell("a")).to_contain_text("Load")
    notebook.run("b")
    notebook.expect_states(a="fresh", b="fresh")
    expect(notebook.output("b")).to_contain_text("12.6")


def test_a_broken_archive_is_refused_with_its_problems(page: Page, tmp_path: Path) -> None:
    packed = tmp_path / "broken.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../flow.yaml", "value: {modules: []}")
        archive.writestr("data.py", b"\xff")
    page.goto("/")
    import_file(page, packed)
    problems = page.get_by_role("dialog").get_by_role("alert")
    expect(problems).to_contain_text("'../flow.yaml' is no name")
    expect(problems).to_contain_text("data.py is not UTF-8 text")
    page.get_by_label("Flow", exact=True).fill("value: {modules: []}")  # a text in place of the archive
    page.keyboard.press("Tab")
    press(page, page.get_by_role("dialog").get_by_role("button", name="Import"))
    page.wait_for_url("**/flows/*")


def import_file(page: Page, file: Path) -> None:
    """Choose a file in the import dialog, by keys, and import it."""
    press(page, page.get_by_role("button", name=re.compile("^Import")))
    choose_file(page, page.get_by_role("button", name="Choose a file"), file)
    expect(page.get_by_role("status").filter(has_text=file.name)).to_be_visible()
    press(page, page.get_by_role("dialog").get_by_role("button", name="Import"))


def test_what_is_new_is_marked_until_it_is_looked_at(page: Page) -> None:
    page.goto("/")
    news = page.get_by_role("contentinfo").get_by_role("link", name=re.compile("^What's new"))
    mark = news.get_by_label("Something that you have not seen")
    expect(news).to_be_visible()
    page.wait_for_function("() => localStorage.getItem('flowapp.news')")
    expect(mark).to_have_count(0)  # nothing is news to a browser that was never here
    page.evaluate("localStorage.setItem('flowapp.news', '2000-01-01')")
    page.reload()
    expect(mark).to_be_visible()
    shoot(page, "home-with-news")
    news.click()
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    page.wait_for_function("() => localStorage.getItem('flowapp.news') > '2000-01-01'")
    expect(mark).to_have_count(0)
    shoot(page, "whats-new")
    accessible(page)
    page.get_by_role("main").get_by_role("link", name="All runs").click()
    page.wait_for_url("**/runs")
    expect(page.get_by_role("heading", name="Runs", exact=True).first).to_be_visible()
    expect(mark).to_have_count(0)
