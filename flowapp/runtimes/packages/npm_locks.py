"""Locks of TypeScript scripts: exact versions with hashes, in the form of Deno's lock file, made and installed by Deno.

No script of a package is run. What is installed is a folder `node_modules`, which Deno and Bun both read. A lock that comes
from elsewhere is taken apart first: only versions and hashes of npm packages go on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flowapp.runtimes.packages import tool
from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.npm_needs import ANY
from flowapp.runtimes.packages.npm_versions import nearest
from flowapp.runtimes.packages.shared_work import Tell

_SPECIFIER = re.compile(r"npm:((?:@[^/@\s]+/)?[^/@\s]+)@([^/\s]+)")
_NO_VERSION = re.compile(r"Could not find npm package '([^']+)' matching '([^']+)'")
_NO_PACKAGE = re.compile(r"npm package '([^']+)' does not exist")
_OFFLINE = re.compile(r"Failed (?:loading|caching|to fetch)|error sending request|dns error")
_PASSWORD = re.compile(r"//[^/\s@]+@")
_KEPT = (
    "integrity",
    "dependencies",
    "optionalDependencies",
    "optionalPeers",
    "os",
    "cpu",
    "bin",
    "scripts",
    "deprecated",
)
_DOWNLOAD = re.compile(r"^Download (\S+\.tgz)$")
_INITIALIZE = re.compile(r"^Initialize (\S+)$")
_MOST_TRIES = 8


@dataclass(frozen=True, slots=True)
class NpmLock:
    """What was asked for, as `npm:name@range` → exact version, and the packages of all of it, as Deno's lock has them."""

    specifiers: dict[str, str] = field(default_factory=dict)
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: the range that code asks for, where the registry has no such version and another one was taken
    asked: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> NpmLock | None:
        """The lock in a `lock` field; None where it is another tool's, or of another kind than we write."""
        try:
            data = json.loads(text)
        except ValueError:
            return None
        if not isinstance(data, dict) or data.get("version") != "5" or not isinstance(data.get("npm"), dict):
            return None
        given = data.get("specifiers")
        specifiers = {
            name: str(version)
            for name, version in (given.items() if isinstance(given, dict) else ())
            if _SPECIFIER.fullmatch(name)
        }
        packages = {
            str(name): {key: value for key, value in facts.items() if key in _KEPT}
            for name, facts in data["npm"].items()
            if isinstance(facts, dict)
        }
        asked = data.get("asked")
        return cls(specifiers, packages, _texts(asked))

    def text(self) -> str:
        """As it is stored."""
        data = {"version": "5", "specifiers": self.specifiers, "npm": self.packages}
        return json.dumps({**data, "asked": self.asked} if self.asked else data, indent=1) + "\n"

    @property
    def wanted(self) -> dict[str, str]:
        """The ranges that it was made for, by package."""
        found = (_SPECIFIER.fullmatch(name) for name in self.specifiers)
        return {match[1]: match[2] for match in found if match}

    @property
    def key(self) -> str:
        """The name of the folder that it is installed in."""
        return (
            "npm-"
            + hashlib.sha256(json.dumps([self.specifiers, self.packages], sort_keys=True).encode()).hexdigest()[:32]
        )

    @property
    def names(self) -> list[str]:
        """The packages, with versions."""
        return sorted(self.packages)

    def fits(self, wanted: Mapping[str, str]) -> bool:
        """Whether it was made for all that is wanted now."""
        mine = self.wanted
        return all(name in mine and version in (mine[name], self.asked.get(name)) for name, version in wanted.items())

    def replaced(self, wanted: Mapping[str, str]) -> str:
        """A line that says which of the versions wanted now the registry does not have, and what is taken; empty for none.

        A package that is wanted in any version may have been asked for in one by the lock of another tool.
        """
        mine = self.wanted
        return " ".join(
            f"{name} {asked} is not in the registry: {mine[name]} is taken, the nearest that is."
            for name, asked in sorted(self.asked.items())
            if name in mine and mine[name] != asked and wanted.get(name) in (asked, ANY)
        )


def _texts(found: object) -> dict[str, str]:
    """A map of texts out of what was read, without what is none."""
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: text for name, text in pairs if isinstance(name, str) and isinstance(text, str)}


_OF_BUN = re.compile(r'^\s*"([^"]+)": \["\1@(\d[^"]*)"', re.MULTILINE)


def pins_of(text: str) -> dict[str, str]:
    """Versions by package out of a lock that Windmill made for Bun: a `package.json`, a comment, and Bun's lock."""
    head, mark, tail = text.partition("//bun.lock")
    with contextlib.suppress(ValueError, AttributeError):
        asked = json.loads(head).get("dependencies", {}) if mark else {}
        exact = dict(_OF_BUN.findall(tail))
        return {str(name): str(exact.get(name, version)) for name, version in asked.items()}
    return {}


@dataclass(frozen=True, slots=True)
class Npm:
    """Deno as an installer, and the environment that says where packages come from."""

    program: str
    environment: dict[str, str]
    cache: Path

    async def lock(self, packages: Mapping[str, str], lines: Mapping[str, int], scratch: Path) -> NpmLock:
        """Resolve packages (ranges by name) in an empty folder.

        Raises:
            PackagesUnavailable: they cannot be resolved: which, why, and what to do.
        """
        wanted = dict(packages)
        for _ in range(_MOST_TRIES):
            status, said = await self._deno(scratch, wanted, ["--lockfile-only"])
            if status == 0:
                found = NpmLock.read((scratch / "deno.lock").read_text("utf-8")) or NpmLock()
                asked = {name: range for name, range in packages.items() if wanted[name] != range}
                return replace(found, asked=asked)
            missing = _NO_VERSION.search(said)
            other = nearest(self.cache, missing[1], missing[2]) if missing else None
            if missing is None or other is None or missing[1] not in wanted:
                raise explained(said, packages, lines)
            wanted[missing[1]] = other
        raise explained("", packages, lines)

    async def install(self, lock: NpmLock, target: Path, tell: Tell) -> dict[str, Any]:
        """Install a lock into an empty folder; answers notes on what is in it.

        Raises:
            PackagesUnavailable: a package of it cannot be had, or is not what was locked.
        """
        (target / "deno.lock").write_text(self._lock_file(lock), "utf-8")
        progress = _Progress(len(lock.packages), tell)
        command = ["--frozen", "--node-modules-dir=auto"]
        status, said = await self._deno(target, lock.wanted, command, progress.hear)
        if status != 0:
            raise explained(said, lock.wanted, {})
        return {"language": "deno", "packages": lock.names}

    def _lock_file(self, lock: NpmLock) -> str:
        workspace = {"packageJson": {"dependencies": sorted(lock.specifiers)}}
        data = {"version": "5", "specifiers": lock.specifiers, "npm": lock.packages, "workspace": workspace}
        return json.dumps(data)

    async def _deno(
        self, folder: Path, wanted: Mapping[str, str], more: list[str], hear: Callable[[str], None] = lambda _line: None
    ) -> tuple[int, str]:
        (folder / "package.json").write_text(json.dumps({"dependencies": dict(wanted)}), "utf-8")
        status, _, said = await tool.run([self.program, "install", *more], self.environment, folder, hear)
        return status, said


class _Progress:
    """Makes a few lines for people of those that Deno writes."""

    def __init__(self, total: int, tell: Tell) -> None:
        self._total = total
        self._tell = tell
        self._done = 0

    def hear(self, line: str) -> None:
        """One line of Deno's."""
        if _INITIALIZE.match(line):
            self._done += 1
            if self._done < self._total and self._done % 5 == 0:
                self._tell(f"  installing {self._done} of {self._total}\n")


def explained(said: str, packages: Mapping[str, str], lines: Mapping[str, int]) -> PackagesUnavailable:
    """What Deno says, as an error that names the package, its line in the code, and what to do."""
    plain = said.partition("Stack backtrace")[0]
    kept = [
        line.strip() for line in plain.splitlines() if line.strip() and not line.startswith(("Download", "Initialize"))
    ]
    text = _PASSWORD.sub("//", " ".join(kept).removeprefix("error: "))[:1500]
    missing = _NO_PACKAGE.search(text)
    if missing:
        return PackagesUnavailable(
            f"There is no package {missing[1]} in the npm registry.", "Correct the import.", lines.get(missing[1])
        )
    missing = _NO_VERSION.search(text)
    if missing:
        return PackagesUnavailable(
            f"The npm registry has no {missing[1]} that fits {missing[2]}.",
            "Ask for another version.",
            lines.get(missing[1]),
        )
    if _OFFLINE.search(text):
        return PackagesUnavailable(
            f"The npm registry cannot be reached for {', '.join(packages)}: {text}",
            "Check the network, and the registry in npm's configuration (`~/.npmrc`) of the user who runs the server.",
        )
    return PackagesUnavailable(
        f"The packages cannot be installed: {text}", "Change the versions that the cell asks for."
    )
