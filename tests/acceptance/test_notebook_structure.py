"""Cells and notes by mouse: put between others, dragged, doubled, folded, deleted and brought back. By keys: test_run_cells.py."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.acceptance.keys import press, replace_text
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import Product


def opened(page: Page, product: Product) -> NotebookPage:
    """Three cells."""
    with product.client() as client:
        return open_flow(
            page, client, flow_of(*(python(step, f"def main():\n    return {step!r}\n") for step in "abc"))
        )


def steps(notebook: NotebookPage) -> list[str]:
    """The steps in the document's order."""
    return [module["id"] for module in notebook.exported()["value"]["modules"]]


def test_a_cell_is_dragged_to_another_place(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.cell("c").hover()
    grip = notebook.cell("c").get_by_role("button", name=re.compile("^Drag to move c")).bounding_box()
    target = notebook.cell("a").bounding_box()
    assert grip is not None
    assert target is not None
    page.mouse.move(grip["x"] + 8, grip["y"] + 8)
    page.mouse.down()
    page.mouse.move(grip["x"] + 8, grip["y"] - 20, steps=4)
    page.mouse.move(target["x"] + 60, target["y"] + target["height"] + 8, steps=8)
    expect(page.locator(".nb-drop[data-over]")).to_have_count(1)
    page.mouse.up()
    expect(page.locator(".nb-cell[data-cell]").nth(1)).to_have_attribute("aria-label", re.compile("^Cell c"))
    assert steps(notebook) == ["a", "c", "b"]


def test_a_cell_is_put_between_doubled_folded_and_deleted_by_mouse(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    gap = page.locator(".nb-slot[data-root] .nb-gap").nth(1)
    gap.hover()
    gap.get_by_role("button", name="Insert Bash").click()
    expect(notebook.cell("d")).to_be_visible()
    assert steps(notebook) == ["a", "d", "b", "c"]
    notebook.cell("b").hover()
    notebook.cell("b").get_by_role("button", name="More for b").click()
    page.get_by_role("menuitem", name="Duplicate").click()
    expect(notebook.cell("e")).to_be_visible()
    assert steps(notebook) == ["a", "d", "b", "e", "c"]
    notebook.cell("c").hover()
    notebook.cell("c").get_by_role("button", name="Fold", exact=True).click()
    expect(notebook.cell("c").locator(".nb-code")).to_have_count(0)
    notebook.cell("e").hover()
    notebook.cell("e").get_by_role("button", name="More for e").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(notebook.cell("e")).to_have_count(0)
    page.get_by_role("button", name="Undo", exact=True).last.click()  # of the note that says it
    expect(notebook.cell("e")).to_be_visible()


def test_the_undo_of_a_message_takes_back_nothing_else(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("b")
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(notebook.cell("b")).to_have_count(0)
    notebook.set_code("c", "def main():\n    return 'typed since'\n")
    notebook.settled()
    page.locator(".nb-toast", has_text="Deleted b").get_by_role("button", name="Undo").click()
    expect(notebook.cell("b")).to_be_visible()
    expect(notebook.cell("c")).to_contain_text("typed since")
    assert steps(notebook) == ["a", "b", "c"]


def test_notes_by_mouse_and_by_keyboard(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    gap = page.locator(".nb-slot[data-root] .nb-gap").nth(1)
    gap.hover()
    gap.get_by_role("button", name="Insert a note").click()
    expect(page.get_by_label("Note in Markdown")).to_be_focused()
    page.keyboard.type("## What comes\n\n* **rows**")
    page.keyboard.press("Escape")
    note = page.get_by_role("region", name=re.compile("^Note:"))
    expect(note.get_by_role("heading", name="What comes")).to_be_visible()
    expect(note.locator("strong")).to_have_text("rows")

    notebook.select("b")
    page.keyboard.press("m")
    expect(page.get_by_label("Note in Markdown")).to_be_focused()
    replace_text(page, "by keys")
    page.keyboard.press("Escape")
    second = page.get_by_role("region", name="Note: by keys")
    expect(second).to_be_focused()
    page.keyboard.press("Delete")
    expect(second).to_have_count(0)
    notebook.select("a")
    page.keyboard.press("z")
    expect(second).to_be_visible()
    notebook.settled()
    page.reload()
    notebook.loaded()
    expect(second).to_be_visible()
    press(page, note.first.get_by_role("button", name="Delete note"))
    expect(note).to_have_count(1)
