"""One chosen iteration of a loop is run from the bar over its cells, and nothing takes it for a run of the loop."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import flow_of, open_flow, python, wire
from tests.acceptance.product import Product

ITEMS = "def main():\n    return [{'n': 71}, {'n': 72}, {'n': 73}]\n"


def loop(**inner: Any) -> dict[str, Any]:
    body = [python("b", "def main(x: int):\n    return x * 10\n", {"x": wire("flow_input.iter.value.n")})]
    value = {"type": "forloopflow", "iterator": wire("results.a"), "skip_failures": False, "modules": body, **inner}
    return {"id": "l", "value": value}


def test_one_iteration_is_chosen_and_run(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", ITEMS), loop()))
    bar = page.get_by_role("group", name="Iteration of l")
    run, number = bar.get_by_role("button", name="Run this iteration"), bar.get_by_label("Iteration of l to run")
    notebook.run("l")
    notebook.expect_states(l="fresh", b="fresh")
    expect(notebook.output("l")).to_contain_text("730")

    notebook.set_code("b", "def main(x: int):\n    return x * 100\n")
    notebook.expect_states(l="stale", b="stale")
    expect(bar).to_contain_text("of 3")
    number.fill("9")
    expect(bar).to_contain_text("The list has 3 items")
    expect(run).to_be_disabled()
    number.fill("2")
    expect(bar).to_contain_text("1 key")
    run.click()
    notebook.expect_states(b="fresh", l="stale")
    expect(notebook.state("b")).to_contain_text("Iteration 2: done")
    expect(notebook.output("b")).to_contain_text("7200")
    expect(notebook.output("l")).to_contain_text("730")
    shown = bar.get_by_label("Iteration of l that is shown")
    expect(shown).to_have_value("1")
    expect(shown.locator("option:checked")).to_contain_text("by itself in run #")
    shoot(page, "iteration-alone")
    accessible(page, ".nb-iter")

    bar.get_by_role("button", name="Previous iteration").click()
    expect(notebook.output("b")).to_contain_text("710")
    expect(number).to_have_value("1")
    bar.get_by_role("button", name="Next iteration").click()
    expect(notebook.output("b")).to_contain_text("7200")
    notebook.state("b").click()
    expect(page.get_by_role("dialog", name="State of the cell")).to_contain_text("which ran iteration 2 by itself")
    page.keyboard.press("Escape")

    page.reload()
    expect(notebook.state("b")).to_contain_text("Iteration 2: done")
    expect(shown).to_have_value("1")
    notebook.expect_states(l="stale")

    notebook.run("l")
    notebook.expect_states(l="fresh")
    expect(notebook.output("l")).to_contain_text("7300")
    expect(notebook.state("b")).not_to_contain_text("Iteration")
    expect(bar).to_contain_text("of 3, 1 reused")


def test_a_loop_that_never_ran_is_tried_on_one_item_by_keyboard(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", ITEMS.replace("7", "8")), loop()))
    bar = page.get_by_role("group", name="Iteration of l")
    number = bar.get_by_label("Iteration of l to run")
    number.fill("3")
    number.press("Enter")
    notebook.expect_states(a="fresh", b="fresh", l="never")
    expect(notebook.state("b")).to_contain_text("Iteration 3: done")
    expect(notebook.output("b")).to_contain_text("830")

    # the list is shorter when it has run anew: the page says what became of the press
    notebook.set_code("a", "def main():\n    return [{'n': 81}]\n")
    notebook.expect_states(a="stale", b="stale")
    number.press("Enter")
    expect(page.get_by_text("There is no iteration 3 of l: its iterator gives 1 item")).to_be_visible()
    notebook.expect_states(a="fresh", l="never", b="stale")
    expect(bar).to_contain_text("The list has 1 item")


def test_an_iteration_of_a_while_loop_is_run_before_any_other(page: Page, product: Product) -> None:
    body = [python("b", "def main(x: int):\n    return 500 + x\n", {"x": wire("flow_input.iter.index")})]
    value = {"type": "whileloopflow", "skip_failures": False, "modules": body}
    stop = {"expr": "result >= 501", "skip_if_stopped": False}
    with product.client() as client:
        notebook = open_flow(page, client, flow_of({"id": "w", "value": value, "stop_after_if": stop}))
    bar = page.get_by_role("group", name="Iteration of w")
    number, run = bar.get_by_label("Iteration of w to run"), bar.get_by_role("button", name="Run this iteration")
    number.fill("0")
    expect(bar).to_contain_text("Type a whole number from 1 on")
    expect(run).to_be_disabled()
    number.fill("5")
    expect(run).to_have_attribute("title", re.compile("none before it has to have run"))
    run.click()
    notebook.expect_states(b="fresh", w="never")
    expect(notebook.state("b")).to_contain_text("Iteration 5: done")
    expect(notebook.output("b")).to_contain_text("504")
    shown = bar.get_by_label("Iteration of w that is shown")
    expect(shown).to_have_value("4")
    expect(shown.locator("option:checked")).to_contain_text("by itself in run #")
    shoot(page, "iteration-alone-while")
    accessible(page, ".nb-iter")
    page.reload()
    expect(notebook.state("b")).to_contain_text("Iteration 5: done")
    expect(shown).to_have_value("4")

    notebook.run("w")
    notebook.expect_states(w="fresh")
    expect(notebook.output("w")).to_contain_text("501")
    expect(notebook.state("b")).not_to_contain_text("Iteration")
