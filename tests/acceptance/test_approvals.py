"""Somebody is asked: by a link on a phone without signing in, on the page of the run, in the notebook."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.notebook_page import flow_of, open_flow, python, wire
from tests.acceptance.product import Product

FORM: dict[str, Any] = {
    "type": "object",
    "required": ["centre"],
    "properties": {
        "centre": {"type": "string", "title": "Cost centre", "enum": ["4711 Payouts", "4712 Fees"]},
        "amount": {"type": "number", "title": "Amount", "default": 10},
    },
}
ASK = 'def main():\n    return {"description": {"Total": "1,204,330.00"}}\n'
ECHO = "def main(answer, asked):\n    return answer\n"


def asking(form: dict[str, Any] | None = None, **suspend: Any) -> dict[str, Any]:
    """A step that asks, and one that gives back the answer."""
    ask = python("a", ASK, summary="Release the payout?")
    ask["suspend"] = {"required_events": 1, "timeout": 600, **suspend}
    if form is not None:
        ask["suspend"]["resume_form"] = {"schema": form}
    return flow_of(ask, python("b", ECHO, {"answer": wire("resume"), "asked": wire("results.a")}, "Pay"))


def started(client: httpx.Client, flow: dict[str, Any]) -> str:
    """A run that waits."""
    answer = client.post("/api/w/main/jobs/run/preview_flow", json={"value": flow["value"], "args": {"month": "11"}})
    assert answer.status_code == 201, answer.text
    run = answer.text.strip()
    wait_for(client, run, "open", "timed_out")
    return run


def wait_for(client: httpx.Client, run: str, *wanted: str) -> None:
    for _ in range(200):
        found = client.get(f"/api/w/main/runs/{run}/approvals").json()
        if found and found[0]["status"] in wanted:
            return
        time.sleep(0.05)
    raise AssertionError(f"no request became {wanted}: {found}")


def urls(client: httpx.Client, run: str, number: int = 1, approver: str = "leo") -> dict[str, str]:
    job = client.get(f"/api/w/main/runs/{run}/approvals").json()[0]["job_id"]
    found = client.get(f"/api/w/main/jobs/resume_urls/{job}/{number}", params={"approver": approver})
    return dict(found.json())


def result(client: httpx.Client, run: str) -> Any:
    for _ in range(200):
        found = client.get(f"/api/w/main/jobs_u/completed/get_result_maybe/{run}").json()
        if found["completed"]:
            return found["result"]
        time.sleep(0.05)
    raise AssertionError("the run did not end")


@pytest.fixture
def phone(browser: Browser, product: Product, watch: Watch) -> Iterator[Page]:
    """Somebody else's phone: not signed in, and its scripts are switched off."""
    profile = browser.new_context(
        base_url=product.url, viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    watch.attach(profile)
    yield profile.new_page()
    profile.close()


def test_approving_by_link_on_a_phone_without_scripts(product: Product, phone: Page, page: Page) -> None:
    with product.client() as client:
        run = started(client, asking(FORM))
        page.goto(f"/runs/{run}")
        expect(page.get_by_role("group", name="Release the payout?")).to_be_visible()
        phone.goto(urls(client, run)["approvalPage"])
        expect(phone.get_by_role("heading", name="Release the payout?")).to_be_visible()
        expect(phone.locator("main")).to_contain_text("1,204,330.00")
        phone.get_by_label("Cost centre").select_option(label="4712 Fees")
        phone.get_by_label("Amount").fill("12.5")
        phone.get_by_label("Comment").fill("ok for EU")
        phone.get_by_role("button", name="Approve").click()
        expect(phone.get_by_role("status")).to_contain_text("Approved")
        shoot(phone, "approval-page-approved")
        assert result(client, run) == {"centre": "4712 Fees", "amount": 12.5, "comment": "ok for EU"}
        # the run's page, open elsewhere, has followed
        expect(page.locator(".approval-closed")).to_contain_text("leo")


def test_mistakes_keep_what_was_typed_and_denying_needs_no_form(product: Product, stranger: Page, watch: Watch) -> None:
    watch.expect_error("422")
    with product.client() as client:
        run = started(client, asking(FORM))
        stranger.goto(urls(client, run)["approvalPage"])
        stranger.get_by_label("Cost centre").select_option(label="4711 Payouts")
        stranger.get_by_label("Amount").fill("twelve")
        stranger.get_by_label("Comment").fill("kept")
        stranger.get_by_role("button", name="Approve").click()
        expect(stranger.get_by_text("This must be a number.")).to_be_visible()
        expect(stranger.get_by_label("Amount")).to_have_value("twelve")
        expect(stranger.get_by_label("Amount")).to_be_focused()
        expect(stranger.get_by_label("Comment")).to_have_value("kept")
        shoot(stranger, "approval-page-mistake")
        stranger.get_by_role("button", name="Deny").click()
        expect(stranger.get_by_role("status")).to_contain_text("Denied")
        expect(stranger.locator("form")).to_have_count(0)
        shoot(stranger, "approval-page-denied")
        assert result(client, run)["error"] == {"name": "SuspendedDisapproved", "message": "Disapproved by leo"}


def test_a_link_that_was_changed_on_the_way(product: Product, stranger: Page, watch: Watch) -> None:
    watch.expect_error("40")  # 403 or 404: it does not tell which
    with product.client() as client:
        run = started(client, asking(FORM))
        link = urls(client, run)["approvalPage"]
        stranger.goto(re.sub("/[0-9a-f]{6}([0-9a-f]{58})", r"/000000\1", link))
        expect(stranger.get_by_role("heading").first).to_be_visible()
        expect(stranger.locator("main")).not_to_contain_text("1,204,330.00")
        expect(stranger.get_by_role("button", name="Approve")).to_have_count(0)
        shoot(stranger, "approval-page-wrong-link")


def test_opening_a_link_decides_nothing(product: Product, stranger: Page) -> None:
    with product.client() as client:
        run = started(client, asking(FORM))
        carried = base64.b64encode(b'{"centre": "4712 Fees", "amount": 3}').decode()
        for name in ("resume", "cancel"):
            stranger.goto(f"{urls(client, run)[name]}&payload={carried}")
            expect(stranger.get_by_role("button", name="Approve")).to_be_visible()
            expect(stranger.get_by_label("Amount")).to_have_value("3")
        wait_for(client, run, "open")
        client.post(f"/api/w/main/jobs_u/queue/cancel/{run}", json={})


def test_too_late(product: Product, stranger: Page) -> None:
    with product.client() as client:
        run = started(client, asking(timeout=1))
        page = urls(client, run)["approvalPage"]
        wait_for(client, run, "timed_out")
        stranger.goto(page)
        expect(stranger.get_by_role("status")).to_contain_text("Timed out")
        expect(stranger.get_by_role("button", name="Approve")).to_have_count(0)
        shoot(stranger, "approval-page-timed-out")


def test_answering_on_the_page_of_the_run(product: Product, page: Page) -> None:
    with product.client() as client:
        run = started(client, asking(FORM))
        page.goto(f"/runs/{run}")
        request = page.get_by_role("group", name="Release the payout?")
        expect(request).to_contain_text("left")
        request.get_by_label("Cost centre").select_option(label="4711 Payouts")
        shoot(page, "run-waiting")
        request.get_by_role("button", name="Approve").click()
        expect(page.locator(".approval-closed")).to_contain_text("Approved")
        assert result(client, run) == {"centre": "4711 Payouts", "amount": 10}


def test_answering_in_the_cell(product: Product, page: Page, context: BrowserContext) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, asking())
    notebook.into_code("b")
    page.keyboard.press("Shift+Enter")
    notebook.expect_state("a", "waiting")
    request = notebook.cell("a").get_by_role("group", name="Release the payout?")
    expect(request).to_contain_text("1,204,330.00")
    shoot(page, "notebook-waiting")
    request.get_by_label("Comment").fill("go")
    request.get_by_role("button", name="Approve").click()
    notebook.expect_states(a="fresh|reused", b="fresh|reused")
    expect(notebook.output("b")).to_contain_text("go")
