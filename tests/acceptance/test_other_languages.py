"""Cells in other languages than Python: inserted, given inputs by their header, run; errors at their line."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import flow_of, open_flow, python
from tests.acceptance.product import Product

QUERY = "-- :least (int) = 2\nWITH t(n, word) AS (VALUES (1, 'one'), (2, 'two'), (3, 'three'))\nSELECT * FROM t WHERE n >= :least"


def test_an_sql_cell_is_inserted_wired_by_its_header_and_run(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", "def main():\n    return 3\n")))
    page.get_by_role("group", name="Insert here").last.get_by_role("button", name="Other…").click()
    page.get_by_role("menuitem", name="SQLite").click()
    notebook.set_code("b", QUERY)
    expect(notebook.row("b", "least")).to_be_visible()  # the form follows the header
    assert notebook.module("b")["value"]["language"] == "sqlite"
    notebook.run("b")
    notebook.expect_state("b", "fresh", "reused")
    expect(notebook.output("b").first).to_contain_text("three")
    expect(notebook.output("b").first).not_to_contain_text("one")
    notebook.set_code("b", QUERY.replace("word)", "word"))
    notebook.run("b")
    notebook.expect_state("b", "failed")
    expect(notebook.output("b").first).to_contain_text(re.compile("syntax error", re.IGNORECASE))


MANY = """WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 70)
SELECT n, 9007199254740993 AS big, printf('%.*c', 1000000, 'x') AS t FROM s"""


def test_rows_that_no_step_could_take_are_a_table_and_the_step_that_wants_them_says_why(
    page: Page, product: Product
) -> None:
    rows = {"id": "a", "value": {"type": "rawscript", "language": "sqlite", "content": MANY, "input_transforms": {}}}
    with product.client() as client:
        notebook = open_flow(
            page,
            client,
            flow_of(
                rows,
                python("b", "def main(x):\n    return len(x)\n", {"x": {"type": "javascript", "expr": "results.a"}}),
            ),
        )
    notebook.run("b")
    notebook.expect_states(a="fresh", b="failed")
    expect(notebook.output("a").first).to_contain_text("of 70")
    expect(notebook.output("a").first).to_contain_text("9007199254740993")
    expect(notebook.output("b").first).to_contain_text("at most 64 MB can be handed to expressions and steps")
    shoot(page, "large-rows")
