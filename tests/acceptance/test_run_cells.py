"""Job 4: run a cell, see its log and result, edit, run what is out of date, and find everything again."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.notebook_page import flow_of, open_flow, open_template, python, wire
from tests.acceptance.product import Product
from tests.acceptance.test_streams_page import open_gate

ROWS = 'def main():\n    print("reading")\n    return [{"total": 3}, {"total": 4}]\n'
SUM = 'def main(rows: list) -> int:\n    return sum(row["total"] for row in rows)\n'
TEXT = 'def main(total: int) -> str:\n    return f"in all {total}"\n'
SLOW = 'import time\n\n\ndef main():\n    for n in range(100):\n        print("line", n, flush=True)\n        time.sleep(0.2)\n'

#: Results are kept across notebooks, so a cell may find its own from an earlier test.
DONE = "fresh|reused"


def three_cells() -> dict[str, Any]:
    """a → b → c."""
    return flow_of(
        python("a", ROWS, summary="Rows"),
        python("b", SUM, {"rows": wire("results.a")}, "Sum"),
        python("c", TEXT, {"total": wire("results.b")}, "Text"),
    )


def test_the_last_cell_of_the_orders_report_takes_the_others_along(page: Page) -> None:
    notebook = open_template(page, "Orders report")
    expect(notebook.cell("f").locator("> .nb-hd .nb-first")).to_contain_text("first")
    notebook.into_code("f")
    page.keyboard.press("Shift+Enter")
    notebook.expect_states(a=DONE, b=DONE, c=DONE, d=DONE, e=DONE, f=DONE)
    expect(notebook.output("f")).to_contain_text("North")
    shoot(page, "notebook-orders-run")
    # a second press has nothing to recompute
    notebook.into_code("b")
    page.keyboard.press("Shift+Enter")
    notebook.expect_state("b", "reused", "fresh")


def test_text_that_was_saved_by_running_it_is_said_to_be_saved(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, three_cells())
    notebook.into_code("c")
    notebook.type_code(TEXT.replace("in all", "together"))
    page.keyboard.press("Shift+Enter")
    notebook.expect_states(c=DONE)
    expect(notebook.output("c")).to_contain_text("together 7")
    notebook.settled()


def test_a_run_that_ended_before_the_page_could_listen(page: Page, product: Product) -> None:
    held: list[Route] = []
    page.route("**/events?*", lambda route: held.append(route))
    with product.client() as client:
        notebook = open_flow(page, client, three_cells())
        notebook.run("a")
        notebook.expect_state("a", "running")
        path = f"/api/w/main/drafts/{notebook.draft_id}/notebook"
        for _ in range(200):
            states = {cell["step_id"]: cell["state"]["kind"] for cell in client.get(path).json()["cells"]}
            if states["a"] in DONE.split("|"):
                break
            page.wait_for_timeout(50)
        page.unroute("**/events?*")  # lets what is held go on
        notebook.expect_state("a", *DONE.split("|"))


def test_editing_marks_everything_below_and_stale_only_runs_it(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, three_cells())
    notebook.into_code("c")
    page.keyboard.press("Shift+Enter")
    notebook.expect_states(a=DONE, b=DONE, c=DONE)
    expect(notebook.output("c")).to_contain_text("in all 7")

    notebook.set_code("b", SUM.replace("sum(", "10 * sum("))
    notebook.expect_states(a=DONE, b="stale", c="stale")
    expect(notebook.state("c")).to_contain_text("b")  # says what changed
    notebook.state("c").click()
    expect(page.get_by_role("dialog", name="State of the cell")).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("button", name=re.compile("Run out of date")).click()
    notebook.expect_states(a=DONE, b=DONE, c=DONE)
    expect(notebook.output("c")).to_contain_text("in all 70")


WAITS = """import time
import wmill


def main():
    client = wmill.Windmill()
    while not client.get(f"/w/{client.workspace}/variables/exists/u/admin/stale_gate").json():
        time.sleep(0.05)
    return [{"total": 8}]
"""


def test_out_of_date_runs_beside_and_after_a_cell_at_work(page: Page, product: Product) -> None:
    flow = three_cells()
    flow["value"]["modules"][0] = python("a", WAITS, summary="Rows")
    flow["value"]["modules"].append(python("x", "def main():\n    return 'beside'\n"))
    with product.client() as client:
        notebook = open_flow(page, client, flow)
    notebook.run("a")
    notebook.expect_state("a", "running")
    page.get_by_role("button", name=re.compile("Run out of date")).click()
    notebook.expect_states(a="running", b="queued", c="queued", x=DONE)
    shoot(page, "notebook-queued-behind")
    open_gate(product, "u/admin/stale_gate")
    notebook.expect_states(a=DONE, b=DONE, c=DONE)
    expect(notebook.output("c")).to_contain_text("in all 8")


def test_the_same_by_keyboard(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, three_cells())
    notebook.select("c")
    page.keyboard.press("Shift+Enter")
    notebook.expect_states(a=DONE, b=DONE, c=DONE)

    notebook.select("b")
    page.keyboard.press("Enter")
    expect(notebook.cell("b").locator(".monaco-editor.focused")).to_be_visible()
    notebook.type_code(SUM.replace("sum(", "2 * sum("))
    page.keyboard.press("Escape")
    notebook.expect_states(b="stale", c="stale")

    page.keyboard.press("e")
    page.keyboard.press("a")
    notebook.expect_states(b=DONE, c=DONE)
    expect(notebook.output("c")).to_contain_text("in all 14")


def test_a_cell_runs_on_the_old_results_when_asked(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, three_cells())
    notebook.into_code("c")
    page.keyboard.press("Shift+Enter")
    notebook.expect_state("c", *DONE.split("|"))
    notebook.set_code("a", ROWS.replace("3", "100"))
    notebook.expect_state("c", "stale")
    notebook.set_code("c", TEXT.replace("in all", "still"))
    page.keyboard.press("Alt+Shift+Enter")
    expect(notebook.output("c")).to_contain_text("still 7")
    notebook.expect_states(a="stale", b="stale")


def test_a_result_is_forgotten(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, three_cells())
    notebook.run("c")
    notebook.expect_states(a=DONE, b=DONE, c=DONE)
    notebook.state("b").click()
    page.get_by_role("dialog", name="State of the cell").get_by_role("button", name="Forget the result").click()
    expect(page.get_by_text("The result of b is forgotten")).to_be_visible()
    notebook.expect_states(a=DONE, b="never", c="stale")
    expect(notebook.output("b")).to_have_count(0)
    shoot(page, "notebook-forgotten")
    notebook.select("a")
    page.keyboard.press("e")
    page.keyboard.press("r")
    notebook.expect_states(a="never", b="never", c="stale")
    notebook.run("c")
    notebook.expect_states(a=DONE, b=DONE, c=DONE)


def test_logs_appear_while_a_cell_runs_and_it_can_be_cancelled(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("slow", SLOW)))
    notebook.run("slow")
    notebook.expect_state("slow", "running")
    expect(notebook.cell("slow").get_by_role("log")).to_contain_text("line 2")
    notebook.cell("slow").get_by_role("button", name="Cancel slow").click()
    notebook.expect_state("slow", "failed", "never", "stale")


def test_an_error_names_its_line(page: Page, product: Product) -> None:
    code = "def main():\n    numbers = [1]\n    return numbers[3]\n"
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", code), python("b", SUM, {"rows": wire("results.a")})))
    notebook.run("a")
    notebook.expect_state("a", "failed")
    expect(notebook.output("a")).to_contain_text("IndexError")
    expect(notebook.output("a")).to_contain_text("line 3")
    shoot(page, "notebook-error")


def test_results_states_and_typed_text_survive_reload_and_restart(page: Page, product: Product, watch: Watch) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, three_cells())
    notebook.into_code("c")
    page.keyboard.press("Shift+Enter")
    notebook.expect_states(a=DONE, b=DONE, c=DONE)
    typed = TEXT.replace("in all", "typed while it was there,")
    notebook.set_code("c", typed)
    notebook.expect_state("c", "stale")
    notebook.settled()

    page.reload()
    notebook.loaded()
    notebook.expect_states(a=DONE, b=DONE, c="stale")
    expect(notebook.cell("c").locator(".nb-code")).to_contain_text("typed while it was there,")

    watch.expect_error("")  # the browser reports the lost connection
    product.stop()
    notebook.set_code("c", typed.replace("there", "away"))
    product.start()
    notebook.settled()
    page.reload()
    notebook.loaded()
    expect(notebook.cell("c").locator(".nb-code")).to_contain_text("typed while it was away,")
    expect(notebook.output("b")).to_contain_text("7")
    notebook.expect_states(a=DONE, b=DONE, c="stale")


def test_structure_by_keyboard_insert_move_duplicate_delete_undo(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, three_cells())
    keyboard = page.keyboard
    notebook.select("a")
    keyboard.press("n")
    expect(notebook.cell("d")).to_be_visible()
    keyboard.press("Escape")
    order = [text.split(",")[0] for text in cells_in_order(page)]
    assert order == ["Cell a", "Cell d", "Cell b", "Cell c"]
    notebook.select("d")
    keyboard.press("J")
    expect(page.locator(".nb-cell[data-cell]").nth(2)).to_have_attribute("aria-label", re.compile("^Cell d"))
    notebook.select("d")
    keyboard.press("d")
    keyboard.press("d")
    expect(notebook.cell("d")).to_have_count(0)
    keyboard.press("z")
    expect(notebook.cell("d")).to_be_visible()


def test_the_palette_and_the_help_show_every_key(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, three_cells())
    notebook.select("a")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Run cell")
    shoot(page, "notebook-help")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("deploy")
    shoot(page, "notebook-palette")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Path")


def cells_in_order(page: Page) -> list[str]:
    """The names of all cells from top to bottom."""
    return [node.get_attribute("aria-label") or "" for node in page.locator(".nb-cell[data-cell]").all()]


def test_the_page_follows_the_caret_in_a_long_cell(page: Page, product: Product) -> None:
    long = "def main():\n" + "".join(f"    step_{n} = {n}\n" for n in range(80)) + "    return step_1\n"
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", long), python("b", SUM)))
    notebook.into_code("a")
    caret = notebook.cell("a").locator(".cursors-layer .cursor")
    for keys in ("Control+End", "Control+Home", "Control+End"):
        page.keyboard.press(keys)
        expect(caret.first).to_be_in_viewport(ratio=1)
    for _ in range(30):
        page.keyboard.press("ArrowUp")
    for _ in range(12):
        page.keyboard.press("Enter")
    expect(caret.first).to_be_in_viewport(ratio=1)
    page.mouse.wheel(0, -4000)
    expect(caret.first).not_to_be_in_viewport()
    page.keyboard.type("#")  # whoever types wants to see it
    expect(caret.first).to_be_in_viewport(ratio=1)
