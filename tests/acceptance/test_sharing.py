"""A run and a flow are shown to somebody outside: by a link made on their page, on a phone without scripts, without any secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.axe import accessible_now
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.notebook_page import NotebookPage, flow_of, python, wire
from tests.acceptance.product import Product
from tests.acceptance.test_run_again import deployed, started

PATH = "f/sharing/quarter"
SECRET = "s3cret-of-the-team"
PIN = "typed-4711"
SCHEMA = {
    "type": "object",
    "required": ["region"],
    "properties": {
        "region": {"type": "string", "title": "Region"},
        "pin": {"type": "string", "format": "password", "title": "PIN of the bank"},
    },
    "order": ["region", "pin"],
}
ORDERS = """
def main(region: str, key: str, pin: str):
    print("asking the bank for", region)
    print("key", key, "and pin", pin)
    cities = ["Oslo", "Bergen", "Trondheim", "Stavanger", "Tromsø"]
    return [{"city": c, "orders": 40 * n + 7, "revenue": 1204.5 * n, "api_key": key} for n, c in enumerate(cities, 1)]
"""
REPORT = 'def main(rows: list):\n    return {"cities": len(rows), "best": rows[-1]["city"], "checked_with": rows[0]["api_key"]}\n'
BROKEN = "def main(rows: list):\n    raise ValueError(f\"The bank refused password={rows[0]['api_key']}\")\n"


@pytest.fixture
def phone(browser: Browser, product: Product, watch: Watch) -> Iterator[Page]:
    """Somebody else's phone: not signed in, and its scripts are switched off."""
    profile = browser.new_context(
        base_url=product.url, viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    watch.attach(profile)
    yield profile.new_page()
    profile.close()


def run_of(client: httpx.Client, last: str = REPORT, path: str = PATH) -> str:
    variable = {"path": "u/admin/bank_key", "value": SECRET, "is_secret": True, "description": ""}
    if not client.get("/api/w/main/variables/exists/u/admin/bank_key").json():
        assert client.post("/api/w/main/variables/create", json=variable).status_code == 201
    inputs = {
        "region": wire("flow_input.region"),
        "key": wire("variable('u/admin/bank_key')"),
        "pin": wire("flow_input.pin"),
    }
    orders = python("a", ORDERS, inputs, "Orders of the quarter")
    report = python("b", last, {"rows": wire("results.a")}, "Report")
    deployed(client, path, flow_of(orders, report, schema=SCHEMA, summary="Quarterly report"))
    return started(client, path, {"region": "North", "pin": PIN})


def test_a_link_is_made_opened_by_a_stranger_and_revoked(
    page: Page, phone: Page, product: Product, watch: Watch
) -> None:
    with product.client() as client:
        run = run_of(client)
    page.goto(f"/runs/{run}")
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share run")
    expect(dialog).to_contain_text("Nobody sees this run without signing in")
    dialog.get_by_label("1 day").check()
    dialog.get_by_label("Note").fill("for the auditors")
    dialog.get_by_label("Note").press("Enter")
    url = dialog.get_by_label("The link", exact=True).input_value()
    assert url.startswith(f"{product.url}/shared/fl_")
    expect(dialog.get_by_role("listitem")).to_contain_text("Not opened yet")
    shoot(page, "share-dialog")

    answer = phone.goto(url)
    assert answer is not None and answer.status == 200 and answer.headers["referrer-policy"] == "no-referrer"
    expect(phone.get_by_role("heading", level=1)).to_contain_text("Quarterly report")
    expect(phone.locator("#detail")).to_contain_text("North")
    texts = [phone.content()]
    shoot(phone, "shared-run")
    phone.get_by_role("link", name="Orders of the quarter").click()
    expect(phone.get_by_role("cell", name="Tromsø")).to_be_visible()
    expect(phone.locator("#detail")).to_contain_text("asking the bank for North")
    texts.append(phone.content())
    shoot(phone, "shared-step")
    for text in texts:
        assert SECRET not in text and PIN not in text and "•••••" in text

    page.reload()
    page.get_by_role("button", name="Share").click()
    expect(dialog.get_by_role("listitem")).to_contain_text("Opened 1 time")
    dialog.get_by_role("button", name="Revoke").click()
    expect(dialog).to_contain_text("Nobody sees this run without signing in")
    watch.expect_error("404")
    gone = phone.goto(url)
    assert gone is not None and gone.status == 404
    expect(phone.get_by_role("heading")).to_have_text("This link leads nowhere")
    shoot(phone, "shared-gone")


def fixed(value: Any) -> dict[str, Any]:
    return {"type": "static", "value": value}


def nested_flow(secret: str) -> dict[str, Any]:
    """A flow with a loop, branches in it, a failure handler, settings, and secrets where people put them."""
    load = python(
        "a", ORDERS, {"region": wire("flow_input.region"), "key": wire("variable('u/admin/bank_key')")}, "Orders"
    )
    load |= {"retry": {"constant": {"attempts": 3, "seconds": 5}}, "timeout": fixed(90)}
    code = f'def main(city: str, api_key: str):\n    old_key = "{secret}"\n    return {{"city": city, "ok": api_key != old_key}}\n'
    check = python(
        "d", code, {"city": wire("flow_input.iter.value.city"), "api_key": fixed(secret)}, "Ask the bank about the city"
    )
    branch = {
        "id": "c",
        "summary": "Only where there are many orders",
        "value": {
            "type": "branchone",
            "branches": [{"summary": "Many", "expr": "flow_input.iter.value.orders > 100", "modules": [check]}],
            "default": [python("e", "def main():\n    return None\n", {"db": fixed("$res:u/admin/bank")}, "Pass over")],
        },
    }
    loop = {
        "id": "b",
        "summary": "Each city",
        "value": {"type": "forloopflow", "iterator": wire("results.a"), "skip_failures": True, "modules": [branch]},
    }
    flow = flow_of(load, loop, schema=SCHEMA, summary="Quarterly report")
    flow["description"] = (
        "Asks the bank for the orders of a region,\nand checks each city that has many.\n\nRuns at night."
    )
    flow["value"] |= {"failure_module": python("failure", "def main(error):\n    print(error)\n", {}, "Tell the team")}
    return flow


def test_a_flow_is_shared_from_its_notebook_and_its_form(
    page: Page, phone: Page, product: Product, watch: Watch
) -> None:
    path = "f/sharing/flow"
    with product.client() as client:
        deployed(client, path, nested_flow("k-4711-0815"))
        draft = client.post(f"/api/w/main/flows/edit/{path}").json()["id"]
    page.goto(f"/run/{path}")
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share flow")
    expect(dialog).to_contain_text("Nobody sees this flow without signing in")
    dialog.get_by_label("Note").fill("for the auditors")
    dialog.get_by_label("Note").press("Enter")
    url = dialog.get_by_label("The link", exact=True).input_value()
    assert url.startswith(f"{product.url}/shared/fl_")
    expect(dialog.get_by_role("listitem")).to_contain_text("Not opened yet")
    shoot(page, "share-flow-dialog")

    answer = phone.goto(url)
    assert answer is not None and answer.status == 200
    expect(phone.get_by_role("heading", level=1)).to_have_text("Quarterly report")
    expect(phone.locator("main")).to_contain_text("Version 1, deployed")
    described = ["Asks the bank for the orders of a region, and checks each city that has many.", "Runs at night."]
    expect(phone.locator(".about")).to_have_text(described)
    cell = phone.get_by_role("region", name="Ask the bank about the city")
    expect(cell).to_contain_text("def main(city: str, api_key: str):")
    expect(cell).to_contain_text("flow_input.iter.value.city")
    branch = phone.get_by_role("group", name="Branch 1: Many of c")
    expect(branch).to_contain_text("flow_input.iter.value.orders > 100")
    expect(branch.get_by_role("region", name="Ask the bank about the city")).to_be_visible()
    expect(phone.get_by_role("region", name="a Orders")).to_contain_text("variable('u/admin/bank_key')")
    text = phone.content()
    assert "4711-0815" not in text and "$res:" not in text and "•••••" in text
    shoot(phone, "shared-flow")
    for width in (390, 1440):
        phone.set_viewport_size({"width": width, "height": 844})
        assert phone.evaluate("document.documentElement.scrollWidth") <= width
    with_scripts = phone.context.browser.new_page(base_url=product.url)  # type: ignore[union-attr] # there is one
    with_scripts.goto(url)
    accessible_now(with_scripts)
    with_scripts.close()

    page.goto(f"/flows/{draft}")
    NotebookPage(page).loaded()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Share").click()
    expect(dialog.get_by_role("listitem")).to_contain_text("Opened")
    dialog.get_by_role("button", name="Revoke").click()
    expect(dialog).to_contain_text("Nobody sees this flow without signing in")
    watch.expect_error("404")
    gone = phone.goto(url)
    assert gone is not None and gone.status == 404


def test_an_error_is_shown_without_its_secrets(phone: Page, product: Product) -> None:
    with product.client() as client:
        run = run_of(client, BROKEN, "f/sharing/broken")
        path = client.post(f"/api/w/main/runs/{run}/links", json={}).json()["path"]
    phone.goto(f"{path}?step=b")
    expect(phone.locator("#detail")).to_contain_text("The bank refused password=•••••")
    phone.get_by_text("Where it happened").click()
    assert SECRET not in phone.content() and PIN not in phone.content()
    shoot(phone, "shared-failed")
    for width in (390, 1440):
        phone.set_viewport_size({"width": width, "height": 844})
        assert phone.evaluate("document.documentElement.scrollWidth") <= width
