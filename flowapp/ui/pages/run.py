"""`/runs/ID`: one run; `/runs/compare`: two of them."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.components.run_view import compare_route, run_route
from flowapp.ui.shell import crumb, shell
from flowapp.ui.state.guard import Guard


@rx.page(route="/runs/[run_id]", title="Run · Flowapp", on_load=Guard.enter)
def run() -> rx.Component:
    """Header, timeline and detail come from the HTTP API and the event stream, past Reflex state."""
    return shell(run_route(ws=TAB_WORKSPACE), place="runs", top=crumb("Runs", "/runs", "Run"), inset=False)


@rx.page(route="/runs/compare", title="Compare runs · Flowapp", on_load=Guard.enter)
def compare() -> rx.Component:
    """The two runs are in the address, so that a comparison can be sent to a colleague."""
    return shell(compare_route(ws=TAB_WORKSPACE), place="runs", top=crumb("Runs", "/runs", "Compare"), inset=False)
