"""Which version to take where the registry does not have the one that was asked for."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

_EXACT = re.compile(r"[v=]?(\d+)\.(\d+)\.(\d+)(-[\w.+-]+)?")


def nearest(cache: Path, name: str, version: str) -> str | None:
    """The version nearest to an exact one, out of those that Deno has just read from the registry (`cache`).

    That is the lowest above it of the same major version, else the highest below it of the same, else the lowest above, else the
    highest. None: it is no exact version, or nothing is known.
    """
    wanted = _numbers(version)
    if wanted is None:
        return None
    known = sorted(
        numbers for text in _versions(cache, name) if (numbers := _numbers(text)) is not None and not _pre_release(text)
    )
    above = [numbers for numbers in known if numbers > wanted]
    below = [numbers for numbers in known if numbers < wanted]
    same_above = [numbers for numbers in above if numbers[0] == wanted[0]]
    same_below = [numbers for numbers in below if numbers[0] == wanted[0]]
    chosen = (same_above[:1] or same_below[-1:] or above[:1] or below[-1:])[:1]
    return ".".join(map(str, chosen[0])) if chosen else None


def _versions(cache: Path, name: str) -> list[str]:
    """The versions of a package, from Deno's copy of the registry's answer."""
    # The folder is called after the registry's address, which may have a path.
    found = [path for depth in ("*", "*/*", "*/*/*") for path in cache.glob(f"npm/{depth}/{name}/registry.json")]
    newest = sorted(found, key=lambda path: path.stat().st_mtime)
    with contextlib.suppress(OSError, ValueError, IndexError):
        data = json.loads(newest[-1].read_text("utf-8"))
        return list(data.get("versions") or {})
    return []


def _numbers(version: str) -> tuple[int, int, int] | None:
    found = _EXACT.fullmatch(version.strip())
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def _pre_release(version: str) -> bool:
    return "-" in version
