"""What every page stands in: the rail, a top bar, the status bar, and the way past them for keyboards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink  # type: ignore[import-untyped]  # ships no types

from flowapp.ui.components.approvals import approval_count
from flowapp.ui.components.bits import glyph, sign_out, status_bar, workspace_switch
from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.news import entries

Place = Literal[
    "home",
    "runs",
    "approvals",
    "schedules",
    "scripts",
    "hub",
    "variables",
    "resources",
    "runtimes",
    "people",
    "account",
    "more",
    "",
]


def link(*children: Any, to: Any, **props: Any) -> rx.Component:
    """A link within the app, without a page load."""
    return ReactRouterLink.create(*children, to=to, **props)


def shell(
    *content: rx.Component, place: Place = "", top: rx.Component | None = None, inset: bool = True, tab_index: int = -1
) -> rx.Component:
    """A page. `top` is what stands in the top bar (None: the content brings its own bar); `inset` gives it a column.

    `tab_index` 0 lets the keyboard scroll a page that may hold nothing else to go to.
    """
    main = rx.el.main(
        rx.el.div(*content, class_name="page-in") if inset else rx.fragment(*content),
        id="main",
        tab_index=tab_index,
        class_name="page" if top is not None else "page flush",
    )
    return rx.el.div(
        rx.el.a("Skip to content", href="#main", class_name="skip"),
        _rail(place),
        rx.el.header(top, class_name="top") if top is not None else rx.fragment(),
        main,
        status_bar(ws=TAB_WORKSPACE, news=entries()[0].id),
        class_name="shell" if top is not None else "shell bare",
    )


def crumb(label: str, to: str, here: str) -> rx.Component:
    """Where a page stands: its list, then itself."""
    return rx.el.nav(
        rx.el.ol(rx.el.li(link(label, to=to)), rx.el.li(rx.el.b(here), custom_attrs={"aria-current": "page"})),
        class_name="crumb",
        custom_attrs={"aria-label": "Place"},
    )


def title(text: str) -> rx.Component:
    """A page's name in the top bar."""
    return rx.el.h1(text)


Team = Literal["people", "groups", "folders", "audit", "settings"]


def team_tabs(current: Team) -> rx.Component:
    """What the pages of the workspace and its people stand under."""
    names: tuple[tuple[Team, str], ...] = (
        ("people", "People"),
        ("groups", "Groups"),
        ("folders", "Folders"),
        ("audit", "Audit"),
        ("settings", "Settings"),
    )
    return _tabs(names, current, "People and rights")


def resource_tabs(current: Literal["resources", "resource-types"]) -> rx.Component:
    """What the pages of resources and of their types stand under."""
    return _tabs((("resources", "Resources"), ("resource-types", "Types")), current, "Resources and their types")


def _tabs(names: Sequence[tuple[str, str]], current: str, label: str) -> rx.Component:
    """In the place of a page's title, which readers hear."""
    return rx.fragment(
        rx.el.h1(dict(names)[current], class_name="sr"),
        rx.el.nav(
            *(
                link(
                    word,
                    to=f"/{name}",
                    class_name="tab",
                    custom_attrs={"aria-current": "page"} if name == current else {},
                )
                for name, word in names
            ),
            class_name="tabs",
            custom_attrs={"aria-label": label},
        ),
    )


def problem_notice(problem: Any, hint: Any) -> rx.Component:
    """An error of the page's last action, where it cannot be missed."""
    return rx.cond(
        problem != "",
        rx.el.div(rx.el.b(problem), rx.el.span(hint, class_name="muted"), class_name="notice", role="alert"),
    )


def skeleton(lines: int = 5) -> rx.Component:
    """Grey bars where a list is about to stand."""
    widths = ("62%", "84%", "47%", "73%", "55%")
    bars = [rx.el.i(style={"width": widths[index % len(widths)]}) for index in range(lines)]
    return rx.el.div(
        *bars,
        class_name="skeleton page-skeleton",
        role="status",
        custom_attrs={"aria-label": "Loading"},
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in the rail."""

    place: Place
    label: str
    to: str
    icon: str


#: What fits into the bar of a phone, and what a phone has behind *More*.
FIRST = (
    Entry("home", "Flows", "/", "flows"),
    Entry("runs", "Runs", "/runs", "clock"),
    Entry("approvals", "Approvals", "/approvals", "inbox"),
    Entry("schedules", "Schedules", "/schedules", "calendar"),
)
MORE = (
    Entry("scripts", "Scripts", "/scripts", "code"),
    Entry("hub", "Hub", "/hub", "book"),
    Entry("variables", "Variables", "/variables", "key"),
    Entry("resources", "Resources", "/resources", "box"),
    Entry("runtimes", "Runtimes", "/runtimes", "chip"),
    Entry("people", "People", "/people", "people"),
    Entry("account", "Account", "/account", "person"),
)
NEWS = Entry("", "What's new", "/whats-new", "bell")


def _rail(place: Place) -> rx.Component:
    *places, account = MORE
    behind = place == "more" or any(entry.place == place for entry in MORE)
    return rx.el.nav(
        link(_mark(), to="/", class_name="brand", custom_attrs={"aria-label": "Flowapp, home"}),
        rx.el.div(workspace_switch(ws=TAB_WORKSPACE), class_name="rail-own hide-phone"),
        *(_entry(entry, place) for entry in FIRST),
        *(_entry(entry, place, "hide-phone") for entry in places),
        link(
            glyph(name="dots", size=18),
            rx.el.span("More"),
            to="/more",
            class_name="only-phone",
            custom_attrs={"aria-current": "page"} if behind else {},
        ),
        rx.el.span(class_name="grow"),
        rx.el.div(theme_button(), _entry(account, place), sign_out(), class_name="rail-own hide-phone"),
        class_name="rail",
        custom_attrs={"aria-label": "Main"},
    )


def theme_button() -> rx.Component:
    """Switches between light and dark colours."""
    return rx.el.button(
        glyph(name="theme", size=18),
        rx.el.span(rx.color_mode_cond("Dark", "Light")),
        type="button",
        on_click=rx.toggle_color_mode,
        custom_attrs={"aria-label": rx.color_mode_cond("Use dark colours", "Use light colours")},
    )


def _entry(entry: Entry, place: Place, class_name: str = "") -> rx.Component:
    marks = {"aria-current": "page"} if entry.place == place else {}
    count = [approval_count(ws=TAB_WORKSPACE)] if entry.place == "approvals" else []
    return link(
        glyph(name=entry.icon, size=18),
        rx.el.span(entry.label),
        *count,
        to=entry.to,
        class_name=class_name,
        custom_attrs=marks,
    )


def _mark() -> rx.Component:
    """The mark: two cells and the wire between them."""
    return rx.el.svg(
        rx.el.rect(x="3", y="3", width="18", height="7", rx="2", fill="var(--accent)"),
        rx.el.rect(
            x="3", y="14", width="18", height="7", rx="2", fill="none", stroke="var(--accent)", stroke_width="2"
        ),
        rx.el.path(d="M12 10v4", stroke="var(--accent)", stroke_width="2"),
        view_box="0 0 24 24",
        custom_attrs={"aria-hidden": "true", "viewBox": "0 0 24 24"},
    )
