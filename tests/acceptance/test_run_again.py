"""The page of a run: beginning again at a step, cancelling what waits, and what lists say of where a run comes from."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.notebook_page import RUN_TIMEOUT, NotebookPage, flow_of, python, wire
from tests.acceptance.product import Product

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "title": "How many"}}}
STAMP = "import time\n\n\ndef main(item: int):\n    return [item, time.time_ns()]\n"


def looped(last: str = "c") -> dict[str, Any]:
    """A list, a loop over it whose results tell when they were made, and a last step that counts."""
    loop = {
        "id": "l",
        "summary": "Each one",
        "value": {
            "type": "forloopflow",
            "iterator": wire("results.a"),
            "skip_failures": False,
            "modules": [python("b", STAMP, {"item": wire("flow_input.iter.value")}, "Stamp")],
        },
    }
    count = python(last, "def main(rows: list):\n    return len(rows)\n", {"rows": wire("results.l")}, "Count")
    make = python("a", "def main(n: int):\n    return list(range(n))\n", {"n": wire("flow_input.n")}, "Make")
    return flow_of(make, loop, count, schema=SCHEMA, summary="Stamps")


def deployed(client: httpx.Client, path: str, flow: dict[str, Any]) -> None:
    """Deploy a flow, or its next version."""
    body = {**flow, "path": path}
    there = client.get(f"/api/w/main/flows/exists/{path}").json()
    answer = client.post(f"/api/w/main/flows/{f'update/{path}' if there else 'create'}", json=body)
    assert answer.status_code < 300, answer.text


def started(client: httpx.Client, path: str, args: dict[str, Any], status: str = "success|failure") -> str:
    """A run by webhook that has come to this status."""
    answer = client.post(f"/api/w/main/jobs/run/f/{path}", json=args)
    assert answer.status_code == 201, answer.text
    run = answer.text.strip()
    for _ in range(600):
        if re.fullmatch(status, client.get(f"/api/w/main/runs/{run}").json()["run"]["status"]):
            return run
        time.sleep(0.1)
    raise AssertionError(f"the run {run} did not come to {status}")


def stamps(client: httpx.Client, run: str) -> list[Any]:
    """The result of the loop."""
    found: list[Any] = client.get(f"/api/w/main/runs/{run}/raw", params={"path": "l"}).json()
    return found


def opened(page: Page, run: str, step: str) -> None:
    """The page of a run with one step chosen."""
    page.goto(f"/runs/{run}#step={step}")
    expect(page.locator("#run-detail")).to_be_visible(timeout=RUN_TIMEOUT)


def dialog(page: Page) -> Locator:
    """The dialog that begins the chosen step again."""
    page.get_by_role("button", name="Run again from here").click()
    found = page.get_by_role("dialog")
    expect(found).to_be_visible(timeout=RUN_TIMEOUT)
    return found


def restarted(page: Page, before: str) -> str:
    """Wait for the new run's page to be done; its id."""
    page.wait_for_url(lambda url: "/runs/" in url and before not in url, timeout=RUN_TIMEOUT)
    expect(page.locator(".run-title .badge")).to_contain_text("Done", timeout=RUN_TIMEOUT)
    return page.url.split("/runs/")[1].split("#")[0]


def test_again_from_inside_an_iteration(page: Page, product: Product) -> None:
    with product.client() as client:
        deployed(client, "f/again/inside", looped())
        before = started(client, "f/again/inside", {"n": 3})
        opened(page, before, "l[1].b")
        shoot(page, "run-step-of-iteration")
        found = dialog(page)
        expect(found).to_contain_text("iteration 2 of “l”")
        shoot(page, "run-again-dialog")
        found.get_by_role("button", name="Run again").click()
        after = restarted(page, before)
        number = client.get(f"/api/w/main/runs/{before}").json()["run"]["number"]
        expect(page.locator(".run-head")).to_contain_text(f"restarted at l from #{number}")
        shoot(page, "run-restarted")
        old, new = stamps(client, before), stamps(client, after)
        assert (new[0], len(new)) == (old[0], 3)
        assert new[1][1] > old[2][1] and new[2][1] > old[2][1]


def test_again_from_a_chosen_iteration_of_the_loop(page: Page, product: Product) -> None:
    with product.client() as client:
        deployed(client, "f/again/loop", looped())
        before = started(client, "f/again/loop", {"n": 3})
        opened(page, before, "l")
        found = dialog(page)
        begin = found.get_by_label("Begin at iteration")
        begin.fill("4")
        expect(found).to_contain_text("A whole number from 1 to 3.")
        expect(found.get_by_role("button", name="Run again")).to_be_disabled()
        begin.fill("3")
        found.get_by_role("button", name="Run again").click()
        old, new = stamps(client, before), stamps(client, restarted(page, before))
        assert new[:2] == old[:2]
        assert new[2] != old[2]


def test_again_with_another_input_on_the_newest_version(page: Page, product: Product) -> None:
    with product.client() as client:
        deployed(client, "f/again/newer", looped())
        before = started(client, "f/again/newer", {"n": 1})
        deployed(client, "f/again/newer", looped("d"))
        opened(page, before, "a")
        found = dialog(page)
        found.get_by_label("2, the newest").check()
        found.get_by_label("Edited").check()
        field = found.get_by_label("How many")
        expect(field).to_have_value("1")
        field.fill("2")
        shoot(page, "run-again-edited")
        found.get_by_role("button", name="Run again").click()
        after = client.get(f"/api/w/main/runs/{restarted(page, before)}").json()
        assert after["run"]["version"] == 2
        assert {step["step_id"] for step in after["steps"]} == {"a", "l", "b", "d"}
        assert len(stamps(client, after["run"]["id"])) == 2


def test_a_refusal_says_why(page: Page, product: Product, watch: Watch) -> None:
    watch.expect_error("400")
    with product.client() as client:
        deployed(client, "f/again/gone", looped())
        before = started(client, "f/again/gone", {"n": 1})
        deployed(client, "f/again/gone", looped("d"))
        opened(page, before, "c")
        found = dialog(page)
        found.get_by_label("2, the newest").check()
        found.get_by_role("button", name="Run again").click()
        expect(found.get_by_role("alert")).to_contain_text("There is no step c to begin at")
        shoot(page, "run-again-refused")
        page.keyboard.press("Escape")
        expect(found).to_be_hidden()
        assert page.url.endswith(f"/runs/{before}#step=c")


def test_a_waiting_run_says_for_what_and_can_be_cancelled(page: Page, product: Product) -> None:
    ask = python("ask", 'def main():\n    return "Total 12"\n', summary="Release the payout?")
    ask["suspend"] = {"required_events": 1, "timeout": 600}
    pay = python("pay", "def main(answer):\n    return answer\n", {"answer": wire("resume")}, "Pay")
    with product.client() as client:
        deployed(client, "f/again/waits", flow_of(ask, pay, summary="Payout"))
        run = started(client, "f/again/waits", {}, "suspended")
        page.goto("/runs?status=suspended")
        line = page.locator(f'a[href="/runs/{run}"]')
        expect(line).to_contain_text("webhook · waits for approval after ask", timeout=RUN_TIMEOUT)
        shoot(page, "runs-waiting")
        line.click()
        expect(page.locator(".run-waits")).to_have_text(re.compile("Waits for approval after ask"))
        shoot(page, "run-waiting")
        page.get_by_role("button", name="Cancel run").click()
        expect(page.locator(".run-title .badge")).to_contain_text("Cancelled", timeout=RUN_TIMEOUT)
        expect(page.locator(".run-waits")).to_have_count(0)
        assert client.get(f"/api/w/main/runs/{run}").json()["run"]["status"] == "canceled"
        shoot(page, "run-cancelled")


def test_lists_say_where_runs_come_from(page: Page, product: Product) -> None:
    with product.client() as client:
        deployed(client, "f/again/listed", looped())
        before = started(client, "f/again/listed", {"n": 1})
        number = client.get(f"/api/w/main/runs/{before}").json()["run"]["number"]
        assert client.post(f"/api/w/main/jobs/restart/f/{before}", json={"step_id": "c"}).status_code == 201
        body = {"path": "f/again/tick", "schedule": "* * * * * *", "timezone": "UTC", "script_path": "f/again/listed"}
        answer = client.post(
            "/api/w/main/schedules/create", json={**body, "is_flow": True, "args": {"n": 1}, "enabled": True}
        )
        assert answer.status_code < 300, answer.text
        page.goto("/runs?path=f/again/listed")
        rows = page.locator(".row-run")
        expect(rows.filter(has_text="by schedule f/again/tick").first).to_be_visible(timeout=RUN_TIMEOUT)
        assert client.delete("/api/w/main/schedules/delete/f/again/tick").status_code < 300
        expect(rows.filter(has_text=f"restarted from #{number}").first).to_be_visible()
        expect(rows.filter(has_text="webhook").first).to_be_visible()
        shoot(page, "runs-origins")
        rows.filter(has_text="by schedule").first.click()
        expect(page.locator(".run-facts").first).to_contain_text("by schedule f/again/tick")


def test_a_failed_run_opens_at_the_step_that_failed(page: Page, product: Product) -> None:
    flow = looped()
    flow["value"]["modules"][1]["value"]["modules"][0]["value"]["content"] = (
        'def main(item: int):\n    if item == 1:\n        raise ValueError("no stamp for 1")\n    return item\n'
    )
    with product.client() as client:
        deployed(client, "f/again/fails", flow)
        run = started(client, "f/again/fails", {"n": 3})
        page.goto(f"/runs/{run}")
        expect(page.locator("#run-detail")).to_contain_text("no stamp for 1", timeout=RUN_TIMEOUT)
        expect(page.get_by_role("region", name="Step l[1].b")).to_be_visible()
        shoot(page, "run-failed")


def test_a_failed_run_is_opened_in_the_notebook_and_mended_there(page: Page, product: Product) -> None:
    flow = looped()
    flow["value"]["modules"][2]["value"]["content"] = "def main(rows: list):\n    return rows[5]\n"
    with product.client() as client:
        deployed(client, "u/admin/opened", flow)
        run = started(client, "u/admin/opened", {"n": 2})
    page.goto(f"/runs/{run}")
    page.get_by_role("button", name="Open in notebook").click()
    notebook = NotebookPage(page).loaded()
    notebook.expect_states(a="fresh", l="fresh", c="failed")
    expect(notebook.output("c")).to_contain_text("IndexError")
    expect(notebook.output("a")).to_contain_text("1")
    expect(page.get_by_text("Same as v1")).to_be_visible()
    shoot(page, "notebook-of-a-run")
    notebook.set_code("c", "def main(rows: list):\n    return len(rows)\n")
    notebook.run("c")
    notebook.expect_state("c", "fresh", "reused")
    expect(notebook.output("c")).to_contain_text("2")
    assert notebook.exported()["summary"] == "Stamps"
    page.goto(f"/runs/{run}")  # again: that path has a draft of mine now
    page.get_by_role("button", name="Open in notebook").click()
    NotebookPage(page).loaded()
    expect(page.get_by_text("Draft, not deployed")).to_be_visible()
