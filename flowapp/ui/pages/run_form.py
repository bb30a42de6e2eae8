"""`/run/PATH`: run a deployed flow."""

from __future__ import annotations

import reflex as rx

from flowapp.ui import services
from flowapp.ui.components.schema_form import run_form_route
from flowapp.ui.shell import link, shell
from flowapp.ui.state.guard import Guard


@rx.page(route="/run/[[...splat]]", title="Run a flow · Flowapp", on_load=Guard.enter)
def run_form() -> rx.Component:
    """A form made from the flow's schema."""
    crumb = rx.el.nav(
        link("Flows", to="/"), " / ", rx.el.b("Run"), class_name="crumb", custom_attrs={"aria-label": "Place"}
    )
    return shell(run_form_route(ws=services.WORKSPACE), place="home", top=crumb, inset=False)
