"""`/flows/ID`: the notebook of a draft."""

from __future__ import annotations

import reflex as rx

from flowapp.ui import services
from flowapp.ui.components.notebook import notebook as notebook_body
from flowapp.ui.shell import shell
from flowapp.ui.state.guard import Guard


@rx.page(route="/flows/[draft_id]", title="Notebook · Flowapp", on_load=Guard.enter)
def notebook() -> rx.Component:
    """The notebook brings its own top bar; its cells live in local components, past Reflex state."""
    body = notebook_body(ws=services.WORKSPACE, draft_id=rx.State.draft_id)  # type: ignore[attr-defined]  # made by the route
    return shell(body, place="home", inset=False)
