"""`/runs`: the list of runs with filters that live in the address."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.bits import filter_chip, filter_input, glyph, listed, run_state, signal, tick, took, when
from flowapp.ui.components.lists import filter_field
from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.pages.run_views import run_views
from flowapp.ui.shell import link, problem_notice, shell, skeleton, title
from flowapp.ui.state.run_views import RunViewsState
from flowapp.ui.state.runs import TRIGGERS, RunsState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
STATE: Any = RunsState
VIEWS: Any = RunViewsState


@rx.page(route="/runs", title="Runs · Flowapp", on_load=[STATE.load, VIEWS.load])
def runs() -> rx.Component:
    """The list."""
    return shell(
        problem_notice(STATE.problem, STATE.hint),
        run_views(STATE),
        rx.el.div(
            rx.el.div(rx.foreach(STATE.by_status, _chip), class_name="chips", role="group"),
            rx.el.span(class_name="grow"),
            _find(),
            class_name="list-head",
        ),
        _more_filters(),
        listed(
            _chosen(),
            rx.el.div(
                rx.cond(STATE.loaded, _list(), rx.cond(STATE.problem != "", _unread(), skeleton(8))),
                class_name="card list",
            ),
            answered=STATE.answered,
        ),
        _pager(),
        signal(ws=TAB_WORKSPACE, topic="runs", on_change=STATE.refresh),
        place="runs",
        top=title("Runs"),
    )


def _chip(one: Any) -> rx.Component:
    """An entry of `RunsState.by_status`."""
    return filter_chip(one[1], to=one[0], pressed=STATE.loaded & (STATE.status == one[2]), answered=STATE.answered)


def _more_filters() -> rx.Component:
    """Who, how and when; open where one of them narrows the list."""
    return rx.el.details(
        rx.el.summary("More filters"),
        rx.el.form(
            rx.el.div(
                filter_field(
                    "Person", filter_input(name="created_by", value=STATE.created_by, type="text", list="runs-people")
                ),
                rx.el.datalist(rx.foreach(STATE.people, lambda name: rx.el.option(value=name)), id="runs-people"),
                filter_field(
                    "Begun by", filter_input(name="trigger", value=STATE.trigger, options=[("", "Anything"), *TRIGGERS])
                ),
                filter_field("From", filter_input(name="since", value=STATE.since, type="date")),
                filter_field("Until", filter_input(name="until", value=STATE.until, type="date")),
                class_name="filters four",
            ),
            rx.el.div(
                rx.el.button("Show", type="submit", class_name="btn"),
                rx.cond(STATE.narrowed, link("Show all runs", to="/runs", class_name="btn quiet")),
                class_name="act-line",
            ),
            on_submit=STATE.narrow,
            class_name="audit-filters",
        ),
        open=STATE.more_filters,
        class_name="more-filters",
    )


def _find() -> rx.Component:
    return rx.el.form(
        rx.el.label(
            glyph(name="search", size=14),
            rx.el.span("Find by path", class_name="sr"),
            filter_input(name="path", placeholder="Find by path", value=STATE.path),
            class_name="find",
        ),
        on_submit=STATE.find,
        role="search",
    )


def _chosen() -> rx.Component:
    """What can be done with the runs that are chosen, in the place of nothing."""
    count = STATE.chosen.length()
    return rx.el.div(
        rx.cond(
            count > 0,
            rx.el.div(
                rx.el.span(count, rx.cond(count == 1, " run chosen", " runs chosen"), class_name="muted"),
                rx.el.span(class_name="grow"),
                rx.cond(STATE.comparison != "", link("Compare", to=STATE.comparison, class_name="btn")),
                rx.cond(
                    STATE.acts,
                    rx.fragment(
                        rx.el.button("Run again", type="button", class_name="btn", on_click=STATE.run_chosen_again),
                        rx.el.button(
                            "Cancel runs", type="button", class_name="btn danger", on_click=STATE.cancel_chosen
                        ),
                    ),
                ),
                rx.el.button("Choose none", type="button", class_name="btn quiet", on_click=STATE.choose_all(False)),
                class_name="list-head chosen",
                role="group",
                custom_attrs={"aria-label": "Chosen runs"},
            ),
        ),
        rx.el.p(STATE.said, class_name="muted", role="status"),
    )


def _list() -> rx.Component:
    return rx.cond(STATE.lines.length() == 0, _empty(), rx.el.ul(rx.foreach(STATE.lines, _line)))


def _line(line: Any) -> rx.Component:
    """A RunLine."""
    return rx.el.li(
        rx.el.label(
            tick(
                checked=STATE.chosen.contains(line.id),
                label="Choose run " + line.number,
                on_toggle=lambda chosen: STATE.choose(line.id, chosen),
            ),
            class_name="row-choose",
        ),
        link(
            rx.el.span(line.number, class_name="muted num hide-sm"),
            rx.el.span(
                rx.el.span(line.title, class_name="row-title"),
                rx.el.span(
                    rx.el.span(line.number, " · ", when(iso=line.started_at), " · ", class_name="only-sm"),
                    line.note,
                    rx.cond(
                        line.waits_until != "", when(iso=line.waits_until, prefix=" · waits until", relative=False)
                    ),
                    class_name="row-sub",
                ),
                class_name="row-names",
            ),
            run_state(status=line.status),
            rx.el.span(took(ms=line.duration_ms), class_name="row-sub right hide-sm"),
            rx.el.span(when(iso=line.started_at), class_name="row-sub right hide-sm"),
            to=line.href,
            class_name="row-link row-run",
        ),
        class_name="row-picked",
    )


def _empty() -> rx.Component:
    return rx.cond(
        STATE.narrowed,
        rx.el.div(
            rx.el.b("No run matches"),
            rx.el.p("Runs of other states, paths, people or days may be there. Days are those of UTC."),
            link("Show all runs", to="/runs", class_name="btn"),
            class_name="empty",
        ),
        rx.el.div(
            rx.el.b("No runs yet"),
            rx.el.p("Every run of a cell or a flow is listed here, with what each step got, gave and printed."),
            link("Open a flow", to="/", class_name="btn pri"),
            class_name="empty",
        ),
    )


def _unread() -> rx.Component:
    """Why stands in the notice above the list."""
    return rx.el.div(
        rx.el.b("The list could not be read"),
        rx.el.div(
            rx.el.button("Try again", type="button", class_name="btn", on_click=STATE.load),
            link("Show all runs", to="/runs", class_name="btn"),
            class_name="act-line",
        ),
        class_name="empty",
    )


def _pager() -> rx.Component:
    return rx.el.nav(
        rx.cond(STATE.page > 1, link(glyph(name="left"), "Newer", to=STATE.newer, class_name="btn")),
        rx.el.span(class_name="grow"),
        rx.cond(STATE.more, link("Older", glyph(name="right"), to=STATE.older, class_name="btn")),
        class_name="pages",
        custom_attrs={"aria-label": "Pages"},
    )
