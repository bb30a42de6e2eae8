"""The command line. `serve` is what scripts/run ends in."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from flowapp import __version__
from flowapp.build import ROOT, BuildFailed, ensure, is_current
from flowapp.errors import FlowappError
from flowapp.settings import Settings, SettingsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; answers the exit status. Errors that a person can mend are one or two lines, without traceback."""
    parser = argparse.ArgumentParser(prog="flowapp", description="A browser notebook for workflows.")
    parser.add_argument("--version", action="version", version=f"flowapp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="build the page if its sources changed, then start the server")
    commands.add_parser("build", help="build the page if its sources changed")
    commands.add_parser("migrate", help="bring the database of DATABASE_URL to this version's schema")
    worker = commands.add_parser("worker", help="run flows and scripts for the servers of one PostgreSQL database")
    worker.add_argument(
        "--tags",
        default="default",
        help="comma list of the tags whose scripts this worker runs; 'default' stands for flows and scripts without a tag",
    )
    chosen = parser.parse_args(arguments)
    try:
        match chosen.command:
            case "serve":
                return _serve()
            case "worker":
                return _worker(chosen.tags)
            case "migrate":
                return _migrate()
            case _:
                return _build()
    except FlowappError as error:
        _complain(error.message, error.hint)
    except BuildFailed as error:
        _complain(f"The page could not be built. The last lines were:\n{error}", "")
    except KeyboardInterrupt:
        return 130
    return 1


def _build() -> int:
    ensure(_say)
    return 0


def _serve() -> int:
    settings = Settings.from_env(os.environ, default_home=ROOT / ".flowapp")
    make_home(settings.home)
    if not is_current():
        from flowapp.serve import check_address

        check_address(settings.host, settings.port)  # before the slow build, not after it
        ensure(_say)
    # Thousands of objects are made by imports and stay; looking for garbage among them only makes the start slower.
    gc.disable()
    # Reflex reads its environment and configuration when it is imported, and only from the project's folder.
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    from flowapp.compose import Services
    from flowapp.serve import serve

    def announce(services: Services) -> None:
        gc.enable()
        gc.freeze()
        _say(f"Flowapp {__version__} is ready. Open this link, it signs you in once:\n\n    {services.sign_in_url()}\n")
        for note in services.notes():
            _say(note)

    asyncio.Runner().run(serve(settings, announce))
    # `serve` has closed all that must be closed, in order. What may be left is a request whose client keeps its connection
    # half open: it does not end by being cancelled, and asyncio would wait for it for ever. So leave at once.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _worker(tags: str) -> int:
    settings = Settings.from_env(os.environ, default_home=ROOT / ".flowapp-worker")
    names = _tags(tags)
    make_home(settings.home)
    from flowapp.worker import work

    gc.disable()

    def announce(notes: Sequence[str]) -> None:
        gc.enable()
        gc.freeze()
        _say(f"Flowapp {__version__}: this worker takes {', '.join(names)}.")
        for note in notes:
            _say(note)

    asyncio.Runner().run(work(settings, names, announce))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _migrate() -> int:
    settings = Settings.from_env(os.environ, default_home=ROOT / ".flowapp")
    make_home(settings.home)
    from flowapp.store.stores import Store

    async def opened() -> None:
        store = await Store.open(settings.database_url, settings.home)
        await store.close()

    asyncio.run(opened())
    _say("The database has this version's schema.")
    return 0


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


def make_home(home: Path) -> None:
    """Create the data folder, for the owner only, and make sure that it can be written.

    Raises:
        SettingsError: it cannot.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = home / ".write-test"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"The data folder {home} cannot be written ({error.strerror}).",
            "Choose another one: FLOWAPP_HOME=<folder>.",
        ) from None


def _say(text: str) -> None:
    print(text, flush=True)


def _complain(message: str, hint: str) -> None:
    print(f"flowapp: {message}{' ' + hint if hint else ''}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
