"""Two servers on one PostgreSQL database behind the nginx file that we ship: what people see in a page of one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.conftest import Watch
from tests.acceptance.notebook_page import RUN_TIMEOUT, NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import TOKEN, Product, free_port
from tests.support.nginx import ANSWERED_BY, proxy
from tests.support.postgres import PostgresServer

DONE = "fresh|reused"
ONE = "def main():\n    return 1\n"
MORE = "def main(x: int):\n    return f'in all {x + 1}'\n"
#: Its first answer comes after the kill, however slow the machine is.
SLOW = "import time\n\n\ndef main():\n    print('begun', flush=True)\n    time.sleep(4)\n    return 'at the end'\n"
#: What browsers say themselves when a server goes away; what the page makes of it is what is tested.
LOST = ("Failed to load resource", "WebSocket connection to", "ERR_INCOMPLETE_CHUNKED_ENCODING", "net::ERR")


@dataclass(frozen=True, slots=True)
class Servers:
    """Two servers, and the address that people use."""

    address: str
    both: tuple[Product, Product]

    def of(self, page: Page) -> tuple[Product, Product]:
        """The server that the page's person is on, and the other one."""
        answered = page.request.get("/api/health").headers[ANSWERED_BY.lower()]
        here = next(server for server in self.both if answered.endswith(f":{server.port}"))
        return here, next(server for server in self.both if server is not here)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Servers]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("two")
        port = free_port()
        together = {
            "DATABASE_URL": postgres.create("two_servers"),
            "FLOWAPP_SECRET_KEY": "the same on both servers, and long enough",
            "FLOWAPP_URL": f"http://127.0.0.1:{port}",
        }
        one, two = (Product(folder / name, extra=together) for name in ("one", "two"))
        for server in (one, two):
            stack.callback(_end, server)
            server.start()
        yield Servers(stack.enter_context(proxy(port, (one.port, two.port))), (one, two))


@pytest.fixture
def watch(servers: Servers) -> Watch:
    return Watch(servers.address)


@pytest.fixture
def page(browser: Browser, servers: Servers, watch: Watch) -> Iterator[Page]:
    """Somebody who is signed in, through the proxy."""
    for server in servers.both:
        if not server.running():
            server.start()
    profile = browser.new_context(base_url=servers.address, viewport={"width": 1440, "height": 900})
    profile.set_default_timeout(15_000)
    watch.attach(profile)
    made = profile.new_page()
    made.goto(f"/signin?token={TOKEN}")
    expect(made).to_have_url(f"{servers.address}/")
    yield made
    profile.close()
    watch.verify()


def _end(server: Product) -> None:
    if server.running():
        server.kill()


def two_cells() -> dict[str, Any]:
    """a → b."""
    return flow_of(python("a", ONE), python("b", MORE, {"x": wire("results.a")}))


def edit(client: httpx.Client, notebook: NotebookPage, step: str, code: str) -> None:
    """Somebody changes a cell in a page of the server that `client` talks to."""
    draft = f"/api/w/main/drafts/{notebook.draft_id}"
    cell = next(cell for cell in client.get(f"{draft}/notebook").json()["cells"] if cell["step_id"] == step)
    operation = {"op": "set_code", "cell": cell["id"], "code": code}
    answer = client.post(f"{draft}/operations", json={"client": "elsewhere", "ops": [operation]})
    assert answer.status_code == 200, answer.text


def deployed(client: httpx.Client, path: str, code: str) -> None:
    """A deployed flow of one cell."""
    answer = client.post("/api/w/main/flows/create", json={"path": path, **flow_of(python("a", code, summary="Slow"))})
    assert answer.status_code < 300, answer.text


def connected(page: Page) -> None:
    """The status bar says that page and server hear each other."""
    expect(page.get_by_text("Connected", exact=True)).to_be_visible(timeout=RUN_TIMEOUT)


def test_a_page_works_through_the_proxy(page: Page, servers: Servers) -> None:
    here, _ = servers.of(page)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    with here.client() as client:
        notebook = open_flow(page, client, two_cells())
    connected(page)
    assert sockets and all(url.startswith(servers.address.replace("http", "ws")) for url in sockets)
    notebook.run("b")  # its states and its result come by the event stream
    notebook.expect_states(a=DONE, b=DONE)
    expect(notebook.output("b")).to_contain_text("in all 2")
    # a form's files and texts are bigger than what nginx keeps in memory
    long = f"def main():\n    return len({'x' * 200_000!r})\n"
    draft = f"/api/w/main/drafts/{notebook.draft_id}"
    cell = page.request.get(f"{draft}/notebook").json()["cells"][0]["id"]
    operation = {"op": "set_code", "cell": cell, "code": long}
    answer = page.request.post(
        f"{draft}/operations", data={"client": "x", "ops": [operation]}, headers={"Origin": servers.address}
    )
    assert answer.status == 200, answer.text()


def test_what_happens_on_the_other_server_is_seen_in_the_open_page(page: Page, servers: Servers) -> None:
    here, there = servers.of(page)
    with here.client() as client:
        notebook = open_flow(page, client, two_cells())
    notebook.run("b")
    notebook.expect_states(a=DONE, b=DONE)
    with there.client() as client:
        edit(client, notebook, "a", ONE.replace("1", "41"))
        expect(notebook.cell("a").locator(".nb-code")).to_contain_text("return 41")
        notebook.expect_states(a="stale", b="stale")
        cells = client.get(f"/api/w/main/drafts/{notebook.draft_id}/notebook").json()["cells"]
        started = client.post(
            f"/api/w/main/drafts/{notebook.draft_id}/run",
            json={"client": "elsewhere", "ops": [], "cells": [cells[-1]["id"]], "mode": "auto", "confirmed": []},
        )
        assert started.status_code == 200, started.text
        notebook.expect_states(a=DONE, b=DONE)
        expect(notebook.output("b")).to_contain_text("in all 42")
        # and the way back: what is typed in the page is what the other server has
        notebook.set_code("b", MORE.replace("in all", "on both"))
        notebook.run("b")
        expect(notebook.output("b")).to_contain_text("on both 42")
        cells = client.get(f"/api/w/main/drafts/{notebook.draft_id}/notebook").json()["cells"]
        assert "on both" in cells[-1]["code"]


def test_a_run_of_the_other_server_is_followed_live(page: Page, servers: Servers) -> None:
    _, there = servers.of(page)
    with there.client() as client:
        deployed(client, "f/two/followed", SLOW)
        job = client.post("/api/w/main/jobs/run/f/f/two/followed", json={}).text.strip('"')
    page.goto(f"/runs/{job}")
    expect(page.locator(".run-title .badge")).to_contain_text("Running")
    page.get_by_role("region", name="Timeline").get_by_role("button", name=re.compile("Slow")).click()
    page.locator("#run-detail").get_by_role("tab", name=re.compile("^Logs?")).first.click()
    expect(page.locator("#run-detail")).to_contain_text("begun")
    expect(page.locator(".run-title .badge")).to_contain_text("Done", timeout=RUN_TIMEOUT)


def test_a_server_is_killed_and_its_pages_go_on(page: Page, servers: Servers, watch: Watch) -> None:
    for part in LOST:
        watch.expect_error(part)
    here, there = servers.of(page)
    with here.client() as client:
        notebook = open_flow(page, client, two_cells())
        notebook.run("b")
        notebook.expect_states(a=DONE, b=DONE)
    connected(page)
    here.kill()
    notebook.set_code("b", MORE.replace("in all", "after it"))  # typed while nobody is there
    with there.client() as client:
        edit(client, notebook, "a", ONE.replace("1", "9"))
        expect(notebook.cell("a").locator(".nb-code")).to_contain_text("return 9", timeout=RUN_TIMEOUT)
    connected(page)
    notebook.settled()
    notebook.run("b")
    expect(notebook.output("b")).to_contain_text("after it 10", timeout=RUN_TIMEOUT)
    # the shell's own pages, whose state went with the server
    page.get_by_role("link", name="Runs", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/?$"))
    expect(page.get_by_text("Cells, from the notebook").first).to_be_visible(timeout=RUN_TIMEOUT)


def test_a_run_of_a_killed_server_is_finished_by_the_other_before_our_eyes(
    page: Page, servers: Servers, watch: Watch
) -> None:
    for part in LOST:
        watch.expect_error(part)
    here, there = servers.of(page)
    with here.client() as client:
        deployed(client, "f/two/taken_over", SLOW)
        job = client.post("/api/w/main/jobs/run/f/f/two/taken_over", json={}).text.strip('"')
    page.goto(f"/runs/{job}")
    expect(page.locator(".run-title .badge")).to_contain_text("Running")
    here.kill()
    expect(page.locator(".run-title .badge")).to_contain_text("Done", timeout=RUN_TIMEOUT)
    with there.client() as client:
        result = client.get(f"/api/w/main/jobs_u/completed/get_result/{job}")
        assert result.json() == "at the end"
