"""Go's standard library, compiled whole: files of their own beside the toolchain, so that no cell waits for it.

`go` keeps what it compiles in a cache, from which it removes what was not asked for in five days. The files here are further names
(hard links) of those in the cache; they stay, and nobody has to ask `go` for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

_LIST = "packages"
#: how long a failure stands before somebody who asks begins again: at first, and at most after it was doubled
_PAUSE_S, _LONGEST_PAUSE_S = 600.0, 3600.0
_log = logging.getLogger(__name__)


class Library:
    """All packages of one version's standard library, in a folder that is there whole or not at all."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder
        self._place = folder / f"{version}-library"
        self._packages: dict[str, str] = {}

    @property
    def is_built(self) -> bool:
        """Whether it is there."""
        return bool(self._packages) or (self._place / _LIST).is_file()

    def packages(self) -> Mapping[str, str]:
        """Import path → file; empty while it is not built."""
        if not self._packages:
            with contextlib.suppress(OSError):
                lines = (self._place / _LIST).read_text().splitlines()
                self._packages = {path: str(self._place / f"{number}.a") for number, path in enumerate(lines)}
        return self._packages

    def keep(self, compiled: Mapping[str, str]) -> None:
        """Keep compiled packages (import path → file).

        Raises:
            OSError: the disk is full, or a file is gone.
        """
        # The name is one of those that a server removes when it finds them left by a killed one.
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=self._folder) as scratch, held(Path(scratch)):
            made = Path(scratch) / "library"
            made.mkdir()
            made.chmod(0o755)
            for number, file in enumerate(compiled.values()):
                _link(Path(file), made / f"{number}.a")
            names = made / _LIST
            names.write_text("\n".join(compiled))
            names.chmod(0o644)
            if not self.is_built:
                made.rename(self._place)

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else on this machine is building it; nobody begins until the block ends."""
        handle = os.open(self._folder / "library.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(handle)


class Ahead:
    """Building the library once in the background, at the lowest priority; nothing waits for it."""

    def __init__(self, library: Library, build: Callable[[], Awaitable[Mapping[str, str]]]) -> None:
        self._library = library
        self._build = build
        self._task: asyncio.Task[None] | None = None
        self._problem = ""
        self._not_before = 0.0
        self._pause_s = _PAUSE_S

    def begin(self) -> None:
        """Begin, unless that was done before, by this server or an earlier one.

        Again where the server that was at it may have ended, and after a pause where it failed.
        """
        is_idle = not self._is_at_work and time.monotonic() >= self._not_before
        if is_idle and not self._library.is_built:
            self._problem = ""
            self._task = asyncio.get_running_loop().create_task(self._work())

    @property
    def _is_at_work(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def note(self) -> str:
        """What people should know; empty when there is nothing."""
        if self._library.is_built:
            return ""
        if self._problem:
            return f"Its standard library could not be built ahead, and each cell waits for what it imports: {self._problem}"
        return "Its standard library is being built in the background, once" if self._is_at_work else ""

    async def close(self) -> None:
        """End it; the next server goes on with what is done."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        try:
            with self._library.alone() as alone:
                # Who builds it elsewhere builds it for all: each looks for it when it needs it.
                if alone and not self._library.is_built:
                    compiled = await self._build()
                    await asyncio.to_thread(self._library.keep, compiled)
        except Exception as error:
            self._problem = str(error)
            self._not_before = time.monotonic() + self._pause_s
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
            _log.warning("Go's standard library could not be built ahead: %s", error)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder, so that nobody takes it for a leftover; the operating system lets go of it whatever way we end."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def nicely(command: list[str]) -> list[str]:
    """A command that lets all others go first."""
    nice = shutil.which("nice")
    return [nice, "-n", "19", *command] if nice is not None else command


def _link(file: Path, name: Path) -> None:
    try:
        name.hardlink_to(file)
    except OSError:  # a file system without such names
        shutil.copyfile(file, name)
        name.chmod(0o644)
