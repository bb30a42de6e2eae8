"""What scripts import most, imported once so that a script's own import is free: of the standard library, and the client."""

from __future__ import annotations

import importlib

# fmt: off
#: of every Python job: small, since each fork pays for what is loaded, libraries of machine code most of all
COMMON = (
    "base64", "bisect", "calendar", "collections", "contextlib", "copy", "csv", "dataclasses", "datetime", "decimal", "enum",
    "functools", "hashlib", "heapq", "hmac", "inspect", "io", "itertools", "json", "linecache", "math", "operator", "os",
    "pathlib", "random", "re", "secrets", "statistics", "string", "struct", "textwrap", "time", "traceback", "types", "typing",
    "urllib.parse", "uuid",
)
#: of jobs that import one of these, or packages
CLIENT = (
    "array", "asyncio", "concurrent.futures", "email.message", "fractions", "glob", "gzip", "html", "http.client", "logging",
    "pickle", "queue", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading",
    "urllib.request", "zipfile", "zoneinfo",
    "wmill",  # reads its environment when it is used, not when it is imported
)
# fmt: on


def load(modules: tuple[str, ...]) -> None:
    """Import them; one that this Python does not have is passed over."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
