"""The versions of a flow: what each was for, how it differs from the draft, and restoring one."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.notebook_page import flow_of, open_flow, python
from tests.acceptance.product import Product


def deploy(page: Page, path: str, message: str) -> None:
    """By the dialog, as a person does."""
    page.get_by_role("button", name="Deploy", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Path").fill(path)
    dialog.get_by_label("What changed").fill(message)
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog).to_have_count(0)


def test_an_old_version_is_looked_at_and_restored(page: Page, product: Product) -> None:
    with product.client() as client:
        flow = flow_of(
            python("a", "def main():\n    return 1\n", summary="One"), python("b", "def main():\n    return 2\n")
        )
        notebook = open_flow(page, client, flow)
    deploy(page, "u/admin/versioned", "The first one")
    expect(page.get_by_text("Same as v1")).to_be_visible()
    notebook.set_code("a", "def main():\n    return 100\n")
    notebook.select("b")
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(notebook.cell("b")).to_have_count(0)
    notebook.settled()
    deploy(page, "u/admin/versioned", "Only a, and more of it")
    expect(page.get_by_text("Same as v2")).to_be_visible()
    page.get_by_role("button", name="Same as v2").click()
    dialog = page.get_by_role("dialog", name="Versions")
    expect(dialog.get_by_role("button", name="v2")).to_be_focused()
    expect(dialog).to_contain_text("The draft is the same")
    press(page, dialog.get_by_role("button", name="v1"))
    expect(dialog).to_contain_text("Restoring it would change the draft in 2 places")
    expect(dialog).to_contain_text("Code changed")
    expect(dialog.get_by_role("article", name="Code of a")).to_contain_text("return 1")
    shoot(page, "notebook-versions")
    dialog.get_by_role("button", name="Restore into the draft").click()
    expect(notebook.cell("b")).to_be_visible()
    notebook.settled()
    assert [module["id"] for module in notebook.exported()["value"]["modules"]] == ["a", "b"]
    expect(notebook.cell("a")).to_contain_text("return 1")
    page.locator(".nb-toast", has_text="Version 1").get_by_role("button", name="Undo").click()
    expect(notebook.cell("b")).to_have_count(0)
    notebook.settled()
    assert "return 100" in notebook.module("a")["value"]["content"]


def test_a_version_is_compared_with_the_one_before_it_and_with_any_other(page: Page, product: Product) -> None:
    """What it changed, in full: settings and inputs before and after, code by lines, also when the draft went on."""
    with product.client() as client:
        cell = python("a", "def main(n: int):\n    return n\n", {"n": {"type": "static", "value": 1}})
        notebook = open_flow(page, client, flow_of(cell))
    deploy(page, "u/admin/compared", "The first one")
    expect(page.get_by_text("Same as v1")).to_be_visible()
    with product.client() as client:
        changed = cell | {"retry": {"constant": {"attempts": 4, "seconds": 9}}}
        changed["value"] = changed["value"] | {"input_transforms": {"n": {"type": "javascript", "expr": "6 * 7"}}}
        for message, flow in (("Retries", flow_of(changed)), ("And another", flow_of(changed, python("b", "x = 2\n")))):
            answer = client.post(
                "/api/w/main/flows/update/u/admin/compared",
                json={"path": "u/admin/compared", "deployment_message": message, **flow},
            )
            assert answer.status_code == 200, answer.text
    notebook.set_code("a", "def main(n: int):\n    return n + 1\n")
    page.get_by_role("button", name="Draft, 1 change since v1").click()
    dialog = page.get_by_role("dialog", name="Versions")
    press(page, dialog.get_by_role("button", name="v2"))
    against = dialog.get_by_label("Compared with")
    against.focus()
    page.keyboard.press("ArrowDown")
    expect(against).to_have_value("before")
    expect(dialog.get_by_role("status")).to_have_text("Differs from version 1 in one place")
    expect(dialog).to_contain_text("Input n, retry changed")
    said = dialog.locator(".merge-value")
    expect(said.filter(has_text="Input n").locator("del")).to_have_text("1")
    expect(said.filter(has_text="Input n").locator("ins")).to_have_text("6 * 7")
    expect(said.filter(has_text="Retry").locator("del")).to_have_count(0)
    expect(said.filter(has_text="Retry").locator("ins")).to_contain_text('"attempts":4')
    shoot(page, "notebook-version-before")
    press(page, dialog.get_by_role("button", name="v3"))
    expect(dialog.get_by_role("status")).to_have_text("Differs from version 2 in one place")
    expect(dialog.get_by_role("article", name="Code of b")).to_contain_text("x = 2")
    against.select_option(label="v1: The first one")
    expect(dialog.get_by_role("status")).to_have_text("Differs from version 1 in 2 places")
    press(page, dialog.get_by_role("button", name="v2"))
    expect(against).to_have_value("1")
    press(page, dialog.get_by_role("button", name="v1"))
    expect(against).to_have_value("before")  # and not itself
    expect(dialog.get_by_role("status")).to_have_text("The first version, in full")
    against.select_option("draft")
    expect(dialog.get_by_role("status")).to_have_text("Restoring it would change the draft in one place")


def test_code_that_came_back_whole_is_shown_without_a_line_that_went(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", "def main():\n    return 1\n")))
    deploy(page, "u/admin/emptied", "With code")
    expect(page.get_by_text("Same as v1")).to_be_visible()
    notebook.into_code("a")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    notebook.settled()
    page.get_by_role("button", name="Draft, 1 change since v1").click()
    code = page.get_by_role("dialog", name="Versions").get_by_role("article", name="Code of a")
    expect(code).to_contain_text("return 1")
    expect(code.locator(".line-insert")).to_have_count(2)
    expect(code.locator(".line-delete, .char-delete")).to_have_count(0)


def test_without_versions_it_says_how_one_comes_about(page: Page, product: Product) -> None:
    with product.client() as client:
        open_flow(page, client, flow_of(python("a", "def main():\n    return 1\n")))
    page.get_by_role("button", name="Draft, not deployed").click()
    expect(page.get_by_role("dialog", name="Versions")).to_contain_text("There are no versions yet.")
