"""`/groups`: groups of members, which folders and approvals name; for super admins the instance groups too."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.lists import (
    delete_button,
    deletion,
    empty,
    field,
    form_dialog,
    further_list,
    list_head,
    new_button,
)
from flowapp.ui.components.parts import parts
from flowapp.ui.shell import problem_notice, shell, skeleton, team_tabs
from flowapp.ui.state.groups import GroupsState
from flowapp.ui.state.instance_groups import InstanceGroupsState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
STATE: Any = GroupsState
OVER: Any = InstanceGroupsState


@rx.page(route="/groups", title="Groups · Flowapp", on_load=[STATE.load, OVER.load])
def groups() -> rx.Component:
    """The list."""
    return shell(
        problem_notice(STATE.problem, STATE.hint),
        problem_notice(OVER.problem, OVER.hint),
        list_head(
            "Folders and approvals name groups instead of each person. Everybody is in the group all.",
            rx.cond(STATE.mine, new_button("New group", STATE.edit(""))),
        ),
        rx.el.div(rx.cond(STATE.loaded, _list(), skeleton()), class_name="card list"),
        rx.cond(OVER.over, _instance_groups()),
        _dialog(),
        deletion(
            STATE,
            "Delete this group?",
            " is named by nothing. Its members stay in the workspace.",
            " is named here. Nobody has a part by it any more, and a new group of that name would have it:",
        ),
        _instance_dialog(),
        deletion(
            OVER,
            "Delete this instance group?",
            " is linked nowhere.",
            " is linked here. Its people are in none of these groups any more, unless they are named there:",
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
        rx.cond(
            STATE.mine,
            rx.fragment(
                field(
                    "Also the people of this instance group (may be empty)",
                    "instance_group",
                    STATE.link,
                    prefix="group",
                    spell_check=False,
                    max_length=50,
                ),
                rx.el.p(
                    "A super admin says who is in it; those who are members here are in this group too.",
                    class_name="form-help",
                ),
            ),
        ),
    )


def _instance_groups() -> rx.Component:
    return further_list(
        "Instance groups",
        "instance-groups",
        rx.cond(
            OVER.groups.length() == 0,
            empty(
                "No instance groups yet",
                "A list of people for all workspaces. It counts where an admin of a workspace links a group to it.",
            ),
            rx.el.ul(rx.foreach(OVER.groups, _instance_line)),
        ),
        action=rx.el.button("New instance group", type="button", class_name="btn", on_click=OVER.edit("")),
    )


def _instance_line(line: Any) -> rx.Component:
    """An InstanceGroupLine."""
    return rx.el.li(
        rx.el.span(
            rx.el.button(line.name, type="button", class_name="row-title cover mono", on_click=OVER.edit(line.name)),
            rx.el.span(line.note, class_name="row-sub"),
            class_name="row-names",
        ),
        rx.el.span(class_name="hide-sm"),
        rx.el.span(line.people, class_name="row-sub right num"),
        delete_button(OVER, line.name),
        class_name="row-link row-stored",
    )


def _instance_dialog() -> rx.Component:
    return form_dialog(
        OVER,
        rx.cond(OVER.original == "", "New instance group", "Change instance group"),
        rx.cond(
            OVER.original == "",
            field("Name", "name", "", prefix="instance", required=True, spell_check=False, max_length=50),
            rx.el.p(rx.el.code(OVER.original), class_name="form-help"),
        ),
        field("What it is for", "summary", OVER.summary, prefix="instance"),
        rx.el.div(
            rx.el.label("Emails, one in a line", html_for="instance-emails"),
            rx.el.textarea(
                id="instance-emails",
                name="emails",
                default_value=OVER.emails,
                class_name="in-area mono",
                spell_check=False,
                rows="8",
            ),
            class_name="field",
        ),
    )
