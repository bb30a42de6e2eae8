"""A kept result says where it comes from, and one that was computed says why it was not reused."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

STAMP = "import time\n\n\ndef main(x: int):\n    return [x, time.time_ns()]\n"


def state_of(page: Page, notebook: NotebookPage, step: str) -> Locator:
    notebook.state(step).click()
    return page.get_by_role("dialog", name="State of the cell")


def test_a_reused_result_names_its_run_and_is_computed_again_with_one_press(page: Page, product: Product) -> None:
    seed = "def main():\n    return 41 + 1  # of the kept results\n"
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", seed), python("b", STAMP, {"x": wire("results.a")})))
    notebook.run("b")
    notebook.expect_state("b", "fresh")
    stamp = notebook.output("b").inner_text()
    first = state_of(page, notebook, "b")
    expect(first).not_to_contain_text("not reused")  # there was nothing to reuse
    number = first.get_by_text("From run #").inner_text().rsplit("#", 1)[1]
    page.keyboard.press("Escape")

    notebook.set_code("a", "def main():\n    return 44 - 2  # of the kept results\n")
    notebook.run("b")
    notebook.expect_states(a="fresh", b="reused")
    expect(notebook.state("b")).to_contain_text(f"run #{number}")
    dialog = state_of(page, notebook, "b")
    expect(dialog).to_contain_text(f"Computed in run #{number}, ")
    expect(dialog).to_contain_text(f"Run #{int(number) + 1} took it from there")
    computed, took = (dialog.get_by_role("link", name=f"run #{n}") for n in (int(number), int(number) + 1))
    expect(took).to_have_attribute("href", re.compile(r"^/runs/\w"))
    with page.context.expect_page() as opened:
        computed.click(modifiers=["ControlOrMeta"])
    expect(opened.value.get_by_role("heading", level=1)).to_contain_text(f"#{number}")
    opened.value.close()
    forget = dialog.get_by_role("button", name="Forget the result")
    expect(forget).to_be_visible()
    box, frame = forget.bounding_box(), dialog.bounding_box()
    assert box and frame and box["x"] + box["width"] <= frame["x"] + frame["width"], "it is cut off"
    shoot(page, "state-reused")
    accessible(page, ".nb-why-pop")
    dialog.get_by_role("button", name="Compute again").click()
    notebook.expect_state("b", "fresh")
    assert notebook.output("b").inner_text() != stamp
    expect(state_of(page, notebook, "b")).to_contain_text("not reused: it was run although it was up to date")
    page.keyboard.press("Escape")
    expect(state_of(page, notebook, "a")).to_contain_text("not reused: code changed")
    shoot(page, "state-not-reused")


def test_a_loop_says_unasked_how_many_iterations_were_reused(page: Page, product: Product) -> None:
    loop = {
        "id": "l",
        "value": {
            "type": "forloopflow",
            "iterator": wire("results.a"),
            "skip_failures": False,
            "modules": [python("c", STAMP, {"x": wire("flow_input.iter.value")})],
        },
    }
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", "def main():\n    return [71, 72]\n"), loop))
    notebook.run("l")
    notebook.expect_state("l", "fresh")
    bar = page.get_by_role("group", name="Iteration of l")
    expect(bar).to_contain_text("of 2")
    notebook.set_code("a", "def main():\n    return [71, 72, 73]\n")
    notebook.run("l")
    notebook.expect_state("l", "fresh")
    expect(bar).to_contain_text("of 3, 2 reused")
