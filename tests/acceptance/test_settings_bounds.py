"""Settings with bounds, set in their forms and seen at work: a stop that is an error, debouncing with an end, a limit within a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import RUN_TIMEOUT, NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

W = "/api/w/main"
DONE = "fresh|reused"
GIVES = "def main():\n    return {'rows': 1}\n"
TAKES = "def main(x):\n    return x\n"
Starts = Callable[[], str]


@pytest.fixture
def client(product: Product) -> Iterator[httpx.Client]:
    with product.client() as made:
        yield made


def deployed(client: httpx.Client, notebook: NotebookPage, path: str) -> Starts:
    """Deploy what the notebook shows; what starts a run of it and gives its id."""
    notebook.settled()
    body = {"path": path, "message": ""}
    client.post(f"{W}/drafts/{notebook.draft_id}/deploy", json=body).raise_for_status()
    return lambda: client.post(f"{W}/jobs/run/f/{path}", json={}).raise_for_status().text


def run_until(page: Page, client: httpx.Client, run_id: str, *states: str) -> dict[str, Any]:
    """A run, once it is in one of these states."""
    for _ in range(1200):
        run: dict[str, Any] = client.get(f"{W}/runs/{run_id}").raise_for_status().json()["run"]
        if run["status"] in states:
            return run
        page.wait_for_timeout(50)
    raise AssertionError(f"the run is {run['status']}")


def problems(page: Page) -> Any:
    page.get_by_role("tab", name=re.compile("^Problems")).click()
    return page.get_by_role("tabpanel")


def run_all(page: Page, notebook: NotebookPage, **states: str) -> str:
    """Run all cells until they are in these states; the id of the run."""
    before = runs_of(page, notebook)
    page.get_by_role("button", name="Run all").click()
    for _ in range(1200):
        new = [run for run in runs_of(page, notebook) if run not in before]
        if new:
            notebook.expect_states(**states)
            return new[0]
        page.wait_for_timeout(50)
    raise AssertionError("no run began")


def runs_of(page: Page, notebook: NotebookPage) -> list[str]:
    found = page.request.get(f"{W}/runs", params={"draft": notebook.draft_id}).json()
    return [str(run["id"]) for run in found]


def shows(page: Page, run_id: str, error: str) -> None:
    """The page of the run says with which error the run failed."""
    page.goto(f"/runs/{run_id}")
    expect(page.locator("main")).to_contain_text(error)


def test_a_stop_that_is_an_error(page: Page, client: httpx.Client) -> None:
    """The cell has done its work, and it is the run that fails."""
    notebook = open_flow(page, client, flow_of(python("a", GIVES), python("b", TAKES, {"x": wire("results.a")})))
    address = page.url
    form = notebook.form("a", "Stop early")
    expect(form.get_by_label("Message of the error")).to_have_count(0)
    notebook.type_into(form, "Stop if", "result.rows < 2")
    form.get_by_label("it then fails with an error").check()
    expect(form.get_by_label("Message of the error")).to_have_attribute("placeholder", "stop after if: result.rows < 2")
    notebook.settled()
    run_id, error = run_all(page, notebook, a=DONE, b="never"), "EarlyStopError in a: stop after if: result.rows < 2"
    toast = page.locator(".nb-toast")
    expect(toast).to_contain_text(f"The run failed: {error}")  # no cell has failed that could say it
    toast.get_by_role("button", name="Show the run").click()
    page.wait_for_url(f"**/runs/{run_id}")
    shows(page, run_id, error)

    page.goto(address)
    notebook.loaded()
    form = notebook.form("a", "Stop early")
    notebook.type_into(form, "Message of the error", "Too few rows")
    form.get_by_label("the error holds the result").check()
    assert notebook.module("a")["stop_after_if"] == {
        "expr": "result.rows < 2",
        "error_message": "Too few rows",
        "error_include_result": True,
    }
    shoot(page, "notebook-stop-error")
    run_id = run_all(page, notebook, a=DONE, b="never")
    shows(page, run_id, "EarlyStopError in a: Too few rows")
    assert client.get(f"{W}/runs/{run_id}/raw").json()["error"]["result"] == {"rows": 1}

    page.goto(address)
    notebook.loaded()
    form = notebook.form("a", "Stop early")
    form.get_by_label("it then fails with an error").uncheck()
    expect(form.get_by_label("Message of the error")).to_have_count(0)
    assert notebook.module("a")["stop_after_if"] == {"expr": "result.rows < 2"}
    run_id = run_all(page, notebook, a=DONE, b="never")
    assert run_until(page, client, run_id, "success", "failure")["status"] == "success"
    expect(page.locator(".nb-toast")).to_have_count(0)


def test_a_stop_after_all_iterations_that_is_an_error(page: Page, client: httpx.Client) -> None:
    value = {"type": "forloopflow", "iterator": wire("[1, 2]"), "modules": [python("in_l", GIVES)]}
    loop = {"id": "l", "value": {**value, "skip_failures": False}}
    notebook = open_flow(page, client, flow_of(loop, python("b", GIVES)))
    form = notebook.form("l", "Stop after all")
    notebook.type_into(form, "Stop after all if", "result.length < 3")
    form.get_by_label("it then fails with an error").check()
    notebook.type_into(form, "Message of the error", "Three are needed")
    assert notebook.module("l")["stop_after_all_iters_if"]["error_message"] == "Three are needed"
    run_id = run_all(page, notebook, l=DONE, b="never")
    expect(page.locator(".nb-toast")).to_contain_text("EarlyStopError in l: Three are needed")
    shows(page, run_id, "EarlyStopError in l: Three are needed")


def test_a_cell_that_fails_says_so_itself(page: Page, client: httpx.Client) -> None:
    notebook = open_flow(page, client, flow_of(python("a", "def main():\n    raise ValueError('not today')\n")))
    with page.expect_response("**/runs/*", timeout=RUN_TIMEOUT) as asked:  # asked for, and nothing is said again
        run_all(page, notebook, a="failed")
    asked.value.finished()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(notebook.output("a")).to_contain_text("not today")
    expect(page.locator(".nb-toast")).to_have_count(0)


@pytest.mark.parametrize("step", [None, "a"])
def test_debouncing_ends_after_so_many_starts(page: Page, client: httpx.Client, step: str | None) -> None:
    notebook = open_flow(page, client, flow_of(python("a", GIVES)))
    form = notebook.form(step, "Debouncing")
    form.get_by_label("Most starts taken together", exact=True).fill("2.5")
    expect(form).to_contain_text("Not a whole number")
    notebook.type_into(form, "Most starts taken together", "2")
    expect(form).to_contain_text("Debouncing has no delay, so it does nothing.")
    notebook.type_into(form, "Wait for more starts, seconds", "600")
    expect(form).not_to_contain_text("Debouncing has no delay")
    notebook.type_into(form, "Longest wait, seconds", "0")
    expect(form).to_contain_text("The most of debouncing has to be above 0.")
    expect(problems(page)).to_contain_text("debounce.most")
    notebook.type_into(form, "Longest wait, seconds", "1200")
    expect(form).not_to_contain_text("has to be above 0")
    bounds = {"debounce_delay_s": 600, "max_total_debouncing_time": 1200, "max_total_debounces_amount": 2}
    document = notebook.exported()["value"]
    assert bounds.items() <= (document if step is None else document["modules"][0]["debouncing"]).items()

    start = deployed(client, notebook, f"f/bounds/{step or 'flow'}")
    first = start()
    assert run_until(page, client, first, "suspended")["ended_at"] is None
    second = start()  # the most that are taken together: it goes at once, for both
    assert run_until(page, client, second, "success", "failure")["status"] == "success"
    run_until(page, client, first, "success", "failure", "skipped")
    instead = client.get(f"{W}/runs/{first}/raw").json()["debounced_by"]  # a step waits as a job of its own
    job = client.get(f"{W}/jobs_u/get/{instead}").raise_for_status().json()
    assert second == (instead if step is None else job["parent_job"])
    assert client.get(f"{W}/runs/{second}/raw").json() == {"rows": 1}


def test_debouncing_ends_after_so_long(page: Page, client: httpx.Client) -> None:
    notebook = open_flow(page, client, flow_of(python("a", GIVES)))
    form = notebook.form(None, "Debouncing")
    notebook.type_into(form, "Wait for more starts, seconds", "600")
    notebook.type_into(form, "Longest wait, seconds", "1")
    run = run_until(page, client, deployed(client, notebook, "f/bounds/longest")(), "success", "failure")
    assert run["status"] == "success"


def test_a_flow_runs_so_often_within_a_time(page: Page, client: httpx.Client) -> None:
    notebook = open_flow(page, client, flow_of(python("a", GIVES)))
    form = notebook.form(None, "Concurrency limit")
    notebook.type_into(form, "Within, seconds", "-1")
    expect(form).to_contain_text("The time window of the concurrency limit is below 0 seconds.")
    notebook.type_into(form, "Within, seconds", "600")
    expect(form).to_contain_text("A time window or a key for concurrency is set, and no limit.")
    notebook.type_into(form, "At most at a time", "1")
    expect(form).not_to_contain_text("and no limit")
    value = notebook.exported()["value"]
    assert (value["concurrent_limit"], value["concurrency_time_window_s"]) == (1, 600)

    start = deployed(client, notebook, "f/bounds/window")
    assert run_until(page, client, start(), "success", "failure")["status"] == "success"
    run_until(page, client, start(), "suspended")  # nothing runs: the window is not over
    page.goto("/runs?path=f/bounds/window")
    expect(page.get_by_text("waits until")).to_have_count(1)
    shoot(page, "runs-within-a-window")
