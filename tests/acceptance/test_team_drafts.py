"""Several drafts of one flow: who is where, what changes elsewhere, and comments that all see."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.colleagues import (
    SEND,
    Colleague,
    ada,
    code,
    hint,
    in_other_drafts,
    mark,
    people,
    reply,
    shared_path,
    two_drafts,
)
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import python
from tests.acceptance.product import Product

__all__ = ["ada", "shared_path"]


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
    hers.append_code("a", "# hers")
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
    notebook.append_code("a", "# mine")
    hers.append_code("a", "# hers")
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
    hers.append_code("a", "# faster")
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
    reply(hers, "a", "As always.")
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
    expect(ada.page.get_by_role("dialog", name="Rename a to load — 1 expression changes")).to_be_visible()
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
