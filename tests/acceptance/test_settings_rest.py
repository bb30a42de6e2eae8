"""Settings that are rarer, and those of loops and branches: several in each notebook, set in their forms and seen at work."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

W = "/api/w/main"
DONE = ("fresh", "reused")
ONE = "def main():\n    return 1\n"
FAILS = 'def main():\n    raise ValueError("not today")\n'
SLOW = "import time\n\n\ndef main():\n    time.sleep(30)\n"
RANDOM = "import random\n\n\ndef main():\n    return random.random()\n"


def opened(page: Page, product: Product, *modules: dict[str, Any], **more: Any) -> NotebookPage:
    with product.client() as client:
        return open_flow(page, client, flow_of(*modules, **more))


def loop(step: str, *body: dict[str, Any], items: str = "[1, 2]") -> dict[str, Any]:
    value = {"type": "forloopflow", "iterator": wire(items), "modules": list(body), "skip_failures": False}
    return {"id": step, "value": value}


def branches(step: str, *body: dict[str, Any]) -> dict[str, Any]:
    value = {"type": "branchall", "branches": [{"summary": "Only", "modules": list(body)}], "parallel": False}
    return {"id": step, "value": value}


def chosen(step: str, *body: dict[str, Any]) -> dict[str, Any]:
    return {"id": step, "value": {"type": "branchone", "branches": [], "default": list(body)}}


def endless(step: str, *body: dict[str, Any]) -> dict[str, Any]:
    value = {"type": "whileloopflow", "modules": list(body), "skip_failures": False}
    return {"id": step, "value": value, "stop_after_if": {"expr": "result >= 0"}}


def attempts(page: Page, notebook: NotebookPage, step: str) -> int:
    """How often a step was tried in the draft's newest run."""
    runs = page.request.get(f"{W}/runs", params={"draft_id": notebook.draft_id}).json()
    newest = max(runs, key=lambda run: int(run["number"]))
    steps = page.request.get(f"{W}/runs/{newest['id']}").json()["steps"]
    return int(next(one["attempt"] for one in steps if one["step_id"] == step))


def test_limits_and_caches_of_loops_and_branches(page: Page, product: Product) -> None:
    made = {"l": loop, "w": endless, "o": chosen, "t": branches}
    notebook = opened(page, product, *(make(step, python(f"in_{step}", RANDOM)) for step, make in made.items()))
    for step in made:
        notebook.type_into(notebook.form(step, "Time limit"), "Stop after", "90")
        notebook.type_into(notebook.form(step, "Cache"), "Keep the result for, seconds", "600")
        notebook.type_into(notebook.form(step, "Delete data"), "Delete after, seconds", "60")
        form = notebook.form(step, "Debouncing")
        expect(form.get_by_label("Inputs to collect")).to_have_count(0)  # it has none
        notebook.type_into(form, "Wait for more starts, seconds", "5")
        notebook.type_into(form, "Taken together by", "$args[x]")
        expect(form).to_contain_text("have no inputs that the key could name")
        notebook.type_into(form, "Taken together by", "orders")
        expect(form).not_to_contain_text("have no inputs")
        for words in ("limit 1 min 30 s", "cache 10 min", "deletes data after 1 min", "debounced 5 s"):
            expect(notebook.chips(step).filter(has_text=words)).to_have_count(1)
        module = notebook.module(step)
        assert {key: module.get(key) for key in ("timeout", "cache_ttl", "delete_after_secs", "debouncing")} == {
            "timeout": {"type": "static", "value": 90},
            "cache_ttl": 600,
            "delete_after_secs": 60,
            "debouncing": {"debounce_delay_s": 5, "debounce_key": "orders"},
        }
    notebook.form("l", "Cache").get_by_label("stored files count by their content").check()
    assert notebook.module("l")["cache_ignore_s3_path"] is True
    shoot(page, "notebook-container-settings")
    page.get_by_role("button", name="Undo: Set cache of files of `l`").click()
    page.get_by_role("button", name="Undo: Changed debouncing of `t`").click()
    notebook.settled()
    assert "cache_ignore_s3_path" not in notebook.module("l")
    assert notebook.module("t")["debouncing"]["debounce_key"] == "$args[x]"
    notebook.run("l")
    notebook.expect_state("l", *DONE)
    output = notebook.output("l")
    expect(output).to_contain_text(re.compile(r"0\.\d{4,}.*0\.\d{4,}"))
    first = re.findall(r"0\.\d{4,}", output.inner_text())  # and no durations
    notebook.run("l")
    notebook.expect_state("l", "reused")
    for number in first:
        expect(output).to_contain_text(number)


def test_a_loop_runs_out_of_time_and_another_ends_the_flow(page: Page, product: Product) -> None:
    notebook = opened(page, product, loop("s", python("in_s", SLOW)), loop("l", python("in_l", ONE)), python("b", ONE))
    notebook.type_into(notebook.form("s", "Time limit"), "Stop after", "1")
    notebook.form("s", "Go on after an error").get_by_role("checkbox").check()
    form = notebook.form("l", "Stop after all")
    notebook.type_into(form, "Stop after all if", "result.length == 2")
    form.get_by_label("the run then counts as skipped").check()
    assert notebook.module("l")["stop_after_all_iters_if"] == {"expr": "result.length == 2", "skip_if_stopped": True}
    page.get_by_role("button", name="Run all").click()
    notebook.expect_states(s="failed", l="|".join(DONE))
    expect(notebook.output("s")).to_contain_text("longer than its 1 s")
    notebook.expect_state("b", "never")


def test_retries_limits_and_waits_in_full(page: Page, product: Product) -> None:
    notebook = opened(page, product, python("a", FAILS), python("b", ONE))
    form = notebook.form("a", "Retry")
    notebook.type_into(form, "Attempts at growing waits", "2")
    notebook.type_into(form, "Multiplier of growing waits", "0.01")
    notebook.type_into(form, "Base seconds of growing waits", "2")
    notebook.type_into(form, "Per cent at random", "10")
    notebook.run("a")
    notebook.expect_state("a", "failed")
    assert attempts(page, notebook, "a") == 3
    form.get_by_label("only when a condition is true").check()
    notebook.type_into(form, "Retry if", 'error.name != "ValueError"')
    notebook.run("a")
    expect(notebook.state("a")).to_have_attribute("data-kind", "failed")
    page.wait_for_function("() => document.querySelectorAll('.nb-state[data-kind=running]').length === 0")
    assert attempts(page, notebook, "a") == 1

    form = notebook.form("a", "Concurrency limit")
    notebook.type_into(form, "At most at a time", "3")
    notebook.type_into(form, "Within, seconds", "60")
    notebook.type_into(form, "Counted by", "$args[customer]")
    form = notebook.form("a", "Wait for approval")
    form.get_by_label("wait for approval after this step").check()
    form.get_by_label("no button to deny").check()
    form.get_by_label("go on when denied or timed out").check()
    module = notebook.module("a")
    assert module["retry"] == {
        "exponential": {"attempts": 2, "multiplier": 0.01, "seconds": 2, "random_factor": 10},
        "retry_if": {"expr": 'error.name != "ValueError"'},
    }
    assert module["suspend"] == {"required_events": 1, "hide_cancel": True, "continue_on_disapprove_timeout": True}
    value = module["value"]
    assert (value["concurrent_limit"], value["concurrency_time_window_s"], value["custom_concurrency_key"]) == (
        3,
        60,
        "$args[customer]",
    )


def test_what_is_called_and_with_what(page: Page, product: Product) -> None:
    path, inner = "f/team/versioned", "f/team/given"
    with product.client() as client:
        body = {"path": path, "content": "def main(n: int):\n    return ['old', n]\n", "language": "python3"}
        old = client.post(f"{W}/scripts/create", json={**body, "summary": ""}).raise_for_status().text
        body["content"] = body["content"].replace("old", "new")
        client.post(f"{W}/scripts/create", json={**body, "summary": "", "parent_hash": old}).raise_for_status()
        called = flow_of(python("in", "def main(x):\n    return x\n", {"x": wire("flow_input")}))
        made = client.post(f"{W}/drafts", json={"flow": called}).raise_for_status().json()
        deploy = {"path": inner, "message": ""}
        client.post(f"{W}/drafts/{made['id']}/deploy", json=deploy).raise_for_status()
    schema = {"type": "object", "properties": {"n": {"type": "integer", "default": 7}}}
    script = {"id": "s", "value": {"type": "script", "path": path, "input_transforms": {"n": wire("1")}}}
    flow = {"id": "f", "value": {"type": "flow", "path": inner, "input_transforms": {}}}
    notebook = opened(page, product, script, flow, schema=schema)
    notebook.run("s")
    notebook.expect_state("s", *DONE)
    expect(notebook.output("s")).to_contain_text("new")
    notebook.type_into(notebook.form("s", "What is called"), "Pinned version", old)
    notebook.form("s", "Pass the flow's input on").get_by_label("the flow's input as it is").check()
    notebook.expect_state("s", "stale")
    notebook.run("s")
    notebook.expect_state("s", *DONE)
    expect(notebook.output("s")).to_contain_text("old")
    expect(notebook.output("s")).to_contain_text("7")

    form = notebook.form("f", "Pass the flow's input on")
    form.get_by_label("the flow's input as it is").check()
    form.get_by_label("let the called flow's preprocessor make the input").check()
    notebook.run("f")
    notebook.expect_state("f", *DONE)
    expect(notebook.output("f")).to_contain_text("n:7")  # no event has started this run

    notebook.type_into(notebook.form("s", "Worker tag"), "Worker tag", "gpu")
    notebook.form(None, "Step tags").get_by_role("checkbox").check()
    expect(notebook.chips("s").filter(has_text="on gpu")).to_have_count(1)
    module = notebook.module("s")
    assert module["value"]["hash"] == old and module["value"]["tag_override"] == "gpu"
    module = notebook.module("f")
    assert module["apply_preprocessor"] is True
    assert True in (module.get("pass_flow_input_directly"), module["value"].get("pass_flow_input_directly"))
    assert notebook.exported()["value"]["preserve_step_tags"] is True
