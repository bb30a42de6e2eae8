"""The assistant: asked only by a press, its changes shown as a difference, taken one by one, and undone like any other."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.conftest import shoot
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
    assert model.asked == []  # nothing has left yet
    panel.get_by_role("button", name="Fix the error").click()
    expect(panel.get_by_text("n is 1, so the divisor is 0.")).to_be_visible()
    card = panel.get_by_role("article", name="Change the code of b")
    expect(card).to_contain_text("return None")
    expect(panel.get_by_role("article", name="New step report after b")).to_contain_text("results.b")
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
    panel.get_by_role("button", name="Cancel").click()
    expect(panel.get_by_label("Question or wish")).to_have_value("And why?")
    model.hold.set()
    model.broken = True
    page.keyboard.press("Escape")
    panel.get_by_role("button", name="Explain this cell").click()
    expect(panel.locator(".nb-notice")).to_contain_text("answered with status 500", timeout=20_000)


def test_without_a_model_it_says_how_to_get_one(page: Page, product: Product) -> None:
    with product.client() as client:
        open_flow(page, client, flow_of(python("a", "def main():\n    return 1\n")))
    page.get_by_role("tab", name="Assistant").click()
    panel = panel_of(page)
    panel.get_by_label("Question or wish").fill("Add a step")
    page.keyboard.press("Enter")
    expect(panel.locator(".nb-notice")).to_contain_text("OPENAI_API_KEY")
