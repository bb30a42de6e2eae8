"""Every template is a real flow: it opens, runs, and every cell of it succeeds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from ruamel.yaml import YAML

from tests.acceptance.conftest import shoot
from tests.acceptance.keys import press
from tests.acceptance.newcomer import newcomer_to
from tests.acceptance.notebook_page import open_template
from tests.acceptance.product import ROOT, Product

HALLO = "def main(name: str):\n    return {'greeting': f'Hallo, {name}'}\n"
FRESH = "fresh|reused"
FILES = sorted((ROOT / "flowapp/templates").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_template_runs(page: Page, file: Path) -> None:
    template = YAML(typ="safe").load(file.read_text())
    notebook = open_template(page, template["title"])
    page.get_by_role("button", name="Run all").click()
    steps = [module["id"] for module in template["flow"]["value"]["modules"]]
    for step in steps:
        notebook.expect_state(step, "fresh", "reused")
    expect(notebook.output(steps[-1])).to_be_visible()
    shoot(page, f"notebook-{file.stem}")


def test_the_tutorial_can_be_followed(page: Page) -> None:
    notebook = open_template(page, "First steps")
    notebook.into_code("hello")
    page.keyboard.press("Shift+Enter")
    notebook.expect_state("hello", *FRESH.split("|"))
    row = notebook.row("letters", "text")
    row.hover()
    row.get_by_role("button", name="Connect text").click()
    page.keyboard.type("greeting")
    found = page.get_by_role("dialog", name="Connect text").get_by_role("option", selected=True)
    expect(found).to_have_accessible_name(re.compile("^results.hello.greeting,"))
    page.keyboard.press("Enter")
    expect(row.get_by_role("combobox")).to_have_value("results.hello.greeting")
    expect(row).to_contain_text("Hello, Ada")
    notebook.into_code("letters")
    page.keyboard.press("Shift+Enter")
    notebook.expect_state("letters", *FRESH.split("|"))
    notebook.set_code("hello", HALLO)
    notebook.expect_states(hello="stale", letters="stale")
    notebook.into_code("often")
    page.keyboard.press("Shift+Enter")
    notebook.expect_states(hello=FRESH, letters=FRESH, often=FRESH)
    expect(notebook.output("often")).to_contain_text('"a"')
    expect(notebook.output("often")).to_contain_text("1 item")
    notebook.select("each")
    page.keyboard.press("Shift+Enter")
    notebook.expect_state("each", *FRESH.split("|"))
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Deploy", exact=True).click()
    expect(page.get_by_role("link", name="Run…")).to_be_visible()


def test_who_has_no_flow_yet_is_led_to_the_tutorial(browser: Browser, another: Product) -> None:
    with newcomer_to(browser, another) as somebody:
        somebody.arrive()
        press(somebody.page, somebody.page.get_by_role("button", name="Take the first steps"))
        assert somebody.notebook().cell("hello").is_visible()
        expect(somebody.page.get_by_role("heading", name="First steps", level=2)).to_be_visible()


def test_every_template_is_documented() -> None:
    text = (ROOT / "docs/templates.md").read_text()
    for file in FILES:
        assert file.name in text
