"""`/people`: who is in the workspace, with which role, and open invitations."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.ui.components.bits import when
from flowapp.ui.components.lists import (
    choice,
    delete_button,
    deletion,
    empty,
    field,
    form_dialog,
    further_list,
    list_head,
    new_button,
    once_dialog,
)
from flowapp.ui.shell import problem_notice, shell, skeleton, team_tabs
from flowapp.ui.state.members import DAYS, InvitationsState, MembersState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
MEMBERS: Any = MembersState
INVITATIONS: Any = InvitationsState
ROLES = (
    ("viewer", "Viewer: looks at flows and runs"),
    ("operator", "Operator: runs flows, answers approvals"),
    ("developer", "Developer: builds and deploys"),
    ("admin", "Admin: everything, also who may what"),
)


@rx.page(route="/people", title="People · Flowapp", on_load=[MEMBERS.load, INVITATIONS.load])
def members() -> rx.Component:
    """The lists."""
    return shell(
        problem_notice(MEMBERS.problem, MEMBERS.hint),
        problem_notice(INVITATIONS.problem, INVITATIONS.hint),
        list_head(
            "Everybody in this workspace has one role. What it lets them do ends where a folder says so.",
            rx.cond(
                MEMBERS.mine,
                rx.fragment(
                    rx.el.button("Invite by link", type="button", class_name="btn", on_click=INVITATIONS.edit("")),
                    new_button("Add a person", MEMBERS.edit("")),
                ),
            ),
        ),
        rx.el.div(
            rx.cond(MEMBERS.loaded, rx.el.ul(rx.foreach(MEMBERS.members, _member)), skeleton()), class_name="card list"
        ),
        rx.cond(INVITATIONS.mine, _invitations()),
        _member_dialog(),
        deletion(
            MEMBERS,
            "Take this person out of the workspace?",
            " has nothing here that others could miss. What they did stays in the audit trail.",
            " leaves the workspace and its groups. This is theirs, and stays:",
            "Take out",
        ),
        once_dialog(MEMBERS, "Send this link", "It signs the person in once, within 24 hours, to set a password."),
        _invitation_dialog(),
        deletion(
            INVITATIONS, "Revoke this invitation?", " lets nobody in any more. Who has joined stays.", "", "Revoke"
        ),
        once_dialog(
            INVITATIONS, "Send this link", "Whoever has it can join, so send it to nobody else. It is shown once."
        ),
        place="people",
        top=team_tabs("people"),
    )


def _member(line: Any) -> rx.Component:
    """A MemberLine."""
    return rx.el.li(
        rx.el.span(
            rx.cond(
                MEMBERS.mine,
                rx.el.button(
                    line.title, type="button", class_name="row-title cover", on_click=MEMBERS.edit(line.username)
                ),
                rx.el.span(line.title, class_name="row-title"),
            ),
            rx.el.span(line.email, class_name="row-sub"),
            class_name="row-names",
        ),
        rx.el.span(line.role, class_name="pill"),
        rx.el.span(
            rx.cond(line.seen_at != "", when(iso=line.seen_at, prefix="seen"), "never here"),
            class_name="row-sub right hide-sm",
        ),
        rx.cond(MEMBERS.mine, delete_button(MEMBERS, line.username, "Take out"), rx.el.span()),
        class_name="row-link row-stored",
    )


def _invitations() -> rx.Component:
    return further_list(
        "Invitations",
        "invitations",
        rx.cond(
            INVITATIONS.invitations.length() == 0,
            empty(
                "No open invitations",
                "A link lets somebody join by themselves, until it is used up or out of date.",
            ),
            rx.el.ul(rx.foreach(INVITATIONS.invitations, _invitation)),
        ),
    )


def _invitation(line: Any) -> rx.Component:
    """An InvitationLine."""
    return rx.el.li(
        rx.el.span(
            rx.el.span(line.title, class_name="row-title"),
            rx.el.span(line.note, class_name="row-sub"),
            class_name="row-names",
        ),
        rx.el.span(),
        rx.el.span(when(iso=line.expires_at, prefix="until", relative=False), class_name="row-sub right hide-sm"),
        rx.el.button(
            "Revoke",
            type="button",
            class_name="btn quiet above",
            on_click=INVITATIONS.ask(line.name),
            custom_attrs={"aria-label": "Revoke the invitation of " + line.title},
        ),
        class_name="row-link row-stored",
    )


def _member_dialog() -> rx.Component:
    return form_dialog(
        MEMBERS,
        rx.cond(MEMBERS.original == "", "Add a person", "Change a role"),
        rx.cond(
            MEMBERS.original == "",
            field("Email", "email", MEMBERS.email, prefix="member", type="email", required=True),
            rx.el.p(rx.el.b(MEMBERS.original), " ", MEMBERS.email, class_name="form-help"),
        ),
        choice("Role", "role", MEMBERS.role, ROLES, prefix="member"),
        rx.cond(
            MEMBERS.over & (MEMBERS.original != ""),
            rx.el.p(
                "Lost their password? ",
                rx.el.button(
                    "Make a sign-in link",
                    type="button",
                    class_name="btn",
                    on_click=MEMBERS.make_link(MEMBERS.original),
                ),
                class_name="form-help inline",
            ),
        ),
        save=rx.cond(MEMBERS.original == "", "Add", "Save"),
    )


def _invitation_dialog() -> rx.Component:
    return form_dialog(
        INVITATIONS,
        "Invite by link",
        choice("Role", "role", "developer", ROLES, prefix="invitation"),
        field(
            "Only for this email (may be empty)",
            "email",
            "",
            prefix="invitation",
            type="email",
        ),
        rx.el.div(
            field("How many people", "uses", "1", prefix="invitation", type="number", min="1", max="100"),
            choice(
                "Good for",
                "days",
                "7",
                [(str(days), "1 day" if days == 1 else f"{days} days") for days in DAYS],
                prefix="invitation",
            ),
            class_name="two",
        ),
        save="Make the link",
    )
