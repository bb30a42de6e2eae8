"""The idle process of every cell but TypeScript's: waits for its one job, runs it, answers, ends.

`serve` never returns. The wrapper is constant: code, entry point, arguments and environment reach it as data.
"""

from __future__ import annotations

import json
import linecache
import os
import socket
import sys
from types import ModuleType
from typing import Any, NoReturn

from flowapp.runtimes.guest import (
    bash_cell,
    editing_cell,
    frames,
    graphql_cell,
    kernel,
    limits,
    program_cell,
    python_calls,
    python_errors,
    python_libraries,
    python_packages,
    python_results,
    python_workflows,
    sandbox,
    sql_cell,
    sql_files,
)
from flowapp.runtimes.guest.plan import JAIL_TMP

FILE_NAME = "cell.py"
#: Python 3.11 specializes code that ran eight times, and its instructions after some more
_PRACTICE = 32
#: what runs in a process of its own, beside this one
_PROGRAMS = {"bash": bash_cell.run, "program": program_cell.run}
#: what runs in this process and is no Python
_OTHERS = {"graphql": graphql_cell.run, "editing": editing_cell.run}
_HIDDEN: list[ModuleType] = []


def serve(place: sandbox.Place, channel: socket.socket, kind: str, drivers: str) -> NoReturn:
    """Report that isolation is in place, wait for the job, run it. A message before it may name packages to load.

    `drivers` is the folder of those that SQL cells and editing use.
    """
    if place.folder != JAIL_TMP:
        os.environ.update(HOME=place.folder, TMPDIR=place.folder)
    if kind in sql_cell.MODULES:
        sql_cell.show(kind, drivers)
    elif kind == editing_cell.EDITING:
        editing_cell.show(drivers)
    sql_files.drivers = drivers
    rehearse()
    frames.send(channel, frames.READY)
    job = frames.receive_job(channel)
    if job is not None and "warm" in job.header:
        python_packages.warm(job.header["warm"]["packages"], job.header["warm"]["modules"])
        _flush_streams()
        frames.send(channel, frames.LOADED, str(limits.own_memory_kb()).encode())
        job = frames.receive_job(channel)
    if job is None:
        os._exit(0)
    os.environ.update(job.header["env"])
    runs = job.header["runs"]
    if runs in _PROGRAMS:
        kernel.set_dumpable(False)
        answer, body = _PROGRAMS[runs](job)
    else:
        answer, body = sql_cell.run(job, channel) if runs == "sql" else _OTHERS.get(runs, run)(job)
        _flush_streams()
    frames.send(channel, answer, body)
    if runs == "sql" and answer == frames.RESULT:
        sql_cell.stay(job, channel, _flush_streams)
    elif runs == "editing" and answer == frames.RESULT:
        editing_cell.stay(channel)
    os._exit(0)


def rehearse() -> None:
    """Run a trivial job, so that a real one finds the memory it writes to already its own.

    A forked process copies each page at its first write; without this a job pays for some 800 of them.
    """
    header = {"entrypoint": "main", "result_bytes": 100, "packages": None, "libraries": {}, "path": ""}
    run(frames.JobText(header, b"def main(a, b=None):\n    return {'a': a}\n", b'{"a": 1}'))


def practise() -> None:
    """Rehearse until the interpreter has specialized the code and remembers its lookups: what a forked process finds so, it need not write."""
    for _ in range(_PRACTICE):
        rehearse()


def run(job: frames.JobText) -> tuple[bytes, bytes]:
    """Run a Python cell; the frame to answer with."""
    try:
        body = _call(job)
    except BaseException as error:
        limits.use_reserve()
        return frames.ERROR, _error_text(python_errors.describe(error, FILE_NAME))
    limit = job.header["result_bytes"]
    if len(body) > limit:
        return frames.ERROR, json.dumps(python_errors.too_large(len(body), limit)).encode()
    return frames.RESULT, body


def _error_text(error: dict[str, Any]) -> bytes:
    try:
        return python_results.encode(error)
    except (TypeError, ValueError, RecursionError):
        # Fields that the exception carried and that JSON cannot hold.
        return python_results.encode({key: value for key, value in error.items() if key != "extra"})


def _call(job: frames.JobText) -> bytes:
    source = job.code.decode("utf-8", "replace")
    python_packages.use(job.header["packages"])
    python_libraries.use(job.header["libraries"])
    linecache.cache[FILE_NAME] = (len(source), None, source.splitlines(keepends=True), FILE_NAME)
    module = _fresh_module(job.header["path"])
    exec(compile(source, FILE_NAME, "exec", dont_inherit=True), module.__dict__)  # noqa: S102  # the purpose of this file
    function = getattr(module, job.header["entrypoint"], None)
    if not callable(function):
        raise python_errors.NoEntrypoint(job.header["entrypoint"])
    inputs: dict[str, Any] = json.loads(job.args)
    if job.header.get("checkpoint") is not None:
        return python_workflows.call(function, inputs, job.header["checkpoint"])
    return python_results.encode(python_calls.call(function, inputs))


def _fresh_module(path: str) -> ModuleType:
    module = ModuleType("cell")
    module.__package__ = python_libraries.package_of(path)
    module.__file__ = FILE_NAME
    sys.modules["cell"] = module
    return module


def prepare() -> None:
    """Make the launcher look like a process that runs a cell: nothing of ours is left to import, nothing to read.

    Done once, before forking: every page that is not written to in the child is a page that need not be copied.
    """
    ours = [name for name in sys.modules if name.split(".")[0] == "flowapp"]
    _HIDDEN.extend([*(sys.modules.pop(name) for name in ours), sys.modules["__main__"]])
    sys.meta_path.append(python_errors.MissingClient())
    sys.modules["__main__"] = ModuleType("__main__")
    sys.argv = [FILE_NAME]
    os.environ.clear()
    os.environ.update(base_environment(JAIL_TMP))
    # backslashreplace: printing a lone surrogate must not be what a script fails of.
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    rehearse()


def base_environment(folder: str) -> dict[str, str]:
    """What every job finds in its environment, before the job's own variables."""
    return {
        "PATH": f"{os.path.dirname(sys.executable)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": folder,
        "TMPDIR": folder,
        "LANG": "C.UTF-8",
        "USER": "job",
    }


def _flush_streams() -> None:
    """Everything printed must be in the pipe before the answer is."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            # The script closed or replaced it: what it printed there is its own affair.
            continue
