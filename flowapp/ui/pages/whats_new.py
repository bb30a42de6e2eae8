"""`/whats-new`: what people may want to try, newest first. The same for everybody, so it asks nothing of the server."""

from __future__ import annotations

import reflex as rx

from flowapp.ui.news import Entry, entries
from flowapp.ui.shell import link, shell, title


@rx.page(route="/whats-new", title="What's new · Flowapp")
def whats_new() -> rx.Component:
    """The entries as a list."""
    return shell(
        rx.el.ul(*(_entry(entry) for entry in entries()), class_name="card list news"),
        place="more",
        top=title("What's new"),
        tab_index=0,
    )


def _entry(entry: Entry) -> rx.Component:
    return rx.el.li(rx.el.h2(entry.title), rx.el.p(entry.text), link(entry.label, to=entry.to, class_name="btn"))
