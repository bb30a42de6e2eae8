"""What waits for somebody: the inbox and its number, the page a click away, votes in other hands, and every state of the page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.axe import accessible_now
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.notebook_page import open_flow
from tests.acceptance.product import Product
from tests.acceptance.test_approvals import FORM, asking, result, urls, wait_for

PASSWORD = "a long password"


@dataclass
class Member:
    """Somebody with a password, and a group of their own."""

    name: str
    group: str
    page: Page


@pytest.fixture
def member(browser: Browser, product: Product, watch: Watch) -> Iterator[Callable[[str], Member]]:
    """Makes members, signed in each in a browser of their own."""
    contexts = []

    def make(role: str = "operator") -> Member:
        name = f"m{uuid.uuid4().hex[:8]}"
        email = f"{name}@example.org"
        with product.client() as client:
            made = client.post("/api/users/create", json={"email": email, "password": PASSWORD, "username": name})
            made.raise_for_status()
            member = {"email": email, "username": name, "is_admin": False, "operator": role == "operator"}
            client.post("/api/w/main/workspaces/add_user", json=member).raise_for_status()
            client.post("/api/w/main/groups/create", json={"name": f"of_{name}"}).raise_for_status()
            client.post(f"/api/w/main/groups/adduser/of_{name}", json={"username": name}).raise_for_status()
        context = browser.new_context(base_url=product.url, viewport={"width": 1440, "height": 900})
        context.set_default_timeout(15_000)
        contexts.append(context)
        watch.attach(context)
        page = context.new_page()
        page.goto("/signin")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(lambda url: "/signin" not in url)
        return Member(name, f"of_{name}", page)

    yield make
    for context in contexts:
        context.close()


def deployed(client: httpx.Client, flow: dict[str, Any]) -> str:
    """A run of a deployed flow that waits; others may read it."""
    path = f"f/pay/{uuid.uuid4().hex[:8]}"
    flow = {**flow, "summary": "Payout", "schema": {"type": "object", "properties": {"month": {"type": "string"}}}}
    made = client.post("/api/w/main/flows/create", json={"path": path, **flow})
    assert made.status_code == 201, made.text
    run = client.post(f"/api/w/main/jobs/run/f/{path}", json={"month": "11"}).text.strip()
    wait_for(client, run, "open", "timed_out")
    return run


def only(group: str, **more: Any) -> dict[str, Any]:
    return {"user_groups_required": {"type": "static", "value": [group]}, **more}


def test_the_inbox_follows_what_happens_and_leads_to_the_page(
    product: Product, page: Page, member: Callable[[], Member]
) -> None:
    mia = member()
    inbox = mia.page
    inbox.goto("/approvals")
    expect(inbox.get_by_text("Nothing waits for you")).to_be_visible()
    rail = inbox.get_by_role("navigation", name="Main").get_by_role("link", name="Approvals")
    expect(rail.locator(".rail-count")).to_have_count(0)
    shoot(inbox, "inbox-empty")
    with product.client() as client:
        run = deployed(client, asking(FORM, **only(mia.group, required_events=2, timeout=88_000)))
        expect(rail.locator(".rail-count")).to_contain_text("1")
        row = inbox.get_by_role("link", name="Release the payout?")
        expect(row).to_contain_text("0 of 2 approvals")
        expect(row).to_contain_text("1 d 0 h left")
        for number in range(3):
            long = asking(**only(mia.group, timeout=[59, 7200, 260_000][number]))
            long["value"]["modules"][0]["summary"] = f"{number}: " + "a question of many words " * (1 + 8 * number)
            deployed(client, long)
        expect(rail.locator(".rail-count")).to_contain_text("4")
        shoot(inbox, "inbox")
        accessible_now(inbox)
        row.focus()
        inbox.keyboard.press("Enter")
        expect(inbox.get_by_role("heading", name="Release the payout?")).to_be_visible()
        wait_for(client, run, "open")
        inbox.get_by_label("Cost centre").select_option(label="4711 Payouts")
        inbox.get_by_label("Comment").fill("ok for EU")
        inbox.get_by_role("button", name="Approve").click()
        expect(inbox.get_by_role("status")).to_contain_text("You approved")
        inbox.get_by_role("link", name="All approvals").click()
        answered = inbox.get_by_role("region", name="Answered by you")
        expect(answered.get_by_role("link", name="Release the payout?")).to_contain_text("Waits for others")
        shoot(inbox, "inbox-answered")
        answered.get_by_role("link", name="Release the payout?").click()
        expect(inbox.get_by_role("group", name="Release the payout?")).to_contain_text("Your answer is noted")
        shoot(inbox, "run-answered")


def test_a_vote_in_other_hands(product: Product, page: Page, member: Callable[[], Member]) -> None:
    mia, leo = member(), member()
    with product.client() as client:
        run = deployed(client, asking(**only(mia.group, **{"x-flowapp": {"delegation": True}})))
        mia.page.goto("/approvals")
        mia.page.get_by_role("link", name="Release the payout?").click()
        mia.page.get_by_text("Hand my vote to somebody else").click()
        shoot(mia.page, "approval-page-hand-on")
        mia.page.get_by_label("Member").fill(leo.name)
        mia.page.get_by_role("button", name="Hand on").click()
        expect(mia.page.get_by_role("status")).to_contain_text(f"You handed your vote to {leo.name}")
        expect(mia.page.get_by_role("button", name="Approve")).to_have_count(0)
        shoot(mia.page, "approval-page-handed-on")
        leo.page.goto(f"/runs/{run}")
        request = leo.page.get_by_role("group", name="Release the payout?")
        expect(request).to_contain_text(f"{mia.name} handed their vote to {leo.name}")
        shoot(leo.page, "run-waiting-for-delegate")
        mia.page.goto(f"/runs/{run}")
        mia.page.get_by_role("button", name="Take my vote back").click()
        expect(request).to_contain_text("This request is for members of")
        mine = mia.page.get_by_role("group", name="Release the payout?")
        mine.get_by_text("Hand my vote to somebody else").click()
        mine.get_by_label("Member").fill(leo.name)
        shoot(mia.page, "run-hand-on")
        mine.get_by_role("button", name="Hand on").click()
        request.get_by_role("button", name="Approve").click()
        expect(leo.page.locator(".approval-closed")).to_contain_text("Approved")
        assert result(client, run) == {}


def test_every_state_of_the_page(product: Product, stranger: Page, member: Callable[[], Member], watch: Watch) -> None:
    watch.expect_error("422")
    mia, leo = member(), member()
    with product.client() as client:
        form = {
            "type": "object",
            "required": ["centre", "note"],
            "properties": {
                **FORM["properties"],
                "urgent": {"type": "boolean", "title": "Urgent"},
                "regions": {"type": "array", "title": "Regions", "items": {"enum": ["EMEA", "APAC"]}},
                "note": {"type": "string", "title": "Note", "description": "For the books"},
                "day": {"type": "string", "format": "date", "title": "Day"},
                "pin": {"type": "string", "title": "PIN", "password": True},
            },
        }
        extras = {"comment_on_deny": True, "remind_after": 1, "escalate_after": 1.5, "escalate_to": [f"u/{leo.name}"]}
        run = deployed(client, asking(form, required_events=2, timeout=83_000, **{"x-flowapp": extras}))
        links = [urls(client, run, number, f"{name}@example.org") for number, name in enumerate(("leo", "mia"), 1)]
        first = httpx.post(
            f"{product.url}{httpx.URL(links[0]['resume']).raw_path.decode()}",
            json={"centre": "4712 Fees", "note": "n", "comment": "ok for EU"},
        )
        assert first.status_code == 201, first.text
        stranger.goto(links[1]["approvalPage"])
        expect(stranger.locator("main")).to_contain_text("1 of 2 approvals")
        for _ in range(100):  # the reminder and the escalation come by themselves
            if "may answer too" in stranger.locator("main").inner_text():
                break
            stranger.wait_for_timeout(100)
            stranger.reload()
        expect(stranger.locator("main")).to_contain_text(f"{leo.name} may answer too")
        shoot(stranger, "approval-page-open")
        accessible_now(stranger)
        stranger.get_by_label("Note").fill("kept")
        stranger.get_by_role("button", name="Deny").click()
        expect(stranger.get_by_text("This step wants a reason with a denial.")).to_be_visible()
        expect(stranger.get_by_label("Note")).to_have_value("kept")
        expect(stranger.get_by_label("Comment")).to_be_focused()
        shoot(stranger, "approval-page-reason")
        client.post(f"/api/w/main/jobs_u/queue/cancel/{run}", json={})
        wait_for(client, run, "canceled")
        stranger.goto(links[1]["approvalPage"])
        expect(stranger.get_by_role("status")).to_contain_text("The run was cancelled by admin")
        shoot(stranger, "approval-page-cancelled")
        locked = deployed(client, asking(FORM, **only(mia.group)))
        link = urls(client, locked)["approvalPage"]
        stranger.goto(link)
        expect(stranger.get_by_role("status")).to_contain_text("Sign in first")
        shoot(stranger, "approval-page-sign-in")
        leo.page.goto(link)
        expect(leo.page.get_by_role("status")).to_contain_text("Not for you to answer")
        shoot(leo.page, "approval-page-not-for-you")


def test_the_settings_of_the_step(product: Product, page: Page) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, asking())
        form = notebook.form("a", "Wait for approval")
        form.get_by_label("a denial needs a comment").check()
        notebook.type_into(form, "Remind after, seconds", "3600")
        notebook.type_into(form, "Ask others after, seconds", "7200")
        expect(form.get_by_text("Name members and groups.")).to_be_visible()
        notebook.type_into(form, "Others who may then approve", "g/leads, u/admin")
        notebook.type_into(form, "Messages", '[{"resource": "f/ops/mail", "to": ["g/all"]}]')
        notebook.settled()
        shoot(page, "approval-settings")
        assert notebook.module("a")["suspend"]["x-flowapp"] == {
            "comment_on_deny": True,
            "remind_after": 3600,
            "escalate_after": 7200,
            "escalate_to": ["g/leads", "u/admin"],
            "messages": [{"resource": "f/ops/mail", "to": ["g/all"]}],
        }
        form.get_by_label("a denial needs a comment").uncheck()
        notebook.settled()
        assert "comment_on_deny" not in notebook.module("a")["suspend"]["x-flowapp"]


def test_admins_say_whom_the_workspace_tells(
    product: Product, page: Page, member: Callable[[], Member], watch: Watch
) -> None:
    watch.expect_error("400")
    page.goto("/approvals")
    page.get_by_text("Whom this workspace tells of requests").click()
    page.get_by_role("button", name="Add").click()
    page.get_by_label("Resource").fill("nonsense")
    page.get_by_label("To", exact=True).fill("g/all, leo@example.org")
    with page.expect_response("**/edit_approval_messages") as refused:
        page.get_by_role("button", name="Save").click()
    assert refused.value.status == 400
    expect(page.get_by_role("alert")).to_contain_text("'nonsense' is not the path of a resource")
    page.get_by_label("Resource").fill("f/ops/mail")
    shoot(page, "inbox-messages")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. New requests are told so.")).to_be_visible()
    with product.client() as client:
        setting = client.get("/api/w/main/workspaces/get_approval_messages").json()
        assert setting["messages"] == [{"resource": "f/ops/mail", "to": ["g/all", "leo@example.org"]}]
        run = deployed(client, asking())
        page.goto(f"/runs/{run}")
        expect(page.get_by_role("group", name="Release the payout?")).to_contain_text("may use no resource f/ops/mail")
        shoot(page, "run-not-sent")
        page.goto("/approvals")
        page.get_by_text("Whom this workspace tells of requests").click()
        page.get_by_role("button", name="Remove message 1").click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved. Nobody is told.")).to_be_visible()
        assert client.get("/api/w/main/workspaces/get_approval_messages").json()["messages"] == []
    other = member().page
    other.goto("/approvals")
    expect(other.get_by_role("heading", name="Waiting for you")).to_be_visible()
    expect(other.get_by_text("Whom this workspace tells")).to_have_count(0)
