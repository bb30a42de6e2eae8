"""The timeline of a run that waits for hours: the wait is a band in words, and what ran keeps its width."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import shoot
from tests.acceptance.product import Product
from tests.acceptance.test_approvals import asking, started


def test_a_long_wait_is_a_band_and_not_to_scale(product: Product, page: Page) -> None:
    with product.client() as client:
        run = started(client, asking(timeout=86_400))
    page.clock.install()
    page.goto(f"/runs/{run}")
    timeline = page.get_by_role("region", name="Timeline")
    step = timeline.get_by_role("button", name="Release the payout?")
    expect(step).to_contain_text("then waiting for approval")
    expect(timeline).not_to_contain_text("Not to scale")  # it has waited for moments only

    page.clock.fast_forward("02:00:00")
    expect(timeline).to_contain_text("Not to scale: waited 2 h for approval")
    expect(step).to_contain_text("then waiting for approval 2 h")
    track, band = step.locator(".tl-track").bounding_box(), step.locator(".tl-band").bounding_box()
    ran, waits = (bar.bounding_box() for bar in step.locator(".tl-bar").all())
    assert track is not None and band is not None and ran is not None and waits is not None
    assert band["width"] < 0.06 * track["width"]  # in proportion it would be nearly all of it
    assert ran["x"] < band["x"]
    assert abs(waits["x"] + waits["width"] - band["x"] - band["width"]) < 1.5
    accessible(page, ".tl")
    shoot(page, "run-timeline-waiting")

    page.clock.fast_forward("21:58:00")
    expect(step).to_contain_text(re.compile("then waiting for approval 23 h 5[89] min"))  # the clock goes on meanwhile
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        rows, label = timeline.get_by_role("list"), step.locator(".tl-time > span")
        assert rows.evaluate("list => list.scrollWidth <= list.clientWidth")
        inner, outer = label.bounding_box(), rows.bounding_box()
        assert inner is not None and outer is not None
        assert inner["x"] + inner["width"] <= outer["x"] + outer["width"]
    shoot(page, "run-timeline-waiting-long")
