"""`/hub`: the scripts of all hubs; `/hub/p/VERSION/APP/NAME`: one of them."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.hub import hub_route, hub_script_route
from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.shell import crumb, shell, title
from flowapp.ui.state.guard import Guard


@rx.page(route="/hub", title="Hub · Flowapp", on_load=Guard.enter)
def hub() -> rx.Component:
    """The list."""
    return shell(hub_route(ws=TAB_WORKSPACE), place="hub", top=title("Hub"), inset=False)


@rx.page(route="/hub/p/[[...splat]]", title="Script of the hub · Flowapp", on_load=Guard.enter)
def hub_script() -> rx.Component:
    """One script."""
    return shell(hub_script_route(ws=TAB_WORKSPACE), place="hub", top=crumb("Hub", "/hub", "Script"), inset=False)
