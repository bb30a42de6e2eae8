"""The dialog of a schedule: the form of what it runs, and handlers with a form of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import flow_of, python
from tests.acceptance.product import Product

FLOW, SCRIPT, PLAIN = "f/team/form_flow", "f/team/form_tell", "f/team/form_plain"
INPUTS = {
    "type": "object",
    "required": ["days", "note"],
    "order": ["days", "note"],
    "properties": {
        "days": {"type": "integer", "minimum": 1},
        "note": {"type": "string", "default": "as always"},
    },
}
TOLD = {"error": {"type": "object"}, "channel": {"type": "string"}}


@pytest.fixture(autouse=True)
def none_left(product: Product) -> Iterator[None]:
    """Other tests on this server begin without schedules."""
    yield
    with product.client() as client:
        for found in client.get("/api/w/main/schedules/list").raise_for_status().json():
            client.delete(f"/api/w/main/schedules/delete/{found['path']}").raise_for_status()


def _targets(product: Product) -> None:
    with product.client() as client:
        for path, schema in ((FLOW, INPUTS), (PLAIN, None)):
            flow = flow_of(python("a", "def main():\n    return 1\n", {}), schema=schema)
            made = client.post("/api/w/main/drafts", json={"flow": flow}).raise_for_status().json()
            deploy = {"path": path, "message": "first"}
            client.post(f"/api/w/main/drafts/{made['id']}/deploy", json=deploy).raise_for_status()
        script = {"path": SCRIPT, "language": "bash", "content": "echo 1", "summary": ""}
        schema = {"type": "object", "properties": TOLD, "required": ["error", "channel"]}
        client.post("/api/w/main/scripts/create", json={**script, "schema": schema}).raise_for_status()


def _stored(product: Product, path: str) -> Any:
    with product.client() as client:
        return client.get(f"/api/w/main/schedules/get/{path}").raise_for_status().json()


def test_a_schedule_is_given_arguments_and_handlers_in_forms(page: Page, product: Product) -> None:
    _targets(product)
    page.goto("/schedules")
    page.get_by_role("button", name="New schedule").click()
    dialog = page.get_by_role("dialog", name="New schedule")
    dialog.get_by_label("Path").fill("u/admin/form_daily")
    expect(dialog).to_contain_text("Choose what it runs, and its inputs stand here.")
    dialog.get_by_label("Runs").fill(f"flow {PLAIN}")
    expect(dialog).to_contain_text(f"The flow {PLAIN} takes no input.")
    dialog.get_by_label("Runs").fill(f"flow {FLOW}")
    days = dialog.get_by_label("days")
    expect(dialog.get_by_label("note")).to_have_value("as always")
    days.fill("0")
    dialog.get_by_text("Overlap, skipping and handlers").click()
    dialog.get_by_label("Skip a time while the one before has not ended").check()
    failed = dialog.get_by_role("group", name="After a failure")
    failed.get_by_label("After a failure").fill(f"script/{SCRIPT}")
    failed.get_by_label("channel").fill("#ops")
    expect(failed.get_by_label("error")).to_have_count(0)  # the server gives it
    failed.get_by_label("Failures in a row").fill("several")
    dialog.get_by_role("button", name="Save").click()
    expect(days).to_be_focused()
    expect(dialog.get_by_role("alert").filter(has_text="Must be 1 or more.")).to_be_visible()
    days.fill("7")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert").filter(has_text="is no number of runs")).to_be_visible()
    expect(failed.get_by_label("channel")).to_have_value("#ops")
    failed.get_by_label("Failures in a row").fill("3")
    shoot(page, "schedule-form")
    accessible(page, "[role=dialog]")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    stored = _stored(product, "u/admin/form_daily")
    assert stored["args"] == {"days": 7, "note": "as always"}
    assert (stored["on_failure"], stored["on_failure_times"]) == (f"script/{SCRIPT}", 3)
    assert stored["on_failure_extra_args"] == {"channel": "#ops"}
    assert stored["no_flow_overlap"] is True
    assert not {"on_recovery", "on_success", "dynamic_skip", "on_failure_exact"} & set(stored)


def test_a_stored_schedule_opens_in_its_forms_and_keeps_the_rest(page: Page, product: Product) -> None:
    with product.client() as client:
        if not client.get(f"/api/w/main/scripts/exists/p/{SCRIPT}").json():
            _targets(product)
        body = {
            "path": "u/admin/form_kept",
            "script_path": FLOW,
            "is_flow": True,
            "args": {"days": 2, "more": [1]},
            "schedule": "0 0 9 * * *",
            "timezone": "UTC",
            "tag": "big",
            "retry": {"constant": {"attempts": 1}},
            "on_recovery": SCRIPT,
            "on_recovery_extra_args": {"channel": "#up", "other": 1},
            "dynamic_skip": SCRIPT,
        }
        client.post("/api/w/main/schedules/create", json=body).raise_for_status()
    page.goto("/schedules")
    page.get_by_role("button", name="u/admin/form_kept", exact=True).click()
    dialog = page.get_by_role("dialog", name="Change schedule")
    expect(dialog.get_by_label("days")).to_have_value("2")
    expect(dialog.get_by_label("note")).to_have_value("")  # the default holds, and is not written down
    expect(dialog.get_by_label("Ask a script whether to go on")).to_have_value(SCRIPT)
    recovered = dialog.get_by_role("group", name="After a recovery")
    expect(recovered.get_by_label("channel")).to_have_value("#up")
    dialog.get_by_label("days").fill("3")
    dialog.get_by_label("Ask a script whether to go on").fill("")
    recovered.get_by_label("channel").fill("#down")
    shoot(page, "schedule-form-kept")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    stored = _stored(product, "u/admin/form_kept")
    assert stored["args"] == {"days": 3, "more": [1]}
    assert stored["on_recovery_extra_args"] == {"channel": "#down", "other": 1}
    assert (stored["tag"], stored["retry"]) == ("big", {"constant": {"attempts": 1}})
    assert "dynamic_skip" not in stored
