"""`/settings`: what the workspace's admins set for all of it."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.components.model_settings import keep_settings, model_settings
from flowapp.ui.shell import shell, team_tabs
from flowapp.ui.state.guard import Guard


@rx.page(route="/settings", title="Settings · Flowapp", on_load=Guard.enter)
def settings() -> rx.Component:
    """The page. What it shows comes over the HTTP API."""
    body = rx.fragment(model_settings(ws=TAB_WORKSPACE), keep_settings(ws=TAB_WORKSPACE))
    return shell(body, place="people", top=team_tabs("settings"), tab_index=0)
