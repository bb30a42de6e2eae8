"""`/folders`: who owns each folder, who writes in it and who sees it."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.lists import delete_button, deletion, empty, field, form_dialog, list_head, new_button
from flowapp.ui.components.parts import parts
from flowapp.ui.shell import problem_notice, shell, skeleton, team_tabs
from flowapp.ui.state.folders import RIGHTS, FoldersState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
STATE: Any = FoldersState


@rx.page(route="/folders", title="Folders · Flowapp", on_load=STATE.load)
def folders() -> rx.Component:
    """The list."""
    return shell(
        problem_notice(STATE.problem, STATE.hint),
        list_head(
            "What is stored under f/name/ is open to those whom the folder names. Role and folder must both allow.",
            rx.cond(STATE.may_make, new_button("New folder", STATE.edit(""))),
        ),
        rx.el.div(rx.cond(STATE.loaded, _list(), skeleton()), class_name="card list"),
        _dialog(),
        deletion(
            STATE,
            "Delete this folder?",
            " holds nothing. Its name is free again.",
            " holds things, which stay. Without the folder they are the whole team's:",
        ),
        place="people",
        top=team_tabs("folders"),
    )


def _list() -> rx.Component:
    return rx.cond(
        STATE.folders.length() == 0,
        empty(
            "No folders that you have a part in",
            "Where nobody has made a folder of a name, what is stored under it is the team's: roles alone decide.",
        ),
        rx.el.ul(rx.foreach(STATE.folders, _line)),
    )


def _line(line: Any) -> rx.Component:
    """A FolderLine."""
    return rx.el.li(
        rx.el.span(
            rx.cond(
                line.mine,
                rx.el.button(
                    "f/", line.name, type="button", class_name="row-title cover mono", on_click=STATE.edit(line.name)
                ),
                rx.el.span("f/", line.name, class_name="row-title mono"),
            ),
            rx.cond(line.note != "", rx.el.span(line.note, class_name="row-sub")),
            rx.el.span(
                rx.el.b("Owned by "),
                line.owners,
                rx.cond(line.writers != "", rx.fragment(rx.el.b(" · written by "), line.writers)),
                rx.cond(line.viewers != "", rx.fragment(rx.el.b(" · seen by "), line.viewers)),
                class_name="row-sub wrap",
            ),
            class_name="row-names",
        ),
        rx.cond(line.mine, delete_button(STATE, line.name), rx.el.span()),
        class_name="row-link row-folder",
    )


def _dialog() -> rx.Component:
    return form_dialog(
        STATE,
        rx.cond(STATE.original == "", "New folder", "Change folder"),
        rx.cond(
            STATE.original == "",
            field("Name", "name", "", prefix="folder", required=True, spell_check=False, max_length=50),
            rx.el.p(rx.el.code("f/", STATE.original, "/"), class_name="form-help"),
        ),
        field("Title (may be empty)", "title", STATE.title, prefix="folder"),
        field("What it is for", "summary", STATE.summary, prefix="folder"),
        parts(STATE, "Who may what", "person or group", RIGHTS),
    )
