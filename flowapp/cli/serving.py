"""Commands that start processes or prepare their start: serve, worker, build, migrate."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from flowapp import __version__
from flowapp.cli.output import CommandFailed, say
from flowapp.cli.settled import ROOT, make_home, settings
from flowapp.settings import Settings, SettingsError

if TYPE_CHECKING:
    from flowapp.compose import Services


def serve() -> None:
    """Build the page if its sources changed, then start the server."""
    import gc

    from flowapp.build import is_current

    configured = settings()
    make_home(configured.home)
    if not is_current():
        from flowapp.serve import check_address

        check_address(configured.host, configured.port)  # before the slow build, not after it
        build()
    # Thousands of objects are made by imports and stay; looking for garbage among them only makes the start slower.
    gc.disable()
    # Reflex reads its environment and configuration when it is imported, and only from the project's folder.
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    from flowapp.serve import serve as serving

    def announce(services: Services) -> None:
        gc.enable()
        gc.freeze()
        say(f"Flowapp {__version__} is ready. Open this link, it signs you in once:\n\n    {services.sign_in_url()}\n")
        for note in services.notes():
            say(note)

    _run_and_leave(serving(configured, announce))


def worker(
    tags: Annotated[
        str,
        typer.Option(
            help="Comma list of the tags whose scripts this worker runs; 'default' stands for flows and scripts without one."
        ),
    ] = "default",
) -> None:
    """Run flows and scripts for the servers of one PostgreSQL database."""
    import gc

    configured = settings(".flowapp-worker")
    names = _tags(tags)
    _require_shared(configured)
    make_home(configured.home)
    from flowapp.worker import work

    gc.disable()

    def announce(notes: Sequence[str]) -> None:
        gc.enable()
        gc.freeze()
        say(f"Flowapp {__version__}: this worker takes {', '.join(names)}.")
        for note in notes:
            say(note)

    _run_and_leave(work(configured, names, announce))


def build() -> None:
    """Build the page if its sources changed."""
    from flowapp.build import BuildFailed, ensure

    try:
        ensure(say)
    except BuildFailed as error:
        raise CommandFailed(f"The page could not be built. The last lines were:\n{error}") from None


def migrate() -> None:
    """Bring the database of DATABASE_URL to this version's schema."""
    import asyncio

    configured = settings()
    make_home(configured.home)
    from flowapp.store.stores import Store

    async def opened() -> None:
        store = await Store.open(configured.database_url, configured.home)
        await store.close()

    asyncio.run(opened())
    say("The database has this version's schema.")


def _run_and_leave(work: Coroutine[Any, Any, None]) -> NoReturn:
    """Run until it ends, and leave at once.

    `work` has closed all that must be closed, in order. What may be left is a request whose client keeps its connection half
    open: it does not end by being cancelled, and asyncio would wait for it for ever.
    """
    import asyncio

    asyncio.Runner().run(work)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _tags(text: str) -> tuple[str, ...]:
    """The tags of a comma list.

    Raises:
        SettingsError: one of them is no tag, or there is none.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    wrong = [name for name in names if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,49}", name)]
    if not names or wrong:
        said = f"{wrong[0]!r} is not a tag." if wrong else "--tags names no tag."
        raise SettingsError(said, "Use letters, digits, dots, dashes and underscores, like --tags default,gpu.")
    return names


def _require_shared(configured: Settings) -> None:
    """What a worker cannot do without; asked before anything large is imported.

    Raises:
        SettingsError: there is nothing to share: DATABASE_URL names no PostgreSQL, or FLOWAPP_URL no server.
    """
    if not configured.database_url.startswith("postgres"):
        raise SettingsError(
            "A worker needs the database that its servers use.",
            "Set DATABASE_URL=postgresql://… for all of them. With SQLite, the one server runs everything itself.",
        )
    if not configured.public_url:
        raise SettingsError(
            "A worker's jobs need to know where to reach a server.", "Set FLOWAPP_URL, like http://server:3000."
        )
