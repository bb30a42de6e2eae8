"""Pages, their states and the shell around them. The notebook's body and outputs are React components in `assets/js`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import reflex as rx

_ASSETS = Path(__file__).resolve().parents[2] / "assets"
#: In this order: tokens first, then what uses them.
_STYLESHEETS = ("tokens", "app", "output", "form", "run", "inbox", "scripts", "notebook", "team", "merge")


def app_options() -> dict[str, Any]:
    """What `rx.App` is made with: our stylesheets, the document's language, and no pop-up messages from Reflex.

    Reflex's toaster is left out: its messages run through `eval`, which the page's security policy forbids.
    """
    present = [name for name in _STYLESHEETS if (_ASSETS / "css" / f"{name}.css").exists()]
    return {
        "stylesheets": [f"/css/{name}.css" for name in present],
        "html_lang": "en",
        "toaster": None,
        "head_components": [
            rx.el.meta(name="color-scheme", content="light dark"),
            rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
            rx.el.script(src="/js/early.js", custom_attrs={"async": True}),
        ],
    }
