"""Which languages this host can run, and in which versions."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

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


async def python_version(settings: RuntimeSettings) -> str | None:
    """The version of the Python that runs cells."""
    if settings.python.resolve() == Path(sys.executable).resolve():  # two environments of one interpreter
        return ".".join(map(str, sys.version_info[:3]))
    return await version_of(str(settings.python))


async def version_of(program: str | None, environment: Mapping[str, str] | None = None) -> str | None:
    """What a program answers to `--version`, its number only; None when it does not answer. Without `environment` it has the server's."""
    if program is None:
        return None
    try:
        process = await asyncio.create_subprocess_exec(
            program, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=environment
        )
        output, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
    except (OSError, TimeoutError):
        return None
    found = _VERSION.search(output.decode("utf-8", "replace"))
    return found[0] if found else None
