"""The packages of Python jobs: from code or a lock to a folder that goes on `sys.path`."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from flowapp.runtimes.packages import pip_settings, tool
from flowapp.runtimes.packages.folders import Folders
from flowapp.runtimes.packages.python_locks import PythonLock, Uv
from flowapp.runtimes.packages.python_needs import PythonNeeds, needs_of
from flowapp.runtimes.packages.resolved import Resolved
from flowapp.runtimes.packages.shared_work import SharedWork, Tell, Waiter

#: what can be imported without packages of the job's own, and which wheels fit
_ASK_PYTHON = """
import json, importlib.metadata, pkgutil, sys, sysconfig
names = sorted({*importlib.metadata.packages_distributions(), *(found.name for found in pkgutil.iter_modules())})
version = ".".join(map(str, sys.version_info[:3]))
print(json.dumps({"version": version, "platform": sysconfig.get_platform(), "names": names}))
"""
#: byte code of what nobody imports would take most of the time
_NOT_COMPILED = r"[/\\](tests?|testing)[/\\]"


Installed = Callable[[], Awaitable[None]]
"""Called after something was installed: what is too much then may be removed."""


@dataclass(frozen=True, slots=True)
class _Interpreter:
    """What a Python answered of itself."""

    version: str
    platform: str
    names: frozenset[str]


class PythonPackages:
    """Locks and installs for one Python."""

    def __init__(self, python: Path, folders: Folders, resolved: Resolved, cache: Path, installed: Installed) -> None:
        self._python = python
        self._folders = folders
        self._resolved = resolved
        self._cache = cache
        self._installed = installed
        self._uv: Uv | None = None
        self._interpreter: _Interpreter | None = None
        self._asking = asyncio.Lock()
        self._one_at_a_time = asyncio.Lock()
        self._locks: SharedWork[str] = SharedWork()
        self._installs: SharedWork[Path] = SharedWork()
        self._compiling: set[asyncio.Task[None]] = set()

    async def needs(self, code: str, libraries: Mapping[str, str], base: str = "") -> PythonNeeds:
        """What a script and the scripts that it imports (code by path) need together.

        Raises:
            PackagesUnavailable: one of them names something that is no requirement.
        """
        found = _together(code, libraries, base, frozenset())
        if not found.requirements:
            return found
        return _together(code, libraries, base, (await self._asked()).names)

    async def lock(self, needs: PythonNeeds, waiter: Waiter) -> str:
        """A lock for needs, made once and kept until it is cleared; empty where nothing is needed.

        Raises:
            PackagesUnavailable: they cannot be resolved.
            PreparingCanceled: the waiter does not want it any more.
        """
        if not needs.requirements:
            return ""
        python = await self._asked()
        key = _hash("python", python.version, python.platform, *needs.requirements)
        kept = self._resolved.get(key)
        if kept is not None:
            return kept

        async def work(tell: Tell) -> str:
            tell(f"Resolving packages: {', '.join(needs.requirements)} …\n")
            text = await (await self._ready()).lock(needs, self._folders.root)
            self._resolved.put(key, text)
            return text

        return await self._locks.do(key, work, waiter)

    async def folder(self, lock: PythonLock, waiter: Waiter) -> str:
        """The key of the folder that holds a lock's packages; installs them when it is not there.

        Raises:
            PackagesUnavailable: one of them cannot be had.
            PreparingCanceled: the waiter does not want them any more.
        """
        python = await self._asked()
        key = lock.key(f"{python.version} {python.platform}")
        if not self._folders.path(key).is_dir():
            await self._installs.do(key, partial(self._install, key, lock), waiter)
        return key

    @property
    def is_installing(self) -> bool:
        """Whether an installation is under way."""
        return self._one_at_a_time.locked()

    async def close(self) -> None:
        """Stop what is under way."""
        await self._locks.close()
        await self._installs.close()
        for task in self._compiling:
            task.cancel()
        await asyncio.gather(*self._compiling, return_exceptions=True)

    async def _install(self, key: str, lock: PythonLock, tell: Tell) -> Path:
        uv = await self._ready()
        if self._one_at_a_time.locked():
            tell("Waiting for another installation …\n")
        async with self._one_at_a_time:
            count = len(lock.lines)
            tell(f"Installing {count} {'package' if count == 1 else 'packages'}: {', '.join(lock.names)} …\n")
            begun = asyncio.get_running_loop().time()
            made = await self._folders.make(key, lambda target: uv.install(lock, target, tell))
            tell(f"Installed in {asyncio.get_running_loop().time() - begun:.1f} s.\n")
            await self._installed()
        task = asyncio.create_task(self._compile(key, made))
        self._compiling.add(task)
        task.add_done_callback(self._compiling.discard)
        return made

    async def _compile(self, key: str, folder: Path) -> None:
        """Byte code for all jobs: they cannot write it themselves. Beside them, so that the first one need not wait."""
        nice = shutil.which("nice")
        command = [*([nice, "-n", "19"] if nice else []), str(self._python), "-I", "-m", "compileall", "-q"]
        with self._folders.used(key) as is_there, contextlib.suppress(Exception):
            if is_there:
                await tool.run([*command, "-x", _NOT_COMPILED, str(folder)], _plain_environment(), self._folders.root)

    async def _ready(self) -> Uv:
        self._cache.mkdir(parents=True, exist_ok=True)
        if self._uv is None:
            listed = await asyncio.to_thread(pip_settings.configuration, sys.executable)
            given = {"UV_CACHE_DIR": str(self._cache), **tool.environment(os.environ)}
            environment = pip_settings.uv_environment(listed, self._folders.root, given)
            environment["NO_COLOR"] = "1"
            version = (await self._asked()).version
            self._uv = Uv(pip_settings.find_uv(), self._python, version, environment)
        return self._uv

    async def _asked(self) -> _Interpreter:
        async with self._asking:
            if self._interpreter is None:
                command = [str(self._python), "-I", "-c", _ASK_PYTHON]
                _, output, _ = await tool.run(command, _plain_environment(), self._folders.root)
                found = json.loads(output)
                self._interpreter = _Interpreter(found["version"], found["platform"], frozenset(found["names"]))
            return self._interpreter


def _together(code: str, libraries: Mapping[str, str], base: str, provided: frozenset[str]) -> PythonNeeds:
    own = needs_of(code, base, provided)
    if not libraries:
        return own
    others = [needs_of(text, path, provided) for path, text in libraries.items()]
    wanted = {*own.requirements, *(item for other in others for item in other.requirements)}
    modules = {*own.modules, *(name for other in others for name in other.modules)}
    return replace(own, requirements=tuple(sorted(wanted)), modules=tuple(sorted(modules)))


def _plain_environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"), "LANG": "C.UTF-8"}


def _hash(*parts: Any) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]
