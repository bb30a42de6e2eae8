"""The page for addresses that lead nowhere."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.bits import server_pages
from flowapp.ui.shell import link, shell, title


@rx.page(route="404", title="Not found · Flowapp")
def missing() -> rx.Component:
    """Says what may have happened and offers the two lists."""
    return shell(
        rx.el.div(
            rx.el.b("There is nothing at this address"),
            rx.el.p("A draft may have been deleted, or the link was cut short on its way to you."),
            rx.el.div(
                link("All flows", to="/", class_name="btn pri"),
                link("All runs", to="/runs", class_name="btn"),
                class_name="dialog-foot",
            ),
            class_name="card empty",
        ),
        server_pages(paths=["/signin", "/join"]),
        top=title("Not found"),
    )
