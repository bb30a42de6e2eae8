"""What scripts import most, imported once so that a script's own import is free: of the standard library, and the client."""

from __future__ import annotations

import importlib

# fmt: off
_MODULES = (
    "array", "asyncio", "base64", "bisect", "calendar", "collections", "concurrent.futures", "contextlib", "copy", "csv",
    "dataclasses", "datetime", "decimal", "email.message", "enum", "fractions", "functools", "glob", "gzip", "hashlib",
    "heapq", "hmac", "html", "http.client", "inspect", "io", "itertools", "json", "linecache", "logging", "math",
    "operator", "os", "pathlib", "pickle", "queue", "random", "re", "secrets", "shutil", "signal", "socket", "sqlite3",
    "ssl", "statistics", "string", "struct", "subprocess", "tempfile", "textwrap", "threading", "time", "traceback",
    "types", "typing", "urllib.parse", "urllib.request", "uuid", "zipfile", "zoneinfo",
    "wmill",  # reads its environment when it is used, not when it is imported
)
# fmt: on


def load() -> None:
    """Import them; one that this Python does not have is passed over."""
    for name in _MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
