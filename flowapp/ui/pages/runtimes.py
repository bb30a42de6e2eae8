"""`/runtimes`: what runs cells on this server, how it is kept apart, and the packages that are installed for cells."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.bits import glyph, when
from flowapp.ui.shell import problem_notice, shell, skeleton, title
from flowapp.ui.state.runtimes import RuntimesState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
STATE: Any = RuntimesState


@rx.page(route="/runtimes", title="Runtimes · Flowapp", on_load=STATE.load)
def runtimes() -> rx.Component:
    """The page."""
    return shell(
        problem_notice(STATE.problem, STATE.hint),
        rx.cond(STATE.loaded, rx.fragment(_isolation(), _languages(), _packages()), skeleton(8)),
        place="runtimes",
        top=title("Runtimes"),
        tab_index=0,
    )


def _isolation() -> rx.Component:
    return _section(
        "Isolation",
        rx.el.div(
            rx.el.b(STATE.isolation),
            rx.el.ul(
                rx.foreach(STATE.held, lambda name: rx.el.li(_badge("check", "ok", name))),
                rx.foreach(STATE.lacking, lambda name: rx.el.li(_badge("cross", "stale", name + " (not here)"))),
                class_name="badges",
                custom_attrs={"aria-label": "What keeps jobs apart"},
            ),
            rx.foreach(STATE.notes, lambda note: rx.el.p(note, class_name="muted")),
            class_name="card facts",
        ),
    )


def _badge(icon: str, kind: str, text: Any) -> rx.Component:
    return rx.el.span(glyph(name=icon, size=12), text, class_name=f"badge {kind}")


def _languages() -> rx.Component:
    return _section("Languages", rx.el.div(rx.el.ul(rx.foreach(STATE.languages, _language)), class_name="card list"))


def _language(line: Any) -> rx.Component:
    """A LanguageLine."""
    return rx.el.li(
        rx.el.span(
            rx.el.span(line.label, class_name="row-title"),
            rx.el.span(line.note, class_name="row-sub"),
            class_name="row-names",
        ),
        rx.match(
            line.state,
            ("ready", _badge("check", "ok", "Ready")),
            ("later", _badge("download", "wait", "With its first cell")),
            ("missing", _badge("cross", "stale", "Not on this host")),
            rx.el.span("Does not run here", class_name="pill"),
        ),
        class_name="row-link row-fact",
    )


def _packages() -> rx.Component:
    return rx.cond(
        STATE.mine,
        _section(
            "Packages",
            rx.el.div(
                rx.el.p(STATE.sizes, class_name="muted"),
                rx.el.span(class_name="grow"),
                rx.el.button(
                    glyph(name="trash", size=14),
                    "Clear what no job uses",
                    type="button",
                    class_name="btn",
                    on_click=STATE.clear,
                    disabled=~STATE.anything,
                ),
                class_name="list-head",
            ),
            rx.el.div(
                rx.cond(
                    STATE.packages.length() == 0,
                    rx.el.div(
                        rx.el.b("No packages are installed"),
                        rx.el.p("What a cell imports is installed when it first runs, and kept for the next ones."),
                        class_name="empty",
                    ),
                    rx.el.ul(rx.foreach(STATE.packages, _package)),
                ),
                class_name="card list",
            ),
        ),
    )


def _package(line: Any) -> rx.Component:
    """A PackagesLine."""
    return rx.el.li(
        rx.el.span(
            rx.el.span(line.packages, class_name="row-title wrap"),
            rx.el.span(line.language, " · used ", when(iso=line.used_at), class_name="row-sub"),
            class_name="row-names",
        ),
        rx.el.span(line.size, class_name="row-sub num right"),
        class_name="row-link row-fact",
    )


def _section(name: str, *content: rx.Component) -> rx.Component:
    mark = name.lower()
    return rx.el.section(
        rx.el.div(rx.el.h2(name, id=mark), class_name="list-head"),
        *content,
        class_name="page-part",
        custom_attrs={"aria-labelledby": mark},
    )
