"""Results that can be worked with: tree, table and log, results that ask for a rendering, errors; by mouse and by keyboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.keys import press, tab_to
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import Product

ORDERS = (
    "def main():\n"
    '    orders = [{"id": n, "customer": f"customer {n}", "total": n * 10} for n in range(120)]\n'
    '    return {"orders": orders, "note": "all read"}\n'
)
ROWS = 'def main():\n    return [{"id": n, "customer": f"customer {n}", "total": n % 7} for n in range(120)]\n'
TAKES = "def main(value: str):\n    return value\n"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HTML = "<h1>From the step</h1><img src=https://elsewhere.invalid/x.png><script>parent.document.title = 'taken'</script>"


def ran(page: Page, product: Product, code: str) -> NotebookPage:
    """Cell a has run `code`; the input of cell b is open."""
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", code), python("b", TAKES)))
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused", "failed")
    return notebook


@pytest.fixture
def clipboard(page: Page) -> Page:
    """A page that may use the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


def copied(page: Page) -> str:
    """What is on the clipboard."""
    text: str = page.evaluate("() => navigator.clipboard.readText()")
    return text


def test_a_tree_is_searched_copied_from_and_used_in_another_cell(clipboard: Page, product: Product) -> None:
    page = clipboard
    notebook = ran(page, product, ORDERS)
    output = notebook.output("a")
    orders = output.get_by_role("treeitem").filter(has_text=re.compile("^orders"))
    orders.locator(".twist").click()
    expect(output.get_by_role("treeitem").filter(has_text=re.compile("^0"))).to_be_visible()
    output.get_by_placeholder("Find a key or value").fill("customer 117")
    found = output.get_by_role("treeitem").filter(has_text="customer 117")
    expect(found).to_have_count(1)
    shoot(page, "result-tree")
    found.hover()
    found.get_by_role("button", name="Copy path").click()
    expect(found.get_by_text("Copied")).to_be_attached()
    assert copied(page) == "results.a.orders[117].customer"
    found.get_by_role("button", name="Use in…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("value")).click()
    expect(notebook.row("b", "value").get_by_role("combobox")).to_have_value("results.a.orders[117].customer")
    expect(notebook.value("b", "value")).to_contain_text("customer 117")


def test_a_tree_by_keyboard(clipboard: Page, product: Product) -> None:
    page = clipboard
    notebook = ran(page, product, ORDERS)
    keyboard = page.keyboard
    notebook.select("a")
    tree = notebook.output("a").get_by_role("tree")
    tab_to(page, tree)
    for key in ("ArrowDown", "ArrowRight"):  # to the orders, and open them
        keyboard.press(key)
    expect(tree.get_by_role("treeitem").filter(has_text=re.compile("^0"))).to_be_visible()
    keyboard.press("ArrowDown")
    keyboard.press("p")
    expect(notebook.output("a").get_by_text("Path copied")).to_be_attached()
    assert copied(page) == "results.a.orders[0]"
    keyboard.press("w")
    press(page, page.get_by_role("dialog").get_by_role("button", name=re.compile("value")))
    expect(notebook.row("b", "value").get_by_role("combobox")).to_have_value("results.a.orders[0]")
    tab_to(page, tree)
    keyboard.press("Escape")
    expect(notebook.cell("a")).to_be_focused()


def first_row(output: Locator) -> Locator:
    """The first row of a table that holds values."""
    return output.locator("tbody tr").first


def test_a_table_is_sorted_searched_filtered_paged_and_saved(page: Page, product: Product) -> None:
    output = ran(page, product, ROWS).output("a")
    foot = output.locator(".table-foot [role=status]")
    expect(foot).to_have_text("rows 1–50 of 120")
    output.get_by_role("button", name="Next rows").click()
    expect(first_row(output)).to_contain_text("customer 50")
    for _ in range(2):  # up, then down
        output.get_by_role("button", name="id", exact=True).click()
    expect(first_row(output)).to_contain_text("customer 119")
    output.get_by_placeholder("Search the rows").fill("customer 11")
    expect(foot).to_have_text("rows 1–11 of 11, 120 in all")
    output.get_by_role("button", name="Filter columns").click()
    output.get_by_label("Filter total").fill("> 4")
    expect(foot).to_have_text("rows 1–4 of 4, 120 in all")
    shoot(page, "result-table")
    shown = [line.split(",")[1] for line in saved(page, output, "This view, 4 rows")]
    assert shown == ["customer", "customer 118", "customer 117", "customer 111", "customer 110"]
    assert len(saved(page, output, "All 120 rows")) == 121


def saved(page: Page, output: Locator, which: str) -> list[str]:
    """The lines of the CSV behind one line of the menu."""
    output.get_by_role("button", name="CSV").click()
    with page.expect_download() as download:
        output.get_by_role("link", name=which).click()
    return Path(download.value.path()).read_text().strip().splitlines()


def test_a_table_by_keyboard(clipboard: Page, product: Product) -> None:
    page = clipboard
    notebook = ran(page, product, ROWS)
    keyboard = page.keyboard
    notebook.select("a")
    table = notebook.output("a").get_by_role("grid")
    tab_to(page, table)
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        keyboard.press(key)
    expect(table.locator("td[data-on]")).to_contain_text("customer 2")
    shoot(page, "result-table-keys")
    keyboard.press("c")
    expect(table.locator("td[data-on]").get_by_text("Copied")).to_be_attached()
    assert copied(page) == "customer 2"
    keyboard.press("End")
    keyboard.press("w")
    press(page, page.get_by_role("dialog").get_by_role("button", name=re.compile("value")))
    expect(notebook.row("b", "value").get_by_role("combobox")).to_have_value("results.a[2].total")
    tab_to(page, table)
    keyboard.press("Escape")
    expect(notebook.cell("a")).to_be_focused()


def focused_cell(table: Locator) -> str:
    """The text of the value that the table says is the one with the focus; "" for none."""
    text: str = table.evaluate(
        "t => document.getElementById(t.getAttribute('aria-activedescendant'))?.innerText.trim() ?? ''"
    )
    return text


def test_a_press_on_a_value_moves_nothing_under_the_pointer(page: Page, product: Product) -> None:
    notebook = ran(page, product, ROWS)
    output = notebook.output("a")
    table, body = output.get_by_role("grid"), output.locator(".table-body")
    value = table.get_by_text("customer 39", exact=True)
    body.evaluate("node => { node.scrollTop = node.scrollHeight * 0.7; }")
    before = body.evaluate("node => node.scrollTop")
    value.hover()
    page.mouse.down()
    assert body.evaluate("node => node.scrollTop") == before > 0
    assert focused_cell(table) == "customer 39"
    page.mouse.up()
    page.keyboard.press("ArrowDown")  # goes on from where the mouse was
    assert focused_cell(table) == "customer 40"


def test_a_value_far_below_is_picked(page: Page, product: Product) -> None:
    notebook = ran(page, product, ROWS)
    body = notebook.output("a").locator(".table-body")
    notebook.row("b", "value").hover()
    notebook.row("b", "value").get_by_role("button", name="Connect value").click()
    expect(page.get_by_role("dialog", name="Connect value")).to_be_visible()
    body.evaluate("node => { node.scrollTop = node.scrollHeight * 0.7; }")
    before = body.evaluate("node => node.scrollTop")
    notebook.output("a").get_by_text("customer 39", exact=True).click()
    assert body.evaluate("node => node.scrollTop") == before > 0
    expect(notebook.row("b", "value").get_by_role("combobox")).to_have_value("results.a[39].customer")


def test_the_value_of_the_keys_is_one_that_is_shown(page: Page, product: Product) -> None:
    output = ran(page, product, ROWS).output("a")
    table = output.get_by_role("grid")
    table.get_by_text("customer 7", exact=True).click()
    output.get_by_role("button", name="total", exact=True).click()
    expect(first_row(output)).to_contain_text("customer 0")
    expect(table.locator("tbody tr").nth(1)).to_contain_text("customer 7")  # it was the eighth
    assert focused_cell(table) == "customer 7"
    output.get_by_role("button", name="Next rows").click()
    expect(output.locator(".table-foot [role=status]")).to_have_text("rows 51–100 of 120")
    expect(output.locator(".table[aria-busy=false]")).to_be_visible()
    shown = table.locator("td[data-on]")
    if shown.count():
        assert focused_cell(table) == shown.inner_text().strip()
    else:
        expect(table).not_to_have_attribute("aria-activedescendant", re.compile(".*"))


def test_escape_in_the_menu_of_a_download_closes_just_that(page: Page, product: Product) -> None:
    output = ran(page, product, ROWS).output("a")
    output.get_by_placeholder("Search the rows").fill("customer 11")
    button = output.get_by_role("button", name="CSV")
    button.click()
    link = output.get_by_role("link", name=re.compile("^This view"))
    link.focus()
    page.keyboard.press("Escape")
    expect(link).to_have_count(0)
    expect(button).to_be_focused()


def test_results_that_ask_for_a_rendering(page: Page, product: Product, watch: Watch) -> None:
    watch.expect_error("elsewhere.invalid")  # the frame says what it did not load
    watch.expect_error("Blocked script execution")
    chart = {
        "mark": "bar",
        "data": {"values": [{"a": "x", "b": 3}]},
        "encoding": {"x": {"field": "a"}, "y": {"field": "b"}},
    }
    results = {
        "a": {"markdown": "# Report\n\n| n |\n|---|\n| 7 |"},
        "b": {"html": HTML},
        "c": {"png": PNG},
        "d": {"chart": chart},
    }
    with product.client() as client:
        cells = (python(step, f"def main():\n    return {result!r}\n") for step, result in results.items())
        notebook = open_flow(page, client, flow_of(*cells))
    page.get_by_role("button", name="Run all").click()
    notebook.expect_states(**dict.fromkeys(results, "fresh|reused"))
    expect(notebook.output("a").get_by_role("heading", name="Report")).to_be_visible()
    expect(notebook.output("a").get_by_role("table")).to_contain_text("7")
    frame = notebook.output("b").locator("iframe")
    frame.scroll_into_view_if_needed()
    expect(frame).to_have_attribute("sandbox", "")
    expect(frame.content_frame.get_by_role("heading", name="From the step")).to_be_visible()
    expect(notebook.output("b")).to_contain_text("The scripts of this result are not running")
    assert page.title() != "taken"
    picture = notebook.output("c").get_by_role("img")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    notebook.cell("d").scroll_into_view_if_needed()
    expect(notebook.output("d").locator("svg.marks, svg").first).to_be_visible()
    shoot(page, "result-kinds")


def test_a_log_keeps_its_colours_and_redraws_its_lines(page: Page, product: Product) -> None:
    code = 'def main():\n    print("\\x1b[31mred\\x1b[0m")\n    print("10 %\\r60 %\\r100 %")\n    return 1\n'
    output = ran(page, product, code).output("a")
    output.get_by_role("tab", name=re.compile("^Logs")).click()
    log = output.get_by_role("log")
    expect(log.locator(".ansi-red-fg")).to_have_text("red")
    expect(log).to_contain_text("100 %")
    expect(log).not_to_contain_text("60 %")


def test_an_error_leads_to_its_line(page: Page, product: Product) -> None:
    notebook = ran(page, product, "def main():\n    numbers = [1]\n    return numbers[3]\n")
    notebook.output("a").get_by_role("button", name="line 3").first.click()
    expect(notebook.cell("a").locator(".monaco-editor.focused")).to_be_visible()
    page.keyboard.press("End")
    page.keyboard.type("  # here")
    notebook.settled()
    assert notebook.module("a")["value"]["content"].splitlines()[2] == "    return numbers[3]  # here"
