"""The dialog of a schedule: the form of what it runs, and handlers with a form of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press, replace_text, tab_to
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


def test_typed_text_is_not_thrown_away_unasked(page: Page) -> None:
    for where, noun in (("/schedules", "schedule"), ("/resources", "resource")):
        page.goto(where)
        page.get_by_role("button", name=f"New {noun}").click()
        dialog = page.get_by_role("dialog", name=f"New {noun}")
        expect(dialog.get_by_label("Path")).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)  # nothing was typed
        page.get_by_role("button", name=f"New {noun}").click()
        dialog.get_by_label("Path").fill("u/admin/typed")
        page.keyboard.press("Escape")
        question = dialog.get_by_role("alertdialog", name="Discard what you typed?")
        keep = question.get_by_role("button", name="Keep editing")
        expect(keep).to_be_focused()
        shoot(page, f"{noun}-discard")
        accessible(page, "[role=dialog]")
        page.keyboard.press("Escape")
        expect(question).to_have_count(0)
        expect(dialog.get_by_label("Path")).to_be_focused()
        page.mouse.click(3, 300)
        expect(keep).to_be_focused()
        page.keyboard.press("Enter")
        expect(dialog.get_by_label("Path")).to_have_value("u/admin/typed")
        page.keyboard.press("Escape")
        question.get_by_role("button", name="Discard").click()
        expect(dialog).to_have_count(0)
        page.get_by_role("button", name=f"New {noun}").click()
        expect(dialog.get_by_label("Path")).to_have_value("u/admin/")
        dialog.get_by_label("Path").fill("u/admin/typed")
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0)


@pytest.mark.parametrize("timezone", ["Asia/Kolkata"])
def test_a_schedule_is_made_by_keyboard_alone(page: Page, product: Product, timezone: str) -> None:
    with product.client() as client:
        if not client.get(f"/api/w/main/scripts/exists/p/{SCRIPT}").json():
            _targets(product)
    page.goto("/schedules")
    press(page, page.get_by_role("button", name="New schedule"))
    dialog = page.get_by_role("dialog", name="New schedule")
    tab_to(page, dialog.get_by_label("Path"))
    replace_text(page, "u/admin/by_keys")
    tab_to(page, dialog.get_by_label("When (cron)"))
    replace_text(page, "0 15 7 * * 1-5")
    tab_to(page, dialog.get_by_label("Time zone"))
    replace_text(page, "Europe/Paris")
    expect(dialog).to_contain_text("07:15")
    tab_to(page, dialog.get_by_label("Runs"))
    page.keyboard.type(f"flow {FLOW}")
    tab_to(page, dialog.get_by_label("days"))
    page.keyboard.type("5")
    press(page, dialog.get_by_text("Pause, retries and tag"))
    tab_to(page, dialog.get_by_label("Paused until"))
    dialog.get_by_label("Paused until").fill("2031-02-03T04:05")
    tab_to(page, dialog.get_by_label("Retries after a failure"))
    page.keyboard.type("2")
    tab_to(page, dialog.get_by_label("Seconds before each"))
    page.keyboard.type("30")
    tab_to(page, dialog.get_by_label("Tag"))
    page.keyboard.type("big")
    shoot(page, "schedule-later")
    accessible(page, "[role=dialog]")
    expect(dialog.get_by_label("Paused until")).to_have_attribute("max", "9999-12-31T23:59")  # no years of 5 digits
    tab_to(page, dialog.get_by_label("Summary"))
    page.keyboard.type("On weekdays")
    press(page, dialog.get_by_role("button", name="Save"))
    expect(dialog).to_have_count(0)
    stored = _stored(product, "u/admin/by_keys")
    assert (stored["schedule"], stored["timezone"], stored["args"]["days"]) == ("0 15 7 * * 1-5", "Europe/Paris", 5)
    assert (stored["retry"], stored["tag"]) == ({"constant": {"attempts": 2, "seconds": 30}}, "big")
    assert stored["paused_until"] == "2031-02-02T22:35:00.000Z"
    # opened again it says the same, and saved unchanged it stays as it is
    row = page.get_by_role("button", name="u/admin/by_keys", exact=True)
    press(page, row)
    dialog = page.get_by_role("dialog", name="Change schedule")
    expect(dialog.get_by_label("Paused until")).to_have_value("2031-02-03T04:05")
    expect(dialog.get_by_label("Retries after a failure")).to_have_value("2")
    press(page, dialog.get_by_role("button", name="Save"))
    expect(dialog).to_have_count(0)
    again = _stored(product, "u/admin/by_keys")
    assert {name: again[name] for name in ("paused_until", "retry", "tag")} == {
        name: stored[name] for name in ("paused_until", "retry", "tag")
    }
    accessible(page)


def test_a_year_of_more_digits_leaves_the_form_as_it_is(page: Page) -> None:
    page.goto("/schedules")
    page.get_by_role("button", name="New schedule").click()
    dialog = page.get_by_role("dialog", name="New schedule")
    dialog.get_by_text("Pause, retries and tag").click()
    paused = dialog.get_by_label("Paused until")
    paused.fill("2031-02-03T04:05")
    # as a browser does that has no way to bound the digits
    paused.evaluate(
        """(field) => {
            Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, "99999-01-01T00:00");
            field.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    expect(paused).to_have_value("99999-01-01T00:00")
    dialog.get_by_label("Tag").fill("big")
    expect(dialog.get_by_label("Tag")).to_have_value("big")
    expect(dialog.get_by_label("Paused until")).to_have_value("99999-01-01T00:00")
