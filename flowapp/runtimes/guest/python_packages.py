"""Packages of one Python job: a folder on `sys.path`, before those that every job has and after the standard library."""

from __future__ import annotations

import contextlib
import importlib
import os
import site
import sys
from collections.abc import Sequence

_INSTALLED = ("site-packages", "dist-packages")
_in_use: list[str] = []


def use(folder: str | None) -> None:
    """Make the packages in a folder importable. Where every job has another version loaded already, this one counts."""
    if folder is None or folder in _in_use:
        return
    _in_use.append(folder)
    place = next((at for at, path in enumerate(sys.path) if path.endswith(_INSTALLED)), len(sys.path))
    sys.path.insert(place, folder)
    site.addsitedir(folder, set(sys.path))
    names = {name.partition(".")[0] for name in os.listdir(folder)}
    for name in list(sys.modules):
        if name.partition(".")[0] in names and _is_installed(name):
            del sys.modules[name]


def warm(folder: str, modules: Sequence[str]) -> None:
    """Import modules of a folder ahead of their job. One that cannot be imported is left for the job to fail of."""
    use(folder)
    for name in modules:
        # whatever a package does when it is imported: the job must meet it, not its warm process
        with contextlib.suppress(BaseException):
            importlib.import_module(name)


def _is_installed(name: str) -> bool:
    path = getattr(sys.modules[name], "__file__", None) or ""
    return any(f"/{part}/" in path for part in _INSTALLED)
