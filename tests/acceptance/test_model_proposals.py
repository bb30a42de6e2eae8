"""Job 7 with a model: asked only by a press, shown like every proposal, and replaced by the matcher, visibly, when it fails."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import TOKEN, Product
from tests.support.serving import JsonHandler, serving

LOAD = 'def main():\n    return {"first": "Ada", "last": "Lovelace", "amount": 12.5}\n'
SEND = 'def main(greeting: str, amount: float, key: str = ""):\n    return [greeting, amount]\n'
EXPRESSION = "`Dear ${results.a.first} ${results.a.last}`"


class Model(ThreadingHTTPServer):
    """An OpenAI-compatible server that says what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.broken = False
        #: what the assistant is told when it asks for help with the flow
        self.help: dict[str, Any] = {"message": "", "changes": []}
        #: and when it asks for sample data
        self.sample: dict[str, Any] = {"message": "", "name": "", "values": []}
        self.hold = threading.Event()
        self.hold.set()
        #: answers to the assistant come in pieces: the first at once, the rest with `go`; "cut" ends them in the middle
        self.streams: Literal["no", "yes", "cut"] = "no"
        self.go = threading.Event()
        self.reached = threading.Event()
        #: whoever asked has gone while they were being answered
        self.left = threading.Event()

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(JsonHandler):
    """One chat completion per request."""

    server: Model

    def do_POST(self) -> None:
        """Answer, or fail as asked."""
        asked = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.asked.append(asked)
        self.server.reached.set()
        while not self.server.hold.wait(0.02):
            if self._left():
                return
        proposals = [
            {"field": "greeting", "expr": EXPRESSION, "why": "a greeting needs both names"},
            {"field": "amount", "expr": "results.a.sum_of_nothing", "why": "invented"},
        ]
        sampling = '"flow_sample"' in asked or '"cell_sample"' in asked
        helping = '"flow_help"' in asked or sampling
        content = self.server.sample if sampling else self.server.help if helping else {"proposals": proposals}
        if '"name": "test"' in asked or '"name":"test"' in asked:
            content = {"answer": "yes"}
        if helping and self.server.streams != "no" and not self.server.broken:
            self._in_pieces(json.dumps(content))
            return
        message = {"role": "assistant", "content": json.dumps(content)}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        said: dict[str, Any] = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
        self.answer(said | {"choices": [choice], "usage": usage}, 500 if self.server.broken else 200)

    def _in_pieces(self, text: str) -> None:
        """Server-sent events: half of the message, and the rest when the test says so."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        half = text.index('"message"') + 13 + len(json.loads(text)["message"]) // 2
        self._event({"choices": [{"delta": {"content": text[:half]}}]})
        while not self.server.go.wait(0.02):
            if self._left():
                return
        if self.server.streams == "cut":
            return
        self._event({"choices": [{"delta": {"content": text[half:]}, "finish_reason": "stop"}]})
        self._event({"choices": [], "usage": {"total_tokens": 1234}})

    def _left(self) -> bool:
        """Whether whoever asked has closed the connection."""
        if select.select([self.connection], [], [], 0)[0] and not self.connection.recv(1, socket.MSG_PEEK):
            self.server.left.set()
        return self.server.left.is_set()

    def _event(self, said: dict[str, Any]) -> None:
        self.wfile.write(f"data: {json.dumps(said)}\n\n".encode())
        self.wfile.flush()


@pytest.fixture
def model() -> Iterator[Model]:
    with serving(Model()) as server:
        yield server


@pytest.fixture
def own_page(browser: Browser, model: Model, tmp_path: Path) -> Iterator[tuple[Page, Product]]:
    """A product with a model configured, and a page that is signed in."""
    settings = {"OPENAI_API_KEY": "key-of-the-model", "OPENAI_BASE_URL": model.url, "OPENAI_MODEL": "small"}
    product = Product(tmp_path / "home", extra=settings)
    product.start()
    profile = browser.new_context(base_url=product.url, viewport={"width": 1440, "height": 900})
    page = profile.new_page()
    page.goto(f"/signin?token={TOKEN}")
    yield page, product
    profile.close()
    product.stop()


def connect(page: Page, product: Product) -> tuple[NotebookPage, Locator]:
    """Two cells, the second one's inputs empty, and the proposals of the matcher on the side panel."""
    secret = {"key": {"type": "static", "value": "$var:u/admin/very_secret"}}
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", LOAD, {}, "Load"), python("b", SEND, secret, "Send")))
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    notebook.select("b")
    page.keyboard.press("w")
    panel = page.get_by_role("complementary", name="Side panel")
    expect(panel.get_by_text("results.a.amount")).to_be_visible()
    return notebook, panel


def test_a_model_proposes_what_names_cannot_and_invents_nothing(own_page: tuple[Page, Product], model: Model) -> None:
    page, product = own_page
    notebook, panel = connect(page, product)
    assert model.asked == []  # nothing is sent before the press
    panel.get_by_role("button", name="Ask the model").click()
    expect(panel.get_by_text(EXPRESSION)).to_be_visible()
    expect(panel).to_contain_text("Dear Ada Lovelace")
    expect(panel).not_to_contain_text("sum_of_nothing")
    expect(panel.get_by_text("results.a.amount")).to_be_visible()
    assert len(model.asked) == 1
    assert "very_secret" not in model.asked[0]
    shoot(page, "notebook-connect-model")
    panel.get_by_role("button", name="Accept greeting").click()
    expect(notebook.row("b", "greeting").get_by_role("combobox")).to_have_value(EXPRESSION)


def test_a_failing_model_is_replaced_visibly(own_page: tuple[Page, Product], model: Model) -> None:
    page, product = own_page
    model.broken = True
    _, panel = connect(page, product)
    panel.get_by_role("button", name="Ask the model").click()
    expect(panel.locator(".nb-notice")).to_be_visible()
    expect(panel.get_by_text("results.a.amount")).to_be_visible()


def test_who_leaves_the_panel_waits_for_no_model(own_page: tuple[Page, Product], model: Model) -> None:
    page, product = own_page
    model.hold.clear()
    _, panel = connect(page, product)
    panel.get_by_role("button", name="Ask the model").click()
    assert model.reached.wait(10)
    page.get_by_role("tab", name="Problems").click()
    assert model.left.wait(10), "the model still works for nobody"
