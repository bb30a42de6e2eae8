"""`/audit`: who did what, with filters that live in the address, and export."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.bits import glyph, when
from flowapp.ui.components.lists import empty, filter_choice, filter_field
from flowapp.ui.shell import link, problem_notice, shell, skeleton, team_tabs
from flowapp.ui.state.audit import AREAS, KINDS, AuditState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
STATE: Any = AuditState


@rx.page(route="/audit", title="Audit · Flowapp", on_load=STATE.load)
def audit() -> rx.Component:
    """The table."""
    return shell(
        problem_notice(STATE.problem, STATE.hint),
        rx.cond(
            STATE.closed,
            rx.el.div(empty("The audit trail is for admins", "Ask an admin of the workspace."), class_name="card"),
            rx.fragment(
                _filters(),
                rx.el.div(rx.cond(STATE.loaded, _table(), skeleton(8)), class_name="card list"),
                _pager(),
            ),
        ),
        place="people",
        top=team_tabs("audit"),
    )


def _filters() -> rx.Component:
    return rx.el.form(
        rx.el.div(
            filter_field("Person", rx.el.input(name="username", default_value=STATE.username, list="audit-people")),
            rx.el.datalist(rx.foreach(STATE.people, lambda name: rx.el.option(value=name)), id="audit-people"),
            filter_field("About", filter_choice("area", STATE.area, "Everything", AREAS)),
            filter_field("What", filter_choice("action_kind", STATE.action_kind, "Anything", KINDS)),
            filter_field("Object", rx.el.input(name="about", default_value=STATE.about, placeholder="part of a path")),
            filter_field("From", rx.el.input(name="since", type="date", default_value=STATE.since)),
            filter_field("Until", rx.el.input(name="until", type="date", default_value=STATE.until)),
            class_name="filters",
        ),
        rx.el.div(
            rx.el.button("Show", type="submit", class_name="btn pri"),
            rx.cond(STATE.narrowed, link("Show all", to="/audit", class_name="btn")),
            rx.cond(
                STATE.over,
                rx.el.label(
                    rx.el.input(
                        type="checkbox", name="installation", value="true", default_checked=STATE.installation != ""
                    ),
                    rx.el.span("With sign-ins and accounts"),
                    class_name="check-line",
                ),
            ),
            rx.el.span(class_name="grow"),
            rx.el.span(
                _file("CSV", STATE.as_csv),
                _file("JSON", STATE.as_json),
                class_name="act-line",
            ),
            class_name="act-line",
        ),
        # a form keeps what was typed: after another address it begins anew
        key=STATE.newest,
        on_submit=STATE.find,
        role="search",
        class_name="audit-filters",
    )


def _file(word: str, to: Any) -> rx.Component:
    """A file that the server answers with, not a page of the app. Without `download` the page would believe that it is left."""
    return link(
        glyph(name="download", size=14),
        word,
        to=to,
        reload_document=True,
        class_name="btn",
        custom_attrs={"download": ""},
    )


def _table() -> rx.Component:
    return rx.cond(
        STATE.lines.length() == 0,
        rx.cond(
            STATE.narrowed,
            empty("Nothing matches", "Other people, objects or days may have entries. Days are those of UTC."),
            empty("Nothing has happened yet", "What people do, run, approve and change is noted here."),
        ),
        rx.el.table(
            rx.el.thead(
                rx.el.tr(
                    *(
                        rx.el.th(word, scope="col")
                        for word in ("When", "Person", "Action", "Object", "Details", "From where")
                    )
                )
            ),
            rx.el.tbody(rx.foreach(STATE.lines, _line)),
            class_name="audit-table",
        ),
    )


def _line(line: Any) -> rx.Component:
    """An AuditLine."""
    return rx.el.tr(
        rx.el.td(when(iso=line.at, relative=False)),
        rx.el.td(line.by),
        rx.el.td(line.action, class_name="mono"),
        rx.el.td(line.target, class_name="mono"),
        rx.el.td(line.detail),
        rx.el.td(line.address, class_name="mono"),
    )


def _pager() -> rx.Component:
    return rx.el.nav(
        rx.cond(STATE.before_id != "", link(glyph(name="left"), "Newest", to=STATE.newest, class_name="btn")),
        rx.el.span(class_name="grow"),
        rx.cond(STATE.older != "", link("Older", glyph(name="right"), to=STATE.older, class_name="btn")),
        class_name="pages",
        custom_attrs={"aria-label": "Pages"},
    )
