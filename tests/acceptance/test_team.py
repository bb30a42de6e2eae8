"""Two people in one notebook, or each in a draft of one flow: comments on its cells, who is here, and who is typing where."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product

PASSWORD = "a long password"
LOAD = "def main(days: int = 7):\n    return [{'city': 'Oslo', 'rows': days}]\n"
SEND = "def main(rows: list):\n    return len(rows)\n"
LONG = "This is long. " * 60 + "\n<b>and plain</b> " + "x" * 300


@dataclass(frozen=True)
class Colleague:
    """Another admin of the workspace, signed in with a browser of their own."""

    username: str
    name: str
    page: Page


def account(client: httpx.Client, username: str, name: str) -> str:
    """Make another admin; their email."""
    email = f"{username}@example.org"
    made = {"email": email, "password": PASSWORD, "username": username, "name": name}
    client.post("/api/users/create", json=made).raise_for_status()
    member = {"email": email, "username": username, "is_admin": True}
    client.post("/api/w/main/workspaces/add_user", json=member).raise_for_status()
    return email


@pytest.fixture
def ada(browser: Browser, product: Product, watch: Watch) -> Iterator[Colleague]:
    """Ada Byron."""
    username = f"ada_{uuid.uuid4().hex[:6]}"
    name = "Ada Byron"
    with product.client() as client:
        email = account(client, username, name)
    profile = browser.new_context(base_url=product.url, viewport={"width": 1440, "height": 900})
    profile.set_default_timeout(15_000)
    watch.attach(profile)
    page = profile.new_page()
    page.goto("/signin")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/signin" not in url)
    yield Colleague(username, name, page)
    profile.close()


def opened(page: Page, product: Product) -> NotebookPage:
    """Two cells."""
    with product.client() as client:
        flow = flow_of(python("a", LOAD, {}, "Load the orders"), python("b", SEND, {"rows": wire("results.a")}, "Send"))
        return open_flow(page, client, flow)


def beside(notebook: NotebookPage, colleague: Colleague) -> NotebookPage:
    """The same notebook in the colleague's browser."""
    colleague.page.goto(f"/flows/{notebook.draft_id}")
    return NotebookPage(colleague.page).loaded()


def mark(notebook: NotebookPage, step: str) -> Locator:
    """The button at a cell's head that says how much was said about it."""
    return notebook.cell(step).locator("> .nb-hd .nb-comment-button")


def test_a_comment_is_written_answered_and_resolved_by_two_people(page: Page, product: Product, ada: Colleague) -> None:
    notebook = opened(page, product)
    hers = beside(notebook, ada)
    notebook.cell("a").hover()
    mark(notebook, "a").click()
    panel = page.get_by_role("dialog", name="Comments on a")
    expect(panel.get_by_label("Comment on a")).to_be_focused()
    page.keyboard.insert_text(LONG)
    panel.get_by_role("button", name="Comment", exact=True).click()
    expect(panel.get_by_role("article")).to_contain_text("<b>and plain</b>")
    expect(panel.get_by_label("Comment on a")).to_have_value("")
    panel.get_by_role("button", name="Show all").click()
    expect(panel.get_by_role("button", name="Show less")).to_be_visible()

    expect(mark(hers, "a")).to_have_accessible_name("1 open comment on a")
    mark(hers, "a").click()
    at_hers = ada.page.get_by_role("dialog", name="Comments on a")
    at_hers.get_by_role("button", name="Reply").click()
    ada.page.keyboard.type("Seven days, as always.")
    ada.page.keyboard.press("Control+Enter")
    expect(panel.get_by_role("article")).to_contain_text("Seven days, as always.")
    expect(panel.get_by_role("article")).to_contain_text("Ada Byron")
    shoot(page, "comments-panel")
    accessible(page, ".nb-comments-pop")
    expect(
        panel.get_by_role("button", name="More for the comment of Ada Byron")
    ).to_be_visible()  # an admin may delete it

    at_hers.get_by_role("button", name="More for the comment of Ada Byron").click()
    ada.page.get_by_role("menuitem", name="Edit").click()
    at_hers.get_by_label("Other words").fill("Seven days, since May.")
    at_hers.get_by_role("button", name="Save").click()
    expect(panel.get_by_role("article")).to_contain_text("since May")
    expect(panel.get_by_role("article")).to_contain_text("edited")

    panel.get_by_role("button", name="Resolve").click()
    expect(mark(hers, "a")).to_have_accessible_name("Comment on a")
    at_hers.get_by_text("1 resolved").click()
    expect(at_hers.get_by_role("article")).to_contain_text("Resolved by admin")
    at_hers.get_by_role("button", name="Reopen").click()
    expect(mark(notebook, "a")).to_have_accessible_name("1 open comment on a")


def test_comments_by_keyboard_and_what_is_not_sent_is_kept(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("b")
    page.keyboard.press("h")
    panel = page.get_by_role("dialog", name="Comments on b")
    expect(panel.get_by_label("Comment on b")).to_be_focused()
    page.keyboard.type("Is this right")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(notebook.cell("b")).to_be_focused()
    page.keyboard.press("h")
    expect(panel.get_by_label("Comment on b")).to_have_value("Is this right")
    page.keyboard.type("?")
    page.keyboard.press("Control+Enter")
    expect(panel.get_by_role("article")).to_contain_text("Is this right?")
    press(page, panel.get_by_role("button", name="Resolve"), back=True)
    expect(panel.get_by_text("1 resolved")).to_be_visible()
    page.keyboard.press("Escape")

    notebook.select("a")
    page.keyboard.press("h")
    page.keyboard.type("And this one?")
    page.keyboard.press("Control+Enter")
    expect(mark(notebook, "a")).to_have_accessible_name("1 open comment on a")
    page.keyboard.press("Escape")
    page.keyboard.press("H")
    side = page.get_by_role("complementary", name="Side panel")
    expect(side.get_by_role("tab", name="Comments")).to_have_attribute("aria-selected", "true")
    expect(side.get_by_role("region", name="Comments on a")).to_contain_text("And this one?")
    shoot(page, "comments-list")
    press(page, side.get_by_role("region", name="Comments on a").get_by_role("button", name="a Load the orders"))
    expect(notebook.cell("a")).to_be_focused()


def test_comments_come_back_with_their_cell(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("b")
    page.keyboard.press("h")
    page.keyboard.type("about b")
    page.keyboard.press("Control+Enter")
    expect(mark(notebook, "b")).to_have_accessible_name("1 open comment on b")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(notebook.cell("b")).to_have_count(0)
    side = page.get_by_role("complementary", name="Side panel")
    page.keyboard.press("H")
    expect(side.get_by_text("No open comments")).to_be_visible()
    expect(side.get_by_role("tab", name="Comments")).to_have_text("Comments")  # without a count
    page.keyboard.press("Escape")
    notebook.settled()
    page.keyboard.press("z")
    expect(mark(notebook, "b")).to_have_accessible_name("1 open comment on b")


def people(notebook: NotebookPage) -> Locator:
    """Who else is here, in the bar."""
    return notebook.page.get_by_role("group", name="Also here")


def code(notebook: NotebookPage, step: str) -> Locator:
    """The text of a cell as it stands in its editor."""
    return notebook.cell(step).locator("> .nb-code-wrap .view-lines")


def typing_in(notebook: NotebookPage, step: str, name: str) -> Locator:
    """The word over a text that somebody is typing in it."""
    return notebook.page.get_by_role("group", name=f"{name} is typing in {step}")


def test_who_is_here_and_in_which_cell(page: Page, product: Product, ada: Colleague) -> None:
    notebook = opened(page, product)
    expect(people(notebook)).to_have_count(0)
    hers = beside(notebook, ada)
    expect(people(notebook)).to_have_accessible_name("Also here: Ada Byron")
    expect(people(hers)).to_have_accessible_name("Also here: admin")
    hers.select("b")
    expect(people(notebook)).to_have_accessible_name("Also here: Ada Byron, in b")
    expect(notebook.cell("b").locator("> .nb-hd .nb-here")).to_have_attribute("title", "Ada Byron is in this cell")
    hers.select("a")
    expect(notebook.cell("a").locator("> .nb-hd .nb-here")).to_be_visible()
    expect(notebook.cell("b").locator("> .nb-hd .nb-here")).to_have_count(0)
    shoot(page, "team-here")
    accessible(page, ".nb-people")
    accessible(page, ".nb-here")
    ada.page.goto("about:blank")
    expect(people(notebook)).to_have_count(0)
    expect(notebook.cell("a").locator("> .nb-hd .nb-here")).to_have_count(0)


def test_of_many_people_a_few_are_shown(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    names = ["Ann Lee", "Ben Okafor", "Cleo Marchetti-Vandenberghe", "Dora Kim", "Eva Lindqvist"]
    beat = {"client": "page", "cell": notebook.cell("b").get_attribute("data-cell")}
    where = f"/api/w/main/drafts/{notebook.draft_id}/presence"
    with product.client() as client, httpx.Client(base_url=product.url) as others:
        emails = [account(client, f"p{number}_{uuid.uuid4().hex[:6]}", name) for number, name in enumerate(names)]
        signed = [others.post("/api/auth/login", json={"email": email, "password": PASSWORD}).text for email in emails]
        for token in signed:
            others.post(where, json=beat, headers={"authorization": f"Bearer {token}"}).raise_for_status()
    expect(people(notebook)).to_have_accessible_name(f"Also here: {'; '.join(f'{name}, in b' for name in names)}")
    expect(people(notebook)).to_have_text("ALBOCV+2")
    expect(notebook.cell("b").locator("> .nb-hd .nb-here")).to_contain_text("+2")
    shoot(page, "team-many")
    # they say nothing more, and are gone
    expect(people(notebook)).to_have_count(0, timeout=20_000)


def test_a_text_is_held_taken_over_and_free_again(page: Page, product: Product, ada: Colleague) -> None:
    notebook = opened(page, product)
    hers = beside(notebook, ada)
    expect(people(hers)).to_be_visible()
    expect(people(notebook)).to_be_visible()
    hers.into_code("a")
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.type("# by ada")
    held = typing_in(notebook, "a", "Ada Byron")
    expect(held).to_contain_text("Ada Byron is typing here")
    hers.settled()
    expect(code(notebook, "a")).to_contain_text("by ada")

    # her text cannot be typed into, and Tab leads out of it to the button
    notebook.into_code("a")
    ada.page.keyboard.type(" still")
    page.keyboard.type("zzz")
    expect(code(notebook, "a")).not_to_contain_text("zzz")
    shoot(page, "team-typing")
    ada.page.keyboard.type(" here")
    press(page, held.get_by_role("button", name="Take over"))
    expect(typing_in(notebook, "a", "Ada Byron")).to_have_count(0)
    expect(notebook.cell("a").locator(".monaco-editor.focused")).to_be_visible()
    expect(code(notebook, "a")).to_contain_text("still here")  # her last words arrive first
    page.keyboard.press("Control+End")
    page.keyboard.type("# by admin")

    # she is told, what she typed is saved, and she has the same choice
    told = typing_in(hers, "a", "admin")
    expect(told).to_contain_text("took over. Your text is kept.")
    ada.page.keyboard.type("yyy")
    shoot(ada.page, "team-taken-over")
    notebook.settled()
    expect(code(hers, "a")).to_contain_text("by admin")
    text = notebook.module("a")["value"]["content"]
    assert "# by ada still here" in text and "# by admin" in text and "yyy" not in text

    # nobody types any more: it is free without asking
    expect(told).to_have_count(0, timeout=20_000)
    hers.into_code("a")
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.type(" and ada again")
    hers.settled()
    expect(code(notebook, "a")).to_contain_text("and ada again")


def test_who_leaves_holds_nothing(page: Page, product: Product, ada: Colleague) -> None:
    notebook = opened(page, product)
    hers = beside(notebook, ada)
    expect(people(hers)).to_be_visible()
    hers.into_code("b")
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.type("# left alone")
    expect(typing_in(notebook, "b", "Ada Byron")).to_be_visible()
    ada.page.close()
    expect(typing_in(notebook, "b", "Ada Byron")).to_have_count(0)
    notebook.into_code("b")
    page.keyboard.press("Control+End")
    page.keyboard.type(" no more")
    notebook.settled()
    assert "# left alone no more" in notebook.module("b")["value"]["content"]


def test_the_focus_comes_back_to_a_cell_that_was_selected_just_before(page: Page, product: Product) -> None:
    notebook = opened(page, product)
    notebook.select("a")
    # within one frame, as fast keys come
    page.evaluate(
        """() => ["j", "h"].forEach((key) => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key, code: `Key${key.toUpperCase()}`, bubbles: true, cancelable: true })))"""
    )
    expect(page.get_by_role("dialog", name="Comments on b").get_by_label("Comment on b")).to_be_focused()
    page.keyboard.press("Escape")
    expect(notebook.cell("b")).to_be_focused()


@pytest.fixture
def shared_path(product: Product) -> str:
    """A path of the team's for a flow."""
    return f"f/team/{uuid.uuid4().hex[:8]}"


def two_drafts(page: Page, product: Product, ada: Colleague, path: str) -> tuple[NotebookPage, NotebookPage]:
    """A deployed flow of two cells: the draft that it was deployed from, and Ada's own, each in a browser."""
    with product.client() as client:
        flow = flow_of(python("a", LOAD, {}, "Load the orders"), python("b", SEND, {"rows": wire("results.a")}, "Send"))
        made = client.post("/api/w/main/drafts", json={"flow": flow, "path": path}).raise_for_status().json()
        client.post(f"/api/w/main/drafts/{made['id']}/deploy", json={}).raise_for_status()
    page.goto(f"/flows/{made['id']}")
    hers = ada.page.request.post(f"/api/w/main/flows/edit/{path}", headers={"origin": product.url}).json()["id"]
    assert hers != made["id"]
    ada.page.goto(f"/flows/{hers}")
    return NotebookPage(page).loaded(), NotebookPage(ada.page).loaded()


def in_other_drafts(notebook: NotebookPage) -> Locator:
    """Who has another draft of the flow open, in the bar."""
    return notebook.page.get_by_role("group", name="In other drafts of this flow")


def hint(notebook: NotebookPage) -> Locator:
    """The word in a cell that somebody changes it in another draft."""
    return notebook.page.get_by_role("group", name="Ada Byron is changing this cell in another draft")


def test_who_is_in_another_draft_of_the_flow(page: Page, product: Product, ada: Colleague, shared_path: str) -> None:
    notebook, hers = two_drafts(page, product, ada, shared_path)
    expect(in_other_drafts(hers)).to_have_accessible_name("In other drafts of this flow: admin")
    hers.select("b")
    expect(in_other_drafts(notebook)).to_have_accessible_name("In other drafts of this flow: Ada Byron, in b")
    at_b = notebook.cell("b").locator("> .nb-hd .nb-here")
    expect(at_b).to_have_attribute("title", "Ada Byron is in this cell in another draft")
    expect(people(notebook)).to_have_count(0)  # nobody else is in this very draft
    ada.page.goto("about:blank")
    expect(in_other_drafts(notebook)).to_have_count(0)
    expect(at_b).to_have_count(0)


def test_a_cell_that_is_changed_elsewhere_says_so_and_keeps_nobody_from_typing(
    page: Page, product: Product, ada: Colleague, shared_path: str
) -> None:
    notebook, hers = two_drafts(page, product, ada, shared_path)
    expect(in_other_drafts(hers)).to_be_visible()
    hers.into_code("a")
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.type("# hers")
    expect(in_other_drafts(notebook)).to_have_accessible_name("In other drafts of this flow: Ada Byron, changing a")
    expect(hint(notebook)).to_have_count(0)  # it is said in the cell that one is in
    notebook.select("a")
    ada.page.keyboard.type(" still")
    expect(hint(notebook)).to_be_visible()
    expect(code(notebook, "a")).not_to_contain_text("hers")
    shoot(page, "team-hint")
    accessible(page, ".nb-lock")
    accessible(page, ".nb-people")
    accessible(page, ".nb-here")
    ada.page.keyboard.type(" typing")
    press(page, hint(notebook).get_by_role("button", name="Edit anyway"))
    expect(hint(notebook)).to_have_count(0)
    expect(notebook.cell("a").locator(".monaco-editor.focused")).to_be_visible()
    page.keyboard.press("Control+End")
    page.keyboard.type("# mine")
    expect(in_other_drafts(hers)).to_have_accessible_name("In other drafts of this flow: admin, changing a")
    ada.page.keyboard.type(" on")
    notebook.settled()
    hers.settled()
    texts = [one.module("a")["value"]["content"] for one in (notebook, hers)]
    assert "# mine" in texts[0] and "hers" not in texts[0]
    assert "# hers still typing on" in texts[1] and "mine" not in texts[1]
    expect(hint(notebook)).to_have_count(0)  # she went on, which is no news


def test_who_types_already_is_told_and_goes_on(page: Page, product: Product, ada: Colleague, shared_path: str) -> None:
    notebook, hers = two_drafts(page, product, ada, shared_path)
    expect(in_other_drafts(hers)).to_be_visible()
    notebook.into_code("a")
    page.keyboard.press("Control+End")
    page.keyboard.type("# mine")
    hers.into_code("a")
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.type("# hers")
    expect(hint(notebook)).to_be_visible()
    page.keyboard.type(" and on")
    expect(code(notebook, "a")).to_contain_text("mine and on")
    expect(hint(hers)).to_have_count(0)  # it names the other one
    expect(hers.page.get_by_role("group", name="admin is changing this cell in another draft")).to_have_count(1)


def test_a_newer_version_is_told_while_the_notebook_is_open(
    page: Page, product: Product, ada: Colleague, shared_path: str
) -> None:
    notebook, hers = two_drafts(page, product, ada, shared_path)
    expect(in_other_drafts(notebook)).to_be_visible()
    hers.into_code("a")
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.type("# faster")
    hers.settled()
    ada.page.get_by_role("button", name="Deploy", exact=True).click()
    ada.page.get_by_role("dialog").get_by_role("button", name="Deploy", exact=True).click()
    expect(page.get_by_text("Ada Byron deployed version 2 of this flow.")).to_be_visible()
    expect(page.locator(".nb-pill")).to_contain_text("v2 is newer")
    expect(ada.page.locator(".nb-pill")).to_have_text("Same as v2")
    expect(ada.page.get_by_text("deployed version 2 of this flow")).to_have_count(0)
    shoot(page, "team-newer")
    page.get_by_role("button", name="Compare…").click()
    expect(page.get_by_role("dialog")).to_contain_text("version 2")


def test_comments_on_a_deployed_flow_are_answered_from_another_draft(
    page: Page, product: Product, ada: Colleague, shared_path: str
) -> None:
    notebook, hers = two_drafts(page, product, ada, shared_path)
    notebook.select("a")
    page.keyboard.press("h")
    panel = page.get_by_role("dialog", name="Comments on a")
    expect(panel).to_contain_text(f"Whoever may read {shared_path} sees this.")
    page.keyboard.type("Why seven days?")
    page.keyboard.press("Control+Enter")
    expect(mark(hers, "a")).to_have_accessible_name("1 open comment on a")
    mark(hers, "a").click()
    at_hers = ada.page.get_by_role("dialog", name="Comments on a")
    at_hers.get_by_role("button", name="Reply").click()
    ada.page.keyboard.type("As always.")
    ada.page.keyboard.press("Control+Enter")
    expect(panel.get_by_role("article")).to_contain_text("As always.")
    shoot(page, "comments-of-flow")
    accessible(page, ".nb-comments-pop")
    ada.page.keyboard.press("Escape")

    # she renames the step in her draft: there it has them at once, here under the name that it has here
    hers.select("a")
    ada.page.keyboard.press("r")
    ada.page.keyboard.press("Control+a")
    ada.page.keyboard.type("load")
    ada.page.keyboard.press("Enter")
    expect(mark(hers, "load")).to_have_accessible_name("1 open comment on load")
    hers.settled()
    ada.page.get_by_role("button", name="Deploy", exact=True).click()
    ada.page.get_by_role("dialog").get_by_role("button", name="Deploy", exact=True).click()
    expect(page.locator(".nb-pill")).to_contain_text("v2 is newer")
    expect(mark(notebook, "a")).to_have_accessible_name("1 open comment on a")
    page.keyboard.press("Escape")
    expect(mark(hers, "load")).to_have_accessible_name("1 open comment on load")

    # a cell that is new in her draft is her own until it is deployed
    with product.client() as client:
        more = {"id": "c", "value": python("c", SEND)["value"]}
        place = {"parent": None, "slot": "modules", "index": 2}
        client.post(
            f"/api/w/main/drafts/{hers.draft_id}/operations",
            json={"client": "test", "ops": [{"op": "insert_cell", "cell": "cnew", **place, "module": more}]},
        ).raise_for_status()
    hers.select("c")
    ada.page.keyboard.press("h")
    new = ada.page.get_by_role("dialog", name="Comments on c")
    expect(new).to_contain_text("Stays in this draft until the cell is deployed.")
    ada.page.keyboard.press("Escape")


def test_comments_on_a_step_that_one_removed_are_found(
    page: Page, product: Product, ada: Colleague, shared_path: str
) -> None:
    notebook, hers = two_drafts(page, product, ada, shared_path)
    hers.select("b")
    ada.page.keyboard.press("h")
    ada.page.keyboard.type("Do we need this?")
    ada.page.keyboard.press("Control+Enter")
    expect(mark(notebook, "b")).to_have_accessible_name("1 open comment on b")
    notebook.select("b")
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(notebook.cell("b")).to_have_count(0)
    page.keyboard.press("H")
    side = page.get_by_role("complementary", name="Side panel")
    press(page, side.get_by_text("1 on steps that this draft does not have"))
    expect(side.get_by_role("region", name="Comments on b")).to_contain_text("Do we need this?")
    shoot(page, "comments-of-removed")
    accessible(page, ".nb-commentlist")
    expect(mark(hers, "b")).to_have_accessible_name("1 open comment on b")
