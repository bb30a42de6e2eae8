"""`/approvals`: the inbox."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.approvals import inbox
from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.shell import shell, title
from flowapp.ui.state.guard import Guard


@rx.page(route="/approvals", title="Approvals · Flowapp", on_load=Guard.enter)
def approvals() -> rx.Component:
    """The lists come from the HTTP API and follow the event stream, past Reflex state."""
    return shell(inbox(ws=TAB_WORKSPACE), place="approvals", top=title("Approvals"), tab_index=0)
