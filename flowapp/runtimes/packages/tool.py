"""Running uv or Deno for a cell: their lines as they come, an end when nobody waits any more."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from flowapp.runtimes.packages.errors import PackagesUnavailable

#: what one call may take: large packages over slow lines
SECONDS = 900.0
_KEPT_LINES = 400
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*m")
#: settings of the server that these programs need not know
_PRIVATE = re.compile(r"FLOWAPP_.*|DATABASE_URL|OPENAI_.*")


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The server's environment without the server's own settings."""
    return {name: value for name, value in given.items() if not _PRIVATE.fullmatch(name)}


async def run(
    command: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    hear: Callable[[str], None] = lambda _line: None,
    given: str = "",
) -> tuple[int, str, str]:
    """Run a program to its end: exit status, standard output, and the lines of its standard error.

    Args:
        command: the program and its arguments.
        env: its environment.
        cwd: its working folder.
        hear: called with each line of standard error.
        given: its standard input.

    Raises:
        PackagesUnavailable: it does not start, or takes longer than `SECONDS`.
        CancelledError: nobody waits; the program and its children are killed.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            umask=0o022,  # jobs run as users of their own
            limit=1 << 22,
        )
    except OSError as error:
        raise PackagesUnavailable(f"{command[0]} cannot be started: {error.strerror}.") from error
    try:
        async with asyncio.timeout(SECONDS):
            said, output = await asyncio.gather(_lines(process, hear), _output(process, given))
            return await process.wait(), output, "\n".join(said)
    except TimeoutError as error:
        raise PackagesUnavailable(f"{Path(command[0]).name} took longer than {SECONDS / 60:.0f} minutes.") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(process.wait())


async def _output(process: asyncio.subprocess.Process, given: str) -> str:
    if process.stdin is None or process.stdout is None:
        return ""
    with contextlib.suppress(ConnectionError):
        process.stdin.write(given.encode())
        await process.stdin.drain()
        process.stdin.close()
    return (await process.stdout.read()).decode("utf-8", "replace")


async def _lines(process: asyncio.subprocess.Process, hear: Callable[[str], None]) -> list[str]:
    """The last lines of standard error."""
    found: list[str] = []
    while process.stderr is not None and (data := await process.stderr.readline()):
        line = _TERMINAL_CODES.sub("", data.decode("utf-8", "replace")).rstrip()
        hear(line)
        found.append(line)
        if len(found) > _KEPT_LINES:
            del found[: _KEPT_LINES // 2]
    return found
