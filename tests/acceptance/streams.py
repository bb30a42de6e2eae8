"""What a step streams while it runs, as pages show it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page


def streamed(place: Page | Locator) -> Locator:
    """The text that grows."""
    return place.get_by_role("log", name="Streamed result")
