"""Bun, pinned: its program comes out of the npm package that carries it, checked against the hash that npm published.

Only the standard library and no other module of ours: scripts/prepare.py runs this file before anything is installed,
as `python -I bun_package.py <prefix> <seconds>`. The registry is the one that npm itself would ask.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import platform
import re
import ssl
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

VERSION = "1.4.5"
_PUBLIC_REGISTRY = "https://registry.npmjs.org"
_IN_PACKAGE = "package/bin/bun"
_CHUNK = 1 << 20
_LARGEST = 200 << 20
_CONNECT_SECONDS = 10.0
_TRY_SECONDS = 20.0


class BunUnavailable(Exception):
    """Bun could not be installed; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Package:
    """An npm package with one program in it. `integrity` as npm writes it: `sha512-<base64>`."""

    name: str
    version: str
    integrity: str

    @property
    def address(self) -> str:
        """Where every npm registry keeps it, below its own address."""
        return f"{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


_X64 = "sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g=="
_X64_BASELINE = "sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA=="
_AARCH64 = "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg=="


def package_of_this_machine() -> Package:
    """The package with the program for this processor.

    Raises:
        BunUnavailable: there is none.
    """
    machine = platform.machine()
    if machine == "aarch64":
        return Package("@oven/bun-linux-aarch64", VERSION, _AARCH64)
    if machine != "x86_64":
        raise BunUnavailable(f"there is no Bun for {machine or 'this processor'}")
    if " avx2 " in f"{_processor()} ":
        return Package("@oven/bun-linux-x64", VERSION, _X64)
    return Package("@oven/bun-linux-x64-baseline", VERSION, _X64_BASELINE)


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        return next((line.strip() for line in file if line.startswith("flags")), "")
    return ""


def program(prefix: str | Path) -> Path:
    """Where the program is, or will be, in an environment. The version is in the path, and its folder holds nothing else."""
    return Path(prefix) / "bun" / VERSION / "bun"


def install(prefix: str | Path, seconds: float, package: Package | None = None) -> Path:
    """Install Bun into an environment unless it is there; at most `seconds` are spent on fetching it.

    Raises:
        BunUnavailable: it cannot be fetched in that time, is not what was pinned, or does not run on this machine.
    """
    target = program(prefix)
    if target.is_file():
        return target
    wanted = package or package_of_this_machine()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for folder in (target.parent, target.parent.parent):
            folder.chmod(0o755)  # jobs run as users of their own
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=target.parent.parent) as scratch:
            archive = Path(scratch) / "package.tgz"
            _fetch(wanted, archive, time.monotonic() + seconds)
            unpacked = Path(scratch) / "bun"
            _unpack(archive, unpacked)
            _try_out(unpacked, wanted.version)
            os.replace(unpacked, target)
    except (tarfile.TarError, EOFError) as error:
        raise BunUnavailable(f"its package cannot be unpacked: {error}") from error
    except OSError as error:
        raise BunUnavailable(f"{error.strerror or error} ({target.parent})") from error
    return target


def _fetch(package: Package, archive: Path, deadline: float) -> None:
    settings = npm_settings()
    registry = registry_of(settings, package.name)
    address = f"{registry}/{package.address}"
    if not address.startswith(("https://", "http://")):
        raise BunUnavailable(f"npm's registry is set to {registry!r}, which is no web address")
    request = urllib.request.Request(address, headers={"user-agent": "flowapp"})  # noqa: S310  # checked above
    token = settings.get(f"{registry.partition(':')[2]}/:_authToken")
    if token:
        request.add_unredirected_header("authorization", f"Bearer {token}")
    digest = hashlib.sha512()
    size = 0
    try:
        context = ssl.create_default_context(cafile=settings.get("cafile") or None)
        with (
            urllib.request.urlopen(request, timeout=_CONNECT_SECONDS, context=context) as answer,  # noqa: S310
            archive.open("wb") as file,
        ):
            while piece := answer.read1(_CHUNK):
                digest.update(piece)
                size += len(piece)
                file.write(piece)
                if size > _LARGEST:
                    raise BunUnavailable(f"{registry} sends far more than Bun")
                if time.monotonic() > deadline:
                    raise BunUnavailable(f"only {size / 1e6:.0f} MB of it arrived in time from {registry}")
    except urllib.error.HTTPError as error:
        raise BunUnavailable(f"{registry} answers {error.code} for {package.name} {package.version}") from error
    except OSError as error:
        raise BunUnavailable(f"{registry} cannot be reached ({getattr(error, 'reason', error)})") from error
    if f"sha512-{base64.b64encode(digest.digest()).decode()}" != package.integrity:
        raise BunUnavailable(f"what {registry} sends as {package.name} {package.version} is not what was published")


def _unpack(archive: Path, target: Path) -> None:
    with tarfile.open(archive, "r:gz") as package:
        found = next((member for member in package if member.name == _IN_PACKAGE and member.isfile()), None)
        content = None if found is None else package.extractfile(found)
        if content is None:
            raise BunUnavailable(f"its package has no {_IN_PACKAGE}")
        with target.open("wb") as file:
            while piece := content.read(_CHUNK):
                file.write(piece)
    target.chmod(0o755)


def _try_out(unpacked: Path, version: str) -> None:
    """A program for another C library, or of another version, must not be found later."""
    try:
        done = subprocess.run(
            [str(unpacked), "--version"], capture_output=True, text=True, timeout=_TRY_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BunUnavailable(f"it does not run on this machine ({error})") from error
    if done.stdout.strip() != version:
        said = (done.stderr or done.stdout).strip()[:200] or f"exit code {done.returncode}"
        raise BunUnavailable(f"it does not run on this machine ({said})")


def npm_settings() -> dict[str, str]:
    """The settings of this user for npm: those of the file, and what the environment says over it."""
    # npm takes its variables in any case.
    said = {name.lower(): value for name, value in os.environ.items() if value}
    found: dict[str, str] = {}
    named = said.get("npm_config_userconfig")
    with contextlib.suppress(OSError, RuntimeError, UnicodeDecodeError):
        path = Path(named) if named else Path.home() / ".npmrc"
        for line in path.read_text().splitlines():
            name, separator, value = line.partition("=")
            if separator and not line.lstrip().startswith(("#", ";")):
                found[name.strip()] = _filled(value.strip().strip("\"'"))
    for name in ("registry", "cafile"):
        if f"npm_config_{name}" in said:
            found[name] = said[f"npm_config_{name}"]
    return found


def _filled(value: str) -> str:
    """The value with variables of the environment put in, where the file says `${NAME}`."""
    return re.sub(r"\$\{(\w+)\}", lambda match: os.environ.get(match[1], match[0]), value)


def registry_of(settings: dict[str, str], package: str) -> str:
    """The registry for a package, without a slash at its end: that of its scope, the user's, or the public one."""
    scope = package.partition("/")[0]
    return (settings.get(f"{scope}:registry") or settings.get("registry") or _PUBLIC_REGISTRY).rstrip("/")


if __name__ == "__main__":
    try:
        install(sys.argv[1], float(sys.argv[2]))
    except BunUnavailable as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit("it was interrupted")
