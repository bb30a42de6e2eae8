"""What settings do: each is set in its form, the cells run, and its effect is seen."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.intercept import intercept
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

DONE = ("fresh", "reused")
FAILS = 'def main():\n    raise ValueError("not today")\n'
RANDOM = "import random\n\n\ndef main():\n    return random.random()\n"
SLOW = "import time\n\n\ndef main():\n    time.sleep(30)\n"
HANDLER = 'def main(name: str):\n    return {"recover": True, "was": name}\n'


def one(number: int = 1) -> str:
    return f"def main():\n    return {number}\n"


def opened(page: Page, product: Product, *modules: dict[str, Any], **value: Any) -> NotebookPage:
    flow = flow_of(*modules)
    flow["value"] |= value
    with product.client() as client:
        return open_flow(page, client, flow)


def using(step: str, source: str) -> dict[str, Any]:
    """A cell that hands on another one's result."""
    return python(step, "def main(x):\n    return x\n", {"x": wire(f"results.{source}")})


def steps_of_last_run(page: Page, notebook: NotebookPage) -> list[dict[str, Any]]:
    """The steps of the draft's newest run, as the run page gets them."""
    runs = page.request.get("/api/w/main/runs", params={"draft_id": notebook.draft_id}).json()
    newest = max(runs, key=lambda run: int(run["number"]))
    found: list[dict[str, Any]] = page.request.get(f"/api/w/main/runs/{newest['id']}").json()["steps"]
    return found


def test_a_failing_step_is_retried(page: Page, product: Product) -> None:
    notebook = opened(page, product, python("a", FAILS))
    form = notebook.form("a", "Retry")
    notebook.type_into(form, "Attempts at fixed waits", "2")
    notebook.run("a")
    notebook.expect_state("a", "failed")
    (step,) = steps_of_last_run(page, notebook)
    assert step["attempt"] == 3
    expect(notebook.output("a")).to_contain_text("not today")


def test_a_flow_stops_early(page: Page, product: Product) -> None:
    notebook = opened(page, product, python("a", one()), using("b", "a"))
    notebook.type_into(notebook.form("a", "Stop early"), "Stop if", "result == 1")
    page.get_by_role("button", name="Run all").click()
    notebook.expect_state("a", *DONE)
    notebook.expect_state("b", "never")
    notebook.type_into(notebook.form("a", "Stop early"), "Stop if", "result == 2")
    page.get_by_role("button", name="Run all").click()
    notebook.expect_state("b", *DONE)


def test_a_step_is_skipped(page: Page, product: Product) -> None:
    notebook = opened(page, product, python("a", one(7)), python("b", one(8)))
    notebook.type_into(notebook.form("b", "Skip"), "Skip if", "results.a == 7")
    page.get_by_role("button", name="Run all").click()
    notebook.expect_state("b", "skipped")
    expect(notebook.output("b")).to_contain_text("7")


def test_a_cached_result_is_used_again(page: Page, product: Product) -> None:
    notebook = opened(page, product, python("a", RANDOM))
    notebook.type_into(notebook.form("a", "Cache"), "Keep the result for, seconds", "600")
    notebook.run("a")
    notebook.expect_state("a", *DONE)
    first = notebook.output("a").inner_text()
    notebook.run("a")  # a cell that is up to date is computed anew, unless its result is cached
    notebook.expect_state("a", "reused")
    assert number_in(notebook.output("a").inner_text()) == number_in(first)


def number_in(text: str) -> str:
    found = re.search(r"0\.\d+", text)
    assert found, text
    return found.group()


def test_a_mock_stands_in(page: Page, product: Product) -> None:
    notebook = opened(page, product, python("a", FAILS), using("b", "a"))
    form = notebook.form("a", "Mock")
    notebook.type_into(form, "Value of the mock", '"instead"')
    form.get_by_label("return a fixed value instead of running").check()
    notebook.run("b")
    notebook.expect_states(a="pinned", b="|".join(DONE))
    expect(notebook.output("b")).to_contain_text("instead")


def test_the_last_result_becomes_the_mock(page: Page, product: Product) -> None:
    notebook = opened(page, product, python("a", RANDOM))
    notebook.run("a")
    notebook.expect_state("a", *DONE)
    number = number_in(notebook.output("a").inner_text())
    notebook.form("a", "Mock").get_by_role("button", name="Use the last result").click()
    notebook.expect_state("a", "pinned")
    assert str(notebook.module("a")["mock"]["return_value"]).startswith(number[:8])


def test_a_step_runs_out_of_time(page: Page, product: Product) -> None:
    notebook = opened(page, product, python("a", SLOW))
    notebook.type_into(notebook.form("a", "Time limit"), "Stop after", "1")
    notebook.run("a")
    notebook.expect_state("a", "failed")
    expect(notebook.output("a")).to_contain_text(re.compile("1 s|tim", re.IGNORECASE))


def test_a_flow_sleeps_between_steps(page: Page, product: Product) -> None:
    notebook = opened(page, product, python("a", one(3)), using("b", "a"))
    notebook.type_into(notebook.form("a", "Sleep"), "Sleep for", "2")
    notebook.settled()
    page.get_by_role("button", name="Run all").click()
    notebook.expect_state("b", *DONE)
    by_id = {step["step_id"]: step for step in steps_of_last_run(page, notebook)}
    waited = datetime.fromisoformat(by_id["b"]["started_at"]) - datetime.fromisoformat(by_id["a"]["ended_at"])
    assert waited.total_seconds() > 1.8


def test_going_on_after_an_error(page: Page, product: Product) -> None:
    notebook = opened(page, product, python("a", FAILS), python("b", one()))
    notebook.form("a", "Go on after an error").get_by_role("checkbox").check()
    page.get_by_role("button", name="Run all").click()
    notebook.expect_states(a="failed", b="|".join(DONE))


def test_the_failure_handler_recovers_the_flow(page: Page, product: Product) -> None:
    notebook = opened(page, product, python("a", FAILS))
    page.get_by_role("group", name="Insert here").last.get_by_role("button", name="Other…").click()
    page.get_by_role("menuitem", name="Failure handler").click()
    expect(notebook.cell("failure")).to_be_visible()
    notebook.set_code("failure", HANDLER)
    notebook.settled()
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.get_by_label("Path").fill("f/team/recovers")
    page.get_by_role("dialog").get_by_role("button", name="Deploy", exact=True).click()
    expect(page.get_by_text("Deployed f/team/recovers, version 1")).to_be_visible()
    with product.client() as client:
        run_id = client.post("/api/w/main/jobs/run/f/f/team/recovers", json={}).text
        for _ in range(100):
            run = client.get(f"/api/w/main/runs/{run_id}").json()["run"]
            if run["status"] not in ("queued", "running"):
                break
            page.wait_for_timeout(100)
        assert run["status"] == "success"
        assert client.get(f"/api/w/main/runs/{run_id}/raw").json() == {"recover": True, "was": "ValueError"}


# Event streams within reach of the test, so that it can break them when it likes: a browser that is told to be offline need not end those it has.
KEEP_STREAMS = """
window.keptStreams = [];
window.EventSource = class extends EventSource {
  constructor(...given) { super(...given); window.keptStreams.push(this); }
};
"""


def test_any_iteration_of_a_loop_can_be_looked_at(page: Page, product: Product) -> None:
    page.add_init_script(KEEP_STREAMS)
    inner = python("b", "def main(n: int):\n    return n * 100\n", {"n": wire("flow_input.iter.value")})
    value = {"type": "forloopflow", "iterator": wire("[1, 2, 3]"), "modules": [inner], "skip_failures": False}
    notebook = opened(page, product, {"id": "l", "value": value})
    notebook.run("l")
    notebook.expect_state("l", *DONE)
    expect(notebook.output("b")).to_contain_text("300")
    bar = page.get_by_role("group", name="Iteration of l")
    bar.get_by_role("button", name="Previous iteration").click()
    expect(notebook.output("b")).to_contain_text("200")
    expect(bar).to_contain_text("of 3")
    with page.expect_response("**/notebook"):  # what it may have missed meanwhile is asked for anew
        page.evaluate("window.keptStreams.forEach((one) => one.dispatchEvent(new Event('error')))")
    page.wait_for_timeout(100)
    expect(notebook.output("b")).to_contain_text("200")
    shoot(page, "notebook-iterations")
    bar.get_by_role("combobox").select_option("0")
    expect(notebook.output("b")).to_contain_text("100")
    bar.get_by_role("button", name="Next iteration").click()
    expect(notebook.output("b")).to_contain_text("200")


def test_a_draft_keeps_state_and_files_until_they_are_reset(page: Page, product: Product) -> None:
    write = 'def main():\n    with open("./shared/rows.txt", "a") as file:\n        file.write("row")\n    return 1\n'
    read = 'def main():\n    return open("./shared/rows.txt").read()\n'
    notebook = opened(page, product, python("a", write), python("b", read), same_worker=True)
    page.get_by_role("tab", name="State").click()
    panel = page.get_by_role("tabpanel", name="State")
    expect(panel).to_contain_text("No files yet")
    notebook.run("a")
    notebook.expect_state("a", *DONE)
    notebook.run("b")  # another run, and the same folder
    notebook.expect_state("b", *DONE)
    expect(notebook.output("b")).to_contain_text("row")
    expect(panel).to_contain_text("./shared/rows.txt")
    panel.get_by_label("New key").fill("seen")
    panel.get_by_role("button", name="Key", exact=True).click()
    panel.get_by_label("State seen", exact=True).fill('{"id": 3}')
    panel.get_by_label("State seen", exact=True).blur()
    shoot(page, "notebook-state")
    page.reload()
    notebook.loaded()
    page.get_by_role("tab", name="State").click()
    expect(panel.get_by_label("State seen", exact=True)).to_have_value('{"id":3}')
    panel.get_by_role("button", name="Empty it").click()
    expect(panel).to_contain_text("No files yet")
    panel.get_by_role("button", name="Reset all").click()
    expect(panel.get_by_label("State seen", exact=True)).to_have_count(0)


def test_a_trigger_runs_on_a_sample(page: Page, product: Product) -> None:
    trigger = python("a", FAILS)
    trigger["value"]["is_trigger"] = True
    notebook = opened(page, product, trigger, using("b", "a"))
    notebook.cell("a").get_by_label("run on a sample instead of asking what is new").check()
    sample = notebook.cell("a").get_by_label("Sample of what is new")
    sample.fill('[{"id": 7}]')
    sample.blur()
    notebook.run("b")
    notebook.expect_states(a="pinned", b="|".join(DONE))
    expect(notebook.output("b")).to_contain_text("7")


def test_the_input_of_the_flow_by_keyboard_alone(page: Page, product: Product) -> None:
    reader = python("a", "def main(x):\n    return x\n", {"x": wire("flow_input.amount")})
    schema = {"type": "object", "properties": {"amount": {"type": "integer"}}, "order": ["amount"]}
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(reader, schema=schema))
    box, keyboard = page.get_by_role("region", name="Flow input"), page.keyboard
    box.get_by_role("button", name="Change the field amount").focus()
    keyboard.press("Enter")
    editor = box.get_by_role("group", name="Field amount")
    for _ in range(10):
        keyboard.press("Tab")
        if editor.get_by_label("Name").evaluate("node => node === document.activeElement"):
            break
    keyboard.type("total")
    keyboard.press("Enter")
    expect(box.get_by_role("group", name="Field total")).to_be_visible()
    expect(notebook.row("a", "x").get_by_role("combobox")).to_have_value("flow_input.total")
    assert notebook.exported()["schema"]["order"] == ["total"]

    box.get_by_role("button", name="Field", exact=True).focus()
    keyboard.press("Enter")
    expect(box.get_by_role("group", name="Field input").get_by_label("Name")).to_be_focused()
    keyboard.type("limit")
    keyboard.press("Enter")
    box.get_by_role("group", name="Field limit").get_by_label("Type").focus()
    keyboard.type("Number")
    keyboard.press("Tab")
    keyboard.type("12")
    keyboard.press("Enter")
    properties = notebook.exported()["schema"]["properties"]
    assert properties["limit"] == {"type": "number", "default": 12}
    notebook.select("a")
    undo = page.get_by_role("button", name="Undo: Renamed the flow input `amount` to `total`")
    while not undo.is_visible():
        keyboard.press("z")
        notebook.settled()
    keyboard.press("z")
    expect(notebook.row("a", "x").get_by_role("combobox")).to_have_value("flow_input.amount")
    assert notebook.exported()["schema"] == schema


def test_a_conflict_says_what_it_waits_for_and_a_rename_reaches_the_editor(
    page: Page, product: Product, watch: Watch
) -> None:
    notebook = opened(page, product, python("a", one()))
    other = page.context.new_page()
    other.goto(page.url)
    theirs = NotebookPage(other).loaded()
    held: list[Any] = []
    intercept(other, "**/operations", lambda route: held.append(route))
    theirs.set_code("a", one(20))
    while not held:
        other.wait_for_timeout(20)
    mine: list[Any] = []
    intercept(page, "**/operations", lambda route: mine.append(route))
    notebook.into_code("a")
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("# mine")
    held[0].continue_()  # the other page's text arrives while this one's is on its way
    expect(notebook.cell("a").get_by_role("alert")).to_contain_text("also changed elsewhere")
    page.unroute("**/operations")
    watch.expect_error("/operations")  # what was on its way is refused
    for route in mine:
        route.continue_()
    expect(notebook.cell("a").get_by_role("alert")).to_contain_text("also changed elsewhere")
    expect(page.locator(".nb-save")).to_contain_text("Waits for your choice")
    notebook.cell("a").get_by_role("button", name="Take theirs").click()
    notebook.settled()
    expect(notebook.cell("a").locator(".nb-code")).to_contain_text("return 20")

    notebook.select("a")
    page.keyboard.press("r")
    page.keyboard.type("first")
    page.keyboard.press("Enter")
    expect(notebook.cell("first").get_by_role("textbox", name=re.compile("^Code of first"))).to_have_count(1)
