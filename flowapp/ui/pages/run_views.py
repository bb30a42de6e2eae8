"""The row of saved views above the list of runs, with what can be done with the one that is open."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.bits import filter_chip, glyph
from flowapp.ui.components.lists import field, form_dialog
from flowapp.ui.state.run_views import RunViewsState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
STATE: Any = RunViewsState
FORM = "run-view"


def run_views(runs: Any) -> rx.Component:
    """The row; `runs` is the state of the list."""
    return rx.fragment(
        rx.cond(STATE.problem != "", rx.el.p(STATE.problem, " ", STATE.hint, class_name="notice", role="alert")),
        rx.el.div(
            rx.el.span("Views", class_name="muted", id="run-views"),
            rx.el.ul(
                rx.foreach(STATE.views, lambda view: rx.el.li(_chip(view, runs))),
                class_name="chips",
                custom_attrs={"aria-labelledby": "run-views"},
            ),
            _hint(),
            rx.el.span(class_name="grow"),
            _actions(),
            class_name="list-head run-views",
        ),
        _dialog(),
        _deletion(),
    )


def _chip(view: Any, runs: Any) -> rx.Component:
    """A ViewChip."""
    return filter_chip(
        rx.cond(view.shared, glyph(name="people", size=13)),
        rx.el.span(view.name),
        to=view.href,
        pressed=runs.view == view.id,
        answered=runs.answered,
        title=view.note,
    )


def _hint() -> rx.Component:
    """What belongs here, where there is nothing yet."""
    return rx.cond(
        STATE.loaded & (STATE.views.length() == 0),
        rx.el.span("Narrow the list, and keep that here under a name.", class_name="faint"),
    )


def _actions() -> rx.Component:
    return rx.el.div(
        rx.cond(
            STATE.query.length() > 0,
            rx.el.button(
                glyph(name="plus", size=14), "Keep as a view", type="button", class_name="btn", on_click=STATE.begin
            ),
        ),
        rx.cond(
            STATE.open.may_edit,
            rx.el.button("Rename or share", type="button", class_name="btn quiet", on_click=STATE.change),
        ),
        rx.cond(
            STATE.open.may_delete,
            rx.el.button("Delete view", type="button", class_name="btn quiet", on_click=STATE.ask(STATE.open.id)),
        ),
        class_name="chips",
    )


def _dialog() -> rx.Component:
    new = STATE.original == ""
    shareable = rx.cond(new, STATE.may_share, STATE.open.may_share)
    return form_dialog(
        STATE,
        rx.cond(new, "Keep this filter as a view", "Change this view"),
        field(
            "Name",
            "name",
            rx.cond(new, "", STATE.open.name),
            prefix=FORM,
            required=True,
            max_length=80,
            placeholder="Failed nightly runs",
        ),
        rx.cond(
            shareable,
            rx.el.label(
                rx.el.input(
                    type="checkbox", name="shared", value="true", default_checked=rx.cond(new, False, STATE.open.shared)
                ),
                rx.el.span("Share with the workspace: everybody sees the view, and in it the runs that they may read"),
                class_name="check-line",
            ),
            rx.el.p("Only you see it. Developers and admins can share views.", class_name="form-help"),
        ),
    )


def _deletion() -> rx.Component:
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.el.div(
                rx.alert_dialog.title("Delete this view?"),
                rx.alert_dialog.description(
                    "“",
                    STATE.asked.name,
                    "” goes",
                    rx.cond(STATE.asked.shared, " for everybody in the workspace", ""),
                    ", and links to it lead nowhere. The runs stay.",
                    class_name="form-help",
                ),
                rx.el.div(
                    rx.alert_dialog.cancel(rx.el.button("Keep it", type="button", class_name="btn")),
                    rx.alert_dialog.action(
                        rx.el.button("Delete", type="button", class_name="btn danger", on_click=STATE.delete)
                    ),
                    class_name="dialog-foot",
                ),
                class_name="dialog",
            ),
            max_width="480px",
        ),
        open=STATE.deleting != "",
        on_open_change=STATE.keep,
    )
