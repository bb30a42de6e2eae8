"""A step that was tried again: why each earlier attempt failed and what it printed can be looked at on the run's page."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible_now
from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, open_flow, python
from tests.acceptance.product import Product

W = "/api/w/main"
THIRD_TIME = """
from pathlib import Path

def main():
    kept = Path("./shared/n")
    n = int(kept.read_text()) + 1 if kept.exists() else 1
    kept.write_text(str(n))
    print(f"try number {n}")
    if n < 3:
        raise ConnectionError(f"no answer at try {n}")
    return {"tries": n}
"""


def test_the_log_of_an_earlier_attempt_is_reached(page: Page, product: Product) -> None:
    step = python("a", THIRD_TIME, summary="Ask the bank")
    step["retry"] = {"constant": {"attempts": 3, "seconds": 0}}
    flow = flow_of(step, python("b", "def main():\n    return 1\n"), summary="Tried again")
    flow["value"]["same_worker"] = True
    with product.client() as client:
        client.post(f"{W}/flows/create", json={"path": "u/admin/tried", **flow}).raise_for_status()
        run = client.post(f"{W}/jobs/run/f/u/admin/tried", json={}).raise_for_status().text
    page.goto(f"/runs/{run}#step=a")
    expect(page.locator(".run-title .badge")).to_contain_text("Done", timeout=RUN_TIMEOUT)
    detail = page.get_by_role("region", name="Step a")
    attempt = detail.get_by_role("combobox", name="Attempt")
    expect(attempt.locator("option")).to_have_text(
        ["3 of 3", "2: ConnectionError: no answer at try 2", "1: ConnectionError: no answer at try 1"]
    )
    detail.get_by_role("tab", name="Logs").click()
    expect(detail.get_by_role("log", name="Log")).to_contain_text("try number 3")
    attempt.focus()
    page.keyboard.press("End")
    expect(detail.get_by_role("group", name="Error")).to_contain_text("no answer at try 1")
    log = detail.get_by_role("log", name="Log")
    expect(log).to_contain_text("try number 1")
    expect(log).not_to_contain_text("try number 3")
    accessible_now(page)
    shoot(page, "run-attempt")
    with page.expect_download() as saved:
        detail.get_by_role("link", name="Log").click()
    assert saved.value.suggested_filename == "a-attempt-1.log"
    attempt.select_option("3")
    expect(detail.get_by_role("tab", name="Logs")).to_be_visible()
    detail.get_by_role("tab", name="Input").click()
    expect(attempt).to_have_count(0)
    page.get_by_role("region", name="Timeline").get_by_role("button", name="b").last.click()
    expect(page.get_by_role("region", name="Step b")).to_be_visible()
    expect(page.get_by_role("combobox", name="Attempt")).to_have_count(0)


def test_a_cell_shows_the_log_of_its_last_attempt_alone(page: Page, product: Product) -> None:
    step = python("a", THIRD_TIME.replace('    print(f"try number {n}")\n', "    if n < 3:\n        print(n)\n"))
    step["retry"] = {"constant": {"attempts": 3, "seconds": 0}}
    flow = flow_of(step)
    flow["value"]["same_worker"] = True
    with product.client() as client:
        notebook = open_flow(page, client, flow)
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    output = notebook.output("a")
    expect(output.get_by_role("tab", name="JSON")).to_be_visible()
    expect(output.get_by_role("tab", name="Logs")).to_have_count(0)  # the last one printed nothing


def test_a_cell_shows_its_earlier_attempts(page: Page, product: Product) -> None:
    step = python("a", THIRD_TIME, summary="Ask the bank")
    step["retry"] = {"constant": {"attempts": 3, "seconds": 0}}
    flow = flow_of(step, summary="Tried again")
    flow["value"]["same_worker"] = True
    with product.client() as client:
        notebook = open_flow(page, client, flow)
    notebook.run("a")
    notebook.expect_state("a", "fresh")
    output = notebook.output("a")
    attempt = output.get_by_role("combobox", name="Attempt")
    expect(attempt.locator("option")).to_have_text(
        ["3 of 3", "2: ConnectionError: no answer at try 2", "1: ConnectionError: no answer at try 1"]
    )
    attempt.select_option("1")
    expect(output.get_by_role("group", name="Error")).to_contain_text("no answer at try 1")
    expect(output.get_by_role("log", name="Log")).to_contain_text("try number 1")
    shoot(page, "cell-attempt")
    page.reload()
    expect(attempt).to_have_value("3")
    attempt.select_option("2")
    expect(output.get_by_role("log", name="Log")).to_contain_text("try number 2")
    output.get_by_role("tab", name="JSON").click()
    expect(attempt).to_have_value("3")
    expect(output.get_by_role("tree")).to_contain_text("tries")
