"""Results that come piece by piece: seen while the step runs in cell, run page, script page and chat, also after a reload."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, open_flow, python, wire
from tests.acceptance.product import Product
from tests.acceptance.streams import streamed

W = "/api/w/main"
#: Goes on when the variable that `gate` names is there.
POEM = """import time
import wmill


def main(gate: str):
    print("begun")
    yield "**Roses** are red,\\n"
    client = wmill.Windmill()
    while not client.get(f"/w/{client.workspace}/variables/exists/{gate}").json():
        time.sleep(0.05)
    yield "violets are blue."
"""
HALF, WHOLE = "Roses", "violets are blue."
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"gate": {"type": "string"}}}
FAILS = 'def main():\n    yield "nearly there"\n    raise ValueError("out of words")\n'


def open_gate(product: Product, gate: str) -> None:
    with product.client() as client:
        body = {"path": gate, "value": "x", "is_secret": False, "description": ""}
        client.post(f"{W}/variables/create", json=body).raise_for_status()


def deployed(client: httpx.Client, path: str, flow: dict[str, Any]) -> None:
    draft = client.post(f"{W}/drafts", json={"flow": flow}).raise_for_status().json()
    client.post(f"{W}/drafts/{draft['id']}/deploy", json={"path": path, "message": "test"}).raise_for_status()


@pytest.fixture
def flow() -> dict[str, Any]:
    return flow_of(python("a", POEM, {"gate": wire("flow_input.gate")}, "Poem"), schema=SCHEMA, summary="Poems")


def test_a_cell_shows_what_it_streams_and_then_its_result(page: Page, product: Product) -> None:
    poem = python("a", POEM, {"gate": {"type": "static", "value": "u/admin/gate_cell"}}, "Poem")
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(poem))
    notebook.run("a")
    text = streamed(notebook.cell("a"))
    expect(text).to_have_text(re.compile(r"^\*\*Roses\*\* are red,\s*$"), timeout=RUN_TIMEOUT)
    expect(notebook.cell("a").get_by_role("log", name="Log", exact=True)).not_to_contain_text("WM_STREAM")
    shoot(page, "stream-cell")
    accessible(page, ".nb-stream")
    page.reload()
    expect(text).to_contain_text(HALF, timeout=RUN_TIMEOUT)
    open_gate(product, "u/admin/gate_cell")
    notebook.expect_state("a", "fresh")
    expect(text).to_have_count(0)
    expect(notebook.output("a")).to_contain_text(WHOLE)
    shoot(page, "stream-cell-done")


def test_the_page_of_a_run(page: Page, product: Product, flow: dict[str, Any]) -> None:
    with product.client() as client:
        deployed(client, "f/poems/run", flow)
        run = client.post(f"{W}/jobs/run/f/f/poems/run", json={"gate": "u/admin/gate_run"}).text
    page.goto(f"/runs/{run}")
    page.get_by_role("region", name="Timeline").get_by_role("button", name=re.compile("Poem")).click()
    expect(streamed(page)).to_contain_text(HALF, timeout=RUN_TIMEOUT)
    expect(page.get_by_role("log", name="Log", exact=True)).to_have_text(re.compile("begun"))
    shoot(page, "stream-run")
    page.reload()
    page.get_by_role("region", name="Timeline").get_by_role("button", name=re.compile("Poem")).click()
    expect(streamed(page)).to_contain_text(HALF, timeout=RUN_TIMEOUT)
    open_gate(product, "u/admin/gate_run")
    expect(page.locator("#run-detail")).to_contain_text(WHOLE, timeout=RUN_TIMEOUT)
    expect(streamed(page)).to_have_count(0)


def test_what_a_failed_step_had_streamed_stays(page: Page, product: Product) -> None:
    with product.client() as client:
        deployed(client, "f/poems/fails", flow_of(python("a", FAILS, {}, "Poem"), summary="Fails"))
        run = client.post(f"{W}/jobs/run/f/f/poems/fails", json={}).text
    page.goto(f"/runs/{run}")
    page.get_by_role("region", name="Timeline").get_by_role("button", name=re.compile("Poem")).click()
    expect(page.locator("#run-detail").get_by_role("group", name="Error")).to_contain_text("out of words")
    expect(streamed(page)).to_have_text("nearly there")


def test_the_page_of_a_script(page: Page, product: Product) -> None:
    body = {"path": "f/poems/script", "summary": "Poem", "description": "", "content": POEM, "language": "python3"}
    with product.client() as client:
        client.post(f"{W}/scripts/create", json=body).raise_for_status()
    page.goto("/scripts/p/f/poems/script")
    trial = page.get_by_role("region", name="Run")
    trial.get_by_label(re.compile("^gate")).fill("u/admin/gate_script")
    press(page, trial.get_by_role("button", name="Run this text"))
    expect(streamed(trial)).to_contain_text(HALF, timeout=RUN_TIMEOUT)
    shoot(page, "stream-script")
    open_gate(product, "u/admin/gate_script")
    expect(trial).to_contain_text(WHOLE, timeout=RUN_TIMEOUT)
    expect(streamed(trial)).to_have_count(0)


def test_a_chat_shows_its_answer_grow(page: Page, product: Product, flow: dict[str, Any]) -> None:
    flow["value"]["chat_input_enabled"] = True
    flow["schema"] = {"type": "object", "properties": {"user_message": {"type": "string"}}}
    flow["value"]["modules"][0]["value"]["input_transforms"] = {"gate": wire("flow_input.user_message")}
    with product.client() as client:
        deployed(client, "f/poems/chat", flow)
    page.goto("/run/f/poems/chat")
    page.get_by_label("Message", exact=True).fill("u/admin/gate_chat")
    press(page, page.get_by_role("button", name="Send"))
    turn = page.get_by_role("log", name="Conversation").get_by_role("article")
    expect(streamed(turn).locator("strong")).to_have_text("Roses", timeout=RUN_TIMEOUT)
    shoot(page, "stream-chat")
    accessible(page)
    open_gate(product, "u/admin/gate_chat")
    expect(turn).to_contain_text(WHOLE, timeout=RUN_TIMEOUT)
    expect(streamed(turn)).to_have_count(0)
