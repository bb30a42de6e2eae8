"""`/scripts`: the stored scripts, with a dialog to begin one; `/scripts/p/PATH`: one of them."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.bits import glyph, when
from flowapp.ui.components.lists import choice, empty, field, form_dialog, list_head, new_button
from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.components.script_page import RUNNABLE, script_route
from flowapp.ui.shell import crumb, link, problem_notice, shell, skeleton, title
from flowapp.ui.state.guard import Guard
from flowapp.ui.state.scripts import ScriptsState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
STATE: Any = ScriptsState


@rx.page(route="/scripts", title="Scripts · Flowapp", on_load=STATE.load)
def scripts() -> rx.Component:
    """The list."""
    return shell(
        problem_notice(STATE.problem, STATE.hint),
        list_head(
            "Code that flows, schedules, webhooks and other scripts use by its path. Every save is a version.",
            rx.cond(STATE.lines.length() > 5, _search()),
            rx.cond(STATE.makes, new_button("New script", STATE.begin)),
        ),
        rx.el.div(rx.cond(STATE.loaded, _list(), skeleton()), class_name="card list"),
        _dialog(),
        place="scripts",
        top=title("Scripts"),
    )


@rx.page(route="/scripts/p/[[...splat]]", title="Script · Flowapp", on_load=Guard.enter)
def script() -> rx.Component:
    """One script: its body talks to the HTTP API itself, past Reflex state."""
    return shell(
        script_route(ws=TAB_WORKSPACE, languages=RUNNABLE),
        place="scripts",
        top=crumb("Scripts", "/scripts", "Script"),
        inset=False,
    )


def _search() -> rx.Component:
    return rx.el.label(
        glyph(name="search", size=14),
        rx.el.span("Find a script", class_name="sr"),
        rx.el.input(placeholder="Find a script", on_change=STATE.search.debounce(150), type="search"),
        class_name="find",
    )


def _list() -> rx.Component:
    return rx.cond(
        STATE.lines.length() == 0,
        empty(
            "No scripts yet",
            "A script is written once and used in many places: as a step of flows, imported by other scripts, on a schedule,"
            " or called from outside by a webhook.",
        ),
        rx.cond(
            STATE.shown.length() == 0,
            rx.el.div(rx.el.p("No script matches."), class_name="empty"),
            rx.el.ul(rx.foreach(STATE.shown, _line)),
        ),
    )


def _line(line: Any) -> rx.Component:
    """A ScriptLine."""
    return rx.el.li(
        link(
            rx.el.span(
                rx.el.span(line.path, class_name="row-title mono"),
                rx.el.span(line.summary, class_name="row-sub"),
                class_name="row-names",
            ),
            rx.el.span(rx.el.span(line.language, class_name="pill")),
            rx.el.span(when(iso=line.created_at), " by ", line.by, class_name="row-sub right"),
            to=f"/scripts/p/{line.path}",
            class_name="row-link row-script",
        )
    )


def _dialog() -> rx.Component:
    return form_dialog(
        STATE,
        "New script",
        field("Path", "path", STATE.mine, prefix="script", required=True, spell_check=False),
        choice("Language", "language", "python3", [(one["name"], one["label"]) for one in RUNNABLE], prefix="script"),
        field("Summary", "summary", "", prefix="script", placeholder="What it does, in a few words"),
        save="Create",
    )
