"""The assistant: asked only by a press, its changes shown as a difference, taken one by one, and undone like any other."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import NotebookPage, flow_of, open_flow, python, wire
from tests.acceptance.product import Product
from tests.acceptance.test_model_proposals import Model, model, own_page

__all__ = ["model", "own_page"]

FAILS = "def main(n: int):\n    return 1 / (n - 1)\n"
MENDED = "def main(n: int):\n    if n == 1:\n        return None\n    return 1 / (n - 1)\n"


def change(kind: str, **more: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"step": None, "after": None, "title": None, "language": None, "code": None, "inputs": []}
    return {**empty, "kind": kind, "why": "division by zero", **more}


def failed(page: Page, product: Product) -> NotebookPage:
    """b fails on what a gave."""
    with product.client() as client:
        secret = {"key": {"type": "static", "value": "$var:u/admin/very_secret"}}
        flow = flow_of(
            python("a", "def main(key: str):\n    return 1\n", secret), python("b", FAILS, {"n": wire("results.a")})
        )
        flow["value"]["modules"][0]["value"]["content"] = "def main(key: str = ''):\n    return 1\n"
        flow["value"]["modules"][0]["value"]["input_transforms"] = {}
        notebook = open_flow(page, client, flow)
    notebook.run("b")
    notebook.expect_state("b", "failed")
    return notebook


#: Waits until the colours of the other scheme are there.
def panel_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Assistant")


def test_an_error_is_mended_by_a_change_that_is_taken(own_page: tuple[Page, Product], model: Model) -> None:
    page, product = own_page
    notebook = failed(page, product)
    new = change(
        "insert",
        step="report",
        after="b",
        title="Report",
        language="python3",
        code="def main(x):\n    return x\n",
        inputs=[{"field": "x", "expr": "results.b"}],
    )
    model.help = {"message": "n is 1, so the divisor is 0.", "changes": [change("code", step="b", code=MENDED), new]}
    notebook.state("b").click()
    page.get_by_role("button", name="Ask the assistant").click()
    panel = panel_of(page)
    expect(panel.get_by_label("Question or wish")).to_be_focused()
    panel.get_by_text("What is sent").click()
    expect(panel.locator("pre")).to_contain_text("ZeroDivisionError")
    panel.get_by_label("Question or wish").fill("Why is it nought?")
    expect(panel.locator("pre")).to_contain_text("Why is it nought?")  # what is shown is what would be sent now
    assert model.asked == []  # nothing has left yet
    panel.get_by_role("button", name="Fix the error").click()
    expect(panel.get_by_text("n is 1, so the divisor is 0.")).to_be_visible()
    card = panel.get_by_role("article", name="Change the code of b")
    expect(card).to_contain_text("return None")
    added = panel.get_by_role("article", name="New step report after b")
    expect(added).to_contain_text("results.b")
    expect(added.locator(".line-insert")).to_have_count(2)  # each with its +; of what was not there, no line went
    expect(added.locator(".line-delete, .char-delete")).to_have_count(0)
    expect(card.locator(".char-delete, .line-insert").first).to_be_attached()
    shoot(page, "notebook-assistant")
    panel.get_by_role("button", name="Refuse: New step report after b").click()
    panel.get_by_role("button", name="Accept: Change the code of b").click()
    expect(panel.get_by_text("All proposals are decided.")).to_be_visible()
    notebook.settled()
    assert notebook.module("b")["value"]["content"] == MENDED
    assert len(notebook.exported()["value"]["modules"]) == 2
    notebook.run("b")
    notebook.expect_state("b", "fresh", "reused")
    notebook.select("b")
    page.keyboard.press("z")
    notebook.settled()
    assert notebook.module("b")["value"]["content"] == FAILS


def test_by_keyboard_all_at_once_and_with_a_problem_named(own_page: tuple[Page, Product], model: Model) -> None:
    page, product = own_page
    notebook = failed(page, product)
    titles = [change("title", step=step, title=f"Step {step}") for step in ("a", "b")]
    model.help = {"message": "Two names.", "changes": [*titles, change("code", step="a", code="def main(:\n")]}
    notebook.select("a")
    page.keyboard.press("A")
    page.keyboard.type("Name them")
    page.keyboard.press("Enter")
    panel = panel_of(page)
    expect(panel.get_by_role("article", name="Change the code of a").locator(".nb-row-problem").first).to_be_visible()
    panel.get_by_role("button", name="Accept all 2 without errors").click()
    notebook.settled()
    assert [module["summary"] for module in notebook.exported()["value"]["modules"]] == ["Step a", "Step b"]


def test_a_question_is_answered_in_words_and_can_be_cancelled(own_page: tuple[Page, Product], model: Model) -> None:
    page, product = own_page
    failed(page, product)
    model.help = {"message": "It divides one by n minus one.", "changes": []}
    page.get_by_role("tab", name="Assistant").click()
    panel = panel_of(page)
    panel.get_by_role("button", name="Explain this cell").click()
    expect(panel.get_by_text("It divides one by n minus one.")).to_be_visible()
    model.hold.clear()
    panel.get_by_label("Question or wish").fill("And why?")
    page.keyboard.press("Enter")
    panel.get_by_role("button", name="Stop").click()
    expect(panel.get_by_label("Question or wish")).to_have_value("And why?")
    expect(panel.get_by_text("Nothing was answered yet.")).to_be_visible()
    model.hold.set()
    model.broken = True
    page.keyboard.press("Escape")
    panel.get_by_role("button", name="Explain this cell").click()
    expect(panel.locator(".nb-notice")).to_contain_text("answered with status 500", timeout=20_000)


def test_the_answer_grows_is_stopped_at_the_model_and_left_with_the_page(
    own_page: tuple[Page, Product], model: Model
) -> None:
    page, product = own_page
    notebook = failed(page, product)
    model.streams = "yes"
    words = "n is 1, so the divisor is 0. Return nothing in that case."
    model.help = {"message": words, "changes": [change("title", step="b", title="Divide")]}
    notebook.select("b")
    page.keyboard.press("A")
    panel = panel_of(page)
    expect(panel.get_by_label("Question or wish")).to_be_focused()
    panel.get_by_label("Question or wish").fill("Mend it")
    page.keyboard.press("Enter")
    growing = panel.locator("[data-growing]")
    expect(growing).to_have_text(re.compile("n is 1, so"))
    assert words.startswith(growing.inner_text()) and growing.inner_text() != words
    expect(panel.get_by_role("article")).to_have_count(0)
    shoot(page, "assistant-streaming")
    accessible(page, ".nb-assist")
    panel.get_by_label("Question or wish").focus()
    press(page, panel.get_by_role("button", name="Stop"))
    expect(panel.get_by_text("What stands above is not the whole answer.")).to_be_visible()
    assert model.left.wait(10), "the model still works for nobody"
    shoot(page, "assistant-stopped")
    model.left.clear()
    page.get_by_label("Question or wish").press("Enter")
    expect(growing).to_have_text(re.compile("n is 1, so"))
    model.go.set()
    expect(panel.get_by_role("article", name="Call b")).to_be_visible()
    expect(panel.get_by_text(words)).to_be_visible()
    expect(panel.locator(".nb-assist-cost")).to_have_text(re.compile(r"small · \d+\.\d s · 1,234 tokens"))
    accessible(page, ".nb-assist")
    model.go.clear()
    model.streams = "cut"
    panel.get_by_label("Question or wish").fill("Mend it again")
    page.keyboard.press("Enter")
    expect(growing).to_have_text(re.compile("n is 1, so"))
    model.go.set()
    expect(panel.get_by_role("alert")).to_contain_text("broke off")
    expect(panel.get_by_label("Question or wish")).to_have_value("Mend it again")
    shoot(page, "assistant-failed")
    model.go.clear()
    page.get_by_label("Question or wish").press("Enter")
    expect(growing).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    assert model.left.wait(10), "the page is left, and the model still works"


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["email", "amount"],
    "properties": {
        "email": {"type": "string"},
        "amount": {"type": "number", "minimum": 1},
        "note": {"type": "string"},
        "api_token": {"type": "string"},
    },
}


def test_sample_data_is_proposed_checked_and_kept(own_page: tuple[Page, Product], model: Model) -> None:
    page, product = own_page
    flow = flow_of(
        python(
            "a",
            "def main(email, amount):\n    return [email, amount]\n",
            {"email": wire("flow_input.email"), "amount": wire("flow_input.amount")},
        ),
        schema=SCHEMA,
    )
    with product.client() as client:
        notebook = open_flow(page, client, flow)
        sample = [{"op": "set_sample", "name": "api_token", "value": "$var:u/admin/very_secret"}]
        client.post(f"/api/w/main/drafts/{notebook.draft_id}/operations", json={"client": "test", "ops": sample})
    box = page.get_by_role("region", name="Flow input")
    press(page, box.get_by_role("button", name=re.compile("^Kept")))
    page.get_by_role("menuitem", name="Make sample data…").press("Enter")
    panel = panel_of(page)

    def make() -> None:
        panel.get_by_label("Question or wish").focus()
        press(page, panel.get_by_role("button", name="Make sample data"))

    expect(panel.get_by_label("Question or wish")).to_be_focused()
    assert model.asked == []  # nothing is sent before the press
    panel.get_by_text("What is sent").click()
    expect(panel.locator(".nb-assist-sent pre")).to_contain_text("fields_to_fill")
    expect(panel.locator(".nb-assist-sent pre")).not_to_contain_text("very_secret")
    assert model.asked == []
    panel.get_by_text("What is sent").click()

    model.streams = "yes"
    values = {"email": '"ada@example.org"', "amount": "0", "api_token": '"sk-1"'}
    model.sample = {
        "message": "Ada orders nothing.",
        "name": "one without orders",
        "values": [{"field": name, "value": value} for name, value in values.items()],
    }
    make()
    expect(panel.locator("[data-growing]")).to_have_text(re.compile("Ada ord"))
    expect(panel.get_by_role("article")).to_have_count(0)
    panel.get_by_label("Question or wish").focus()
    press(page, panel.get_by_role("button", name="Stop"))
    expect(panel.get_by_text("Nothing has changed.")).to_be_visible()
    assert model.left.wait(10), "the model still works for nobody"
    model.left.clear()
    model.go.set()
    make()
    card = panel.get_by_role("article", name="Sample input “one without orders”")
    expect(card).to_be_visible()
    press(page, box.get_by_role("button", name=re.compile("^Kept")))
    page.get_by_role("menuitem", name="Make sample data…").press("Enter")
    expect(panel.get_by_label("Question or wish")).to_be_focused()
    expect(card).to_have_count(1)  # what nobody has decided stays
    expect(card).to_contain_text("amount: 0 is less than the minimum of 1.")
    expect(card).to_contain_text("api_token: no input of the flow that a sample is made for.")
    expect(card.locator(".monaco-editor")).to_contain_text("ada@example.org")
    expect(card.locator(".monaco-editor")).not_to_contain_text("sk-1")
    expect(card.locator(".line-delete, .char-delete")).to_have_count(0)
    assert "very_secret" not in "".join(model.asked)
    shoot(page, "assistant-sample")
    accessible(page, ".nb-assist")
    expect(box.get_by_role("textbox", name="Value of email")).to_have_value("")
    panel.get_by_label("Question or wish").focus()
    press(page, card.get_by_role("button", name=re.compile("^Refuse")))
    expect(card).to_have_count(0)
    expect(box.get_by_role("textbox", name="Value of email")).to_have_value("")

    values["amount"] = "12.5"
    model.sample["values"] = [{"field": name, "value": value} for name, value in values.items()]
    make()
    expect(card).to_be_visible()
    panel.get_by_label("Question or wish").focus()
    press(page, card.get_by_role("button", name=re.compile("^Accept")))
    expect(box.get_by_role("textbox", name="Value of email")).to_have_value("ada@example.org")
    expect(box.get_by_role("textbox", name="Value of amount")).to_have_value("12.5")
    box.get_by_role("button", name=re.compile("^Kept")).click()
    expect(page.get_by_role("menuitem", name="one without orders", exact=True)).to_be_visible()
    shoot(page, "assistant-sample-kept")
    page.keyboard.press("Escape")
    with product.client() as client:
        found = client.get(f"/api/w/main/drafts/{notebook.draft_id}/notebook").raise_for_status().json()["input"]
    given = {one["name"]: one.get("value") for one in found["values"] if one.get("given")}
    assert given == {"email": "ada@example.org", "amount": 12.5, "api_token": "$var:u/admin/very_secret"}


def test_without_a_model_it_says_how_to_get_one(page: Page, product: Product) -> None:
    with product.client() as client:
        open_flow(page, client, flow_of(python("a", "def main():\n    return 1\n")))
    page.get_by_role("tab", name="Assistant").click()
    panel = panel_of(page)
    panel.get_by_label("Question or wish").fill("Add a step")
    page.keyboard.press("Enter")
    expect(panel.locator(".nb-notice")).to_contain_text("OPENAI_API_KEY")
