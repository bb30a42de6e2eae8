"""Two people in one notebook: comments on its cells, who is here, and who is typing where."""

from __future__ import annotations

import uuid

import httpx
from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.colleagues import (
    PASSWORD,
    Colleague,
    account,
    ada,
    beside,
    code,
    mark,
    opened,
    people,
    reply,
    typing_in,
)
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.product import Product

__all__ = ["ada"]

LONG = "This is long. " * 60 + "\n<b>and plain</b> " + "x" * 300


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
    at_hers = reply(hers, "a", "Seven days, as always.")
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
    hers.append_code("a", "# by ada")
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
    hers.append_code("a", " and ada again")
    hers.settled()
    expect(code(notebook, "a")).to_contain_text("and ada again")


def test_who_leaves_holds_nothing(page: Page, product: Product, ada: Colleague) -> None:
    notebook = opened(page, product)
    hers = beside(notebook, ada)
    expect(people(hers)).to_be_visible()
    hers.append_code("b", "# left alone")
    expect(typing_in(notebook, "b", "Ada Byron")).to_be_visible()
    ada.page.close()
    expect(typing_in(notebook, "b", "Ada Byron")).to_have_count(0)
    notebook.append_code("b", " no more")
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
