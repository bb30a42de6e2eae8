"""`flowapp doctor`: whether this machine is as the server needs it, and what to do where it is not."""

from __future__ import annotations

import typer


def doctor() -> int:
    """Check settings, database, key, isolation, languages, disk, clock and port; the exit status is 1 if there is a problem.

    Nothing is changed. A server may be running.
    """
    import asyncio

    from flowapp.cli.checks import all_checks

    bad = 0

    def show(name: str, fine: bool, said: str, advice: str) -> None:
        nonlocal bad
        bad += not fine
        typer.echo(
            f"{typer.style('ok     ', fg='green') if fine else typer.style('problem', fg='red')}  {name:<10}  {said}"
        )
        if advice:
            typer.echo(f"{'':<21}{advice}")

    asyncio.run(all_checks(show))
    typer.echo("No problems." if not bad else f"{bad} problem{'s' if bad > 1 else ''}.")
    return 1 if bad else 0
