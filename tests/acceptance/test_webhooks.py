"""The dialog Webhook: what it says works from outside, its token starts nothing else, and calls become samples."""

from __future__ import annotations

import re
import subprocess

import httpx
from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible_now
from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

W = "/api/w/main"
SCHEMA = {
    "type": "object",
    "order": ["name", "times"],
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "times": {"type": "integer", "default": 2}},
}
GREET = 'def main(name: str, times: int):\n    return [f"Hello {name}"] * times\n'


def deployed(page: Page, product: Product, path: str) -> None:
    """A deployed flow, whose draft is open."""
    cell = python("a", GREET, {"name": wire("flow_input.name"), "times": wire("flow_input.times")}, "Greet")
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(cell, schema=SCHEMA, summary="Greeting"))
        deploy = {"path": path, "message": "first"}
        client.post(f"{W}/drafts/{notebook.draft_id}/deploy", json=deploy).raise_for_status()
    page.reload()
    notebook.loaded()


def test_what_the_dialog_says_works_and_its_token_starts_nothing_else(page: Page, product: Product) -> None:
    deployed(page, product, "f/hooks/other")
    deployed(page, product, "f/hooks/greet")
    page.goto("/run/f/hooks/greet")
    page.get_by_role("button", name="Webhook").click()
    dialog = page.get_by_role("dialog", name="Webhook")
    address = f"{product.url}{W}/jobs/run_wait_result/f/f/hooks/greet"
    expect(dialog.get_by_label("Address")).to_have_value(address)
    call = dialog.get_by_label("The call for a shell")
    expect(call).to_contain_text('{"name":"text","times":2}')
    expect(call).to_contain_text("$TOKEN")
    shoot(page, "webhook")
    accessible_now(page)
    dialog.get_by_role("button", name="Make a token").click()
    token = dialog.get_by_label("Token", exact=True).input_value()
    expect(call).to_contain_text(token)
    shoot(page, "webhook-token")
    said = subprocess.run(
        ["bash", "-c", f"{call.inner_text()} -s"], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout == '["Hello text","Hello text"]'
    dialog.get_by_role("button", name="Answers at once").click()
    expect(dialog.get_by_label("Address")).to_have_value(address.replace("run_wait_result", "run"))
    given = {"Authorization": f"Bearer {token}"}
    started = httpx.post(address.replace("run_wait_result", "run"), json={"name": "Bo", "times": 1}, headers=given)
    assert started.status_code == 201
    other = httpx.post(address.replace("hooks/greet", "hooks/other"), json={"name": "Bo"}, headers=given)
    assert other.status_code in (403, 404), other.text
    with product.client() as client:
        secret = {"path": "f/hooks/key", "value": "x", "is_secret": False}
        client.post(f"{W}/variables/create", json=secret).raise_for_status()
    assert httpx.get(f"{product.url}{W}/variables/get_value/f/hooks/key", headers=given).status_code in (403, 404)
    assert httpx.get(f"{product.url}{W}/variables/list", headers=given).json() == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Webhook").click()  # it is not shown again
    expect(dialog.get_by_role("button", name="Make a token")).to_be_visible()
    expect(call).not_to_contain_text(token)


def test_a_call_becomes_the_sample_of_the_notebooks_input(page: Page, product: Product) -> None:
    deployed(page, product, "f/hooks/sampled")
    box = page.get_by_role("region", name="Flow input")
    box.get_by_role("button", name="Kept").click()
    page.get_by_role("menuitem", name="From a call by webhook…").click()
    dialog = page.get_by_role("dialog", name="Calls by webhook")
    expect(dialog).to_contain_text("Nobody has called f/hooks/sampled by webhook lately.")
    page.keyboard.press("Escape")
    with product.client() as client:
        address = f"{W}/jobs/run_wait_result/f/f/hooks/sampled"
        client.post(address, json={"name": "Ada", "times": 3, "more": True}).raise_for_status()
    box.get_by_role("button", name="Kept").click()
    page.get_by_role("menuitem", name="From a call by webhook…").click()
    expect(dialog).to_contain_text('{"name":"Ada","times":3,"more":true}')
    shoot(page, "webhook-calls")
    dialog.get_by_role("button", name=re.compile("^Take the input of run")).click()
    expect(box.get_by_label("Value of name")).to_have_value("Ada")
    expect(box.get_by_label("Value of times")).to_have_value("3")


def test_a_call_is_kept_by_name_and_is_the_event_of_a_preprocessor(page: Page, product: Product) -> None:
    """What the preprocessor made becomes the input, and the call itself what the preprocessor is tried on; by keyboard."""
    code = 'def preprocessor(event: dict):\n    return {"name": event["body"]["who"].title(), "times": 4}\n'
    flow = flow_of(
        python("a", GREET, {"name": wire("flow_input.name"), "times": wire("flow_input.times")}), schema=SCHEMA
    )
    flow["value"]["preprocessor_module"] = python("preprocessor", code)
    with product.client() as client:
        notebook = open_flow(page, client, flow)
        deploy = {"path": "f/hooks/prepared", "message": "first"}
        client.post(f"{W}/drafts/{notebook.draft_id}/deploy", json=deploy).raise_for_status()
        address = f"{W}/jobs/run_wait_result/f/f/hooks/prepared"
        said = client.post(address, json={"who": "grace"})
        assert said.json() == ["Hello Grace"] * 4
    page.reload()
    notebook.loaded()
    box = page.get_by_role("region", name="Flow input")
    dialog = page.get_by_role("dialog", name="Calls by webhook")
    box.get_by_role("button", name=re.compile("^Kept")).click()
    page.get_by_role("menuitem", name="From a call by webhook…").click()
    expect(dialog.get_by_title("The call", exact=True)).to_have_text('{"who":"grace"}')
    expect(dialog.get_by_title("What the flow got")).to_have_text('→ {"name":"Grace","times":4}')
    shoot(page, "webhook-calls-preprocessed")
    dialog.get_by_label("Keep what is taken as").fill("grace, four times")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name=re.compile("^Take the input of run"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(box.get_by_label("Value of name")).to_have_value("Grace")
    box.get_by_role("button", name=re.compile("^Kept")).click()
    expect(page.get_by_role("menuitem", name="grace, four times", exact=True)).to_be_visible()
    page.get_by_role("menuitem", name="From a call by webhook…").click()
    dialog.get_by_role("button", name=re.compile("^Try the preprocessor on the call")).click()
    sample = notebook.cell("preprocessor").get_by_label("Sample event", exact=True)
    expect(sample.last).to_have_value(re.compile('"who": "grace"'))
    notebook.settled()
    notebook.select("preprocessor")
    page.keyboard.press("Control+Enter")
    expect(notebook.output("preprocessor")).to_contain_text("Grace", timeout=RUN_TIMEOUT)


def test_where_a_step_prepares_its_own_arguments_the_calls_are_taken(page: Page, product: Product) -> None:
    code = f"def preprocessor(event: dict):\n    return {{'name': 'Made', 'times': 1}}\n\n\n{GREET}"
    cell = python("a", code, {"name": wire("flow_input.name"), "times": wire("flow_input.times")})
    flow = flow_of({**cell, "apply_preprocessor": True}, schema=SCHEMA)
    with product.client() as client:
        notebook = open_flow(page, client, flow)
        deploy = {"path": "f/hooks/own", "message": "first"}
        client.post(f"{W}/drafts/{notebook.draft_id}/deploy", json=deploy).raise_for_status()
        said = client.post(f"{W}/jobs/run_wait_result/f/f/hooks/own", json={"name": "Bo", "times": 7})
        assert said.json() == ["Hello Made"]
    page.reload()
    notebook.loaded()
    box = page.get_by_role("region", name="Flow input")
    box.get_by_role("button", name=re.compile("^Kept")).click()
    page.get_by_role("menuitem", name="From a call by webhook…").click()
    dialog = page.get_by_role("dialog", name="Calls by webhook")
    dialog.get_by_role("button", name=re.compile("^Take the input of run")).click()
    expect(box.get_by_label("Value of name")).to_have_value("Bo")
    expect(box.get_by_label("Value of times")).to_have_value("7")


def test_the_dialog_is_in_the_notebook_too(page: Page, product: Product) -> None:
    deployed(page, product, "f/hooks/menu")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Webhook…").click()
    dialog = page.get_by_role("dialog", name="Webhook")
    expect(dialog.get_by_label("The call for a shell")).to_contain_text('{"name":"text","times":2}')
