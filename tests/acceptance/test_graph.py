"""The flow as a graph, in step with the cells."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

ADDS = "def main(n: int):\n    return n + 1\n"


def branching() -> dict[str, Any]:
    """a, a loop with b in it, a branch with c and d, and e which reads a."""
    give = python("a", "def main():\n    return 1\n", summary="Give")
    value = {
        "type": "forloopflow",
        "iterator": wire("[results.a]"),
        "modules": [python("b", ADDS, {"n": wire("flow_input.iter.value")}, "Each")],
    }
    loop = {"id": "l", "summary": "All of them", "value": value}
    branches = [{"summary": "Large", "expr": "results.a > 5", "modules": [python("c", ADDS, {"n": wire("results.a")})]}]
    choice = {
        "id": "x",
        "summary": "Which",
        "value": {"type": "branchone", "branches": branches, "default": [python("d", ADDS, {"n": wire("results.a")})]},
    }
    return flow_of(give, loop, choice, python("e", ADDS, {"n": wire("results.a")}, "Last"))


def test_order_data_and_states_and_a_way_to_each_cell(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, branching())
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    page.get_by_role("button", name="Graph", exact=True).click()
    graph = page.get_by_role("group", name="Graph of the flow")
    expect(graph.locator(".nb-node")).to_have_count(7)
    expect(graph.locator(".nb-edge-both")).to_have_count(1)  # a to the loop that reads it
    expect(graph.locator(".nb-edge-order")).to_have_count(2)
    expect(graph.locator(".nb-edge-wire")).to_have_count(4)
    ready = re.compile("^(ok|reused)$")  # another test may have computed the same
    expect(graph.get_by_role("button", name=re.compile("^a Give"))).to_have_attribute("data-tone", ready)
    expect(graph).to_contain_text("Large")
    shoot(page, "notebook-graph")
    page.get_by_role("button", name="Run all").click()  # states are live
    expect(graph.get_by_role("button", name=re.compile("^e Last, (Done|Reused)"))).to_be_visible(timeout=RUN_TIMEOUT)
    graph.get_by_role("button", name=re.compile("^e Last")).click()
    expect(notebook.cell("e")).to_be_focused()
    expect(graph).to_have_count(0)


def test_by_keyboard(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, branching())
    notebook.select("a")
    page.keyboard.press("o")
    graph = page.get_by_role("group", name="Graph of the flow")
    press(page, graph.get_by_role("button", name=re.compile("^b Each")))
    expect(notebook.cell("b")).to_be_focused()
    page.keyboard.press("o")
    expect(graph).to_be_visible()
    page.keyboard.press("o")
    expect(notebook.cell("a")).to_be_visible()
    page.keyboard.press("o")
    page.keyboard.press("g")
    page.keyboard.press("g")  # whatever leads to a cell leads out of the graph
    expect(notebook.cell("a")).to_be_focused()


def test_an_empty_flow_and_a_long_one(page: Page, product: Product) -> None:
    with product.client() as client:
        open_flow(page, client, flow_of())
        page.keyboard.press("o")
        expect(page.get_by_text("Nothing to draw yet.")).to_be_visible()
        open_flow(page, client, flow_of(*(python(f"s{number}", ADDS, {"n": wire("1")}) for number in range(40))))
    page.get_by_role("button", name="Graph", exact=True).click()
    expect(page.locator(".react-flow__minimap")).to_be_visible()
    shoot(page, "notebook-graph-long")
