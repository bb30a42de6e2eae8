"""`flowapp rotate-key`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flowapp.cli.output import tell
from flowapp.cli.settled import settings

LEAST = 32


def rotate_key(
    from_stdin: Annotated[
        bool,
        typer.Option(
            "--from-stdin",
            help="Read the new key, a text of at least 32 characters, from standard input: for servers that get theirs by "
            "FLOWAPP_SECRET_KEY.",
        ),
    ] = False,
) -> None:
    """Encrypt all secrets with a new key. Stop every server and worker first."""
    import asyncio

    from flowapp.settings import SettingsError
    from flowapp.store.beside import open_beside
    from flowapp.store.home import lock_home
    from flowapp.store.key_rotation import Rotated, rotate

    configured = settings()
    new = sys.stdin.readline().strip() if from_stdin else ""
    if from_stdin and len(new) < LEAST:
        raise SettingsError(f"The new key has fewer than {LEAST} characters.", "Make one with: openssl rand -base64 32")
    if configured.secret_key and not from_stdin:
        raise SettingsError(
            "This installation's key is in FLOWAPP_SECRET_KEY, which a command cannot change.",
            "Give the new one by --from-stdin, then set FLOWAPP_SECRET_KEY to it.",
        )

    async def rotated() -> Rotated:
        async with open_beside(configured.database_url, configured.home) as database:
            return await rotate(database, configured.home, configured.secret_key, new)

    with lock_home(configured.home):
        done = asyncio.run(rotated())
    tell(f"Encrypted anew: {done.variables} secret variables, {done.models} keys of models.")
    if new:
        tell("Set FLOWAPP_SECRET_KEY to the new key on every server and worker before you start them.")
    tell("Backups made before need the old key: keep it as long as you keep them.")
