"""`/variables` and `/resources`: lists with a dialog to make, change and delete one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from flowapp.ui.components.bits import glyph, when
from flowapp.ui.components.lists import delete_button, deletion, empty, field, form_dialog, list_head, new_button
from flowapp.ui.components.local import TAB_WORKSPACE
from flowapp.ui.components.stored import resource_fields
from flowapp.ui.shell import Place, problem_notice, resource_tabs, shell, skeleton, title
from flowapp.ui.state.stored import ResourcesState, VariablesState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
VARIABLES: Any = VariablesState
RESOURCES: Any = ResourcesState


@rx.page(route="/variables", title="Variables · Flowapp", on_load=VARIABLES.load)
def variables() -> rx.Component:
    """Variables and secrets."""
    value = (
        rx.el.label(
            rx.el.input(type="checkbox", id="stored-secret", checked=VARIABLES.secret, on_change=VARIABLES.set_secret),
            rx.el.span("Secret: encrypted, not shown here again, masked in logs"),
            class_name="check-line",
        ),
        area(VARIABLES, "Value", rows="4", hint=_value_hint(), required=False),
    )
    return _page(
        VARIABLES,
        "variables",
        title("Variables"),
        "variable",
        "Texts that flows and scripts read by path: addresses, settings and secrets such as passwords and keys.",
        value,
    )


@rx.page(route="/resources", title="Resources · Flowapp", on_load=RESOURCES.load)
def resources() -> rx.Component:
    """Resources."""
    return _page(
        RESOURCES,
        "resources",
        resource_tabs("resources"),
        "resource",
        "What cells connect to: databases, mail servers, APIs. A cell's input of that type picks one by its path.",
        [
            resource_fields(
                ws=TAB_WORKSPACE,
                type=RESOURCES.resource_type,
                text=RESOURCES.value,
                fresh=RESOURCES.original == "",
            ),
            rx.cond(RESOURCES.earlier.length() > 0, _earlier_values()),
        ],
    )


def _earlier_values() -> rx.Component:
    """What the resource of the dialog was before, and the way back."""
    return rx.el.details(
        rx.el.summary(
            rx.cond(RESOURCES.earlier.length() == 1, "1 earlier value", f"{RESOURCES.earlier.length()} earlier values")
        ),
        rx.el.ul(rx.foreach(RESOURCES.earlier, _earlier_value)),
        class_name="earlier",
    )


def _earlier_value(value: Any) -> rx.Component:
    """An EarlierValue."""
    shown = RESOURCES.seen == value.id
    return rx.el.li(
        rx.el.div(
            rx.el.span(when(iso=value.at), " by ", value.by, class_name="row-sub"),
            rx.el.button(
                rx.cond(shown, "Hide", "Show"),
                type="button",
                class_name="btn",
                on_click=RESOURCES.look(value.id),
                custom_attrs={"aria-expanded": shown},
            ),
            class_name="earlier-line",
        ),
        rx.cond(shown, _shown_value()),
    )


def _shown_value() -> rx.Component:
    return rx.el.div(
        rx.el.pre(
            RESOURCES.seen_value, tab_index=0, class_name="cmp-text", custom_attrs={"aria-label": "The value as it was"}
        ),
        rx.cond(
            RESOURCES.seen_gone != "",
            rx.el.p(
                "Not there any more, or not yours to see: ", rx.el.code(RESOURCES.seen_gone), class_name="form-help"
            ),
        ),
        rx.cond(
            RESOURCES.mine,
            rx.el.div(
                rx.el.button(
                    "Bring it back",
                    type="button",
                    class_name="btn",
                    on_click=RESOURCES.bring_back(RESOURCES.seen),
                    custom_attrs={"data-discards": ""},
                ),
                rx.el.span("as the newest value, in the place of what stands above", class_name="form-help"),
                class_name="act-line",
            ),
        ),
    )


def _value_hint() -> rx.Component:
    return rx.el.p(
        rx.cond(
            VARIABLES.secret & (VARIABLES.original != ""),
            "Leave it empty to keep the secret as it is.",
            "Cells read it with $var:path, variable(path), or the clients.",
        ),
        id="stored-value-help",
        class_name="form-help",
    )


def _page(
    state: Any, place: Place, top: rx.Component, noun: str, about: str, value: Sequence[rx.Component]
) -> rx.Component:
    return shell(
        problem_notice(state.problem, state.hint),
        list_head(
            about,
            rx.cond(state.lines.length() > 5, search(state, noun)),
            rx.cond(state.makes, new_button(f"New {noun}", state.edit(""))),
        ),
        rx.el.div(rx.cond(state.loaded, _list(state, noun), skeleton()), class_name="card list"),
        dialog(state, noun, *value),
        stored_deletion(state, noun, " is named by nothing that you can see. It cannot be brought back."),
        place=place,
        top=top,
    )


def search(state: Any, noun: str) -> rx.Component:
    """Narrows the list."""
    return rx.el.label(
        glyph(name="search", size=14),
        rx.el.span(f"Find a {noun}", class_name="sr"),
        rx.el.input(placeholder=f"Find a {noun}", on_change=state.search.debounce(150), type="search"),
        class_name="find",
    )


def _list(state: Any, noun: str) -> rx.Component:
    return rx.cond(
        state.lines.length() == 0,
        rx.cond(
            state.makes,
            empty(
                f"No {noun}s yet",
                f"A {noun} is shared by its path: those in u/ are a person's own, those in f/ a folder's.",
            ),
            empty(
                f"No {noun}s for you to see",
                f"Developers and admins of the workspace look at {noun}s and write them. What you may run uses those that it names.",
            ),
        ),
        rx.cond(
            state.shown.length() == 0,
            rx.el.div(rx.el.p(f"No {noun} matches."), class_name="empty"),
            rx.el.ul(rx.foreach(state.shown, lambda line: _line(state, line))),
        ),
    )


def _line(state: Any, line: Any) -> rx.Component:
    """A StoredLine."""
    return rx.el.li(
        rx.el.span(
            rx.el.button(line.path, type="button", class_name="row-title cover mono", on_click=state.edit(line.path)),
            rx.el.span(line.note, class_name="row-sub"),
            class_name="row-names",
        ),
        rx.cond(line.kind != "", rx.el.span(line.kind, class_name="pill"), rx.el.span()),
        rx.el.span(when(iso=line.edited_at), class_name="row-sub right hide-sm"),
        rx.cond(line.mine, delete_button(state, line.path), rx.el.span()),
        class_name="row-link row-stored",
    )


def area(state: Any, label: str, *, rows: str, required: bool, hint: rx.Component | None = None) -> rx.Component:
    """The dialog's field for the value. `hint` has the id that describes it."""
    return rx.el.div(
        rx.el.label(label, html_for="stored-value"),
        rx.el.textarea(
            id="stored-value",
            name="value",
            rows=rows,
            default_value=state.value,
            class_name="in-area mono",
            spell_check=False,
            required=required,
            custom_attrs={"aria-describedby": "stored-value-help"} if hint else {},
        ),
        hint or rx.fragment(),
        class_name="field",
    )


def dialog(state: Any, noun: str, *value: rx.Component, summary: str = "Description") -> rx.Component:
    """Makes one, or changes it: path, what is its own, and what it is for. A schedule keeps its path."""
    fixed = {"read_only": state.original != ""} if noun == "schedule" else {}
    return form_dialog(
        state,
        rx.cond(state.original == "", f"New {noun}", rx.cond(state.mine, f"Change {noun}", noun.capitalize())),
        field("Path", "path", state.path, required=True, spell_check=False, **fixed),
        *value,
        field(summary, "description", state.description),
        may_save=state.mine,
    )


def stored_deletion(state: Any, noun: str, unused: str) -> rx.Component:
    """Asks before deleting; `unused` ends the sentence that begins with the path, where nobody is known to use it."""
    return deletion(state, f"Delete this {noun}?", unused, " is used here, where runs will fail without it:")
