"""Job 3: the flow's input, edited in place, filled from a file; and documents in and out."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Page, Response, expect
from ruamel.yaml import YAML

from tests.acceptance.conftest import shoot
from tests.acceptance.keys import choose_file, press, replace_text, slow_frames, tab_to
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


def test_the_same_by_keyboard_and_the_focus_is_never_lost(page: Page, product: Product) -> None:
    inputs = {"text": wire("flow_input.begin + flow_input.text")}
    schema = {"type": "object", "properties": {"begin": {"type": "string"}}, "order": ["begin"]}
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", LINES, inputs), schema=schema))
    keyboard = page.keyboard
    box = page.get_by_role("region", name="Flow input")
    notebook.select("a")
    keyboard.press("i")
    expect(box.get_by_label("Value of begin")).to_be_focused()
    press(page, box.get_by_role("button", name="Field", exact=True), back=True)
    expect(box.get_by_label("Name")).to_be_focused()
    replace_text(page, "limit")
    keyboard.press("Enter")
    editor = box.get_by_role("group", name="Field limit")
    expect(editor.get_by_label("Name")).to_be_focused()
    keyboard.press("Tab")
    expect(editor.get_by_label("Type")).to_be_focused()
    keyboard.type("Wh")  # a select takes the first letters
    expect(editor.get_by_label("Type")).to_have_value("integer")
    tab_to(page, editor.get_by_label("Default"))
    replace_text(page, "5")
    tab_to(page, editor.get_by_role("checkbox"))
    keyboard.press("Space")
    press(page, editor.get_by_role("button", name="Move field up"))
    expect(editor.get_by_role("button", name="Move field down")).to_be_focused()
    keyboard.press("Escape")
    expect(box.get_by_role("button", name="Change the field limit")).to_be_focused()

    press(page, box.get_by_role("button", name="Change the field begin"))
    tab_to(page, box.get_by_role("group", name="Field begin").get_by_label("Name"))
    replace_text(page, "start")
    keyboard.press("Tab")  # leaving the field renames it too
    expect(box.get_by_role("group", name="Field start").get_by_label("Type")).to_be_focused()
    expect(notebook.row("a", "text").get_by_role("combobox")).to_have_value("flow_input.start + flow_input.text")
    press(page, box.get_by_role("button", name="Done"))
    expect(box.get_by_role("button", name="Change the field start")).to_be_focused()
    schema = notebook.exported()["schema"]
    assert schema["order"] == ["limit", "start"]
    assert schema["required"] == ["limit"]
    assert schema["properties"]["limit"] == {"type": "integer", "default": 5}

    keyboard.press("Enter")
    press(page, box.get_by_role("button", name="Delete the field start"))
    expect(box.get_by_role("button", name="Change the field limit")).to_be_focused()
    keyboard.press("z")
    expect(box.get_by_role("button", name="Change the field start")).to_be_visible()


def test_fields_are_read_off_a_sample_by_keyboard(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", "def main():\n    return 1\n")))
    notebook.select("a")
    page.keyboard.press("i")
    press(page, page.get_by_role("button", name="From a sample"))
    page.keyboard.type('{"customer": "Ada"}')
    press(page, page.get_by_role("button", name="Use 1 field"))
    expect(page.get_by_role("region", name="Flow input").get_by_label("Value of customer")).to_have_value("Ada")
    expect(page.get_by_role("button", name="From a sample")).to_be_focused()


def test_who_goes_to_the_flow_input_stays_there(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(*(python(step, "def main():\n    return 1\n") for step in "ab")))
    notebook.select("a")
    slow_frames(page)
    page.keyboard.press("j")  # its frame comes after the next key
    page.keyboard.press("i")
    expect(page.get_by_role("region", name="Flow input").locator(":focus")).to_have_count(1)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(page.get_by_role("region", name="Flow input").locator(":focus")).to_have_count(1)


def test_a_file_is_chosen_pasted_and_removed_by_keyboard(page: Page) -> None:
    notebook = open_template(page, "Orders report")
    keyboard, file = page.keyboard, ROOT / "assets/orders-2026-q3.csv"
    box = page.get_by_role("region", name="Flow input")
    notebook.select("a")
    keyboard.press("i")
    choose_file(page, box.get_by_role("button", name="Upload a file for orders"), file)
    expect(box.get_by_text("orders-2026-q3.csv")).to_be_visible()
    press(page, box.get_by_role("button", name="Look inside"), back=True)
    expect(box.get_by_label("Text of orders")).to_contain_text("order_id")
    press(page, box.get_by_role("button", name="Remove"))
    value = box.get_by_label("Value of orders")
    expect(value).to_be_focused()
    lines = file.read_text()
    few = lines[: lines.index("\n", 2000) + 1]
    keyboard.insert_text(few)  # as a paste does
    notebook.settled()
    keyboard.press("Escape")
    notebook.select("a")
    keyboard.press("Shift+Enter")
    notebook.expect_state("a", "fresh", "reused")
    expect(notebook.output("a")).to_contain_text(f"[{few.count(chr(10)) - 1} items]")
    keyboard.press("i")
    press(page, box.get_by_role("button", name="Remove"))
    expect(value).to_be_focused()
    keyboard.insert_text(lines * 2)  # past what stays in the page: it becomes a file
    expect(box.get_by_role("button", name="Look inside")).to_be_focused()


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


def test_an_export_by_keyboard(page: Page) -> None:
    notebook = open_template(page, "Hello, three languages")
    notebook.select("a")
    page.keyboard.press("Control+k")
    page.keyboard.type("export as yaml")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert YAML(typ="safe").load(Path(download.value.path()).read_text()) == notebook.exported()


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


def test_inputs_are_kept_by_name_and_used_again(page: Page, product: Product) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "order": ["n"]}
    with product.client() as client:
        give = python("a", "def main(n: int):\n    return n * 2\n", {"n": wire("flow_input.n")})
        notebook = open_flow(page, client, flow_of(give, schema=schema))
    field = page.get_by_role("region", name="Flow input").get_by_label("Value of n")
    kept = page.get_by_role("button", name=re.compile("^Kept"))
    for value, name in (("2", "small"), ("1000", "large")):
        field.fill(value)
        page.keyboard.press("Enter")
        kept.click()
        page.get_by_role("menuitem", name="Keep the present input as…").click()
        page.get_by_role("dialog").get_by_label("Name").fill(name)
        page.keyboard.press("Enter")
        expect(kept).to_contain_text({"small": "1", "large": "2"}[name])
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    expect(notebook.output("a")).to_contain_text("2000")
    kept.click()
    shoot(page, "notebook-kept-inputs")
    page.get_by_role("menuitem", name="small", exact=True).click()
    expect(field).to_have_value("2")
    notebook.expect_state("a", "stale")
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    expect(notebook.output("a")).to_contain_text("4")
    kept.click()
    page.get_by_role("menuitem", name="Forget large").click()
    expect(kept).to_contain_text("1")
    page.reload()
    expect(kept).to_contain_text("1")
    assert "samples" not in str(notebook.exported())
