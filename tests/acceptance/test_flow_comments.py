"""The page that runs a flow shows what is said of its steps."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import flow_of, python
from tests.acceptance.product import Product

PATH = "f/team/talked_of"
W = "/api/w/main"


def test_who_has_no_draft_reads_the_comments(page: Page, product: Product) -> None:
    flow = flow_of(python("load", "def main():\n    return 1\n", {}), python("send", "def main():\n    return 2\n", {}))
    with product.client() as client:
        client.post(f"{W}/flows/create", json={"path": PATH, **flow}).raise_for_status()
        page.goto(f"/run/{PATH}")
        expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
        expect(page.get_by_role("region", name="Comments on the steps")).to_have_count(0)
        draft = client.post(f"{W}/flows/edit/{PATH}").raise_for_status().json()["id"]
        cells = client.get(f"{W}/drafts/{draft}/notebook").raise_for_status().json()["cells"]
        threads = []
        for cell, text in ((cells[0], "Which table is this?\n<b>and since when?</b>"), (cells[1], "Too slow")):
            made = client.post(f"{W}/drafts/{draft}/comments", json={"cell": cell["id"], "text": text})
            threads.append(made.raise_for_status().json()["thread"])
        answer = {"thread": threads[0], "text": "The one of the shop."}
        client.post(f"{W}/drafts/{draft}/comments", json=answer).raise_for_status()
        client.post(f"{W}/drafts/{draft}/comments/{threads[1]}/resolve", json={}).raise_for_status()
    page.reload()
    comments = page.get_by_role("region", name="Comments on the steps")
    expect(comments).to_contain_text("Step load")
    expect(comments.get_by_text("<b>and since when?</b>")).to_be_visible()
    expect(comments.get_by_text("The one of the shop.")).to_be_visible()
    expect(comments.get_by_text("Too slow")).to_be_hidden()
    comments.get_by_text("1 resolved").click()
    expect(comments.get_by_text("Too slow")).to_be_visible()
    shoot(page, "flow-comments")
    accessible(page)
