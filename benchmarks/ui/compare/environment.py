"""The environment of the products that are compared: pinned, and in a cache folder outside of the project."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from flowapp.runtimes.packages.pip_settings import configuration, uv_environment
from tests.acceptance.product import ROOT

PINS = Path(__file__).with_name("peers.txt")
_VERSIONS = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"


def folder() -> Path:
    """The environment, installed: `$XDG_CACHE_HOME/flowapp-bench/peers-…`, named by what is pinned. Made where it is missing.

    Raises:
        SystemExit: a package cannot be installed; says what uv says.
    """
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = caches / "flowapp-bench" / f"peers-{hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]}"
    if not (place / "done").exists():
        print(f"Installing what is compared into {place} (once) …", flush=True)
        shutil.rmtree(place, ignore_errors=True)
        _install(place)
        (place / "done").touch()
    return place


def versions(place: Path) -> Mapping[str, str]:
    """What is installed there, name to version."""
    told = subprocess.run([place / "bin/python", "-c", _VERSIONS], check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(told.stdout)
    return found


def _install(place: Path) -> None:
    uv = ROOT / ".venv/bin/uv"
    place.parent.mkdir(parents=True, exist_ok=True)
    environment = uv_environment(configuration(ROOT / ".venv/bin/python"), place.parent)
    python = str(place / "bin/python")
    for command in (
        ["venv", "--quiet", str(place)],
        ["pip", "install", "--quiet", "--python", python, "-r", str(PINS)],
    ):
        done = subprocess.run([str(uv), *command], env=environment, capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(place, ignore_errors=True)
            raise SystemExit(f"What is compared cannot be installed: {done.stderr.strip()}")
