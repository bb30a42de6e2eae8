"""`/account`: one's own password, sessions and tokens."""

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
    new_button,
    once_dialog,
)
from flowapp.ui.shell import problem_notice, shell, skeleton, title
from flowapp.ui.state.account import LIFETIMES, LIMITS, AccountState, TokensState

#: Reflex makes vars and events of the class's attributes, past what a type checker sees.
ACCOUNT: Any = AccountState
TOKENS: Any = TokensState


@rx.page(route="/account", title="Account · Flowapp", on_load=[ACCOUNT.load, TOKENS.load])
def account() -> rx.Component:
    """The page."""
    return shell(
        problem_notice(ACCOUNT.problem, ACCOUNT.hint),
        problem_notice(TOKENS.problem, TOKENS.hint),
        rx.cond(
            ACCOUNT.loaded & TOKENS.loaded,
            rx.fragment(
                rx.el.p(
                    "Signed in as ",
                    rx.el.b(ACCOUNT.username),
                    f" ({ACCOUNT.email})",
                    class_name="muted signed-in",
                ),
                _password(),
                _sessions(),
                _tokens(),
            ),
            skeleton(8),
        ),
        _token_dialog(),
        deletion(TOKENS, "Revoke this token?", "… stops working at once, in every program that uses it.", "", "Revoke"),
        once_dialog(TOKENS, "Your new token", "Keep it where your program reads it. It is shown once.", "Token"),
        place="account",
        top=title("Account"),
    )


def _password() -> rx.Component:
    return _section(
        "Password",
        rx.fragment(),
        rx.el.form(
            # password managers want to know whose it is
            rx.el.input(
                type="text", name="username", value=ACCOUNT.email, read_only=True, hidden=True, auto_complete="username"
            ),
            rx.cond(ACCOUNT.has_password, _secret("Present password", "current", "current-password")),
            rx.el.div(
                _secret("New password", "password", "new-password"),
                _secret("Again", "again", "new-password"),
                class_name="two",
            ),
            rx.el.div(
                rx.cond(ACCOUNT.error != "", rx.el.p(ACCOUNT.error, class_name="form-error")),
                role="alert",
            ),
            rx.el.div(
                rx.el.button(
                    rx.cond(ACCOUNT.has_password, "Change the password", "Set a password"),
                    type="submit",
                    class_name="btn",
                ),
                rx.el.span(
                    rx.cond(ACCOUNT.said != "", ACCOUNT.said, "All your other sessions end with it."),
                    class_name="muted",
                    role="status",
                ),
                class_name="act-line",
            ),
            on_submit=ACCOUNT.set_password,
            reset_on_submit=True,
            class_name="card facts",
        ),
    )


def _secret(label: str, name: str, completes: str) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=f"account-{name}"),
        rx.el.input(
            id=f"account-{name}",
            name=name,
            type="password",
            required=True,
            auto_complete=completes,
            class_name="in-text",
            min_length=8 if completes == "new-password" else 1,
        ),
        class_name="field",
    )


def _sessions() -> rx.Component:
    return _section(
        "Sessions",
        rx.cond(
            ACCOUNT.sessions.length() > 1,
            rx.el.button("End all others", type="button", class_name="btn", on_click=ACCOUNT.end_others),
        ),
        rx.el.div(rx.el.ul(rx.foreach(ACCOUNT.sessions, _session)), class_name="card list"),
    )


def _session(line: Any) -> rx.Component:
    """A SessionLine."""
    return rx.el.li(
        rx.el.span(
            rx.el.span(line.title, class_name="row-title"),
            rx.el.span(line.note, class_name="row-sub"),
            class_name="row-names",
        ),
        rx.el.span(),
        rx.el.span(when(iso=line.used_at, prefix="used"), class_name="row-sub right hide-sm"),
        rx.cond(
            line.here,
            rx.el.span("This browser", class_name="pill"),
            rx.el.button(
                "End",
                type="button",
                class_name="btn quiet",
                on_click=ACCOUNT.end(line.name),
                custom_attrs={"aria-label": "End the session of " + line.title},
            ),
        ),
        class_name="row-link row-stored still",
    )


def _tokens() -> rx.Component:
    return _section(
        "Tokens",
        new_button("New token", TOKENS.edit("")),
        rx.el.div(
            rx.cond(
                TOKENS.tokens.length() == 0,
                empty(
                    "No tokens yet", "Programs that call Flowapp, and Windmill's command line, sign in with a token."
                ),
                rx.el.ul(rx.foreach(TOKENS.tokens, _token)),
            ),
            class_name="card list",
        ),
    )


def _token(line: Any) -> rx.Component:
    """A TokenLine."""
    return rx.el.li(
        rx.el.span(
            rx.el.span(line.title, class_name="row-title"),
            rx.el.span(line.note, class_name="row-sub"),
            class_name="row-names",
        ),
        rx.el.span(
            rx.cond(
                line.expires_at != "", when(iso=line.expires_at, prefix="until", relative=False), "until it is revoked"
            ),
            class_name="row-sub hide-sm",
        ),
        rx.el.span(when(iso=line.used_at, prefix="used"), class_name="row-sub right hide-sm"),
        delete_button(TOKENS, line.name, "Revoke"),
        class_name="row-link row-stored still",
    )


def _token_dialog() -> rx.Component:
    return form_dialog(
        TOKENS,
        "New token",
        field("What it is for", "label", "", prefix="token", required=True, max_length=200, placeholder="nightly sync"),
        choice("Good for", "days", "30", LIFETIMES, prefix="token"),
        choice("May do", "limit", "", LIMITS, prefix="token", on_change=TOKENS.set_limit),
        rx.cond(
            TOKENS.limit == "scopes",
            rx.el.div(
                rx.el.label("Scopes", html_for="token-scopes"),
                rx.el.textarea(
                    id="token-scopes",
                    name="scopes",
                    rows="3",
                    class_name="in-area mono",
                    spell_check=False,
                    custom_attrs={"aria-describedby": "token-scopes-help"},
                ),
                rx.el.p(
                    "One on each line: ",
                    rx.el.code("jobs:run:flows:f/team/*"),
                    " runs a folder's flows, ",
                    rx.el.code("variables:read"),
                    " reads variables.",
                    id="token-scopes-help",
                    class_name="form-help",
                ),
                class_name="field",
            ),
        ),
        rx.el.label(
            rx.el.input(type="checkbox", name="here", value="on"),
            rx.el.span("Only in this workspace"),
            class_name="check-line",
        ),
        save="Make the token",
    )


def _section(name: str, action: rx.Component, *content: rx.Component) -> rx.Component:
    mark = name.lower()
    return rx.el.section(
        rx.el.div(rx.el.h2(name, id=mark), rx.el.span(class_name="grow"), action, class_name="list-head"),
        *content,
        class_name="page-part",
        custom_attrs={"aria-labelledby": mark},
    )
