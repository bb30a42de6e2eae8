"""The checks of `flowapp doctor`. Each looks at one thing and says what it saw, and what to do if that is not enough."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from flowapp.cli.settled import settings
from flowapp.errors import FlowappError
from flowapp.runtimes.jobs import Isolation, RuntimeSettings
from flowapp.runtimes.ladder import LEVELS, lowest_allowed
from flowapp.runtimes.runtimes import Runtimes
from flowapp.serve import check_address
from flowapp.settings import Settings
from flowapp.store.database import is_postgres
from flowapp.store.looking import Seen, look

#: called with the check's name, whether it is fine, what was seen, and what to do
Show = Callable[[str, bool, str, str], None]
_LEAST_FREE = 1 << 30
_MOST_APART_S = 5.0
_OTHERS = 0o077
#: Before this program was written no clock is right.
_THIS_YEAR = 2024
#: What comes with scripts/run; other languages are there if somebody installed them.
_NEEDED = frozenset(("bash", "deno", "python3"))


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw. With `fine` false there is something to do, which `advice` says."""

    name: str
    fine: bool
    said: str
    advice: str = ""


async def all_checks(show: Show) -> None:
    """Make all checks, and show each as it is made."""

    def tell(found: Finding) -> None:
        show(found.name, found.fine, found.said, found.advice)

    try:
        configured = settings()
    except FlowappError as error:
        tell(Finding("settings", False, error.message, error.hint))
        return
    tell(Finding("settings", True, f"data folder {configured.home}"))
    tell(folder(configured.home))
    for found in await asyncio.to_thread(lambda: list(database(configured))):
        tell(found)
    tell(key_file(configured))
    for check in (languages, port):
        for found in await _careful(check, configured):
            tell(found)
    tell(disk(configured.home))


async def _careful(check: Callable[[Settings], Awaitable[list[Finding]]], configured: Settings) -> list[Finding]:
    try:
        return await check(configured)
    except FlowappError as error:
        return [Finding(check.__name__, False, error.message, error.hint)]


def folder(home: Path) -> Finding:
    """The data folder: written by its owner only."""
    if not home.exists():
        return Finding("folder", True, "is not there yet; the first start makes it")
    mode = stat.S_IMODE(home.stat().st_mode)
    if not os.access(home, os.W_OK | os.X_OK):
        return Finding("folder", False, "cannot be written", f"Make it this user's own: chown -R $(id -un) {home}")
    if mode & _OTHERS:
        return Finding("folder", False, f"other users can read it (mode {mode:o})", f"chmod 700 {home}")
    return Finding("folder", True, f"for its owner only (mode {mode:o})")


def database(configured: Settings) -> Iterator[Finding]:
    """Whether the database answers, has this version's schema, the same clock and the same key."""
    kind = "PostgreSQL" if is_postgres(configured.database_url) else "SQLite"
    if kind == "SQLite" and not (configured.home / "flowapp.db").exists() and not configured.database_url:
        yield Finding("database", True, "SQLite; the first start makes it")
        return
    try:
        seen = look(configured.database_url, configured.home, configured.secret_key)
    except FlowappError as error:
        yield Finding("database", False, error.message, error.hint)
        return
    yield Finding("database", True, f"{kind} answers")
    yield _schema(seen)
    yield _secrets(seen)
    yield _clock(seen)


def _schema(seen: Seen) -> Finding:
    if seen.schema == seen.wanted_schema:
        return Finding("schema", True, seen.schema)
    if seen.schema is None:
        return Finding("schema", True, "no tables yet; the first start makes them")
    said = f"is {seen.schema}, this version's is {seen.wanted_schema}"
    return Finding("schema", False, said, "Call `flowapp migrate`, or start the server.")


def _secrets(seen: Seen) -> Finding:
    """Whether the key at hand is the one that the database's secrets were encrypted with."""
    if seen.key_fits is None:
        return Finding("secrets", True, "there is nothing to compare the key with yet")
    if seen.key_fits:
        return Finding("secrets", True, "the key opens them")
    advice = "Bring back secret.key, or FLOWAPP_SECRET_KEY as it was. If it is lost, set the secrets again."
    return Finding("secrets", False, "were encrypted with another key", advice)


def _clock(seen: Seen) -> Finding:
    """Machines that share a database must agree on the time; alone, a clock is only asked to know the year."""
    here = datetime.now(UTC)
    if here.year < _THIS_YEAR:
        return Finding("clock", False, f"says {here:%Y-%m-%d}", "Set it, for example with: timedatectl set-ntp true")
    apart = abs((here - seen.clock).total_seconds()) if seen.clock is not None else 0.0
    if apart > _MOST_APART_S:
        said = f"differs by {apart:.0f} s from the database's"
        return Finding("clock", False, said, "Set both, for example with: timedatectl set-ntp true")
    return Finding("clock", True, f"{here:%Y-%m-%d %H:%M:%S} UTC")


def key_file(configured: Settings) -> Finding:
    """The key file is nobody else's to read."""
    file = configured.home / "secret.key"
    if configured.secret_key:
        return Finding("key file", True, "not used: FLOWAPP_SECRET_KEY is set")
    if not file.exists():
        return Finding("key file", True, "is not there yet")
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & _OTHERS:
        return Finding("key file", False, f"other users can read it (mode {mode:o})", f"chmod 600 {file}")
    return Finding("key file", True, f"mode {mode:o}")


async def languages(configured: Settings) -> list[Finding]:
    """The isolation that this machine reaches and the languages that it runs, by starting the runtimes once."""
    with tempfile.TemporaryDirectory(prefix="flowapp-doctor-") as folder:
        home = Path(folder)
        runtimes = Runtimes(RuntimeSettings(home=home, idle=1, idle_deno=0, idle_bun=0, min_isolation="none"))
        try:
            await runtimes.start()
            level, facts = runtimes.isolation, runtimes.describe()["languages"]
        finally:
            await runtimes.close()
    return [_isolation(level, configured.min_isolation), _languages(facts)]


def _isolation(found: Isolation, least: str) -> Finding:
    if LEVELS.index(found.level) < LEVELS.index(lowest_allowed(least)):
        advice = f"The server refuses to start below {least}. {' '.join(found.notes)} See docs/isolation.md."
        return Finding("isolation", False, found.label, advice)
    return Finding("isolation", True, found.label, " ".join(found.notes))


def _languages(facts: Mapping[str, Mapping[str, Any]]) -> Finding:
    runs = sorted(name for name, about in facts.items() if about.get("available"))
    lacking = sorted(set(facts) - set(runs))
    said = ", ".join(runs) + (f"; not installed: {', '.join(lacking)}" if lacking else "")
    needed = sorted(_NEEDED - set(runs))
    if needed:
        return Finding(
            "languages", False, f"{', '.join(needed)} cannot run", "Call scripts/run again: it installs them."
        )
    return Finding("languages", True, said)


def disk(home: Path) -> Finding:
    """Room for what runs leave behind."""
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    said = f"{free / 1e9:.1f} GB free for the data folder"
    if free < _LEAST_FREE:
        return Finding("disk", False, said, "Make room, or keep runs for a shorter time: docs/retention.md.")
    return Finding("disk", True, said)


async def port(configured: Settings) -> list[Finding]:
    """Whether the port is free, or our own server's."""
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        try:
            answer = await client.get(f"{configured.url}/api/version")
        except httpx.HTTPError:
            check_address(configured.host, configured.port)
            return [Finding("port", True, f"{configured.host}:{configured.port} is free")]
    if answer.status_code == 200 and "flowapp-" in answer.text:
        return [Finding("port", True, f"a Flowapp server answers at {configured.url}")]
    advice = f"Choose another port: PORT={configured.port + 1 if configured.port < 65535 else 3000}."
    return [Finding("port", False, f"something else answers at {configured.url}", advice)]
