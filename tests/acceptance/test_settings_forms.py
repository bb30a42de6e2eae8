"""Settings of cells and of the flow: each one is set in its form, shown, undone, kept, and exported."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

ONE = "def main():\n    return 1\n"
TWO = "def main(x: int):\n    return x\n"


def two_cells() -> dict[str, Any]:
    """a → b."""
    return flow_of(python("a", ONE), python("b", TWO, {"x": wire("results.a")}))


def opened(page: Page, product: Product, flow: dict[str, Any] | None = None) -> NotebookPage:
    """A notebook of two cells, or of a given flow."""
    with product.client() as client:
        return open_flow(page, client, flow or two_cells())


#: form title, [(what, label, text)], chip, the module's field, its value
Steps = list[tuple[str, str, str]]
CASES: list[tuple[str, Steps, str, str, Any]] = [
    (
        "Retry",
        [("type", "Attempts at fixed waits", "2"), ("type", "Seconds between them", "0")],
        "retry 2",
        "retry",
        {"constant": {"attempts": 2, "seconds": 0}},
    ),
    ("Go on after an error", [("check", "go on with the error", "")], "goes on after an error", "continue_on_error", True),
    ("Time limit", [("type", "Stop after", "90")], "limit 1 min 30 s", "timeout", {"type": "static", "value": 90}),
    (
        "Stop early",
        [("type", "Stop if", "result > 5"), ("check", "counts as skipped", "")],
        "stops if…",
        "stop_after_if",
        {"expr": "result > 5", "skip_if_stopped": True},
    ),
    ("Skip", [("type", "Skip if", "false")], "skips if…", "skip_if", {"expr": "false"}),
    ("Sleep", [("type", "Sleep for", "5")], "sleeps 5 s", "sleep", {"type": "static", "value": 5}),
    (
        "Mock",
        [("type", "Value of the mock", '{"rows": 2}'), ("check", "return a fixed value", "")],
        "mock",
        "mock",
        {"enabled": True, "return_value": {"rows": 2}},
    ),
    ("Cache", [("type", "Keep the result for, seconds", "600")], "cache 10 min", "cache_ttl", 600),
    ("Priority", [("type", "Priority", "10")], "priority 10", "priority", 10),
    ("Delete data", [("type", "Delete after, seconds", "60")], "deletes data after 1 min", "delete_after_secs", 60),
    (
        "Debouncing",
        [("type", "Wait for more starts, seconds", "5"), ("type", "Taken together by", "$args[x]")],
        "debounced 5 s",
        "debouncing",
        {"debounce_delay_s": 5, "debounce_key": "$args[x]"},
    ),
    ("Concurrency limit", [("type", "At most at a time", "3")], "at most 3 at a time", "value/concurrent_limit", 3),
    ("Worker tag", [("type", "Worker tag", "gpu")], "on gpu", "value/tag", "gpu"),
    ("Trigger", [("check", "looks for what is new", "")], "trigger", "value/is_trigger", True),
]  # fmt: skip


@pytest.mark.parametrize(("title", "steps", "chip", "field", "value"), CASES, ids=[case[0] for case in CASES])
def test_a_setting_by_mouse(
    page: Page, product: Product, title: str, steps: Steps, chip: str, field: str, value: Any
) -> None:
    notebook = opened(page, product)
    form = notebook.form("a", title)
    fill(notebook, form, steps)
    expect(notebook.chips("a")).to_have_text([chip])
    assert at(notebook.module("a"), field) == value

    page.reload()
    notebook.loaded()
    expect(notebook.chips("a")).to_have_text([chip])
    notebook.chips("a").click()  # the chip leads to its form
    expect(notebook.settings("a").get_by_role("group", name=title, exact=True)).to_be_visible()
    for _ in steps:
        page.get_by_role("button", name=re.compile("^Undo")).click()
        notebook.settled()
    expect(notebook.chips("a")).to_have_count(0)
    assert at(notebook.module("a"), field) is None


def fill(notebook: NotebookPage, form: Locator, steps: Steps) -> None:
    for what, label, text in steps:
        if what == "type":
            notebook.type_into(form, label, text)
        else:
            form.get_by_label(re.compile(re.escape(label))).check()
        notebook.settled()


def at(module: dict[str, Any], field: str) -> Any:
    """The value of a field of a module, by its path; None when it is missing."""
    value: Any = module
    for key in field.split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def test_settings_by_keyboard_alone(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    keyboard = page.keyboard
    notebook.select("b")
    keyboard.press("s")
    expect(notebook.settings("b").get_by_role("searchbox", name="Find a setting")).to_be_focused()
    keyboard.type("retry")
    keyboard.press("Enter")
    expect(notebook.settings("b").get_by_label("Attempts at fixed waits")).to_be_focused()
    keyboard.type("4")
    keyboard.press("Escape")
    expect(notebook.settings("b")).to_have_count(0)
    expect(notebook.cell("b")).to_be_focused()
    expect(notebook.chips("b")).to_have_text(["retry 4"])
    assert notebook.module("b")["retry"] == {"constant": {"attempts": 4}}
    keyboard.press("z")
    expect(notebook.chips("b")).to_have_count(0)

    keyboard.press("S")
    expect(notebook.settings(None).get_by_role("searchbox", name="Find a setting")).to_be_focused()
    keyboard.type("same_worker")
    keyboard.press("Enter")
    expect(notebook.settings(None).get_by_role("checkbox")).to_be_focused()
    keyboard.press("Space")
    keyboard.press("Escape")
    assert notebook.exported()["value"]["same_worker"] is True


def test_the_search_finds_settings_by_words_and_field_names(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    panel = notebook.open_settings("a")
    panel.get_by_role("searchbox").fill("cache_ttl")
    expect(panel.locator(".nb-set")).to_have_count(1)
    expect(panel.locator(".nb-set")).to_contain_text("Cache")
    panel.get_by_role("searchbox").fill("people")
    expect(panel.locator(".nb-set")).to_contain_text("Wait for approval")
    panel.get_by_role("searchbox").fill("no such thing")
    expect(panel).to_contain_text("No setting is called “no such thing”.")


def test_an_approval_with_a_form(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    form = notebook.form("a", "Wait for approval")
    form.get_by_label("wait for approval after this step").check()
    notebook.type_into(form, "Number of approvals", "2")
    notebook.type_into(form, "Wait at most, seconds", "3600")
    form.get_by_label("approvers have to sign in").check()
    form.get_by_label("not by the person who started the run").check()
    notebook.type_into(form, "Groups who may approve", '["finance"]')
    form.get_by_label("ask the approver to fill in a form").check()
    form.get_by_role("button", name="Field", exact=True).click()
    editor = form.get_by_role("group", name="Field field")
    expect(editor.get_by_label("Name")).to_be_focused()
    editor.get_by_label("Name").fill("reason")
    page.keyboard.press("Enter")
    editor = form.get_by_role("group", name="Field reason")
    editor.get_by_label("Description").fill("Why")
    page.keyboard.press("Enter")
    editor.get_by_label("required").check()
    shoot(page, "notebook-approval-form")
    expect(notebook.chips("a")).to_have_text(["waits for 2 approvals"])
    assert notebook.module("a")["suspend"] == {
        "required_events": 2,
        "timeout": 3600,
        "user_auth_required": True,
        "self_approval_disabled": True,
        "user_groups_required": {"type": "static", "value": ["finance"]},
        "resume_form": {
            "schema": {
                "type": "object",
                "properties": {"reason": {"type": "string", "description": "Why"}},
                "required": ["reason"],
                "order": ["reason"],
            }
        },
    }


def test_an_expression_setting_completes_and_can_be_plugged(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.run("a")
    notebook.expect_state("a", "fresh", "reused")
    form = notebook.form("b", "Skip")
    field = form.get_by_label("Skip if", exact=True)
    field.click()
    page.keyboard.type("resu")
    expect(page.get_by_role("option", name=re.compile("^results$|results"))).not_to_have_count(0)
    page.keyboard.press("Escape")
    field.fill("results.a > 5")
    expect(form.locator(".nb-now")).to_contain_text("false")
    notebook.settled()
    expect(form.locator(".nb-now")).to_contain_text("false")
    field.blur()
    form.get_by_role("button", name="Connect Skip if").click()
    page.get_by_role("option", name=re.compile(r"^results\.a")).first.click()
    expect(field).to_have_value("results.a")
    form = notebook.form("b", "Time limit")
    form.get_by_role("button", name="Make Stop after an expression").click()
    notebook.type_into(form, "Stop after", "results.a * 10")
    expect(notebook.chips("b").filter(has_text="limit by expression")).to_be_visible()
    assert notebook.module("b")["timeout"] == {"type": "javascript", "expr": "results.a * 10"}


def test_a_wrong_value_is_not_saved_and_lint_speaks_in_the_form(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    form = notebook.form("a", "Cache")
    form.get_by_label("Keep the result for, seconds").fill("long")
    expect(form).to_contain_text("Not a number")
    assert "cache_ttl" not in notebook.module("a")
    notebook.type_into(form, "Keep the result for, seconds", "-5")
    expect(form).to_contain_text("A result cannot be kept for -5 seconds.")
    page.get_by_role("tab", name=re.compile("^Problems")).click()
    expect(page.get_by_role("tabpanel")).to_contain_text("cache.negative")


def test_settings_of_the_flow(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    form = notebook.form(None, "Constants")
    notebook.type_into(form, "Constants of the flow", '{"region": "eu"}')
    notebook.form(None, "Early answer").get_by_label("Step that answers early").select_option("a")
    notebook.type_into(notebook.form(None, "Skip the run"), "Skip the run if", "flow_input.n == 0")
    notebook.type_into(notebook.form(None, "Cache"), "Keep the result for, seconds", "60")
    notebook.type_into(notebook.form(None, "Concurrency limit"), "At most at a time", "2")
    notebook.type_into(notebook.form(None, "Debouncing"), "Wait for more starts, seconds", "5")
    notebook.type_into(notebook.form(None, "Priority"), "Priority", "7")
    notebook.type_into(notebook.form(None, "Delete data"), "Delete after, seconds", "90")
    shoot(page, "notebook-flow-settings")
    value = notebook.exported()["value"]
    del value["modules"]
    assert value == {
        "flow_env": {"region": "eu"},
        "early_return": "a",
        "skip_expr": "flow_input.n == 0",
        "cache_ttl": 60,
        "concurrent_limit": 2,
        "debounce_delay_s": 5,
        "priority": 7,
        "delete_after_secs": 90,
    }
    chips = page.get_by_role("region", name="Flow input").locator(".nb-set-chip")
    expect(chips).to_have_count(8)
    page.reload()
    notebook.loaded()
    expect(chips.filter(has_text="1 constant")).to_be_visible()


def test_loops_and_branches(page: Page, product: Product) -> None:
    loop = {
        "id": "l",
        "value": {
            "type": "forloopflow",
            "iterator": wire("[1, 2]"),
            "modules": [python("in_l", ONE)],
            "parallel": False,
        },
    }
    branches = {
        "id": "t",
        "value": {
            "type": "branchall",
            "branches": [{"summary": "One", "modules": [python("in_t", ONE)]}, {"summary": "Two", "modules": []}],
        },
    }
    endless = {"id": "w", "value": {"type": "whileloopflow", "modules": [python("in_w", ONE)], "skip_failures": False}}
    notebook = opened(page, product, flow_of(loop, branches, endless))
    form = notebook.form("l", "Loop")
    form.get_by_label("run the iterations in parallel").check()
    notebook.type_into(form, "At most at a time", "2")
    form.get_by_label("go on when an iteration fails").check()
    form.get_by_label("one warm worker").check()
    value = notebook.module("l")["value"]
    assert value["parallel"] is True and value["skip_failures"] is True and value["squash"] is True
    assert value["parallelism"] == {"type": "static", "value": 2}

    notebook.cell("t").get_by_label("in parallel").uncheck()
    notebook.cell("t").get_by_label("Go on when Two fails").check()
    value = notebook.module("t")["value"]
    assert value["parallel"] is False
    assert [branch.get("skip_failure") for branch in value["branches"]] == [None, True]

    until = notebook.cell("w").get_by_role("combobox", name="until, w")
    until.fill("result >= 1")
    until.blur()
    assert notebook.module("w")["stop_after_if"] == {"expr": "result >= 1"}
    notebook.run("w")
    notebook.expect_state("w", "fresh", "reused")
    expect(notebook.output("w").first).to_contain_text("1")


def test_new_kinds_of_cells(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    bar = page.get_by_role("group", name="Insert here").last
    bar.get_by_role("button", name="Insert Approval").click()
    expect(notebook.settings("c").get_by_role("group", name="Wait for approval", exact=True)).to_be_visible()
    expect(notebook.chips("c")).to_have_text(["waits for approval"])
    for item in ("While loop", "All branches", "Trigger", "Failure handler", "Preprocessor"):
        page.get_by_role("group", name="Insert here").last.get_by_role("button", name="Other…").click()
        page.get_by_role("menuitem", name=item).click()
    expect(notebook.cell("failure")).to_be_visible()
    expect(notebook.cell("preprocessor")).to_be_visible()
    value = notebook.exported()["value"]
    assert [module["value"]["type"] for module in value["modules"]] == [
        "rawscript",
        "rawscript",
        "rawscript",
        "whileloopflow",
        "branchall",
        "rawscript",
    ]
    assert value["modules"][2]["suspend"]["required_events"] == 1
    assert value["modules"][5]["value"]["is_trigger"] is True
    assert value["failure_module"]["id"] == "failure"
    assert value["preprocessor_module"]["id"] == "preprocessor"
    order = [node.get_attribute("aria-label") or "" for node in page.locator(".nb-cell[data-cell]").all()]
    assert order[0].startswith("Cell preprocessor") and order[-1].startswith("Cell failure")
    shoot(page, "notebook-new-kinds")
    notebook.select("failure")
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(notebook.cell("failure")).to_have_count(0)
    page.keyboard.press("z")
    expect(notebook.cell("failure")).to_be_visible()


def test_a_flow_as_a_step(page: Page, product: Product, watch: Watch) -> None:
    watch.expect_error("scripts/hub/get_full")  # there is no such script; the cell says so
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "order": ["n"]}
    with product.client() as client:
        made = client.post(
            "/api/w/main/drafts", json={"flow": flow_of(python("a", ONE), schema=schema, summary="Inner")}
        )
        path = "f/team/inner"
        deployed = client.post(f"/api/w/main/drafts/{made.json()['id']}/deploy", json={"path": path, "message": ""})
        assert deployed.status_code < 300, deployed.text
    notebook = opened(page, product)
    page.get_by_role("group", name="Insert here").last.get_by_role("button", name="Insert Flow").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Inner")).click()
    expect(notebook.cell("c")).to_contain_text(f"Flow {path}")
    expect(notebook.row("c", "n")).to_be_visible()  # its inputs are those of the flow that is called
    assert notebook.module("c")["value"] == {"type": "flow", "path": path, "input_transforms": {}}
    page.get_by_role("group", name="Insert here").last.get_by_role("button", name="Other…").click()
    page.get_by_role("menuitem", name="Script from the hub…").click()
    page.get_by_label("Path or name of the script").fill("hub/12/slack/send")
    page.keyboard.press("Enter")
    expect(notebook.cell("d")).to_contain_text("Hub script hub/12/slack/send")


def test_the_failure_handler_is_tried_on_a_sample_error(page: Page, product: Product) -> None:
    code = "def main(name: str, message: str):\n    return f'{name} was: {message}'\n"
    flow = flow_of(python("a", ONE))
    inputs = {"name": wire("error.name"), "message": wire("error.message")}
    flow["value"]["failure_module"] = python("failure", code, inputs)
    notebook = opened(page, product, flow)
    notebook.run("failure")
    notebook.expect_state("failure", "fresh")
    expect(notebook.output("failure")).to_contain_text("ValueError was: a sample error")
    sample = notebook.cell("failure").get_by_label("Sample error", exact=True)
    sample.last.fill('{"name": "Timeout", "message": "too slow"}')
    sample.last.blur()
    notebook.settled()
    notebook.select("failure")
    page.keyboard.press("Control+Enter")
    expect(notebook.output("failure")).to_contain_text("Timeout was: too slow")
    notebook.expect_state("a", "never")
