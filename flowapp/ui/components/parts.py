"""The part of a dialog that says who has which part in something. Its state is a `PartsState`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from flowapp.ui.components.bits import glyph


def parts(state: Any, label: str, noun: str, rights: Sequence[tuple[str, str]] = ()) -> rx.Component:
    """Rows of names, each with a right where there are several, and a row to add one."""
    return rx.el.fieldset(
        rx.el.legend(label),
        rx.el.ul(
            rx.foreach(state.parts, lambda part: _row(state, part, rights)),
            class_name="parts",
        ),
        rx.cond(
            state.parts.length() == 0,
            rx.el.p(f"No {noun} yet.", class_name="form-help"),
        ),
        rx.el.div(
            rx.el.select(
                rx.el.option("Choose…", value=""),
                rx.foreach(state.others, lambda name: rx.el.option(name, value=name)),
                value=state.adding,
                on_change=state.choose,
                class_name="in-select",
                custom_attrs={"aria-label": f"Another {noun}"},
            ),
            _right(rights, state.adding_right, state.choose_right, "What they may do") if rights else rx.fragment(),
            rx.el.button(
                glyph(name="plus", size=14),
                "Add",
                type="button",
                class_name="btn",
                on_click=state.add_part,
                disabled=state.adding == "",
            ),
            class_name="part-new" if not rights else "part-new righted",
        ),
        class_name="field parts-field",
    )


def _row(state: Any, part: Any, rights: Sequence[tuple[str, str]]) -> rx.Component:
    """A Part."""
    return rx.el.li(
        rx.el.span(part.who, class_name="mono"),
        _right(rights, part.right, lambda right: state.set_right(part.who, right), "What " + part.who + " may do")
        if rights
        else rx.fragment(),
        rx.el.button(
            glyph(name="close", size=14),
            type="button",
            class_name="btn quiet",
            on_click=state.drop_part(part.who),
            custom_attrs={"aria-label": "Take away " + part.who},
        ),
        class_name="part" if not rights else "part righted",
    )


def _right(rights: Sequence[tuple[str, str]], value: Any, on_change: Any, label: Any) -> rx.Component:
    return rx.el.select(
        *(rx.el.option(word, value=key) for key, word in rights),
        value=value,
        on_change=on_change,
        class_name="in-select",
        custom_attrs={"aria-label": label},
    )
