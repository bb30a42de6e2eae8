"""An agent that streams: its answer grows in the chat and in its cell, beside the tools that it calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import PATIENCE_MS, shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, open_flow
from tests.acceptance.product import TOKEN, Product
from tests.acceptance.streams import streamed
from tests.support.chat_server import spoken
from tests.support.serving import JsonHandler, serving

W = "/api/w/main"
CODE = "def main(item: str):\n    return {'price': 4}\n"


class Model(ThreadingHTTPServer):
    """Calls its tool, then says the first half of its answer; the second when `go` is set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.go = threading.Event()


class Handler(JsonHandler):
    """One chat completion per request, in pieces."""

    server: Model

    def do_POST(self) -> None:
        """A call where nothing was called yet, else the answer."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked["messages"][-1]["role"] == "tool":
            events, wait = spoken("Tea costs ", "**4 EUR**", " today."), 2
        else:
            events, wait = spoken("I look it up. ", calls=[("price", {"item": "tea"})]), -1
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for number, event in enumerate(events):
            if number == wait:
                self.server.go.wait(60)
            self.wfile.write(event)
            self.wfile.flush()


@pytest.fixture
def model() -> Iterator[Model]:
    with serving(Model()) as server:
        yield server
        server.go.set()


@pytest.fixture
def own_page(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, Product]]:
    """A product that may reach this machine, and a page that is signed in."""
    product = Product(tmp_path / "home", extra={"FLOWAPP_ALLOWED_HOSTS": "127.0.0.1"})
    product.start()
    context = browser.new_context(base_url=product.url)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"/signin?token={TOKEN}")
    yield page, product
    context.close()
    product.stop()


def agent(model: Model) -> dict[str, Any]:
    resource = {"base_url": f"http://127.0.0.1:{model.server_address[1]}/v1", "api_key": "none"}
    given = {
        "provider": {"kind": "customai", "resource": resource, "model": "small"},
        "output_type": "text",
        "streaming": True,
    }
    inputs: dict[str, Any] = {name: {"type": "static", "value": value} for name, value in given.items()}
    inputs["user_message"] = {"type": "javascript", "expr": "flow_input.user_message ?? 'How much is tea?'"}
    value = {"type": "rawscript", "language": "python3", "content": CODE, "input_transforms": {"item": {"type": "ai"}}}
    tool = {"id": "p", "summary": "price", "value": {"tool_type": "flowmodule", **value}}
    return {"id": "a", "summary": "Answer", "value": {"type": "aiagent", "input_transforms": inputs, "tools": [tool]}}


def test_the_answer_grows_in_the_cell_and_in_the_chat(own_page: tuple[Page, Product], model: Model) -> None:
    page, product = own_page
    flow = flow_of(agent(model), schema={"type": "object", "properties": {"user_message": {"type": "string"}}})
    flow["value"]["chat_input_enabled"] = True
    with product.client() as client:
        notebook = open_flow(page, client, flow)
        notebook.run("a")
        cell = notebook.cell("a")
        expect(streamed(cell)).to_contain_text("I look it up.", timeout=RUN_TIMEOUT)
        expect(cell.get_by_role("list", name="Tools").get_by_role("listitem")).to_contain_text("price")
        expect(streamed(cell).locator("strong")).to_have_text("4 EUR", timeout=RUN_TIMEOUT)
        shoot(page, "stream-agent-cell")
        accessible(page, ".nb-stream")
        model.go.set()
        notebook.expect_state("a", "fresh")
        expect(notebook.output("a")).to_contain_text("4 EUR today.")
        model.go.clear()
        draft = notebook.draft_id
        deploy = {"path": "f/shop/chat", "message": "test"}
        client.post(f"{W}/drafts/{draft}/deploy", json=deploy).raise_for_status()

    page.goto("/run/f/shop/chat")
    page.get_by_label("Message", exact=True).fill("What is the price of tea?")
    press(page, page.get_by_role("button", name="Send"))
    turn = page.get_by_role("log", name="Conversation").get_by_role("article")
    expect(streamed(turn).locator("strong")).to_have_text("4 EUR", timeout=RUN_TIMEOUT)
    expect(turn.get_by_role("list", name="Tools")).to_contain_text("price done")
    expect(turn).not_to_contain_text("token_delta")
    shoot(page, "stream-agent-chat")
    accessible(page)
    model.go.set()
    expect(turn).to_contain_text("4 EUR today.", timeout=RUN_TIMEOUT)
    expect(streamed(turn)).to_have_count(0)
    expect(turn.locator(".chat-behind summary")).to_contain_text("messages behind this answer")
