"""`/more`: on a phone, the places that have no room in the bar at the bottom."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.components.bits import glyph, sign_out, workspace_switch
from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.shell import MORE, NEWS, link, shell, theme_button, title
from flowapp.ui.state.guard import Guard


@rx.page(route="/more", title="More · Flowapp", on_load=Guard.enter)
def more() -> rx.Component:
    """The same places as in the bar of a wide window."""
    return shell(
        rx.el.div(workspace_switch(ws=TAB_WORKSPACE, wide=True), class_name="card list"),
        rx.el.ul(
            *(
                rx.el.li(
                    link(
                        glyph(name=entry.icon, size=18),
                        rx.el.span(entry.label, class_name="row-title"),
                        glyph(name="right", size=14),
                        to=entry.to,
                        class_name="row-link row-more",
                    )
                )
                for entry in (*MORE, NEWS)
            ),
            class_name="card list",
            custom_attrs={"aria-label": "More places"},
        ),
        rx.el.div(theme_button(), sign_out(), class_name="more-acts"),
        place="more",
        top=title("More"),
    )
