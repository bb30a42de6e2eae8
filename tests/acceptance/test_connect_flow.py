"""Inputs connected for one field, a cell or the whole flow, new inputs of the flow among them, by mouse and by keyboard."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import Product
from tests.acceptance.test_model_proposals import EXPRESSION, Model, model, own_page

__all__ = ["model", "own_page"]

LOAD = 'def main():\n    return {"customer_name": "Ada", "amount": 12.5, "rows": [1, 2]}\n'
SEND = "def main(customer_name: str, amount: float, region: str):\n    return [customer_name, amount]\n"
BILL = "def main(amount: float, region: str, days: int):\n    return amount\n"


def opened(page: Page, product: Product, schema: dict[str, Any] | None = None) -> NotebookPage:
    """a has run; b and c have nothing but empty inputs."""
    cells = [python("a", LOAD, {}, "Load"), python("b", SEND, {}, "Send"), python("c", BILL, {}, "Bill")]
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(*cells, schema=schema))
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    return notebook


def panel_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Proposed wires for the whole flow")


def row_of(panel: Locator, field: str, step: str) -> Locator:
    cell = panel.get_by_role("region", name=re.compile(f"^{step} "))
    return cell.get_by_role("listitem").filter(has=panel.page.get_by_text(field, exact=True))


def value_of(notebook: NotebookPage, step: str, field: str) -> Locator:
    return notebook.row(step, field).get_by_role("combobox")


def test_the_whole_flow_by_mouse_row_by_row_and_all_at_once_is_taken_back(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    before = notebook.exported()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Connect inputs of the whole flow").click()
    panel = panel_of(page)
    expect(panel.get_by_role("listitem")).to_have_count(6)
    amount = row_of(panel, "amount", "b")
    expect(amount).to_contain_text("not set")
    expect(amount).to_contain_text("results.a.amount")
    expect(amount).to_contain_text("= 12.5")
    expect(amount).to_have_attribute("data-state", "valid")
    region = row_of(panel, "region", "c")
    expect(region).to_contain_text("new flow input")
    expect(region).to_contain_text("shared with b.region")
    expect(panel).to_contain_text("with 2 new flow inputs: region, days")
    shoot(page, "connect-whole-flow")
    accessible(page, ".nb-side")

    region.get_by_role("button", name="Accept region of c, new flow input region").click()
    expect(value_of(notebook, "c", "region")).to_have_value("flow_input.region")
    expect(notebook.row("b", "region").get_by_role("combobox")).to_have_count(0)
    expect(row_of(panel, "region", "b").get_by_text("new flow input")).to_have_count(0)  # there by now
    notebook.settled()
    schema = notebook.exported()["schema"]
    assert schema["properties"]["region"]["type"] == "string" and "region" in schema["required"]
    notebook.select("a")
    page.keyboard.press("z")  # the wire and the input are one step
    expect(notebook.row("c", "region").get_by_role("combobox")).to_have_count(0)
    notebook.settled()
    assert notebook.exported().get("schema") == before.get("schema")

    page.keyboard.press("W")
    expect(panel.get_by_role("listitem")).to_have_count(6)
    panel.get_by_role("button", name="Refuse days of c").click()
    expect(panel.get_by_role("listitem")).to_have_count(5)
    panel.get_by_role("button", name="Accept all 5", exact=True).click()
    expect(panel.get_by_text("All proposals are decided.")).to_be_visible()
    for step in ("b", "c"):
        expect(value_of(notebook, step, "amount")).to_have_value("results.a.amount")
        expect(value_of(notebook, step, "region")).to_have_value("flow_input.region")
    expect(notebook.row("c", "days").get_by_role("combobox")).to_have_count(0)
    notebook.settled()
    assert set(notebook.exported()["schema"]["properties"]) == {"region"}
    notebook.select("a")
    page.keyboard.press("z")
    expect(notebook.row("b", "amount").get_by_role("combobox")).to_have_count(0)
    notebook.settled()
    assert notebook.exported() == before


def test_one_field_and_the_whole_flow_by_keyboard(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("b")
    press(page, notebook.row("b", "amount").get_by_role("button", name="Connect amount"))
    propose = page.get_by_role("button", name="Propose wires for this field")
    expect(propose).to_be_visible()
    shoot(page, "connect-plug")
    press(page, propose)
    field = page.get_by_role("region", name="Proposed wires for amount of b")
    expect(field.get_by_role("listitem")).to_have_count(1)
    expect(field.get_by_role("button", name="Accept amount")).to_be_focused()
    shoot(page, "connect-one-field")
    page.keyboard.press("Enter")
    expect(value_of(notebook, "b", "amount")).to_have_value("results.a.amount")
    expect(notebook.row("b", "region").get_by_role("combobox")).to_have_count(0)

    page.keyboard.press("Escape")
    expect(notebook.cell("b")).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("whole flow")
    expect(page.get_by_role("option", name="Connect inputs of the whole flow")).to_have_attribute(
        "aria-selected", "true"
    )
    page.keyboard.press("Enter")
    panel = panel_of(page)
    expect(panel.get_by_role("listitem")).to_have_count(5)
    expect(panel.get_by_role("button", name="Accept customer_name of b")).to_be_focused()
    page.keyboard.press("Enter")
    expect(value_of(notebook, "b", "customer_name")).to_have_value("results.a.customer_name")
    expect(
        panel.get_by_role("button", name="Accept region of b")
    ).to_be_focused()  # the next one, without a search for it
    page.keyboard.press("Enter")
    expect(value_of(notebook, "b", "region")).to_have_value("flow_input.region")
    press(page, panel.get_by_role("button", name="Accept all 3", exact=True))
    expect(value_of(notebook, "c", "days")).to_have_value("flow_input.days")
    expect(value_of(notebook, "c", "region")).to_have_value("flow_input.region")
    notebook.settled()
    assert set(notebook.exported()["schema"]["properties"]) == {"region", "days"}


def test_what_a_field_has_now_stands_beside_what_is_proposed(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("b")
    page.keyboard.press("w")
    cell = page.get_by_role("region", name="Proposed wires for b")
    cell.get_by_role("button", name="Accept amount").click()
    value_of(notebook, "b", "amount").fill("results.a.rows")
    page.keyboard.press("Escape")
    notebook.settled()
    notebook.row("b", "amount").get_by_role("button", name="Connect amount").click()
    page.get_by_role("button", name="Propose wires for this field").click()
    field = page.get_by_role("region", name="Proposed wires for amount of b")
    expect(field.locator("del")).to_have_text("results.a.rows")
    field.get_by_role("button", name="Accept amount").click()
    expect(value_of(notebook, "b", "amount")).to_have_value("results.a.amount")


def test_what_will_be_sent_is_shown_before_and_is_what_is_sent(own_page: tuple[Page, Product], model: Model) -> None:
    page, product = own_page
    load = 'def main():\n    return {"first": "Ada", "last": "Lovelace", "amount": 12.5}\n'
    send = 'def main(greeting: str, amount: float, key: str = ""):\n    return [greeting, amount]\n'
    secret = {"key": {"type": "static", "value": "$var:u/admin/very_secret"}}
    cells = [python("a", load, {}, "Load"), python("b", send, secret, "Send"), python("c", send, secret, "Again")]
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(*cells))
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    notebook.select("b")
    page.keyboard.press("W")
    panel = panel_of(page)
    expect(row_of(panel, "greeting", "b")).to_contain_text("new flow input")
    panel.get_by_text("Show what will be sent").click()
    shown = [panel.get_by_role("region", name=f"Sent for {step}") for step in "bc"]
    for region in shown:
        expect(region).to_contain_text("results.a.first")
    expect(panel.get_by_text("to small at 127.0.0.1")).to_be_visible()
    texts = [region.locator("pre").all_inner_texts() for region in shown]
    assert model.asked == []  # nothing has left yet
    shoot(page, "connect-what-is-sent")
    accessible(page, ".nb-side")
    panel.get_by_role("button", name="Ask the model").click()
    expect(row_of(panel, "greeting", "b")).to_contain_text("Dear Ada Lovelace")
    expect(row_of(panel, "greeting", "c")).to_contain_text(EXPRESSION)
    received = [json.loads(asked) for asked in model.asked]

    def key(messages: list[str]) -> str:
        return messages[1]

    got = sorted(([message["content"] for message in body["messages"]] for body in received), key=key)
    assert got == sorted((one[:2] for one in texts), key=key)
    rests = [{name: value for name, value in body.items() if name != "messages"} for body in received]
    assert all(rest == json.loads(one[2]) for rest in rests for one in texts)
    assert "very_secret" not in json.dumps(received)
    model.reached.clear()
    model.hold.clear()
    panel.get_by_role("button", name="Ask the model").click()
    assert model.reached.wait(10)
    panel.get_by_role("button", name="Stop").click()
    assert model.left.wait(10), "the model still works for nobody"
    expect(panel.get_by_role("button", name="Ask the model")).to_be_enabled()
    expect(row_of(panel, "greeting", "b")).to_contain_text("Dear Ada Lovelace")  # what was there stays
