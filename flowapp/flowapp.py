"""The Reflex app: the module that Reflex looks for by name. What it shows is in `flowapp.ui`, what it answers in `compose.py`."""

from __future__ import annotations

import reflex as rx

from flowapp.ui import app_options, pages

__all__ = ["app", "pages"]

app = rx.App(**app_options())
