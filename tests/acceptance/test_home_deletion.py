"""Taking away what is on the home page: a draft, then the flow, whose callers and schedules are named before."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.axe import accessible_now
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import flow_of, python
from tests.acceptance.product import Product
from tests.acceptance.test_run_again import deployed

W = "/api/w/main"
GONE, CALLER, SCHEDULE = "u/admin/to_be_deleted", "u/admin/calls_the_deleted", "u/admin/starts_the_deleted"


def line(page: Page, title: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_text(title, exact=True))


def test_a_draft_and_then_its_flow_are_deleted(page: Page, product: Product) -> None:
    with product.client() as client:
        one = python("a", "def main():\n    return 1\n", {}, "One")
        deployed(client, GONE, flow_of(one, summary="Soon gone"))
        call = {"id": "c", "value": {"type": "flow", "path": GONE, "input_transforms": {}}}
        deployed(client, CALLER, flow_of(call, summary="Calls it"))
        body = {
            "path": SCHEDULE,
            "schedule": "0 0 3 * * *",
            "timezone": "UTC",
            "script_path": GONE,
            "is_flow": True,
            "args": {},
        }
        client.post(f"{W}/schedules/create", json={**body, "enabled": False}).raise_for_status()
        client.post(f"{W}/drafts", json={"flow": flow_of(one, summary="Only a draft")}).raise_for_status()

    page.goto("/")
    press(page, line(page, "Only a draft").get_by_role("button", name="Delete draft"))
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text("Delete this draft?")
    shoot(page, "home-delete-draft")
    press(page, question.get_by_role("button", name="Keep it"))
    expect(question).to_be_hidden()
    press(page, line(page, "Only a draft").get_by_role("button", name="Delete draft"))
    press(page, question.get_by_role("button", name="Delete"))
    expect(line(page, "Only a draft")).to_have_count(0)

    expect(line(page, "Soon gone").get_by_role("button", name="Delete flow")).to_be_visible()
    shoot(page, "home-list")
    line(page, "Soon gone").get_by_role("button", name="Delete flow").click()
    expect(question).to_contain_text("Delete this flow?")
    expect(question.get_by_role("listitem")).to_have_text([f"flow {CALLER}", f"schedule {SCHEDULE}"])
    accessible_now(page)
    shoot(page, "home-delete-flow")
    question.get_by_role("button", name="Delete").click()
    expect(line(page, "Soon gone")).to_have_count(0)
    with product.client() as client:
        assert client.get(f"{W}/flows/get/{GONE}").status_code == 404
        assert client.get(f"{W}/flows/get/{CALLER}").status_code == 200
        (noted,) = client.get(f"{W}/audit/list?operation=flow.delete&resource={GONE}").json()
        assert noted["address"] == "127.0.0.1", "what a page's event does comes from somewhere too"
