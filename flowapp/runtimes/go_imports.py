"""What Go cells may import: packages of the standard library, written as such. Reasons against the rest, for people."""

from __future__ import annotations

import re

from flowapp.runtimes.go_toolchain import VERSION

#: Paths are handed to Go's own commands, to which a leading dash is an option and dots are patterns.
_STANDARD = re.compile(r"[a-z][a-z0-9]*(/[a-z][a-z0-9]*)*")
_MODULE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+/.*", re.IGNORECASE)
_INSTEAD = "Use the standard library, or a container with an image of Go (a Bash cell that begins with `# docker`)"
#: what stands for many packages, and what only Go itself may import
_NO_PACKAGES = frozenset({"all", "std", "cmd", "main", "tool", "work"})


def why_not(path: str) -> str | None:
    """Why no Go cell can import a path, whatever is installed; None where it may be in the standard library."""
    if path == "C":
        return 'Go cells cannot use cgo (`import "C"`): no C compiler is behind them.'
    if _MODULE.fullmatch(path):
        return (
            f"{path[:200]!r} belongs to a module, and Go cells are built from the standard library alone: "
            f"no Go proxy is asked for it. {_INSTEAD}."
        )
    if not _STANDARD.fullmatch(path):
        return f"{path[:200]!r} is no path of a Go package."
    parts = path.split("/")
    if parts[0] in _NO_PACKAGES or "internal" in parts or "vendor" in parts:
        return f"{path!r} cannot be imported: it is Go's own."
    return None


def unknown(path: str) -> str:
    """What to say of a path that this Go's standard library does not have."""
    return f"{path!r} is not in the standard library of Go {VERSION}, and Go cells import nothing else. {_INSTEAD}."
