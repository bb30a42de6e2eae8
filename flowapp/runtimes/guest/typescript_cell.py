"""A TypeScript cell: the agent starts Deno or Bun, and carries its answer from a named pipe to the channel.

The program reads the job from the channel itself (its standard input). The named pipe is removed once both ends are open, so
that a cell cannot open it; the agent passes on only what belongs to one answer.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket

from flowapp.runtimes.guest import python_cell, sandbox
from flowapp.runtimes.guest.plan import NONE, Plan

WRAPPER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "typescript_wrapper.ts")
_CHUNK = 1 << 18


#: of address space that Bun would set aside for compiled code (1 GB) and object shapes (4 GB): it counts as writable
#: memory, which is what a cell is limited by
_BUN_CODE_BYTES = 64 << 20
_BUN_SHAPES_KB = 128 << 10


def serve(plan: Plan, place: sandbox.Place, channel: socket.socket, kind: str, heap_mb: int) -> int:
    """Run one process of `kind` ("deno" or "bun") to its end; its exit status (negative: signal)."""
    answer_path = f"{place.folder}/.answer"
    os.mkfifo(answer_path, 0o600)
    answers = os.open(answer_path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    line = bun_command(plan, place) if kind == "bun" else deno_command(plan, place, heap_mb)
    pid = os.posix_spawn(
        line[0],
        line,
        _environment(place, kind),
        file_actions=[(os.POSIX_SPAWN_DUP2, channel.fileno(), 0)],
        setsigdef=[13, 2],
    )
    ended = os.pidfd_open(pid)
    for descriptor in (1, 2):
        os.close(descriptor)
    poll = select.poll()
    poll.register(answers, select.POLLIN)
    poll.register(ended, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if answers in ready:
            with contextlib.suppress(BlockingIOError):
                data = os.read(answers, _CHUNK)
                if data:
                    channel.sendall(data)
                    continue
                # Closed by its writer (a script may do that): only the end of the process is still to come.
                poll.unregister(answers)
        if ended in ready:
            break
    with contextlib.suppress(BlockingIOError):
        while data := os.read(answers, _CHUNK):
            channel.sendall(data)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def deno_command(plan: Plan, place: sandbox.Place, heap_mb: int) -> list[str]:
    """The command line of an idle Deno.

    Behind the sandbox a script may do all that the sandbox lets it do. Without one, Deno's own permissions are the only
    wall there is.
    """
    folders = ",".join(folder for folder in (place.folder, place.shared) if folder)
    permissions = (
        [f"--allow-read={folders}", f"--allow-write={folders}", "--allow-net", "--allow-env", "--allow-sys"]
        if plan.level == NONE
        else ["--allow-all"]
    )
    return [
        plan.deno or "",
        "run",
        "--quiet",
        "--no-prompt",
        "--no-lock",
        "--no-config",
        # packages are in a folder beside the cell, which is there when the job is: nothing is ever fetched from here
        "--node-modules-dir=manual",
        "--cached-only",
        "--no-remote",
        "--no-check",
        f"--v8-flags=--max-old-space-size={heap_mb}",
        *permissions,
        plan.wrapper,
        place.folder,
        place.work,
    ]


def bun_command(plan: Plan, place: sandbox.Place) -> list[str]:
    """The command line of Bun, which has no permissions of its own: the sandbox is the only wall.

    Bun wants to list the folder of the file that it runs, so that file is a copy in the job's own folder.
    """
    copy = f"{place.folder}/{os.path.basename(WRAPPER)}"
    with open(plan.wrapper, "rb") as program, open(copy, "wb") as file:
        file.write(program.read())
    return [plan.bun or "", "--no-install", "--no-env-file", copy, place.folder, place.work]


def _environment(place: sandbox.Place, kind: str) -> dict[str, str]:
    base = {**python_cell.base_environment(place.folder), "NO_COLOR": "1"}
    if kind == "deno":
        return {**base, "DENO_DIR": f"{place.folder}/.deno", "DENO_NO_UPDATE_CHECK": "1"}
    return {
        **base,
        "BUN_INSTALL": f"{place.folder}/.bun",
        "BUN_RUNTIME_TRANSPILER_CACHE_PATH": "0",
        "BUN_ENABLE_CRASH_REPORTING": "0",
        "BUN_JSC_jitMemoryReservationSize": str(_BUN_CODE_BYTES),
        "BUN_JSC_structureHeapSizeInKB": str(_BUN_SHAPES_KB),
        "DO_NOT_TRACK": "1",
    }
