"""A flow that is a chat: messages, answers, errors, stopping, and what a reload finds."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, python, wire
from tests.acceptance.product import Product

ANSWERS = """import time


def main(message: str, tone: str):
    if message == "fail":
        raise ValueError("I do not know that.")
    while message == "wait":
        time.sleep(0.1)
    if message == "rows":
        return [{"city": "Oslo", "people": 700000}]
    return f"**{tone}**: you said {message}"
"""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["user_message", "tone"],
    "properties": {"user_message": {"type": "string"}, "tone": {"type": "string"}},
}
PATH = "f/chat/parrot"


def deployed(product: Product, schema: dict[str, Any]) -> None:
    wires = {"message": wire("flow_input.user_message"), "tone": wire("flow_input.tone")}
    flow = flow_of(python("a", ANSWERS, wires, "Answer"), schema=schema, summary="Parrot")
    flow["value"]["chat_input_enabled"] = True
    with product.client() as client:
        draft = client.post("/api/w/main/drafts", json={"flow": flow}).raise_for_status().json()
        deploy = {"path": PATH, "message": "test", "replace": True}
        client.post(f"/api/w/main/drafts/{draft['id']}/deploy", json=deploy).raise_for_status()


def test_a_conversation_with_a_flow(page: Page, product: Product) -> None:
    deployed(product, SCHEMA)
    page.goto(f"/run/{PATH}")
    field = page.get_by_label("Message", exact=True)
    turns = page.get_by_role("log", name="Conversation").get_by_role("article")
    expect(page.get_by_text("Say something")).to_be_visible()
    field.fill("hello")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()  # the flow needs its other input first
    page.get_by_label(re.compile("^tone")).fill("Kindly")
    press(page, page.get_by_role("button", name="Use these"))
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    expect(field).to_be_focused()
    field.press("Enter")
    expect(turns.nth(0).locator("strong")).to_have_text("Kindly", timeout=RUN_TIMEOUT)
    expect(turns.nth(0)).to_contain_text("you said hello")
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    page.wait_for_url(re.compile("chat="))

    field.fill("fail")
    press(page, page.get_by_role("button", name="Send"))
    expect(turns.nth(1).get_by_role("group", name="Error")).to_contain_text("I do not know that.", timeout=RUN_TIMEOUT)
    field.fill("rows")
    field.press("Enter")
    expect(turns.nth(2)).to_contain_text("Oslo", timeout=RUN_TIMEOUT)
    field.fill("wait")
    field.press("Enter")
    expect(turns.nth(3).get_by_role("status")).to_contain_text("Answer", timeout=RUN_TIMEOUT)  # the step that runs
    field.fill("typed meanwhile")
    shoot(page, "chat-running")
    page.reload()  # the run goes on, and so does the chat
    expect(turns).to_have_count(4)
    expect(field).to_have_value("typed meanwhile")
    press(page, page.get_by_role("button", name="Stop"))
    expect(turns.nth(3)).to_contain_text("Stopped in the chat by admin", timeout=RUN_TIMEOUT)
    expect(page.get_by_role("button", name="Send")).to_be_enabled()  # with the other inputs of the last message
    expect(turns.nth(0).locator("strong")).to_have_text("Kindly")
    shoot(page, "chat")
    accessible(page)

    press(page, page.get_by_role("link", name="New conversation"), back=True)
    expect(turns).to_have_count(0)
    page.get_by_text("1 earlier conversation").click()
    shoot(page, "chat-new")
    page.get_by_role("link", name=re.compile("^hello")).click()
    expect(turns).to_have_count(4)
    page.get_by_role("button", name="Form", exact=True).click()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
