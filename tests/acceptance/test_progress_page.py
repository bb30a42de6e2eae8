"""A step that says how far it is has a bar while it runs, in its cell and on the run's page, also after a reload."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.notebook_page import RUN_TIMEOUT, flow_of, open_flow, python
from tests.acceptance.product import Product
from tests.acceptance.test_streams_page import open_gate

W = "/api/w/main"
#: Goes on to each percentage when the variable named after it is there.
SAYS = """import time
import wmill


def main():
    client = wmill.Windmill()
    for percent in (5, 40, 90):
        wmill.set_progress(percent)
        gate = f"u/admin/GATE_{percent}"
        while not client.get(f"/w/{client.workspace}/variables/exists/{gate}").json():
            time.sleep(0.05)
    return "all"
"""


def said(place: Page | Locator, percent: int) -> None:
    expect(place.get_by_role("progressbar")).to_have_attribute("aria-valuenow", str(percent), timeout=RUN_TIMEOUT)


def test_a_cell_and_its_run_show_how_far_it_is(page: Page, product: Product) -> None:
    with product.client() as client:
        notebook = open_flow(page, client, flow_of(python("a", SAYS.replace("GATE", "cell"), summary="Import")))
    notebook.run("a")
    cell = notebook.cell("a")
    said(cell, 5)
    open_gate(product, "u/admin/cell_5")
    said(cell, 40)
    expect(cell.locator(".nb-state")).to_have_text(re.compile(r"^Running\d+:\d\d40 %$"))
    accessible(page, ".nb-progress")
    shoot(page, "notebook-progress")
    page.reload()
    said(notebook.cell("a"), 40)
    (run,) = page.request.get(f"{W}/runs", params={"draft": notebook.draft_id}).json()
    page.goto(f"/runs/{run['id']}#step=a")
    detail = page.get_by_role("region", name="Step a")
    said(detail, 40)
    step = page.get_by_role("region", name="Timeline").get_by_role("button", name="Import")
    expect(step).to_contain_text(re.compile(r"\d+:\d\d, 40 %"))
    accessible(page, ".runpage")
    shoot(page, "run-progress")
    open_gate(product, "u/admin/cell_40")
    said(detail, 90)
    expect(step).to_contain_text(re.compile(r"\d+:\d\d, 90 %"))
    open_gate(product, "u/admin/cell_90")
    expect(page.locator(".run-title .badge")).to_contain_text("Done", timeout=RUN_TIMEOUT)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(step).not_to_contain_text("%")


def test_a_script_says_how_far_its_run_is(page: Page, product: Product) -> None:
    script = {
        "path": "f/team/says",
        "content": SAYS.replace("GATE", "script"),
        "language": "python3",
        "summary": "Says",
    }
    with product.client() as client:
        client.post(f"{W}/scripts/create", json=script).raise_for_status()
        run = client.post(f"{W}/jobs/run/p/f/team/says", json={}).raise_for_status().text
    page.goto(f"/runs/{run}")
    whole = page.get_by_role("region", name="Whole run")
    said(whole, 5)
    open_gate(product, "u/admin/script_5")
    said(whole, 40)
    expect(page.get_by_role("region", name="Timeline").get_by_role("button", name="Whole run")).to_contain_text("40 %")
    for percent in (40, 90):
        open_gate(product, f"u/admin/script_{percent}")
    expect(page.locator(".run-title .badge")).to_contain_text("Done", timeout=RUN_TIMEOUT)
    expect(page.get_by_role("progressbar")).to_have_count(0)
