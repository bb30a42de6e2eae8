"""What pages with a list of things to make, change and delete have in common. Their state is a `DialogState`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from flowapp.ui.components.bits import copy_field, glyph, keep_typed


def list_head(about: str, *actions: rx.Component) -> rx.Component:
    """What the list is for, and what can be done with it."""
    return rx.el.div(
        rx.el.p(about, class_name="muted about"), rx.el.span(class_name="grow"), *actions, class_name="list-head"
    )


def new_button(label: str, on_click: Any) -> rx.Component:
    """The list's main action."""
    return rx.el.button(glyph(name="plus", size=14), label, type="button", class_name="btn pri", on_click=on_click)


def empty(title: str, text: str, *more: rx.Component) -> rx.Component:
    """What belongs here, where there is nothing yet."""
    return rx.el.div(rx.el.b(title), rx.el.p(text), *more, class_name="empty")


def delete_button(state: Any, name: Any, label: str = "Delete") -> rx.Component:
    """Asks about one of the list."""
    return rx.el.button(
        glyph(name="trash", size=14),
        type="button",
        class_name="btn quiet above",
        on_click=state.ask(name),
        custom_attrs={"aria-label": f"{label} " + name},
    )


def field(label: str, name: str, value: Any, *, prefix: str = "stored", **props: Any) -> rx.Component:
    """A text field of a dialog."""
    return rx.el.div(
        rx.el.label(label, html_for=f"{prefix}-{name}"),
        rx.el.input(
            id=f"{prefix}-{name}", name=name, default_value=value, class_name="in-text", auto_complete="off", **props
        ),
        class_name="field",
    )


def choice(
    label: str, name: str, value: Any, options: Sequence[tuple[str, str]], *, prefix: str = "stored", **props: Any
) -> rx.Component:
    """A field of a dialog that takes one of a few: pairs of value and word."""
    return rx.el.div(
        rx.el.label(label, html_for=f"{prefix}-{name}"),
        rx.el.select(
            *(rx.el.option(word, value=key) for key, word in options),
            id=f"{prefix}-{name}",
            name=name,
            default_value=value,
            class_name="in-select",
            **props,
        ),
        class_name="field",
    )


def filter_field(label: str, control: rx.Component) -> rx.Component:
    """One control of a form that narrows a list, under its label."""
    return rx.el.label(rx.el.span(label), control, class_name="filter")


def filter_choice(name: str, value: Any, everything: str, options: Sequence[tuple[str, str]]) -> rx.Component:
    """A choice in such a form: `(value, word)`, and a word for no filter."""
    return rx.el.select(
        rx.el.option(everything, value=""),
        *(rx.el.option(word, value=key) for key, word in options),
        name=name,
        default_value=value,
    )


def further_list(name: str, mark: str, lines: rx.Component, *, action: Any = None) -> rx.Component:
    """Another list below that of the page, headed by its name. `mark` is the id of the heading."""
    more = () if action is None else (rx.el.span(class_name="grow"), action)
    return rx.el.section(
        rx.el.div(rx.el.h2(name, id=mark), *more, class_name="list-head"),
        rx.el.div(lines, class_name="card list"),
        class_name="page-part after",
        custom_attrs={"aria-labelledby": mark},
    )


def form_dialog(
    state: Any, title: Any, *content: rx.Component, save: Any = "Save", may_save: Any = None
) -> rx.Component:
    """Makes one, or changes it. What is wrong with it is said at its foot; what was typed is not thrown away unasked.

    Where `may_save` is false, one only looks at it, and the dialog says so.
    """
    saves = rx.el.button(save, type="submit", class_name="btn pri")
    if may_save is not None:
        saves = rx.cond(may_save, saves, rx.el.span("You may look at this, not change it.", class_name="form-help"))
    return rx.dialog.root(
        rx.dialog.content(
            rx.el.form(
                rx.dialog.title(title),
                *content,
                rx.el.div(rx.cond(state.error != "", rx.el.p(state.error, class_name="form-error")), role="alert"),
                keep_typed(),
                rx.el.div(
                    rx.dialog.close(
                        rx.el.button("Cancel", type="button", class_name="btn", custom_attrs={"data-cancels": ""})
                    ),
                    saves,
                    class_name="dialog-foot",
                ),
                on_submit=state.save,
                reset_on_submit=False,
                class_name="dialog",
            ),
            max_width="560px",
            custom_attrs={"aria-describedby": ""},
        ),
        open=state.editing,
        on_open_change=state.close,
    )


def deletion(state: Any, title: Any, unused: Any, used: Any, action: str = "Delete") -> rx.Component:
    """Asks before deleting. `unused` or `used` goes on with the sentence that begins with the name; below come who uses it."""
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.el.div(
                rx.alert_dialog.title(title),
                rx.alert_dialog.description(
                    rx.el.code(state.deleting),
                    rx.cond(state.users.length() == 0, unused, used),
                    class_name="form-help",
                ),
                rx.cond(
                    state.users.length() > 0,
                    rx.el.ul(
                        rx.foreach(state.users, lambda user: rx.el.li(user, class_name="mono")), class_name="users"
                    ),
                ),
                rx.el.div(
                    rx.alert_dialog.cancel(rx.el.button("Keep it", type="button", class_name="btn")),
                    rx.alert_dialog.action(
                        rx.el.button(action, type="button", class_name="btn danger", on_click=state.delete)
                    ),
                    class_name="dialog-foot",
                ),
                class_name="dialog",
            ),
            max_width="480px",
        ),
        open=state.deleting != "",
        on_open_change=state.keep,
    )


def once_dialog(state: Any, title: str, text: str, label: str = "Link") -> rx.Component:
    """Shows the state's `link`, which is not shown again."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.el.div(
                rx.dialog.title(title),
                rx.dialog.description(text, class_name="form-help"),
                copy_field(value=state.link, label=label),
                rx.el.div(
                    rx.dialog.close(rx.el.button("Done", type="button", class_name="btn pri")), class_name="dialog-foot"
                ),
                class_name="dialog",
            ),
            max_width="560px",
        ),
        open=state.link != "",
        on_open_change=state.close_link,
    )
