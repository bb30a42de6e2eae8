"""A job as it is handed to its process; what is refused before any process sees it."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from typing import Any

from flowapp.languages import by_name
from flowapp.runtimes.errors import RuntimesError
from flowapp.runtimes.jobs import Job

_KINDS = {"python3": "script", "bash": "script", "deno": "deno", "bun": "bun"}
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
#: names that would change the interpreter instead of informing the script
_RESERVED = re.compile(
    r"PATH|HOME|TMPDIR|IFS|ENV|PS4|SHELLOPTS|GLIBC_TUNABLES|(?:BASH|LD|MALLOC|PYTHON|NODE|DENO|BUN)(?:_.*)?|PYTHON.*"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def kind_of(language: str) -> str | None:
    """The pool that runs a language; None when this version does not run it."""
    return _KINDS.get(language)


def refusal(job: Job, kind: str | None, deno: str | None) -> dict[str, Any] | None:
    """The error of a job that no process of `kind` should see, or None."""
    if kind is None:
        return _error(f"{_label(job.language)} cells cannot run on this version yet.")
    if kind == "deno" and deno is None:
        return _error(
            "TypeScript cells need Deno, which is not installed: run scripts/run again, or `pip install deno`."
        )
    if not _IDENTIFIER.fullmatch(job.entrypoint) or keyword.iskeyword(job.entrypoint):
        return _error(f"{job.entrypoint[:80]!r} cannot be the name of a function to call.")
    return None


def texts(job: Job) -> tuple[bytes, bytes, bytes]:
    """Header, code and arguments as they go to the process."""
    header = {
        "language": job.language,
        "entrypoint": job.entrypoint,
        "env": environment(job.env),
        "result_bytes": job.limits.result_bytes,
    }
    return json.dumps(header).encode(), job.code.encode("utf-8", "replace"), job.args.encode("utf-8", "replace")


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables of a job that its process may get."""
    return {
        name: value.replace("\0", "")
        for name, value in given.items()
        if _VARIABLE.fullmatch(name) and not _RESERVED.fullmatch(name)
    }


def folder_name(name: str) -> str:
    """A name that cannot leave its folder.

    Raises:
        RuntimesError: it is not such a name.
    """
    if not _FOLDER.fullmatch(name):
        raise RuntimesError(f"{name[:80]!r} cannot be the name of a shared folder.")
    return name


def _label(language: str) -> str:
    known = by_name(language)
    return known.label if known is not None else repr(language[:40])


def _error(message: str) -> dict[str, Any]:
    return {"name": "ExecutionErr", "message": message}
