"""A job as it is handed to its process; what is refused before any process sees it."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from typing import Any

from flowapp.runtimes.errors import RuntimesError
from flowapp.runtimes.jobs import Job

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
#: names that would change the interpreter instead of informing the script
_RESERVED = re.compile(
    r"PATH|HOME|TMPDIR|IFS|ENV|PS4|SHELLOPTS|GLIBC_TUNABLES|(?:BASH|LD|MALLOC|PYTHON|NODE|DENO|BUN)(?:_.*)?|PYTHON.*"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_function_name(name: str) -> bool:
    """Whether a function of this name can be called."""
    return _IDENTIFIER.fullmatch(name) is not None and not keyword.iskeyword(name)


def texts(job: Job, code: bytes | None = None, **more: Any) -> tuple[bytes, bytes, bytes]:
    """Header, code and arguments as they go to the process. `more` goes into the header; `code` replaces the job's."""
    header = {
        "language": job.language,
        "entrypoint": job.entrypoint,
        "env": environment(job.env),
        "result_bytes": job.limits.result_bytes,
        "checkpoint": job.checkpoint,
        **more,
    }
    source = job.code.encode("utf-8", "replace") if code is None else code
    return json.dumps(header).encode(), source, job.args.encode("utf-8", "replace")


def python_texts(job: Job, packages: str | None = None) -> tuple[bytes, bytes, bytes]:
    """`texts` of a Python job; `packages` is the folder that it finds its packages in."""
    return texts(job, runs="python3", packages=packages, path=job.path, libraries=dict(job.libraries))


def is_own_variable(name: str) -> bool:
    """Whether a script may ask for a variable of this name: it changes no interpreter and is none that Flowapp sets."""
    ours = name.startswith(("WM_", "BASE_"))
    return _VARIABLE.fullmatch(name) is not None and not _RESERVED.fullmatch(name) and not ours


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
