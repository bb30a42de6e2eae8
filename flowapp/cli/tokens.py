"""`flowapp token …`: API tokens, by the database of this machine's settings."""

from __future__ import annotations

from typing import Annotated

import typer

from flowapp.cli.operating import operate
from flowapp.cli.output import say, table, tell

app = typer.Typer(name="token", help="API tokens: create, list, revoke.", no_args_is_help=True)


@app.command()
def create(
    user: Annotated[str, typer.Option(help="Whose token: email or username.")] = "admin",
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[int | None, typer.Option(min=1, max=36500, help="How many days it is good for.")] = None,
    workspace: Annotated[
        str, typer.Option(help="The only workspace it is good for; all of the person's if left out.")
    ] = "",
    scope: Annotated[
        list[str] | None, typer.Option(help="What it is limited to, like jobs:run:flows:f/team/*; may be repeated.")
    ] = None,
) -> None:
    """Make a token and print it. It is shown only now."""
    token = operate(
        lambda operating: operating.create_token(user, label, days=days, workspace=workspace, wanted=scope or ())
    )
    say(token)
    tell("Keep it as a password: it is not shown again.")


@app.command(name="list")
def list_(user: Annotated[str, typer.Option(help="Only those of this person.")] = "") -> None:
    """List tokens by their first characters."""
    rows = [
        (row.prefix, row.email, row.label, row.workspace or "–", row.expires_at or "never", row.used_at or "never")
        for row in operate(lambda operating: operating.tokens(user))
    ]
    say(table(rows, ("TOKEN", "USER", "LABEL", "WORKSPACE", "EXPIRES", "USED")))


@app.command()
def revoke(prefix: Annotated[str, typer.Argument(help="Its first characters, as `list` shows them.")]) -> None:
    """Revoke a token. A running server notices within seconds."""
    email = operate(lambda operating: operating.revoke_token(prefix))
    tell(f"Revoked a token of {email}.")
