"""The packages of TypeScript jobs: from code or a lock to a folder with `node_modules` in it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from flowapp.runtimes import bun_package
from flowapp.runtimes.packages import tool
from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.folders import Folders
from flowapp.runtimes.packages.npm_locks import Npm, NpmLock, pins_of
from flowapp.runtimes.packages.npm_needs import ANY, NpmNeeds
from flowapp.runtimes.packages.python_packages import Installed
from flowapp.runtimes.packages.resolved import Resolved
from flowapp.runtimes.packages.shared_work import SharedWork, Tell, Waiter


class NpmPackages:
    """Locks and installs for Deno and Bun, by Deno."""

    def __init__(self, folders: Folders, resolved: Resolved, cache: Path, installed: Installed) -> None:
        self._folders = folders
        self._resolved = resolved
        self._cache = cache
        self._installed = installed
        self._one_at_a_time = asyncio.Lock()
        self._locks: SharedWork[str] = SharedWork()
        self._installs: SharedWork[Path] = SharedWork()
        self.program: str | None = None

    async def lock(self, needs: NpmNeeds, waiter: Waiter, given: str = "") -> NpmLock:
        """A lock for needs, made once and kept until it is cleared. `given` is a lock of Windmill's, whose versions count.

        Raises:
            PackagesUnavailable: they cannot be resolved.
            PreparingCanceled: the waiter does not want it any more.
        """
        pins = pins_of(given)
        wanted = {name: pins.get(name, range) if range == ANY else range for name, range in needs.packages.items()}
        key = _key(wanted)
        text = self._resolved.get(key)
        if text is None:

            async def work(tell: Tell) -> str:
                tell(
                    f"Resolving packages: {', '.join(f'{name}@{range}' for name, range in sorted(wanted.items()))} …\n"
                )
                with tempfile.TemporaryDirectory(dir=self._folders.root, prefix="resolve-") as scratch:
                    made = await self._npm().lock(wanted, needs.lines, Path(scratch))
                self._resolved.put(key, made.text())
                return made.text()

            text = await self._locks.do(key, work, waiter)
        found = NpmLock.read(text)
        if found is None:
            raise PackagesUnavailable("The kept lock of this cell cannot be read.", "Clear the installed packages.")
        return found

    def at_hand(self, needs: NpmNeeds) -> str | None:
        """The key of the folder that has been installed for such needs; None where there is none. Nothing is fetched."""
        text = self._resolved.get(_key(needs.packages))
        lock = NpmLock.read(text) if text is not None else None
        return lock.key if lock is not None and self._folders.path(lock.key).is_dir() else None

    async def folder(self, lock: NpmLock, waiter: Waiter) -> str:
        """The key of the folder that holds a lock's packages; installs them when it is not there.

        Raises:
            PackagesUnavailable: one of them cannot be had.
            PreparingCanceled: the waiter does not want them any more.
        """
        if not self._folders.path(lock.key).is_dir():
            await self._installs.do(lock.key, partial(self._install, lock), waiter)
        return lock.key

    @property
    def is_installing(self) -> bool:
        """Whether an installation is under way."""
        return self._one_at_a_time.locked()

    async def close(self) -> None:
        """Stop what is under way."""
        await self._locks.close()
        await self._installs.close()

    async def _install(self, lock: NpmLock, tell: Tell) -> Path:
        npm = self._npm()
        async with self._one_at_a_time:
            count = len(lock.packages)
            tell(f"Installing {count} {'package' if count == 1 else 'packages'}: {', '.join(lock.names)} …\n")
            begun = asyncio.get_running_loop().time()
            made = await self._folders.make(lock.key, lambda target: npm.install(lock, target, tell))
            tell(f"Installed in {asyncio.get_running_loop().time() - begun:.1f} s.\n")
            await self._installed()
        return made

    def _npm(self) -> Npm:
        self._cache.mkdir(parents=True, exist_ok=True)
        program = self.program or shutil.which("deno")
        if program is None:
            raise PackagesUnavailable(
                "Packages of npm are installed by Deno, which is not here.", "Run scripts/run again."
            )
        given = {name: value for name, value in tool.environment(os.environ).items() if not name.startswith("DENO_")}
        settings = bun_package.npm_settings()
        if settings.get("registry"):
            given["NPM_CONFIG_REGISTRY"] = settings["registry"]
        if settings.get("cafile"):
            given["DENO_CERT"] = settings["cafile"]
        own = {
            "DENO_DIR": str(self._cache),
            "DENO_NO_UPDATE_CHECK": "1",
            "NO_COLOR": "1",
            "DENO_TLS_CA_STORE": "system,mozilla",
        }
        return Npm(program, {**given, **own}, self._cache)


def _key(wanted: Mapping[str, str]) -> str:
    """Under which a lock for packages and their ranges is kept."""
    return hashlib.sha256(json.dumps(["npm", sorted(wanted.items())]).encode()).hexdigest()[:32]
