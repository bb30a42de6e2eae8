"""Job 3: the flow's input, edited in place, filled from a file; and documents in and out."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Page, Response, expect
from ruamel.yaml import YAML

from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import flow_of, open_flow, open_template, python, wire
from tests.acceptance.product import ROOT, Product

LINES = 'def main(text: str) -> int:\n    return text.count("\\n")\n'


def test_the_input_of_the_orders_report_is_a_file_with_a_threshold_and_a_currency(page: Page) -> None:
    notebook = open_template(page, "Orders report")
    box = page.get_by_role("region", name="Flow input")
    for field in ("orders", "threshold", "currency"):
        expect(box.get_by_text(field, exact=True).first).to_be_visible()
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    expect(notebook.output("a")).to_contain_text("497")


def test_a_field_is_added_typed_ordered_and_given_a_default(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", LINES, {"text": wire("flow_input.text")})))
    box = page.get_by_role("region", name="Flow input")
    for name in ("text", "limit"):
        box.get_by_role("button", name="Field", exact=True).click()
        editor = box.get_by_role("group", name=re.compile("^Field input"))
        editor.get_by_label("Name").fill(name)
        page.keyboard.press("Enter")
        expect(box.get_by_role("group", name=f"Field {name}")).to_be_visible()
    editor = box.get_by_role("group", name="Field limit")
    editor.get_by_label("Type").select_option(label="Whole number")
    editor.get_by_label("Default").fill("5")
    page.keyboard.press("Enter")
    editor.get_by_role("button", name="Move field up").click()
    shoot(page, "notebook-field-editor")
    editor.get_by_role("button", name="Done").click()
    notebook.settled()
    schema = page.request.get(f"/api/w/main/drafts/{notebook.draft_id}/export?format=json").json()["schema"]
    assert schema["order"] == ["limit", "text"]
    assert schema["properties"]["limit"]["type"] == "integer"
    assert schema["properties"]["limit"]["default"] == 5


def test_fields_are_read_off_a_sample(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", "def main():\n    return 1\n")))
    page.get_by_role("button", name="From a sample").click()
    page.get_by_label("Sample as JSON").fill('{"customer": "Ada", "amount": 12.5, "urgent": true}')
    page.get_by_role("button", name="Use 3 fields").click()
    expect(page.get_by_role("region", name="Flow input").get_by_label("Value of customer")).to_have_value("Ada")
    notebook.settled()
    schema = page.request.get(f"/api/w/main/drafts/{notebook.draft_id}/export?format=json").json()["schema"]
    types = {name: field["type"] for name, field in schema["properties"].items()}
    assert types == {"customer": "string", "amount": "number", "urgent": "boolean"}


def test_a_big_file_stays_out_of_the_page(page: Page, product: Product, tmp_path: Path) -> None:
    big = tmp_path / "big.csv"
    big.write_text("a,b\n" * 1_000_000)
    schema = {
        "type": "object",
        "properties": {"text": {"type": "string", "contentMediaType": "text/csv"}},
        "order": ["text"],
    }
    with product.client() as client:
        notebook = open_flow(
            page, client, flow_of(python("a", LINES, {"text": wire("flow_input.text")}), schema=schema)
        )
    seen: list[int] = []

    def count(response: Response) -> None:
        if "/api/" in response.url:
            seen.append(int(response.headers.get("content-length", "0")))

    page.on("response", count)
    box = page.get_by_role("region", name="Flow input")
    box.locator("input[type=file]").first.set_input_files(big)
    expect(box.get_by_text("big.csv")).to_be_visible(timeout=30_000)
    box.get_by_role("button", name="Look inside").click()
    expect(box.get_by_label("Text of text")).to_contain_text("a,b")
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    expect(notebook.output("a")).to_contain_text(re.compile("1[,  ]?000[,  ]?000"))
    assert max(seen) < 200_000


def test_import_and_export_are_lossless(page: Page, product: Product) -> None:
    document = YAML(typ="safe").load((ROOT / "flowapp/templates/orders_report.yaml").read_text())["flow"]
    with product.client() as client:
        notebook = open_flow(page, client, document)
    base = f"/api/w/main/drafts/{notebook.draft_id}/export"
    assert page.request.get(f"{base}?format=json").json() == document
    assert YAML(typ="safe").load(page.request.get(f"{base}?format=yaml").text()) == document
    page.get_by_role("button", name="More", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name=re.compile("Export as JSON")).click()
    assert json.loads(Path(download.value.path()).read_text()) == document
