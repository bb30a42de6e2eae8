"""Several cells at once: marking, copying, pasting here and into another flow, deleting, pinning."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import Product

GIVES = "def main():\n    return 41\n"
ADDS = "def main(n: int):\n    return n + 1\n"
READS_A = {"n": {"type": "javascript", "expr": "results.a"}}
READS_B = {"n": {"type": "javascript", "expr": "results.b"}}


def opened(page: Page, product: Product) -> NotebookPage:
    """a, b and c, each reading the one before."""
    with product.client() as client:
        flow = flow_of(python("a", GIVES, summary="Gives"), python("b", ADDS, READS_A), python("c", ADDS, READS_B))
        return open_flow(page, client, flow)


def steps(notebook: NotebookPage) -> list[str]:
    return [module["id"] for module in notebook.exported()["value"]["modules"]]


def test_marked_cells_are_copied_into_the_same_flow_with_their_wires(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("a")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".nb-cell[data-marked]")).to_have_count(2)
    shoot(page, "notebook-marked")
    page.keyboard.press("Control+c")
    expect(page.get_by_text("Copied 2 cells")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".nb-cell[data-marked]")).to_have_count(0)
    notebook.select("c")
    page.keyboard.press("Control+v")
    expect(notebook.row("e", "n").get_by_role("combobox")).to_have_value("results.d")
    assert steps(notebook) == ["a", "b", "c", "d", "e"]
    notebook.select("d")
    page.keyboard.press("z")
    expect(notebook.cell("d")).to_have_count(0)
    assert steps(notebook) == ["a", "b", "c"]


def test_cells_go_into_another_flow_and_loose_wires_are_told(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("b")
    page.keyboard.press("Control+c")
    expect(page.get_by_text("Copied b")).to_be_visible()
    with product.client() as client:
        other = open_flow(page, client, flow_of(python("x", GIVES)))
    other.select("x")
    page.keyboard.press("Control+v")
    expect(other.row("b", "n").get_by_role("combobox")).to_have_value("results.a")
    expect(page.get_by_text("One wire leads nowhere in this flow.")).to_be_visible()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("complementary", name="Side panel")).to_contain_text("wire.unknown_step")


def test_modules_from_elsewhere_are_pasted(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("c")
    text = json.dumps({"value": {"modules": [python("a", GIVES, summary="From a file")]}})
    page.evaluate(
        "text => { const data = new DataTransfer(); data.setData('text/plain', text);"
        " document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true})) }",
        text,
    )
    expect(notebook.cell("d")).to_contain_text("From a file")


def test_cut_and_delete_take_all_marked_cells_and_come_back_at_once(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.cell("a").locator("> .nb-hd").click(position={"x": 500, "y": 20})
    notebook.cell("c").locator("> .nb-hd").click(position={"x": 500, "y": 20}, modifiers=["Control"])
    expect(page.locator(".nb-cell[data-marked]")).to_have_count(2)
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(page.locator(".nb-cell[data-cell]")).to_have_count(1)
    page.locator(".nb-toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".nb-cell[data-cell]")).to_have_count(3)
    notebook.select("b")
    page.keyboard.press("Control+x")
    expect(notebook.cell("b")).to_have_count(0)
    page.keyboard.press("Control+v")
    expect(notebook.cell("d")).to_be_visible()


def test_text_that_is_selected_is_copied_as_text(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("a")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.nb-state'))")
    page.keyboard.press("Control+c")
    expect(page.get_by_text("Copied a")).to_have_count(0)


def test_a_pinned_result_is_handed_on_until_it_is_unpinned(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("a")
    page.keyboard.press("v")
    expect(page.get_by_text("a has no result to pin yet.")).to_be_visible()
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    notebook.state("a").click()
    page.get_by_role("dialog", name="State of the cell").get_by_role("button", name="Pin this result").click()
    notebook.expect_state("a", "pinned")
    shoot(page, "notebook-pinned")
    notebook.set_code("a", "def main():\n    raise Exception('not run')\n")
    notebook.select("b")
    notebook.run("b")
    notebook.expect_state("b", "fresh", "reused")
    expect(notebook.output("b")).to_contain_text("42")
    assert notebook.module("a")["mock"] == {"enabled": True, "return_value": 41}
    notebook.select("a")
    page.keyboard.press("v")
    expect(notebook.state("a")).not_to_have_attribute("data-kind", "pinned")
    assert notebook.module("a")["mock"] == {"enabled": False, "return_value": 41}
