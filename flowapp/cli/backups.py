"""`flowapp backup` and `flowapp restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowapp.cli.output import say, tell
from flowapp.cli.settled import make_home, settings

if TYPE_CHECKING:
    from flowapp.settings import Settings
    from flowapp.store.backups.making import Place


def backup(
    file: Annotated[Path, typer.Argument(help="File to write; one that is there is not overwritten.")],
    with_key: Annotated[
        bool,
        typer.Option("--with-key", help="Put the key of the secrets into it. Whoever has the file then has them all."),
    ] = False,
) -> None:
    """Back up databases, stored contents and shared folders into one file, also while the server runs."""
    from flowapp.store.backups.making import make

    place = _place(settings())
    made = make(place, file, with_key=with_key)
    say(str(file))
    tell(f"Backed up ({made.database}, {file.stat().st_size / 1e6:.1f} MB).")
    if with_key:
        tell("The key of the secrets is in it: keep the file as safe as a password.")
    elif made.key:
        where = "FLOWAPP_SECRET_KEY" if place.key else f"{place.home / 'secret.key'}"
        tell(f"The key of the secrets is not in it. Keep {where} elsewhere: without it secrets cannot be read.")


def restore(file: Annotated[Path, typer.Argument(help="A file that `flowapp backup` wrote.")]) -> None:
    """Restore a backup into an empty data folder (and, with PostgreSQL, an empty database)."""
    from flowapp.store.backups.restoring import restore as restored

    configured = settings()
    make_home(configured.home)
    place = _place(configured)
    made = restored(file, place)
    tell(f"Restored the backup of {made.made_at} into {configured.home}. Start the server: unfinished runs go on.")
    if made.key and not place.key_mark:
        tell(
            "Secrets cannot be read yet: the key is not in the backup. Before you start the server, put secret.key of the "
            f"backed-up installation into {configured.home}, or set FLOWAPP_SECRET_KEY as it was there."
        )


def _place(configured: Settings) -> Place:
    from flowapp.store.backups.making import Place

    return Place(
        configured.database_url, configured.home, configured.secret_key, configured.home / "runtimes" / "shared"
    )
