"""What a person without a mouse does: Tab until something has the focus, and see where the focus is."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect


def tab_to(page: Page, wanted: Locator, *, back: bool = False, most: int = 80) -> None:
    """Press Tab (with `back`, Shift+Tab) until `wanted` has the focus; fails after `most` presses."""
    expect(wanted).to_be_visible()
    for _ in range(most):
        if wanted.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"Tab does not lead to {wanted}; the focus is on {focused(page)}")


def press(page: Page, wanted: Locator, *, back: bool = False, key: str = "Enter") -> None:
    """Go to a button by Tab and press it; a checkbox is pressed with another key."""
    tab_to(page, wanted, back=back)
    page.keyboard.press(key)


def choose_file(page: Page, button: Locator, file: Path) -> None:
    """Press a button that asks for a file, and choose it."""
    with page.expect_file_chooser() as chooser:  # well before the press: the browser learns of it meanwhile
        press(page, button)
    chooser.value.set_files(file)


def replace_text(page: Page, text: str) -> None:
    """Type over all text of the field that has the focus."""
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def walk_to(page: Page, expr: str) -> None:
    """Arrow down until the option of this expression is the active one."""
    chosen = page.get_by_role("dialog").locator("[role=option][aria-selected=true]")
    expect(page.get_by_role("dialog").locator(f'[role=option][aria-label^="{expr},"]').first).to_be_visible()
    for _ in range(30):
        now = chosen.get_attribute("id") or ""
        if (chosen.get_attribute("aria-label") or "").startswith(f"{expr},"):
            return
        page.keyboard.press("ArrowDown")
        expect(chosen).not_to_have_id(now)  # the page draws the key's effect a moment later
    raise AssertionError(f"{expr} was not reached")


def slow_frames(page: Page) -> None:
    """From now on a frame takes a quarter of a second, as on a busy machine: keys come faster than what is drawn."""
    page.evaluate("() => { window.requestAnimationFrame = work => setTimeout(() => work(performance.now()), 250) }")


def slow_drawing(page: Page) -> None:
    """On pages opened from now on React draws a tenth of a second after it could, as on a busy machine: frames come before that."""
    page.add_init_script(
        "window.MessageChannel = class { port1 = {};"
        " port2 = { postMessage: () => setTimeout(() => this.port1.onmessage?.({ data: null }), 100) } }"
    )


def focused(page: Page) -> str:
    """What has the focus, in words for an error."""
    told: str = page.evaluate(
        "() => { const at = document.activeElement;"
        " return `${at.tagName} ${at.getAttribute('aria-label') ?? at.textContent.slice(0, 40)}` }"
    )
    return told
