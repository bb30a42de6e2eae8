"""Large results, long logs and many cells in the page: what the server sends, and how much of the page there is, is bounded.

Sizes and counts only: how long a page of them takes is for scripts/bench.
"""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.large_flows import LINES, LOG, ROWS_OF_CELL, TABLE, TREE, duckdb
from tests.acceptance.notebook_page import RUN_TIMEOUT, NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import Product
from tests.acceptance.test_streams_page import open_gate
from tests.acceptance.traffic import Traffic, at_most

KB = 1_000
CELLS = 100
GATE = "u/admin/long_log"


def item(output: Locator, text: str) -> Locator:
    return output.get_by_role("treeitem").filter(has_text=re.compile(text))


def test_a_tree_of_10_mb(page: Page, product: Product) -> None:
    traffic = Traffic(page)
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", TREE)))
    output = notebook.output("a")
    with traffic.deed() as sent:
        notebook.run("a")
        notebook.expect_state("a", "fresh")
        expect(item(output, "^items")).to_contain_text("20,000 items")
    sent.within(requests=10, size=60 * KB)
    with traffic.deed() as sent:
        item(output, "^items").locator(".twist").click()
        expect(item(output, "^0:")).to_be_visible()
    sent.within(requests=2, size=20 * KB)
    with traffic.deed() as sent:
        output.get_by_role("tree").focus()
        page.keyboard.press("End")
        more = item(output, "shown, show more")
        expect(more).to_contain_text("100 of 20,000 shown")
        more.get_by_role("button").click()
        expect(item(output, "^100:")).to_be_visible()
        page.keyboard.press("End")
        expect(more).to_contain_text("200 of 20,000 shown")
    sent.within(requests=2, size=20 * KB)
    with traffic.deed() as sent:
        output.get_by_label("Find a key or value").fill("item 019998")
        expect(item(output, "item 019998")).to_have_count(1)
    sent.within(requests=3, size=20 * KB)
    with traffic.deed() as sent:
        output.get_by_label("Find a key or value").fill("xxxx")  # in all of them
        expect(output.get_by_role("status").filter(has_text="a longer text finds fewer")).to_be_visible()
    sent.within(requests=3, size=400 * KB)
    at_most(page, 4000)


def test_a_table_of_a_million_rows(page: Page, product: Product) -> None:
    traffic = Traffic(page)
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(duckdb("a", TABLE)))
    output = notebook.output("a")
    foot = output.locator(".table-foot [role=status]")
    with traffic.deed() as sent:
        notebook.run("a")
        notebook.expect_state("a", "fresh")
        expect(foot).to_have_text("rows 1–50 of 1,000,000")
    sent.within(requests=10, size=60 * KB)
    with traffic.deed() as sent:
        body = output.locator(".table-body")
        body.evaluate("node => { node.scrollTop = node.scrollHeight; }")
        expect(body.get_by_text("customer 49", exact=True)).to_be_in_viewport()
    sent.within(requests=1, size=5 * KB)
    with traffic.deed() as sent:
        output.get_by_role("button", name="Next rows").click()
        shown(foot, "rows 51–100 of 1,000,000")
    sent.within(requests=2, size=20 * KB)
    with traffic.deed() as sent:
        for way in ("ascending", "descending"):
            output.get_by_role("button", name="total", exact=True).click()
            expect(output.get_by_role("columnheader", name="total")).to_have_attribute("aria-sort", way)
        expect(output.locator("tbody tr").first).to_contain_text("1000002", timeout=RUN_TIMEOUT)
    sent.within(requests=3, size=30 * KB)
    with traffic.deed() as sent:
        output.get_by_placeholder("Search the rows").fill("customer 99999")
        shown(foot, "rows 1–11 of 11, 1,000,000 in all")
    sent.within(requests=3, size=20 * KB)
    with traffic.deed() as sent:
        output.get_by_role("button", name="Filter columns").click()
        output.get_by_label("Filter id").fill("< 999995")
        shown(foot, "rows 1–6 of 6, 1,000,000 in all")
    sent.within(requests=3, size=20 * KB)
    at_most(page, 3000)


def shown(foot: Locator, text: str) -> None:
    """Wait for these rows: looking through a million takes a busy machine long."""
    expect(foot).to_have_text(text, timeout=RUN_TIMEOUT)


def test_a_log_of_100_000_lines(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", LOG.replace("GATE", GATE))))
    notebook.run("a")
    expect(notebook.cell("a").get_by_role("log", name="Log", exact=True)).to_contain_text("line 049999")
    (run,) = page.request.get("/api/w/main/runs", params={"draft": notebook.draft_id}).json()
    traffic = Traffic(page)
    log = page.get_by_role("log", name="Log", exact=True)
    whole = LINES * len("line 012345\n")
    with traffic.deed() as sent:
        page.goto(f"/runs/{run['id']}#step=a")
        expect(log.get_by_text("line 049999")).to_be_in_viewport()
    assert sent.largest < 300 * KB, "the log came in one piece"
    assert sent.size < whole / 2 + 200 * KB
    with traffic.deed() as sent:
        log.evaluate("node => { node.scrollTop = node.scrollHeight / 2; }")
        expect(log.get_by_text("line 025000")).to_be_in_viewport()
        at_most(page, 3000)
    assert sent.size < 20 * KB
    follow = page.get_by_role("button", name="Follow the end")
    expect(follow).to_be_visible()
    with traffic.deed() as sent:
        open_gate(product, f"{GATE}/half")
        expect(page.get_by_role("status").get_by_text("100,000 lines")).to_be_visible()
    expect(log.get_by_text("line 025000")).to_be_in_viewport()  # who reads is not taken away
    assert sent.largest < 300 * KB
    assert sent.size < whole + 400 * KB
    follow.click()
    expect(log.get_by_text("line 099999")).to_be_in_viewport()
    page.get_by_placeholder("Find in log").fill("line 07777")
    expect(page.get_by_role("status").get_by_text("10 lines of 100,000")).to_be_visible()
    expect(log.get_by_text("line 077770")).to_be_in_viewport()
    open_gate(product, f"{GATE}/all")
    with traffic.deed() as sent:
        page.get_by_role("tab", name="Logs").click(timeout=RUN_TIMEOUT)
        expect(log.get_by_text("line 099999")).to_be_in_viewport()
    assert sent.largest < 300 * KB
    assert sent.size < whole + 200 * KB
    at_most(page, 3000)


def ran_all(page: Page, product: Product, count: int = CELLS) -> NotebookPage:
    """So many cells, each with a table of its own."""
    cells = [python(f"s{number}", ROWS_OF_CELL.replace("NAME", f"name {number}")) for number in range(count)]
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(*cells))
    page.get_by_role("button", name="Run all").click()
    notebook.expect_states(**{f"s{number}": "fresh|reused" for number in range(count)})
    return notebook


def test_a_notebook_of_100_cells_with_results(page: Page, product: Product) -> None:
    traffic = Traffic(page)
    notebook = ran_all(page, product)
    with traffic.deed() as sent:
        page.reload()
        expect(first_row(notebook, 0)).to_be_visible()
        expect(notebook.cell("s99")).to_be_attached()
    assert sent.size < 20 * KB * CELLS, "more came than the first rows of each table"
    at_most(page, 15_000)
    with traffic.deed() as sent:
        for number in [19, 39, 59, 79, 99, 50]:
            notebook.cell(f"s{number}").scroll_into_view_if_needed()
            expect(first_row(notebook, number)).to_be_visible()
        at_most(page, 20_000)
        notebook.set_code("s50", "main = lambda: 51")
        assert notebook.module("s50")["value"]["content"] == "main = lambda: 51"
    assert sent.size < 20 * KB * CELLS
    notebook.run("s50")
    expect(notebook.output("s50")).to_have_text(re.compile("51"))
    expect(notebook.output("s50").get_by_role("grid")).to_have_count(0)
    shoot(page, "notebook-100-results")


def first_row(notebook: NotebookPage, number: int) -> Locator:
    return notebook.output(f"s{number}").get_by_text(f"name {number} 0", exact=True)


def test_a_result_that_somebody_works_with_stays_as_it_is(page: Page, product: Product) -> None:
    notebook = ran_all(page, product, 30)
    output = notebook.output("s0")
    output.get_by_role("button", name="Next rows").click()
    expect(output.locator(".table-foot [role=status]")).to_have_text("rows 51–100 of 500")
    expect(first_row(notebook, 1)).to_be_attached()
    notebook.cell("s29").scroll_into_view_if_needed()
    expect(first_row(notebook, 29)).to_be_visible()
    expect(first_row(notebook, 1)).to_have_count(0)  # nobody has touched this one
    expect(output.locator(".table-foot [role=status]")).to_have_text("rows 51–100 of 500")
    height = notebook.output("s1").evaluate("node => node.offsetHeight")
    notebook.cell("s1").scroll_into_view_if_needed()
    expect(first_row(notebook, 1)).to_be_visible()
    assert notebook.output("s1").evaluate("node => node.offsetHeight") == height


def test_a_small_result_keeps_its_place_and_the_graph_puts_none_away(page: Page, product: Product) -> None:
    tables = [python(f"s{number}", ROWS_OF_CELL.replace("NAME", f"name {number}")) for number in range(1, 30)]
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("s0", "main = lambda: 41"), *tables))
    page.get_by_role("button", name="Run all").click()
    notebook.expect_states(**{f"s{number}": "fresh|reused" for number in range(30)})
    small = notebook.output("s0")
    expect(small).to_have_text(re.compile("41"))
    height = small.evaluate("node => node.offsetHeight")
    notebook.cell("s29").scroll_into_view_if_needed()
    expect(first_row(notebook, 29)).to_be_visible()
    expect(small).to_have_class(re.compile("nb-out-far"))
    assert small.evaluate("node => node.offsetHeight") == height
    body = notebook.output("s29").locator(".table-body")
    body.evaluate("node => { node.scrollTop = 100; }")
    page.get_by_role("button", name="Graph", exact=True).click()
    expect(page.locator(".nb-main")).to_be_hidden()
    page.get_by_role("button", name="Graph", exact=True).click()
    expect(first_row(notebook, 29)).to_be_attached()
    expect(first_row(notebook, 28)).to_be_attached()
