"""`/groups`: groups of members, which folders and approvals name."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.lists import delete_button, deletion, empty, field, form_dialog, list_head, new_button
from flowapp.ui.components.parts import parts
from flowapp.ui.shell import problem_notice, shell, skeleton, team_tabs
from flowapp.ui.state.groups import GroupsState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
STATE: Any = GroupsState


@rx.page(route="/groups", title="Groups · Flowapp", on_load=STATE.load)
def groups() -> rx.Component:
    """The list."""
    return shell(
        problem_notice(STATE.problem, STATE.hint),
        list_head(
            "Folders and approvals name groups instead of each person. Everybody is in the group all.",
            rx.cond(STATE.mine, new_button("New group", STATE.edit(""))),
        ),
        rx.el.div(rx.cond(STATE.loaded, _list(), skeleton()), class_name="card list"),
        _dialog(),
        deletion(
            STATE,
            "Delete this group?",
            " is named by nothing. Its members stay in the workspace.",
            " is named here. Nobody has a part by it any more, and a new group of that name would have it:",
        ),
        place="people",
        top=team_tabs("groups"),
    )


def _list() -> rx.Component:
    return rx.el.ul(
        rx.foreach(STATE.groups, _line),
        rx.cond(
            STATE.groups.length() < 2,
            rx.el.li(empty("No groups of your own yet", "A group is good for a team that shares folders or approves.")),
        ),
    )


def _line(line: Any) -> rx.Component:
    """A GroupLine."""
    return rx.el.li(
        rx.el.span(
            rx.cond(
                line.mine,
                rx.el.button(
                    line.name, type="button", class_name="row-title cover mono", on_click=STATE.edit(line.name)
                ),
                rx.el.span(line.name, class_name="row-title mono"),
            ),
            rx.el.span(line.note, class_name="row-sub"),
            class_name="row-names",
        ),
        rx.el.span(class_name="hide-sm"),  # the place of a state, which groups have none of
        rx.el.span(line.members, class_name="row-sub right num"),
        rx.cond(line.mine, delete_button(STATE, line.name), rx.el.span()),
        class_name="row-link row-stored",
    )


def _dialog() -> rx.Component:
    return form_dialog(
        STATE,
        rx.cond(STATE.original == "", "New group", "Change group"),
        rx.cond(
            STATE.original == "",
            field("Name", "name", "", prefix="group", required=True, spell_check=False, max_length=50),
            rx.el.p(rx.el.code("g/", STATE.original), class_name="form-help"),
        ),
        field("What it is for", "summary", STATE.summary, prefix="group"),
        parts(STATE, "Members", "member"),
    )
