"""Imports of scripts of the workspace, in whichever language."""

from __future__ import annotations

from dataclasses import dataclass

#: the first part of a script's path
ROOTS = ("f", "u")


@dataclass(frozen=True, slots=True)
class ScriptImport:
    """An import of a script of the workspace. `candidates` are paths: the first that is there is meant. None: it leads out
    of the workspace.

    Where the last part may be a name inside of the script before it, both are candidates; so are a path with an ending and
    without it. `written` is how the code says it, where that is no path.
    """

    candidates: tuple[str, ...]
    line: int
    written: str = ""
