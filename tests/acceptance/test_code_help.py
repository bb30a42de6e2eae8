"""Help while writing code: completion, hovers, signatures, type checks and formatting, by keyboard and mouse."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.intercept import intercept
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import Product

#: the first answer of a service reads whole libraries, on a busy machine
SERVICE_MS = 90_000
TYPED = "export async function main(rows: number[]) {\n  const n: string = rows.length;\n  return n;\n}\n"


def opened(page: Page, product: Product) -> NotebookPage:
    code = {"type": "rawscript", "language": "deno", "content": TYPED, "input_transforms": {}}
    with product.client() as client:
        flow = flow_of(
            python("a", "import json\n\n\ndef main( rows:list ):\n  return rows\n"), {"id": "b", "value": code}
        )
        return open_flow(page, client, flow)


def test_python_is_completed_and_formatted(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.into_code("a")
    page.keyboard.press("Control+End")
    with page.expect_response("**/code/complete", timeout=SERVICE_MS):
        page.keyboard.type("json.")
    shown = page.locator("#nb-editor-widgets .suggest-widget.visible")
    expect(shown.get_by_role("option", name="dumps").or_(shown.get_by_label("dumps")).first).to_be_visible()
    page.keyboard.type("dump")
    shoot(page, "notebook-completion")
    page.keyboard.press("Tab")
    page.keyboard.type("(")
    expect(page.locator("#nb-editor-widgets .parameter-hints-widget.visible")).to_contain_text("obj")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("def main( rows:list ):\n  return rows")
    typed = notebook.module("a")["value"]["content"]  # the editor indents what is put in
    page.keyboard.press("Control+Shift+f")
    expect(notebook.cell("a").locator(".view-line", has_text="def main(rows: list):")).to_be_visible()
    assert notebook.module("a")["value"]["content"] == "def main(rows: list):\n    return rows\n"
    page.keyboard.press("Control+z")
    notebook.settled()
    assert notebook.module("a")["value"]["content"] == typed
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("def main(:")
    page.keyboard.press("Control+Shift+f")
    expect(page.get_by_text("a cannot be formatted")).to_be_visible()


def test_bash_is_formatted_and_helped_in_no_other_way(page: Page, product: Product) -> None:
    code = {
        "type": "rawscript",
        "language": "bash",
        "content": 'if true;then\n      echo  "$1"; fi\n',
        "input_transforms": {},
    }
    with product.client() as client:
        notebook = open_flow(page, client, flow_of({"id": "a", "value": code}))
        said = client.post("/api/w/main/code/hover", json={"language": "bash", "code": "x", "line": 1, "column": 1})
        assert (said.status_code, said.json()["error"]["message"]) == (400, "There is no hover for bash.")
    notebook.select("a")
    page.keyboard.press("Control+Shift+f")
    expect(notebook.cell("a")).to_contain_text("if true; then", timeout=SERVICE_MS)
    notebook.settled()
    assert notebook.module("a")["value"]["content"] == 'if true; then\n  echo "$1"\nfi\n'


def test_types_are_checked_and_explained(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.into_code("b")
    mark = notebook.cell("b").locator(".squiggly-warning")
    expect(mark.first).to_be_visible(timeout=SERVICE_MS)
    notebook.cell("b").locator(".view-line span", has_text="length").last.hover()
    expect(page.locator("#nb-editor-widgets .monaco-hover").first).to_contain_text("number[]")
    shoot(page, "notebook-types")
    notebook.cell("b").get_by_role("button", name="TypeScript", exact=True).click()
    page.get_by_role("menuitemradio", name="Python", exact=True).or_(
        page.get_by_role("menuitem", name="Python")
    ).click()
    expect(mark).to_have_count(0)  # they were about another language
    page.keyboard.press("z")
    notebook.into_code("b")
    page.keyboard.press("Control+End")
    page.keyboard.type(" ")
    expect(mark.first).to_be_visible(timeout=SERVICE_MS)
    notebook.type_code("export const main = () => 1;")
    expect(mark).to_have_count(0, timeout=SERVICE_MS)


def test_types_are_checked_when_the_language_comes_late(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.into_code("b")
    mark = notebook.cell("b").locator(".squiggly-warning")
    expect(mark.first).to_be_visible(timeout=SERVICE_MS)
    notebook.cell("b").get_by_role("button", name="TypeScript", exact=True).click()
    page.get_by_role("menuitemradio", name="Python", exact=True).click()
    expect(mark).to_have_count(0)
    notebook.settled()
    held: list[Route] = []
    intercept(page, "**/undo", lambda route: held.append(route))
    page.keyboard.press("z")
    expect(page.get_by_text("Saving")).to_be_visible()
    notebook.into_code("b")
    page.keyboard.type("// ")
    page.wait_for_timeout(1500)  # the pause after which a text is looked at
    assert held, "undo is under way"
    held[0].continue_()
    expect(mark.first).to_be_visible(timeout=SERVICE_MS)


def test_what_is_typed_while_something_is_undone_is_not_lost(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.into_code("a")
    notebook.type_code("main = lambda: 1")
    page.keyboard.press("Escape")
    notebook.settled()
    held: list[Route] = []
    intercept(page, "**/undo", lambda route: held.append(route))
    page.keyboard.press("z")
    expect(page.get_by_text("Saving")).to_be_visible()
    notebook.into_code("a")
    page.keyboard.press("Control+End")
    page.keyboard.type(" + 41")
    assert held, "undo is under way"
    held[0].continue_()
    choice = notebook.cell("a").get_by_role("button", name="Keep mine")
    expect(choice).to_be_visible()
    choice.click()
    notebook.settled()
    assert notebook.module("a")["value"]["content"] == "main = lambda: 1 + 41"
