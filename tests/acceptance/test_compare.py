"""Two runs side by side: chosen from the page of one, told step by step, sent by link."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import flow_of, python
from tests.acceptance.product import Product
from tests.acceptance.test_run_again import deployed, looped, started

SLEEPS = "import time\n\n\ndef main():\n    time.sleep(60)\n"


def test_two_runs_with_other_input_and_other_code(page: Page, product: Product) -> None:
    with product.client() as client:
        deployed(client, "u/admin/compared", looped())
        first = started(client, "u/admin/compared", {"n": 1})
        changed = looped()
        changed["value"]["modules"][2]["value"]["content"] = "def main(rows: list):\n    return {'rows': len(rows)}\n"
        deployed(client, "u/admin/compared", changed)
        second = started(client, "u/admin/compared", {"n": 2})
    page.goto(f"/runs/{second}")
    page.get_by_role("link", name="Compare").click()
    choice = page.get_by_role("list", name="Runs to compare with")
    expect(choice).to_be_visible()
    shoot(page, "compare-choose")
    choice.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(f"a={first}&b={second}"))
    steps = page.get_by_role("region", name="Steps")
    expect(steps).to_contain_text("5 of 5 steps differ")
    count = steps.get_by_role("button", name=re.compile("^c Count"))
    expect(count).to_contain_text("other code")
    expect(steps.get_by_role("button", name=re.compile(r"^l\[1\]\.b"))).to_contain_text("only in B")
    press(page, count)
    body = steps.locator(".cmp-body")
    body.get_by_role("tab", name="Code").click()
    expect(body.locator(".cmp-removed")).to_contain_text("return len(rows)")
    expect(body.locator(".cmp-added")).to_contain_text("return {'rows': len(rows)}")
    shoot(page, "compare-code")
    body.get_by_role("tab", name="Result").click()
    expect(body.locator(".cmp-removed")).to_contain_text("1")
    expect(body.locator(".cmp-added")).to_contain_text('"rows": 2')
    page.goto(page.url)  # what is open is in the address
    expect(steps.locator(".cmp-body")).to_be_visible()


def test_runs_that_are_the_same_and_runs_that_are_not_there(page: Page, product: Product, watch: Watch) -> None:
    with product.client() as client:
        flow = looped()
        flow["value"]["modules"] = flow["value"]["modules"][:1]
        deployed(client, "u/admin/equal", flow)
        first = started(client, "u/admin/equal", {"n": 1})
        page.goto(f"/runs/compare?a={first}")
        expect(page.get_by_text("There is no other run of it")).to_be_visible()
        second = started(client, "u/admin/equal", {"n": 1})
    page.goto(f"/runs/compare?a={first}&b={second}")
    expect(page.get_by_text("The one step is the same")).to_be_visible()
    page.get_by_label("Show the others too").check()
    page.get_by_role("button", name=re.compile("^a Make")).click()
    expect(page.get_by_text("Both are the same.")).to_be_visible()
    watch.expect_error("404")
    page.goto("/runs/compare?a=nope&b=nope")
    expect(page.get_by_text("One of these runs is not there")).to_be_visible()
    page.goto("/runs/compare")
    expect(page.get_by_text("No run is named")).to_be_visible()


def test_several_runs_of_the_list_are_compared_run_again_or_cancelled(page: Page, product: Product) -> None:
    with product.client() as client:
        flow = looped()
        flow["value"]["modules"] = flow["value"]["modules"][:1]
        deployed(client, "u/admin/chosen", flow)
        runs = [started(client, "u/admin/chosen", {"n": n}) for n in (1, 2)]
        waiting = {"path": "u/admin/waits", "summary": "Waits", "value": flow_of(python("w", SLEEPS))["value"]}
        client.post("/api/w/main/flows/create", json=waiting).raise_for_status()
        running = client.post("/api/w/main/jobs/run/f/u/admin/waits", json={}).text
    page.goto("/runs?path=u/admin/chosen")
    boxes = page.get_by_role("checkbox")
    expect(boxes).to_have_count(2)
    boxes.first.check()
    boxes.last.check()
    chosen = page.get_by_role("group", name="Chosen runs")
    expect(chosen).to_contain_text("2 runs chosen")
    shoot(page, "runs-chosen")
    expect(chosen.get_by_role("link", name="Compare")).to_have_attribute(
        "href", f"/runs/compare?a={runs[0]}&b={runs[1]}"
    )
    chosen.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("2 runs started again.")).to_be_visible()
    expect(boxes).to_have_count(4)
    page.goto("/runs?path=u/admin/waits")
    expect(boxes).to_have_count(1)
    press(page, boxes, key="Space")
    press(page, chosen.get_by_role("button", name="Cancel runs"))
    expect(page.get_by_text("1 run cancelled.")).to_be_visible()
    with product.client() as client:
        for _ in range(100):
            if client.get(f"/api/w/main/runs/{running}").json()["run"]["status"] == "canceled":
                break
        else:
            raise AssertionError("the run was not cancelled")
