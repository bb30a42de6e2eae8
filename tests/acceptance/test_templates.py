"""Every template is a real flow: it opens, runs, and every cell of it succeeds."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from ruamel.yaml import YAML

from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import open_template
from tests.acceptance.product import ROOT

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


def test_every_template_is_documented() -> None:
    text = (ROOT / "docs/templates.md").read_text()
    for file in FILES:
        assert file.name in text
