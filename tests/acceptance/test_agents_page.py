"""An AI agent as a cell: put in, given a tool, run; its answer with what was said before it, and its steps on the run's page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python
from tests.acceptance.product import TOKEN, Product
from tests.support.chat_server import said
from tests.support.serving import JsonHandler, serving

CODE = 'def main(item: str, currency: str = "EUR"):\n    return {"item": item, "price": f"4 {currency}"}\n'
ANSWER = "Tea costs **4 EUR**."
SOURCES = [
    {"type": "url_citation", "url_citation": {"url": "https://example.com/tea", "title": "Tea today"}},
    {"type": "url_citation", "url_citation": {"url": "javascript:alert(1)", "title": "Bad"}},
]
PROVIDER = {"kind": "customai", "resource": "$res:u/admin/model", "model": "small"}


class Model(ThreadingHTTPServer):
    """Calls the first tool that it is offered, then answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[Any] = []


class Handler(JsonHandler):
    """One chat completion per request."""

    server: Model

    def do_POST(self) -> None:
        """A call where nothing was called yet, else the answer."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(asked)
        again = asked["messages"][-1]["role"] == "tool"
        name = asked["tools"][0]["function"]["name"]
        self.answer((said(ANSWER, annotations=SOURCES) if again else said(None, (name, {"item": "tea"}))).body)


@pytest.fixture
def model() -> Iterator[Model]:
    with serving(Model()) as server:
        yield server


@pytest.fixture
def own_page(browser: Browser, model: Model, tmp_path: Path) -> Iterator[tuple[Page, Product]]:
    """A product that may reach this machine, with the resource of a model, and a page that is signed in."""
    product = Product(tmp_path / "home", extra={"FLOWAPP_ALLOWED_HOSTS": "127.0.0.1"})
    product.start()
    url = f"http://127.0.0.1:{model.server_address[1]}/v1"
    with product.client() as client:
        body = {
            "path": "u/admin/model",
            "value": {"base_url": url, "api_key": "key-of-the-model"},
            "resource_type": "any",
        }
        client.post("/api/w/main/resources/create", json=body).raise_for_status()
    profile = browser.new_context(base_url=product.url, viewport={"width": 1440, "height": 900})
    page = profile.new_page()
    page.goto(f"/signin?token={TOKEN}")
    yield page, product
    profile.close()
    product.stop()


def add_agent(page: Page, product: Product) -> NotebookPage:
    """A cell, and below it a new agent, by the menu of other kinds."""
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", "def main():\n    return 1\n")))
    page.get_by_role("group", name="Insert here").last.get_by_role("button", name="Other…").click()
    page.get_by_role("menuitem", name="AI agent").click()
    expect(notebook.cell("b")).to_be_visible()
    return notebook


def test_an_agent_is_put_together_and_run(own_page: tuple[Page, Product], model: Model) -> None:
    page, product = own_page
    notebook = add_agent(page, product)
    cell = notebook.cell("b")
    expect(notebook.row("b", "user_message")).to_contain_text("needs a value")
    expect(cell).to_contain_text("AI agent")
    shoot(page, "notebook-agent-new")

    cell.get_by_role("textbox", name="provider of b").fill(json.dumps(PROVIDER))
    cell.get_by_role("textbox", name="user_message of b").fill("How much is tea?")
    cell.get_by_role("textbox", name="system_prompt of b").fill("Be brief.")
    cell.get_by_role("button", name="Add a tool").click()
    page.get_by_role("menuitem", name="Python").click()
    name = cell.get_by_label("Name of the tool tool_1")
    name.fill("find_price")
    name.press("Enter")
    tool = cell.get_by_role("region", name="Tool find_price")
    about = tool.get_by_label("What find_price is for")
    about.fill("The price of an article")
    about.press("Enter")
    code = tool.get_by_label("Code of the tool find_price")
    code.fill(CODE)
    notebook.settled()  # what is typed is kept before it is left
    assert notebook.module("b")["value"]["tools"][0]["value"]["content"] == CODE
    code.blur()
    item = tool.get_by_label("Who fills in item of find_price")
    expect(item).to_have_value("")  # the model fills in nothing unasked
    item.select_option("by the model")
    tool.get_by_label("Who fills in name of find_price").select_option("left out")
    expect(tool.get_by_label("Who fills in name of find_price")).to_have_count(0)
    notebook.settled()
    made = notebook.module("b")["value"]["tools"][0]
    assert (made["summary"], made["description"]) == ("find_price", "The price of an article")
    assert made["value"]["input_transforms"] == {"item": {"type": "ai"}}

    notebook.run("b")
    notebook.expect_state("b", "fresh")
    output = notebook.output("b")
    expect(output.locator("strong")).to_have_text("4 EUR")
    assert model.asked[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    behind = output.get_by_text("4 messages behind this answer")
    behind.click()
    expect(output.get_by_text('find_price({"item": "tea"})')).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("key-of-the-model")
    output.scroll_into_view_if_needed()
    shoot(page, "notebook-agent")
    found = Axe().run(page, context="[data-kind=aiagent]").response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []

    run = page.request.get("/api/w/main/runs").json()[0]["id"]
    page.goto(f"/runs/{run}")
    for step, title in (("b", "b"), ("model", "small"), ("tool1", "find_price")):
        row = page.locator(".tl-row").filter(has=page.get_by_text(step, exact=True)).first
        expect(row).to_contain_text(title)
    expect(page.locator(".tl-row").filter(has_text="iteration")).to_have_count(0)
    shoot(page, "run-agent")


def test_tools_are_removed_and_come_back(own_page: tuple[Page, Product]) -> None:
    page, product = own_page
    notebook = add_agent(page, product)
    cell = notebook.cell("b")
    cell.get_by_role("button", name="Add a tool").press("Enter")
    page.get_by_role("menuitem", name="MCP server").press("Enter")
    resource = cell.get_by_label("Resource of tool1")
    resource.fill("$res:u/admin/shop")
    resource.press("Enter")
    only = cell.get_by_label("Only these tools of tool1")
    only.fill("find, count")
    only.press("Enter")
    assert notebook.module("b")["value"]["tools"] == [
        {
            "id": "tool1",
            "value": {
                "tool_type": "mcp",
                "resource_path": "u/admin/shop",
                "include_tools": ["find", "count"],
                "exclude_tools": [],
            },
        }
    ]
    cell.get_by_role("button", name="Remove the tool tool1").click()
    expect(resource).to_have_count(0)
    page.get_by_role("button", name="Undo", exact=True).last.click()
    expect(resource).to_have_value("u/admin/shop")


def test_an_agent_that_is_a_resource_is_chosen_and_its_tools_are_bound(
    own_page: tuple[Page, Product], model: Model
) -> None:
    page, product = own_page
    tool = {
        "id": "p",
        "summary": "find_price",
        "description": "The price of an article",
        "value": {
            "tool_type": "flowmodule",
            "type": "rawscript",
            "language": "python3",
            "content": CODE,
            "input_transforms": {"item": {"type": "ai"}, "currency": {"type": "static", "value": "EUR"}},
        },
    }
    shared = {"provider": PROVIDER, "system_prompt": "Be brief.", "tools": [tool]}
    with product.client() as client:
        body = {"path": "f/team/helper", "value": shared, "resource_type": "ai_agent"}
        client.post("/api/w/main/resources/create", json=body).raise_for_status()
    notebook = add_agent(page, product)
    cell = notebook.cell("b")
    cell.get_by_label("Agent of b").select_option("f/team/helper")
    expect(cell).to_contain_text("customai · small: Be brief.")
    expect(notebook.row("b", "provider")).to_have_count(0)
    expect(cell.get_by_role("button", name="Add a tool")).to_have_count(0)
    cell.get_by_role("textbox", name="user_message of b").fill("How much is tea?")
    bound = cell.get_by_role("region", name="Tool find_price").get_by_label("Who fills in currency of find_price")
    expect(bound).to_have_value("")
    bound.select_option("expression")
    cell.get_by_label("currency of find_price", exact=True).fill("results.a + ' CHF'")
    cell.get_by_label("currency of find_price", exact=True).blur()
    notebook.settled()
    value = notebook.module("b")["value"]
    assert value["agent"] == "f/team/helper"
    assert value["tool_inputs"] == {"p": {"currency": {"type": "javascript", "expr": "results.a + ' CHF'"}}}
    assert list(value["input_transforms"]) == ["user_message"]
    shoot(page, "notebook-agent-shared")

    notebook.run("b")
    expect(cell).to_contain_text("Tea costs")
    named = cell.get_by_role("list", name="Pages that the answer names").get_by_role("link")
    expect(named).to_have_count(1)
    expect(named).to_have_attribute("href", "https://example.com/tea")
    assert json.loads(model.asked[1]["messages"][-1]["content"]) == {"item": "tea", "price": "4 1 CHF"}
    assert Axe().run(page).violations_count == 0

    cell.get_by_label("Agent of b").select_option("the step's own")
    expect(cell.get_by_role("button", name="Add a tool")).to_be_visible()
    notebook.settled()
    assert "agent" not in notebook.module("b")["value"]
    cell.get_by_role("button", name="Add a tool").click()
    page.get_by_role("menuitem", name="Web search by the provider").click()
    expect(cell.get_by_role("region", name="Tool tool1")).to_contain_text("Web search")
    notebook.settled()
    assert notebook.module("b")["value"]["tools"] == [{"id": "tool1", "value": {"tool_type": "websearch"}}]


def agent_with(agent: str) -> dict[str, Any]:
    """An agent of a resource that has a tool of its own besides."""
    value = {"type": "rawscript", "language": "python3", "content": CODE, "input_transforms": {"item": {"type": "ai"}}}
    tool = {"id": "p", "summary": "price", "value": {"tool_type": "flowmodule", **value}}
    message = {"user_message": {"type": "static", "value": "How much is tea?"}}
    step = {"type": "aiagent", "agent": agent, "input_transforms": message, "tools": [tool]}
    return flow_of({"id": "b", "summary": "Answer", "value": step})


def test_tools_that_an_agent_of_a_resource_does_not_use_are_told_and_removed(own_page: tuple[Page, Product]) -> None:
    page, product = own_page
    with product.client() as client:
        body = {"path": "f/team/other", "value": {"provider": PROVIDER, "tools": []}, "resource_type": "ai_agent"}
        client.post("/api/w/main/resources/create", json=body).raise_for_status()
        notebook = open_flow(page, client, agent_with("f/team/other"))
    cell = notebook.cell("b")
    expect(cell).to_contain_text("1 tool of its own is not used")
    shoot(page, "notebook-agent-own-tools")
    accessible(page, ".nb-tools")
    press(page, cell.get_by_role("button", name="Remove the tools of b that are not used"))
    expect(cell).not_to_contain_text("not used")
    expect(cell.get_by_label("Agent of b")).to_be_focused()
    notebook.settled()
    assert not notebook.module("b")["value"].get("tools")
    page.get_by_role("button", name="Undo").last.click()
    expect(cell).to_contain_text("1 tool of its own is not used")


def test_agents_that_cannot_be_loaded_are_not_taken_for_none(own_page: tuple[Page, Product]) -> None:
    page, product = own_page
    page.route("**/resources/list_names/ai_agent", lambda route: route.abort())
    with product.client() as client:
        notebook = open_flow(page, client, agent_with(""))
    alert = notebook.cell("b").get_by_role("alert")
    expect(alert).to_contain_text("Agents of the workspace: The server cannot be reached.")
    shoot(page, "notebook-agent-no-list")
    accessible(page, ".nb-tools")
    with product.client() as client:
        notebook = open_flow(page, client, agent_with("f/team/nobody"))
    expect(notebook.cell("b").get_by_role("alert").filter(has_text="f/team/nobody")).to_be_visible()
