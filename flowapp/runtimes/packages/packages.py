"""The door to packages: a job's code and lock in, code to run and a folder of packages out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowapp.runtimes.guest.plan import CLIENT, NONE, PACKAGES_IN_JAIL, Plan, staged_packages
from flowapp.runtimes.jobs import Job, RuntimeSettings
from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.folders import Folders, size_of
from flowapp.runtimes.packages.npm_locks import NpmLock
from flowapp.runtimes.packages.npm_needs import needs_of
from flowapp.runtimes.packages.npm_packages import NpmPackages
from flowapp.runtimes.packages.python_locks import PythonLock
from flowapp.runtimes.packages.python_packages import PythonPackages
from flowapp.runtimes.packages.resolved import Resolved
from flowapp.runtimes.packages.shared_work import Waiter
from flowapp.runtimes.packages.typescript_scripts import TYPESCRIPT, TypeScriptNeeds, needs_with_scripts

_log = logging.getLogger(__name__)
#: a folder for resolving that a killed server left
_LEFT_S = 3600.0
UNUSED_S = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Need:
    """Packages that are there for a job: `folder` is where it sees them, `key` names the folder among all, `modules` are
    what its code imports.
    """

    key: str
    folder: str
    modules: tuple[str, ...] = ()
    kind: str = CLIENT
    """The pool whose processes can load them ahead."""


@dataclass(slots=True)
class _Places:
    """Where jobs see the folders: in their jail, or, without one, where they are, or linked where they may enter."""

    plan: Plan
    folders: Folders
    staging: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def seen(self, key: str) -> str:
        """The path of a folder for jobs."""
        if self.plan.has_namespaces:
            return f"{PACKAGES_IN_JAIL}/{key}"
        source = self.folders.path(key)
        if self.plan.first_uid is None:
            return str(source)
        staged = Path(staged_packages(self.plan)) / key
        async with self.staging:
            if not staged.exists():
                await asyncio.to_thread(_stage, source, staged)
        return str(staged)


class Packages:
    """Packages of all languages, on one host."""

    def __init__(self, settings: RuntimeSettings) -> None:
        root = settings.home / "packages"
        self._most_bytes = settings.packages_mb << 20
        self.folders = Folders(root)
        self._cache = root / "cache"
        self._resolved = Resolved(root / "resolved")
        self.python = PythonPackages(settings.python, self.folders, self._resolved, self._cache / "uv", self.tidy)
        self.npm = NpmPackages(self.folders, self._resolved, self._cache / "deno", self.tidy)
        self._places: _Places | None = None

    def bind(self, plan: Plan) -> None:
        """Tell how jobs are kept apart on this host."""
        self._places = _Places(plan, self.folders)
        self.npm.program = plan.deno

    async def start(self) -> None:
        """Remove what is old, or was left half made."""
        self.folders.prepare()
        for left in self.folders.root.glob("resolve-*"):
            if time.time() - left.stat().st_mtime > _LEFT_S:
                shutil.rmtree(left, ignore_errors=True)
        await self.tidy()

    async def close(self) -> None:
        """Stop what is under way."""
        await self.python.close()
        await self.npm.close()

    async def prepare(self, job: Job, waiter: Waiter) -> Need | None:
        """Have everything there that a Python job needs; None when that is nothing.

        Raises:
            PackagesUnavailable: something cannot be had; it is the job's error.
            PreparingCanceled: the job was canceled meanwhile.
        """
        needs = await self.python.needs(job.code, job.libraries, job.path)
        text = job.lock
        if text is None:
            text = await self.python.lock(needs, waiter)
        lock = PythonLock.read(text)
        if lock.needs is not None and not set(needs.requirements) <= set(lock.needs):
            waiter.tell("The code asks for other packages than its lock was made for: they are resolved again.\n")
            lock = PythonLock.read(await self.python.lock(needs, waiter))
        if not lock.lines or self._places is None:
            return None
        key = await self.python.folder(lock, waiter)
        return Need(key, await self._places.seen(key), needs.modules)

    async def prepare_locked(self, text: str, modules: tuple[str, ...], waiter: Waiter) -> Need | None:
        """Have the packages of a lock of our own there; `modules` of them are loaded ahead where they are used often.

        Raises:
            PackagesUnavailable: one of them cannot be had.
            PreparingCanceled: the job was canceled meanwhile.
        """
        if self._places is None:
            return None
        key = await self.python.folder(PythonLock.read(text), waiter)
        return Need(key, await self._places.seen(key), modules)

    async def prepare_typescript(self, job: Job, kind: str, waiter: Waiter) -> tuple[TypeScriptNeeds, Need | None]:
        """The code of a TypeScript job and its imported scripts as a process of `kind` can run them, and the packages.

        Raises:
            PackagesUnavailable: something cannot be had; it is the job's error.
            PreparingCanceled: the job was canceled meanwhile.
        """
        found = needs_with_scripts(job.code, job.libraries, job.path)
        needs = found.needs
        if not needs.packages or self._places is None:
            return found, None
        if self._places.plan.level == NONE:
            raise PackagesUnavailable(
                "TypeScript cells have no packages at isolation level none.", "Raise the level, or write Python."
            )
        lock = NpmLock.read(job.lock or "")
        if lock is None or not lock.fits(needs.packages):
            if lock is not None:
                waiter.tell("The code asks for other packages than its lock was made for: they are resolved again.\n")
            lock = await self.npm.lock(needs, waiter, job.lock or "")
        if replaced := lock.replaced(needs.packages):
            waiter.tell(f"{replaced}\n")
        key = await self.npm.folder(lock, waiter)
        return found, Need(key, await self._places.seen(key), needs.modules, kind)

    async def at_hand(self, code: str) -> Need | None:
        """The packages of TypeScript code, where its cell has run before or another one with the same. Nothing is fetched."""
        if self._places is None or self._places.plan.level == NONE:
            return None
        try:
            needs = needs_of(code)
        except PackagesUnavailable:
            return None
        key = await asyncio.to_thread(self.npm.at_hand, needs) if needs.packages else None
        return Need(key, await self._places.seen(key)) if key is not None else None

    async def lock(self, language: str, code: str, libraries: Mapping[str, str], path: str) -> str | None:
        """A lock for code that is being stored; None where it needs no packages or the language has no locks.

        Raises:
            PackagesUnavailable: the packages cannot be resolved.
        """
        if language in TYPESCRIPT:
            wanted = needs_with_scripts(code, libraries, path).needs
            return (await self.npm.lock(wanted, Waiter(lambda _text: None))).text() if wanted.packages else None
        if language != "python3":
            return None
        needs = await self.python.needs(code, libraries, path)
        return await self.python.lock(needs, Waiter(lambda _text: None)) or None

    @contextlib.contextmanager
    def used(self, need: Need | None) -> Iterator[None]:
        """Keeps the packages of a job where they are while the block runs.

        Raises:
            PackagesUnavailable: they were removed in this very moment.
        """
        if need is None:
            yield
            return
        with self.folders.used(need.key) as is_there:
            if not is_there:
                raise PackagesUnavailable("The packages of this cell were just cleared.", "Run it again.")
            yield

    async def tidy(self) -> None:
        """Remove folders that nobody used for a month, and the oldest ones above the size that is allowed."""
        removed = await asyncio.to_thread(self.folders.tidy, self._most_bytes, UNUSED_S)
        if removed:
            _log.info("removed %d folders of packages", len(removed))
            # Called at the end of an installation, which needs its downloads no more; another one does.
            await self._clear_cache(busy=1)

    async def clear(self) -> None:
        """Remove all packages that no job uses, what was downloaded, and the locks of drafts."""
        await asyncio.to_thread(self.folders.tidy, -1, 0.0)
        await self._clear_cache(busy=0)
        self._resolved.clear()

    async def _clear_cache(self, busy: int) -> None:
        """Remove downloads, unless more installations than `busy` are under way: files that are installed stay."""
        if self.python.is_installing + self.npm.is_installing <= busy:
            await asyncio.to_thread(shutil.rmtree, self._cache, ignore_errors=True)

    async def describe(self) -> dict[str, Any]:
        """`{"folders": [{"language", "packages", "bytes", "used_at"}], "bytes", "cache_bytes", "limit_bytes"}`."""
        return await asyncio.to_thread(self._described)

    def _described(self) -> dict[str, Any]:
        kept = self.folders.kept()
        return {
            "folders": [{**item.notes, "bytes": item.size, "used_at": item.used_at} for item in kept],
            "bytes": sum(item.size for item in kept),
            "cache_bytes": size_of(self._cache),
            "limit_bytes": self._most_bytes,
        }


def _stage(source: Path, staged: Path) -> None:
    partial = staged.with_name(f"{staged.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, symlinks=True, copy_function=_link_or_copy)
    partial.rename(staged)


def _link_or_copy(source: str, target: str) -> None:
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
