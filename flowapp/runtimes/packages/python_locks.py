"""Locks of Python scripts: exact versions with hashes, as lines of a requirements file, made and installed by uv.

Only wheels are installed: building a source distribution would run its code, and what is installed here is installed by the
server itself. A lock that comes from elsewhere is read line by line, so that it cannot tell uv anything else.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from flowapp.runtimes.packages import tool
from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.python_needs import PythonNeeds

_HASH = re.compile(r"--hash=(sha(?:256|384|512):[0-9a-f]+)")
_NEEDS = "# needs: "
_BETWEEN = " | "
_MISSING = re.compile(r"Because (\S+) was not found in the (?:package registry|provided package locations)")
_NO_WHEEL = re.compile(r"Because (?:only )?(?:all versions of )?(\S+?)(?:==\S+)? ha(?:s|ve) no (?:usable )?wheels")
_PASSWORD = re.compile(r"//[^/\s@]+@")
_OFFLINE = re.compile(r"Failed to fetch: `([^`]*)`|(?:error sending request|dns error|Could not connect)")
_LOOK_S = 0.25
_UNCACHED = "Identified uncached distribution: "
_DOWNLOADING = re.compile(r"^Downloading (\S+) \((\S+)\)$")
_ADVICE = (
    "If the package of an import has another name, write it into a comment: `# extra_requirements:` and, on the next "
    "line, `# name`."
)


@dataclass(frozen=True, slots=True)
class PythonLock:
    """Exact requirements, each with its hashes. `needs` are the requirements that it was made for, where it says so."""

    lines: tuple[str, ...]
    needs: tuple[str, ...] | None = None

    @classmethod
    def read(cls, text: str) -> PythonLock:
        """The lock in a `lock` field.

        Raises:
            PackagesUnavailable: a line of it is no exact requirement.
        """
        needs: tuple[str, ...] | None = None
        lines = []
        for row in text.replace("\\\n", " ").splitlines():
            if row.startswith(_NEEDS):
                needs = tuple(row.removeprefix(_NEEDS).split(_BETWEEN))
            plain = row.partition(" #")[0].strip()
            if plain and not plain.startswith("#"):
                lines.append(_exact(plain))
        return cls(tuple(sorted(lines)), needs)

    def key(self, python: str) -> str:
        """The name of the folder that it is installed in; `python` is the interpreter's version and platform."""
        return "python-" + hashlib.sha256("\n".join((python, *self.lines)).encode()).hexdigest()[:32]

    @property
    def names(self) -> list[str]:
        """The packages."""
        return [re.split(r"[=;\[ ]", line, maxsplit=1)[0] for line in self.lines]


def _exact(row: str) -> str:
    hashes = _HASH.findall(row)
    text = _HASH.sub("", row).strip()
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise PackagesUnavailable(f"{text[:80]!r} in this cell's lock is not a requirement.", _LOCK_HINT) from error
    exact = [
        spec for spec in requirement.specifier if spec.operator in ("==", "===") and not spec.version.endswith("*")
    ]
    if requirement.url is not None or len(exact) != 1:
        raise PackagesUnavailable(f"{text[:80]!r} in this cell's lock is no exact version.", _LOCK_HINT)
    return " ".join((str(requirement), *(f"--hash={digest}" for digest in sorted(hashes))))


_LOCK_HINT = "A lock of Python has lines like `requests==2.32.3`. Remove the lock, and it is made anew."


@dataclass(frozen=True, slots=True)
class Uv:
    """uv, the Python that it installs for, and the environment that says where packages come from."""

    program: Path
    python: Path
    version: str
    environment: dict[str, str]

    async def lock(self, needs: PythonNeeds, cwd: Path) -> str:
        """The text of a lock for what a script needs.

        Raises:
            PackagesUnavailable: they cannot be resolved: which, why, and what to do.
        """
        command = [str(self.program), "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
        command += ["--generate-hashes", "--only-binary", ":all:", "--python", str(self.python), "-"]
        status, output, said = await tool.run(command, self.environment, cwd, given="\n".join(needs.requirements))
        if status != 0:
            raise explained(said, needs)
        named = _BETWEEN.join(needs.requirements)
        return f"# py: {'.'.join(self.version.split('.')[:2])}\n{_NEEDS}{named}\n{output.strip()}\n"

    async def install(self, lock: PythonLock, target: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        """Install a lock into an empty folder; answers notes on what is in it.

        Raises:
            PackagesUnavailable: a package of it cannot be had.
        """
        command = [str(self.program), "pip", "install", "--verbose", "--no-deps", "--only-binary", ":all:"]
        if all("--hash=" in line for line in lock.lines):
            command.append("--require-hashes")
        command += ["--python", str(self.python), "--target", str(target), "-r", "-"]
        progress = _Progress(lock, Path(self.environment["UV_CACHE_DIR"]), tell)
        watching = asyncio.create_task(progress.watch())
        try:
            given = "\n".join(lock.lines) + "\n"
            status, _, said = await tool.run(command, self.environment, target.parent, progress.hear, given)
        finally:
            watching.cancel()
        if status != 0:
            raise explained(said, PythonNeeds())
        (target / ".lock").unlink(missing_ok=True)
        return {"language": "python3", "packages": lock.names}


class _Progress:
    """Says how far uv is: which packages it has to fetch it tells, and each one that is fetched is a folder of its cache."""

    def __init__(self, lock: PythonLock, cache: Path, tell: Callable[[str], None]) -> None:
        self._total = len(lock.lines)
        self._tell = tell
        self._unpacked = cache / "archive-v0"
        self._before = self._count()
        self._missing = 0
        self._said = 0

    def hear(self, line: str) -> None:
        """One line of uv's."""
        self._missing += _UNCACHED in line
        found = _DOWNLOADING.match(line)
        if found:
            self._tell(f"  downloading {found[1]} ({found[2]})\n")

    async def watch(self) -> None:
        """Look until canceled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            fetched = min(self._count() - self._before, self._missing)
            done = self._total - self._missing + fetched
            if self._missing and fetched and done > self._said:
                self._said = done
                self._tell(f"  installing {done} of {self._total}\n")

    def _count(self) -> int:
        with contextlib.suppress(OSError):
            return len(os.listdir(self._unpacked))
        return 0


def explained(said: str, needs: PythonNeeds) -> PackagesUnavailable:
    """What uv says, as an error that names the package, its line in the code, and what to do."""
    lines = [line for line in said.splitlines() if not line.startswith(("DEBUG", "TRACE", "INFO"))]
    text = " ".join(part.strip(" ×╰─▶│├") for part in lines).strip()
    text = _PASSWORD.sub("//", re.sub(r"\s+", " ", text))[:1500]
    missing = _MISSING.search(text)
    if missing:
        name = missing[1]
        line = _line(name, needs)
        return PackagesUnavailable(f"There is no package {name} in the registry.", _ADVICE, line)
    wheel = _NO_WHEEL.search(text)
    if wheel:
        return PackagesUnavailable(
            f"{wheel[1]} offers no wheel for this Python and machine, and nothing is built here. {text}",
            "Choose a version that has one, or put a wheel of it into your own registry.",
            _line(wheel[1], needs),
        )
    if _OFFLINE.search(text):
        wanted = f" for {', '.join(needs.requirements)}" if needs.requirements else ""
        return PackagesUnavailable(
            f"The package registry cannot be reached{wanted}: {text}",
            "Check the network, and the registry in pip's or uv's configuration of the user who runs the server.",
        )
    return PackagesUnavailable(
        f"The packages cannot be resolved: {text}", "Change the versions that the cell asks for."
    )


def _line(name: str, needs: PythonNeeds) -> int | None:
    """Where a package was guessed from an import; uv may spell its name in another way."""
    return next(
        (line for guess, line in needs.guessed.items() if canonicalize_name(guess) == canonicalize_name(name)), None
    )
