"""What a person waits for: key to output, key to text, a notebook of 100 cells until it can be read, and large things on pages.

Times are taken in the page: from the key event's own time stamp to the mutation of the document that shows the answer.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, sync_playwright

from benchmarks.figures import line
from benchmarks.ui.large import large
from benchmarks.ui.probe import PROBE
from tests.acceptance.conftest import CHROMIUM_FLAGS
from tests.acceptance.product import TOKEN, Product

PRESSES = 40
WARM_UP = 5
KEYS = 120
LOADS = 5


def flow(cells: int) -> dict[str, Any]:
    """A flow of trivial, independent Python cells."""
    code = 'def main():\n    return "mark0"\n'
    modules = [
        {
            "id": f"s{index}",
            "summary": f"Cell {index}",
            "value": {"type": "rawscript", "language": "python3", "content": code, "input_transforms": {}},
        }
        for index in range(cells)
    ]
    return {"summary": f"{cells} cells", "value": {"modules": modules}, "schema": {"type": "object", "properties": {}}}


def main() -> None:
    """Run everything on one server and one browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium found")
    sizes = [int(argument) for argument in sys.argv[1:]] or [1, 10, 100]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        product = Product(Path(folder) / "home")
        product.start()
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        try:
            for cells in sizes:
                draft = make_draft(product, cells)
                with_page(browser.new_context(base_url=product.url), draft, cells)
            draft = make_draft(product, 100)
            load(browser.new_context(base_url=product.url), draft)
            large(product, browser)
        finally:
            browser.close()
            product.stop()


def make_draft(product: Product, cells: int) -> str:
    """A new notebook; answers its id."""
    with product.client() as client:
        made = client.post("/api/w/main/drafts", json={"flow": flow(cells)})
        made.raise_for_status()
        return str(made.json()["id"])


def with_page(context: BrowserContext, draft: str, cells: int) -> None:
    """Shift+Enter to output, and typing, in a notebook of so many cells."""
    context.add_init_script(PROBE)
    page = context.new_page()
    page.goto(f"/signin?token={TOKEN}")
    page.goto(f"/flows/{draft}")
    page.locator(".nb-cell .monaco-editor .view-line").first.wait_for()
    times = [press(page, index) for index in range(PRESSES + WARM_UP)][WARM_UP:]
    print(line(f"Shift+Enter to new output, {cells} cells", times))
    print(line(f"key to changed text, {cells} cells", type_keys(page)))
    context.close()


def press(page: Page, index: int) -> float:
    """Change the first cell's code, press Shift+Enter, wait for the new output; milliseconds."""
    mark = f"mark{1000 + index}"
    edit_first(page)
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(f'def main():\n    return "{mark}"\n')
    page.wait_for_timeout(50)
    page.evaluate(f"void (window.answer = probe.until('.nb-cell .nb-out', '{mark}'))")
    page.keyboard.press("Shift+Enter")
    return float(page.evaluate("window.answer"))


def type_keys(page: Page) -> list[float]:
    """Milliseconds from each key to its letter in the page."""
    edit_first(page)
    page.keyboard.press("Control+End")
    page.keyboard.type("# ")
    times, typed = [], "#\u00a0"
    for index in range(KEYS):
        if index % 40 == 0:
            page.keyboard.press("Enter")
            typed = ""
        letter = "abcdefghijklmnopqrstuvwxyz"[index % 26]
        typed += letter
        page.evaluate(f"void (window.answer = probe.until('.nb-cell .monaco-editor .view-lines', '{typed}'))")
        page.keyboard.press(letter)
        times.append(float(page.evaluate("window.answer")))
    return times


def edit_first(page: Page) -> None:
    """Put the cursor into the first cell's code."""
    page.locator(".nb-cell .monaco-editor").first.click(position={"x": 200, "y": 12})


def load(context: BrowserContext, draft: str) -> None:
    """From navigation to the first editor, and to the text of all 100 cells."""
    context.add_init_script(PROBE)
    context.add_init_script("probe.loading('.nb-cell .monaco-editor .view-line', '.nb-code', 'mark0', 100);")
    page = context.new_page()
    page.goto(f"/signin?token={TOKEN}")
    first, text = [], []
    for _ in range(LOADS):
        page.goto(f"/flows/{draft}")
        first.append(float(page.evaluate("probe.loaded.editor")))
        text.append(float(page.evaluate("probe.loaded.code")))
    print(line("100 cells: navigation to the first editor", first))
    print(line("100 cells: navigation to the text of all cells", text))
    context.close()


if __name__ == "__main__":
    main()
