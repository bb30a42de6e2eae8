"""What axe finds on a page, when nothing on it moves any more."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

#: Where a page has a class for its theme, a script of it follows the system. What changes is drawn, and then moves.
_STILL = """async (scheme) => {
    const frame = () => new Promise(requestAnimationFrame);
    const classes = document.documentElement.classList;
    const other = scheme === "dark" ? "light" : "dark";
    while (scheme && classes.contains(other)) await frame();
    await frame();
    await frame();
    const moving = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity);
    await Promise.allSettled(moving.map((one) => one.finished));
    await frame();
}"""


def accessible(page: Page, part: str = "") -> None:
    """Nothing that axe finds on the page, or in a part of it (a selector), in both themes."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        accessible_now(page, part, scheme)
    page.emulate_media(color_scheme="light")


def accessible_now(page: Page, part: str = "", scheme: str = "") -> None:
    """The same, as the page is; with the theme `scheme`, once it is there."""
    page.evaluate(_STILL, scheme)
    found = (Axe().run(page, context=part) if part else Axe().run(page)).response["violations"]
    assert not found, [(page.url, one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]
