"""`flowapp user …`: people, by the database of this machine's settings. No server is needed, and none is in the way."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flowapp.cli.operating import operate
from flowapp.cli.output import CommandFailed, say, table, tell

app = typer.Typer(
    name="user", help="People: add, list, set passwords and roles, keep somebody out.", no_args_is_help=True
)
Who = Annotated[str, typer.Argument(help="Email or username.")]
Workspace = Annotated[str, typer.Option(help="Id of the workspace.")]


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="Email.")],
    role: Annotated[str, typer.Option(help="admin, developer, operator or viewer.")] = "developer",
    workspace: Workspace = "main",
    username: Annotated[str, typer.Option(help="Made of the email if left out.")] = "",
    super_admin: Annotated[bool, typer.Option("--super-admin", help="Admin of the whole installation.")] = False,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a password; from a script, give it on standard input.")
    ] = False,
) -> None:
    """Make an account and a member of a workspace; prints the username."""
    secret = _password() if password else ""
    say(
        operate(
            lambda operating: operating.add(
                email, username=username, password=secret, role=role, workspace=workspace, super_admin=super_admin
            )
        )
    )
    if not password:
        tell(f"They sign in by a link: flowapp user link {email}")


@app.command(name="list")
def list_() -> None:
    """List everybody, with their role in each workspace."""
    accounts = operate(lambda operating: operating.people())
    rows = [
        (
            found.row.email,
            found.row.username,
            ", ".join(f"{place}: {role}" for place, role in found.roles.items()) or "–",
            "super admin" if found.row.super_admin else "",
            "disabled" if found.row.disabled else "",
        )
        for found in accounts
    ]
    say(table(rows, ("EMAIL", "USERNAME", "ROLES", "", "")))


@app.command()
def set_password(who: Who) -> None:
    """Ask for a new password (or read it from standard input) and set it; the person's sessions end."""
    secret = _password()
    operate(lambda operating: operating.set_password(who, secret))
    tell("Password set.")


@app.command()
def set_role(
    who: Who,
    role: Annotated[str, typer.Argument(help="admin, developer, operator or viewer.")],
    workspace: Workspace = "main",
) -> None:
    """Give somebody a role in a workspace, of which that makes them a member."""
    operate(lambda operating: operating.set_role(who, role, workspace))
    tell(f"{who} is {role} in {workspace}.")


@app.command()
def disable(who: Who) -> None:
    """Keep somebody out: sessions end, tokens stop working. What they made stays."""
    operate(lambda operating: operating.set_disabled(who, disabled=True))
    tell(f"{who} is disabled. A running server notices within seconds.")


@app.command()
def enable(who: Who) -> None:
    """Let somebody in again."""
    operate(lambda operating: operating.set_disabled(who, disabled=False))
    tell(f"{who} is enabled.")


@app.command()
def link(who: Who) -> None:
    """Print a link that signs somebody in, once, within 24 hours."""
    from flowapp.cli.settled import settings

    token = operate(lambda operating: operating.sign_in_token(who))
    say(f"{settings().base_url}/signin?token={token}")


def _password() -> str:
    """A password that is typed twice, or a line of standard input: never an argument, which other users could see.

    Raises:
        CommandFailed: none was given, or two that differ.
    """
    if not sys.stdin.isatty():
        secret = sys.stdin.readline().rstrip("\n")
    else:
        from getpass import getpass

        secret = getpass("Password: ")
        if getpass("Again: ") != secret:
            raise CommandFailed("The two passwords differ.", "Nothing was changed.")
    if not secret:
        raise CommandFailed("No password was given.", "Type one, or give it on standard input.")
    return secret
