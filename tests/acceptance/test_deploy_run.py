"""Job 8: deploy, run from a form, watch the run."""

from __future__ import annotations

import re
import time
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.keys import replace_text, tab_to
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, open_flow, open_template, python, wire
from tests.acceptance.product import Product

SCHEMA = {
    "type": "object",
    "order": ["name", "times"],
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "times": {"type": "integer", "default": 2}},
}
GREET = 'import time\n\n\ndef main(name: str, times: int):\n    print("greeting")\n    time.sleep(0.3)\n    return [f"Hello {name}"] * times\n'


def greeting() -> dict[str, Any]:
    """A small flow with an input."""
    inputs = {"name": wire("flow_input.name"), "times": wire("flow_input.times")}
    count = python("b", "def main(words: list):\n    return len(words)\n", {"words": wire("results.a")}, "Count")
    return flow_of(python("a", GREET, inputs, "Greet"), count, schema=SCHEMA, summary="Greeting")


def deploy(page: Page, path: str) -> None:
    """Deploy the open draft, by mouse."""
    page.get_by_role("button", name="Deploy", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Path").fill(path)
    dialog.get_by_label("What changed").fill("first version")
    shoot(page, "notebook-deploy")
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(page.get_by_text(f"Deployed {path}")).to_be_visible()


def test_deploy_run_and_watch_by_mouse(page: Page, product: Product) -> None:
    with product.client() as client:
        open_flow(page, client, greeting())
    deploy(page, "f/tests/greeting")
    page.goto("/run/f/tests/greeting")
    expect(page.get_by_label(re.compile("^name"))).to_be_visible()
    page.get_by_role("button", name="Run", exact=True).click()  # a required field is empty
    expect(page.locator(".form-error").first).to_be_visible()
    shoot(page, "run-form")
    page.get_by_label(re.compile("^name")).fill("Ada")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/runs/*")
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline).to_contain_text("Greet")
    expect(page.locator(".run-title .badge")).to_contain_text(
        re.compile("Success|Done|Succeeded", re.IGNORECASE), timeout=RUN_TIMEOUT
    )
    timeline.get_by_role("button", name=re.compile("Greet")).click()
    detail = page.locator("#run-detail")
    expect(detail).to_contain_text("Hello Ada")
    detail.get_by_role("tab", name=re.compile("^(Logs?)")).first.click()
    expect(detail).to_contain_text("greeting")
    detail.get_by_role("tab", name=re.compile("^Input")).click()
    expect(detail).to_contain_text("Ada")
    shoot(page, "run")
    page.goto("/runs")
    expect(page.get_by_text("Greeting").first).to_be_visible()
    shoot(page, "runs")


def test_deploy_and_run_by_keyboard(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, greeting())
    keyboard = page.keyboard
    notebook.select("a")
    keyboard.press("Control+k")
    keyboard.type("deploy")
    keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("What changed")).to_be_focused()
    keyboard.type("first version")
    tab_to(page, page.get_by_role("dialog").get_by_label("Path"), back=True)
    replace_text(page, "f/tests/keys")
    keyboard.press("Enter")
    expect(page.get_by_text("Deployed f/tests/keys")).to_be_visible()
    expect(notebook.cell("a")).to_be_focused()
    keyboard.press("Control+k")
    keyboard.type("run the deployed")
    keyboard.press("Enter")
    page.wait_for_url("**/run/f/tests/keys")
    tab_to(page, page.get_by_label(re.compile("^name")))
    keyboard.type("Grace")
    keyboard.press("Enter")
    page.wait_for_url("**/runs/*")
    detail = page.locator("#run-detail")
    expect(detail).to_contain_text("2", timeout=RUN_TIMEOUT)
    timeline = page.get_by_role("region", name="Timeline")
    tab_to(page, timeline.get_by_role("button", name="Whole run"))
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    expect(detail).to_contain_text("Hello Grace")
    tab_to(page, detail.get_by_role("tab", name="Result"))
    keyboard.press("ArrowRight")
    expect(detail.get_by_role("tab", name="Input")).to_be_focused()
    expect(detail).to_contain_text("times")
    keyboard.press("ArrowLeft")
    tab_to(page, detail.get_by_role("tablist", name="Views of the output").get_by_role("tab", selected=True))
    keyboard.press("ArrowLeft")  # the last one, around the corner
    expect(detail.get_by_role("tab", name=re.compile("^Logs?"))).to_be_focused()
    expect(detail).to_contain_text("greeting")


def test_on_a_phone_the_notebook_leads_to_the_form_of_the_deployed_flow(page: Page, product: Product) -> None:
    with product.client() as client:
        open_flow(page, client, greeting())
    page.set_viewport_size({"width": 390, "height": 844})
    deploy(page, "f/tests/phone")
    page.get_by_role("link", name="Run…").click()
    expect(page.get_by_label(re.compile("^name"))).to_be_visible()


def test_a_field_for_a_text_file_is_one_in_the_form(page: Page, product: Product) -> None:
    lines = python("a", "def main(text: str):\n    return len(text.splitlines())\n", {"text": wire("flow_input.text")})
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(lines))
    box = page.get_by_role("region", name="Flow input")
    box.get_by_role("button", name="Field", exact=True).click()
    page.keyboard.type("text")
    page.keyboard.press("Enter")
    box.get_by_role("group", name="Field text").get_by_label("Type").select_option(label="Text file")
    assert notebook.exported()["schema"]["properties"]["text"] == {"type": "string", "contentMediaType": "text/plain"}
    deploy(page, "f/tests/lines")
    page.goto("/run/f/tests/lines")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file for text").click()
    chooser.value.set_files({"name": "three.log", "mimeType": "text/plain", "buffer": b"a\nb\nc\n"})
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/runs/*")
    expect(page.locator("#run-detail")).to_contain_text("3", timeout=RUN_TIMEOUT)


def test_a_step_that_began_before_the_page_could_listen_is_shown(page: Page, product: Product) -> None:
    long = python("long", "import time\n\n\ndef main():\n    time.sleep(60)\n", summary="Takes long")
    with product.client() as client:
        body = {"value": flow_of(python("a", "def main():\n    return 1\n"), long)["value"]}
        run = client.post("/api/w/main/jobs/run/preview_flow", json=body).text.strip()
        deadline = time.monotonic() + 20
        while not any(step["step_id"] == "long" for step in client.get(f"/api/w/main/runs/{run}").json()["steps"]):
            assert time.monotonic() < deadline
            time.sleep(0.1)

        def before_it_began(route: Route) -> None:
            found = route.fetch().json()
            found["steps"] = [step for step in found["steps"] if step["step_id"] != "long"]
            route.fulfill(json=found)

        page.route(f"**/api/w/main/runs/{run}", before_it_began, times=1)
        page.goto(f"/runs/{run}")
        expect(page.get_by_role("region", name="Timeline")).to_contain_text("Takes long")
        client.post(f"/api/w/main/jobs_u/queue/cancel/{run}", json={"reason": "seen"})


def test_the_deployed_orders_report_shows_its_loop_and_branch(page: Page) -> None:
    open_template(page, "Orders report")
    deploy(page, "f/tests/orders")
    with_file = page.request.get("/orders-2026-q3.csv").text()
    started = page.request.post(
        "/api/w/main/jobs/run/f/f/tests/orders", data={"orders": with_file, "threshold": 1, "currency": "USD"}
    )
    page.goto(f"/runs/{started.text().strip().strip(chr(34))}")
    timeline = page.get_by_role("region", name="Timeline")
    for title in ("Read and check the orders", "Summarise each region", "Table and chart"):
        expect(timeline).to_contain_text(title, timeout=RUN_TIMEOUT)
    expect(page.locator("#run-detail")).to_contain_text("North", timeout=RUN_TIMEOUT)
    shoot(page, "run-orders")


def test_a_draft_with_errors_is_not_deployed(page: Page, product: Product, watch: Watch) -> None:
    watch.expect_error("422")
    broken = python("a", "def main(x: int):\n    return x\n", {"x": wire("results.nowhere")})
    with product.client() as client:
        open_flow(page, client, flow_of(broken))
    page.get_by_role("button", name="Deploy", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Path").fill("f/tests/broken")
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("nowhere")
