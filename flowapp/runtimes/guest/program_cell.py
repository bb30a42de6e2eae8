"""A cell that a program runs: an interpreter with a wrapper in its own language, or a binary that was built before.

The cell's code and the wrapper's files lie in the working folder; arguments are in `args.json`. A binary comes as the
descriptor of memory that is run as it is. The program leaves its result in `result.json`, or an error
`{"name", "message", "line"?, "stack"?}` in `error.json`.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, BinaryIO

from flowapp.runtimes.guest import frames
from flowapp.runtimes.guest.bash_cell import stream

_RESULT = "result.json"
_ERROR = "error.json"
_LARGEST_ERROR = 1 << 20


def run(job: frames.JobText) -> tuple[bytes, bytes]:
    """Run the program in the current folder; the frame to answer with."""
    program = job.header["program"]
    for name, text in program["files"].items():
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
    if job.program is None:
        with _executable(program["code"]) as code:
            code.write(job.code)
    with open("args.json", "wb") as arguments:
        arguments.write(job.args)
    try:
        status = _run(program, job.program)
    except OSError as error:
        return _error("ExecutionErr", f"{program['label']} could not be started: {error.strerror}")
    limit = job.header["result_bytes"]
    told = _read(_ERROR, _LARGEST_ERROR)
    if told is not None:
        return frames.ERROR, told
    if status != 0:
        body = {"program": program["label"], "exit_code": status}
        return frames.ERROR, json.dumps(body).encode()
    if os.path.isfile(_RESULT) and os.path.getsize(_RESULT) > limit:
        return _error("ResultTooLarge", f"The result is larger than the {frames.size_text(limit)} that are kept.")
    return frames.RESULT, _read(_RESULT, limit) or b"null"


def _run(program: dict[str, Any], built: int | None) -> int:
    """Run the command, or what was built and is in memory; the exit status."""
    if built is not None:
        with contextlib.suppress(PermissionError):
            return stream(program["command"], f"/proc/self/fd/{built}")[0]
        # This host executes no memory.
        with _executable(program["code"]) as code:
            code.write(os.pread(built, os.fstat(built).st_size, 0))
    return stream(program["command"])[0]


def _executable(name: str) -> BinaryIO:
    """A new file that may be executed from its making on: changing modes is not allowed everywhere."""
    return open(name, "wb", opener=lambda path, flags: os.open(path, flags, 0o700))


def _read(name: str, limit: int) -> bytes | None:
    """What the program left, None when it left nothing (or far too much)."""
    if not os.path.isfile(name) or os.path.getsize(name) > limit:
        return None
    with open(name, "rb") as file:
        return file.read().strip() or None


def _error(name: str, message: str) -> tuple[bytes, bytes]:
    return frames.ERROR, json.dumps({"name": name, "message": message}).encode()
