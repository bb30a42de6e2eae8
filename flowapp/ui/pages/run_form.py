"""`/run/PATH`: run a deployed flow."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.components.schema_form import run_form_route
from flowapp.ui.shell import crumb, shell
from flowapp.ui.state.guard import Guard


@rx.page(route="/run/[[...splat]]", title="Run a flow · Flowapp", on_load=Guard.enter)
def run_form() -> rx.Component:
    """A form made from the flow's schema."""
    return shell(run_form_route(ws=TAB_WORKSPACE), place="home", top=crumb("Flows", "/", "Run"), inset=False)
