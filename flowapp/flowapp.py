"""The Reflex app: the module that Reflex looks for. Pages come from `flowapp.ui`; the server is put together in `compose.py`."""

from __future__ import annotations

import reflex as rx

app = rx.App()


@app.add_page
def index() -> rx.Component:
    """Home."""
    return rx.heading("Flowapp")
