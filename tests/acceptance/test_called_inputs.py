"""Cells that call something: the inputs of a script of the workspace or of the hub; and the preprocessor on a sample event."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import RUN_TIMEOUT, NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import Product

GREET: dict[str, Any] = {
    "path": "f/team/greet",
    "summary": "Greet somebody",
    "description": "",
    "schema": {
        "type": "object",
        "order": ["name", "times"],
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "times": {"type": "integer", "default": 1}},
    },
    "language": "python3",
    "content": 'def main(name: str, times: int = 1):\n    return " ".join([f"Hello {name}"] * times)\n',
}


def other_cell(page: Page, kind: str) -> None:
    """Insert a cell of a rarer kind at the end."""
    page.get_by_role("group", name="Insert here").last.get_by_role("button", name="Other…").click()
    page.get_by_role("menuitem", name=kind).click()


def fill(notebook: NotebookPage, step: str, field: str, text: str) -> None:
    """Type a fixed value into an input."""
    row = notebook.row(step, field)
    row.get_by_role("textbox").first.fill(text)
    row.get_by_role("textbox").first.blur()
    notebook.settled()


def test_a_script_of_the_workspace_brings_its_inputs(page: Page, product: Product) -> None:
    with product.client() as client:
        answer = client.post("/api/w/main/scripts/create", json=GREET)
        assert answer.status_code == 201, answer.text
        notebook = open_flow(page, client, flow_of(python("a", "def main():\n    return 1\n")))
    other_cell(page, "Script from the workspace…")
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Greet somebody")).click()
    expect(notebook.cell("b")).to_contain_text("f/team/greet")
    expect(notebook.row("b", "name")).to_be_visible(timeout=RUN_TIMEOUT)
    expect(notebook.row("b", "times")).to_be_visible()
    fill(notebook, "b", "name", "Ada")
    notebook.run("b")
    notebook.expect_state("b", "fresh")
    expect(notebook.output("b")).to_contain_text("Hello Ada")
    shoot(page, "notebook-called-script")


def test_a_script_of_the_hub_is_listed_and_brings_its_inputs(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", "def main():\n    return 1\n")))
    other_cell(page, "Script from the hub…")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Path or name of the script").fill("fill_template")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    shoot(page, "notebook-hub-dialog")
    dialog.get_by_role("listitem").get_by_role("button").click()
    expect(notebook.cell("b")).to_contain_text(re.compile(r"Hub script hub/\d+/text/fill_template"))
    expect(notebook.row("b", "template")).to_be_visible(timeout=RUN_TIMEOUT)


def test_the_preprocessor_is_tried_on_a_sample_event(page: Page, product: Product) -> None:
    code = 'def preprocessor(event: dict):\n    return {"who": event["body"]["name"], "kind": event["kind"]}\n'
    flow = flow_of(python("a", "def main():\n    return 1\n"))
    flow["value"]["preprocessor_module"] = python("preprocessor", code)
    with product.client() as client:
        notebook = open_flow(page, client, flow)
    notebook.run("preprocessor")
    notebook.expect_state("preprocessor", "fresh")
    expect(notebook.output("preprocessor")).to_contain_text("Ada")
    sample = notebook.cell("preprocessor").get_by_label("Sample event", exact=True)
    sample.last.fill('{"kind": "email", "body": {"name": "Grace"}}')
    sample.last.blur()
    notebook.settled()
    notebook.select("preprocessor")
    page.keyboard.press("Control+Enter")
    expect(notebook.output("preprocessor")).to_contain_text("Grace", timeout=RUN_TIMEOUT)
    expect(notebook.output("preprocessor")).to_contain_text("email")
    notebook.expect_state("a", "never")
    shoot(page, "notebook-preprocessor")
