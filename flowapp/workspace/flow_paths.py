"""Paths of flows: `u/<person>/…` for one's own, `f/<folder>/…` for the team's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set as AbstractSet

from flowapp.workspace.errors import PathInvalid

MAX_LENGTH = 255
_VALID = re.compile(r"^[uf]/[A-Za-z0-9_.@-]+(?:/[A-Za-z0-9_.-]+)+$")


def checked(path: str) -> str:
    """The path without surrounding blanks.

    Raises:
        PathInvalid: not of the form u/<person>/<name> or f/<folder>/<name>.
    """
    path = path.strip()
    dots = any(part in (".", "..") for part in path.split("/"))
    if len(path) > MAX_LENGTH or dots or not _VALID.match(path):
        raise PathInvalid(
            f"{path[:80]!r} is not a path a flow can have.",
            "Use u/<your name>/<flow> or f/<folder>/<flow>, with letters, digits, _ - and . only.",
        )
    return path


def suggested(username: str, title: str, taken: AbstractSet[str]) -> str:
    """A free path of one's own for a flow of that title."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:60] or "untitled"
    path, number = f"u/{username}/{slug}", 2
    while path in taken:
        path, number = f"u/{username}/{slug}_{number}", number + 1
    return path
