"""Which languages this host can run, and in which versions."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from flowapp.runtimes.jobs import RuntimeSettings

_VERSION = re.compile(r"\d+(?:\.\d+)+")
_SECONDS = 20.0


def find_deno(settings: RuntimeSettings) -> str | None:
    """The Deno program: as set, installed with the server, or on the PATH."""
    if settings.deno is not None:
        return str(settings.deno) if settings.deno.is_file() else None
    beside = Path(sys.executable).parent / "deno"
    if beside.is_file():
        return str(beside)
    return shutil.which("deno")


async def languages(settings: RuntimeSettings, deno: str | None) -> dict[str, dict[str, Any]]:
    """`{"python3": {"available", "version"}, …}` for every language but Bun (see `bun.Bun.facts`)."""
    bash = shutil.which("bash", path="/usr/local/bin:/usr/bin:/bin")
    own = settings.python.resolve() == Path(sys.executable).resolve()  # two environments of one interpreter
    python, deno_version, bash_version = await asyncio.gather(
        _constant(".".join(map(str, sys.version_info[:3]))) if own else version_of(str(settings.python)),
        version_of(deno),
        version_of(bash),
    )
    return {
        "python3": {"available": True, "version": python},
        "deno": {"available": deno is not None, "version": deno_version},
        "bash": {"available": bash is not None, "version": bash_version},
    }


async def _constant(text: str) -> str | None:
    return text


async def version_of(program: str | None) -> str | None:
    """What a program answers to `--version`, its number only; None when it does not answer."""
    if program is None:
        return None
    try:
        process = await asyncio.create_subprocess_exec(
            program, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        output, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
    except (OSError, TimeoutError):
        return None
    found = _VERSION.search(output.decode("utf-8", "replace"))
    return found[0] if found else None
