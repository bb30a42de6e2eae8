"""`/resource-types`: what the values of resources look like, beside the page of the resources."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.bits import when
from flowapp.ui.components.lists import delete_button, deletion, empty, field, form_dialog, list_head, new_button
from flowapp.ui.components.stored import type_schema
from flowapp.ui.pages.stored import search
from flowapp.ui.shell import problem_notice, resource_tabs, shell, skeleton
from flowapp.ui.state.resource_types import ResourceTypesState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
STATE: Any = ResourceTypesState


@rx.page(route="/resource-types", title="Types of resources · Flowapp", on_load=STATE.load)
def resource_types() -> rx.Component:
    """The list."""
    return shell(
        problem_notice(STATE.problem, STATE.hint),
        list_head(
            "Which fields a resource of a type has: its dialog is made of them.",
            rx.cond(STATE.lines.length() > 5, search(STATE, "type")),
            rx.cond(STATE.mine, new_button("New type", STATE.edit(""))),
        ),
        rx.el.div(rx.cond(STATE.loaded, _list(), skeleton()), class_name="card list"),
        _dialog(),
        deletion(
            STATE,
            "Delete this type?",
            " is named by nothing that you can see. It cannot be brought back.",
            " is named here. Its resources stay, and are edited as JSON from then on:",
        ),
        place="resources",
        top=resource_tabs("resource-types"),
    )


def _list() -> rx.Component:
    return rx.cond(
        STATE.lines.length() == 0,
        empty(
            "No types yet",
            "A type such as postgresql says which fields its resources have; without one they are edited as JSON.",
        ),
        rx.cond(
            STATE.shown.length() == 0,
            rx.el.div(rx.el.p("No type matches."), class_name="empty"),
            rx.el.ul(rx.foreach(STATE.shown, _line)),
        ),
    )


def _line(line: Any) -> rx.Component:
    """A StoredLine."""
    return rx.el.li(
        rx.el.span(
            rx.el.button(line.path, type="button", class_name="row-title cover mono", on_click=STATE.edit(line.path)),
            rx.el.span(line.note, class_name="row-sub"),
            class_name="row-names",
        ),
        rx.cond(line.kind != "", rx.el.span(line.kind, class_name="pill"), rx.el.span()),
        rx.el.span(when(iso=line.edited_at), class_name="row-sub right hide-sm"),
        rx.cond(STATE.mine, delete_button(STATE, line.path), rx.el.span()),
        class_name="row-link row-stored",
    )


def _dialog() -> rx.Component:
    return form_dialog(
        STATE,
        rx.cond(STATE.original == "", "New type", "Change type"),
        rx.cond(
            STATE.original == "",
            field("Name", "path", STATE.path, required=True, spell_check=False, placeholder="postgresql"),
            rx.el.p("Type ", rx.el.code(STATE.original), class_name="form-help"),
        ),
        field("Description", "description", STATE.description),
        type_schema(text=STATE.value),
    )
