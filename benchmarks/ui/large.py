"""The longest task of a page (the time that it answers nobody) while large things are scrolled and looked through: 0 is below 50 ms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.ui.probe import PROBE
from tests.acceptance.large_flows import LOG, ROWS_OF_CELL, TABLE, TREE, duckdb
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import TOKEN, Product

CELLS = 100
WHEELS = 40
PATIENCE_MS = 120_000

Deed = tuple[str, Callable[[], None]]


def large(product: Product, browser: Browser) -> None:
    """Each large thing in a fresh browser profile."""
    for what, modules, deeds in (
        ("JSON of 10 MB", [python("a", TREE)], _tree),
        ("table of 1,000,000 rows", [duckdb("a", TABLE)], _table),
        ("log of 100,000 lines", [python("a", _printed())], _log),
        ("100 cells with results", _cells(), _notebook),
    ):
        context = browser.new_context(base_url=product.url, viewport={"width": 1440, "height": 900})
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(PROBE)
        page = context.new_page()
        page.goto(f"/signin?token={TOKEN}")
        with product.client() as client:
            notebook = open_flow(page, client, flow_of(*modules))
        page.get_by_role("button", name="Run all").click()
        last = modules[-1]["id"]
        expect(notebook.state(last)).to_have_attribute("data-kind", re.compile("fresh|reused"), timeout=PATIENCE_MS)
        for deed, act in deeds(notebook):
            page.evaluate("probe.blocks.length = 0")
            act()
            print(f"longest task, {what}, {deed:20} {longest(page):6.0f} ms")
        context.close()


def longest(page: Page) -> float:
    """Milliseconds, since the list was emptied; the browser tells of tasks a moment after them."""
    page.wait_for_timeout(300)
    return float(page.evaluate("Math.max(0, ...probe.blocks.map((task) => task.duration))"))


def _tree(notebook: NotebookPage) -> Iterator[Deed]:
    output, items = notebook.output("a"), notebook.output("a").get_by_role("treeitem")
    page = notebook.page

    def opened() -> None:
        items.filter(has_text=re.compile("^items")).locator(".twist").click()
        items.filter(has_text=re.compile("^0:")).wait_for()
        output.get_by_role("tree").focus()
        for _ in range(3):
            page.keyboard.press("End")
            page.keyboard.press("Enter")

    yield "opened", opened
    yield "scrolled", lambda: _wheel(page, output.get_by_role("tree"))
    yield (
        "searched",
        lambda: _typed(output.get_by_label("Find a key or value"), "item 019998", items.get_by_text("019998")),
    )


def _table(notebook: NotebookPage) -> Iterator[Deed]:
    output = notebook.output("a")
    foot = output.locator(".table-foot [role=status]")
    yield "scrolled", lambda: _wheel(notebook.page, output.locator(".table-body"))
    yield (
        "searched",
        lambda: _typed(output.get_by_placeholder("Search the rows"), "customer 99999", foot.get_by_text("of 11,")),
    )


def _log(notebook: NotebookPage) -> Iterator[Deed]:
    output = notebook.output("a")
    log = output.get_by_role("log")

    def opened() -> None:
        output.get_by_role("tab", name="Logs").click()
        log.get_by_text("line 099999").wait_for()

    yield "opened", opened
    yield "scrolled", lambda: _wheel(notebook.page, log, -400)
    yield (
        "searched",
        lambda: _typed(output.get_by_placeholder("Find in log"), "line 07777", log.get_by_text("line 077770")),
    )


def _notebook(notebook: NotebookPage) -> Iterator[Deed]:
    page = notebook.page
    yield "scrolled", lambda: _wheel(page, page.locator(".nb-cell .nb-hd").first, 700)
    yield "gone to the middle", lambda: notebook.into_code("s50")
    yield "typed", lambda: page.keyboard.type("# what is typed into a cell in the middle", delay=30)


def _wheel(page: Page, place: Locator, by: int = 400) -> None:
    place.hover()
    for _ in range(WHEELS):
        page.mouse.wheel(0, by)
        page.wait_for_timeout(50)


def _typed(field: Locator, text: str, found: Locator) -> None:
    field.press_sequentially(text, delay=40)
    found.first.wait_for()


def _printed() -> str:
    """The log without anything to wait for."""
    return re.sub(r" +while not .*\n.*\n", "", LOG)


def _cells() -> list[dict[str, Any]]:
    return [python(f"s{number}", ROWS_OF_CELL.replace("NAME", f"name {number}")) for number in range(CELLS)]
