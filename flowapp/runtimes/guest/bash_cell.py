"""A Bash cell: run by `bash -e` with positional arguments; the result is `result.json`, `result.out` or the last line.

Every user of the host may read a command line, so arguments are not in it: Bash reads them from a descriptor before the script. Standard output passes through here, because its last line may be the result; errors go straight to the log.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
from collections.abc import Mapping
from typing import Any, BinaryIO

from flowapp.runtimes.guest import frames, streaming

FILE_NAME = "cell.sh"
_DECLARATION = re.compile(
    r"""^\s*(?:(?:local|export|readonly|declare|typeset)\s+(?:-\w+\s+)*)?(\w+)=["']?\$(?:(\d)|\{(\d+)(?::?[-=?+][^}]*)?\})""",
    re.MULTILINE,
)
_RECORDER = ".container.sh"
_RECORD = ".container"
#: in place of the engine's client, which a sandbox has no use for
_RECORDING = """
docker() {
  case "$1" in
    run)
      if [ -e "%(record)s" ]; then echo "docker: a cell runs one container" >&2; return 1; fi
      shift
      printf '%%s\\0' "$@" > "%(record)s"
      ;;
    pull) ;;
    *) echo "docker: only 'run' and 'pull' can be used in a cell, not '$1'" >&2; return 1 ;;
  esac
}
podman() { docker "$@"; }
"""
_BEFORE = ".arguments.sh"
_ARGUMENTS = ".arguments"
#: a descriptor of Bash's that scripts do not use by themselves
_GIVEN = 9
#: What Bash does before the script, whose positional parameters these become; it is told by BASH_ENV, which scripts do not see.
#: A script never begins without them: `rm -r "$1"/x` would do something else. Bash before 4.4 has no `mapfile -d`.
_TAKING = f"""unset BASH_ENV
mapfile -td '' -u {_GIVEN} FLOWAPP_ARGUMENTS && [ "${{#FLOWAPP_ARGUMENTS[@]}}" = %d ] || {{
  echo "bash: the arguments could not be read, so the script was not begun (Bash $BASH_VERSION; 4.4 or newer is needed)" >&2
  exit 125
}}
set -- "${{FLOWAPP_ARGUMENTS[@]}}"
unset FLOWAPP_ARGUMENTS
exec {_GIVEN}<&-
"""
_CHUNK = 1 << 16
_STREAMED = streaming.MARK.encode()
_LONGEST_LINE = 1 << 20
#: bash's own exit codes for a script that could not be started
_BASH_MISSING = 127


def _found(program: str) -> str | None:
    """Where a program is."""
    places = (f"{folder}/{program}" for folder in os.environ["PATH"].split(":"))
    return next((place for place in places if os.access(place, os.X_OK)), None)


def run(job: frames.JobText) -> tuple[bytes, bytes]:
    """Run the script in the current folder; the frame to answer with.

    With `container` in the header the result is what the script asked `docker run` for: the arguments, a list of texts.
    """
    code = job.code.decode("utf-8", "replace")
    values = arguments(code, json.loads(job.args))
    program = _found("bash")
    if program is None:
        return _error("ExecutionErr", "bash is not installed on this machine.")
    with open(FILE_NAME, "wb") as file:
        file.write(job.code)
    if job.header.get("container"):
        with open(_RECORDER, "w") as file:
            file.write(_RECORDING % {"record": os.path.abspath(_RECORD)})
        os.environ["BASH_ENV"] = os.path.abspath(_RECORDER)
    try:
        status, last = _run(program, values)
    except OSError as error:
        return _error("ExecutionErr", f"bash could not be started: {error.strerror}")
    if status != 0:
        body = {"name": "ExecutionErr", "program": "bash", "exit_code": status}
        return frames.ERROR, json.dumps(body).encode()
    return _recorded() if job.header.get("container") else _result(last, job.header["result_bytes"])


def _run(program: str, values: list[bytes]) -> tuple[int, bytes]:
    """Run the script with its arguments: see `stream`."""
    if not values:
        return stream([program, "-e", FILE_NAME])
    following = os.environ.get("BASH_ENV")
    with open(_BEFORE, "w") as file:
        file.write(_TAKING % len(values))
        if following:
            os.environ["FLOWAPP_FOLLOWING"] = following
            file.write('export BASH_ENV="$FLOWAPP_FOLLOWING"\nunset FLOWAPP_FOLLOWING\n. "$BASH_ENV"\n')
    os.environ["BASH_ENV"] = os.path.abspath(_BEFORE)
    with _unnamed(b"".join(value + b"\0" for value in values)) as given:
        return stream([program, "-e", FILE_NAME], given={_GIVEN: given.fileno()})


def _unnamed(content: bytes) -> BinaryIO:
    """A file that only its descriptor leads to. (Not `tempfile`, whose imports every fork of the launcher would pay for.)"""
    file = open(_ARGUMENTS, "x+b")  # noqa: SIM115  # the caller's
    os.unlink(_ARGUMENTS)
    file.write(content)
    file.seek(0)
    return file


def _recorded() -> tuple[bytes, bytes]:
    if not os.path.isfile(_RECORD):
        return _error(
            "ExecutionErr", "The script begins with `# docker` and runs no container: call `docker run` with an image."
        )
    with open(_RECORD, "rb") as file:
        parts = file.read().decode("utf-8", "replace").split("\0")[:-1]
    return frames.RESULT, json.dumps(parts).encode()


def arguments(code: str, inputs: dict[str, Any]) -> list[bytes]:
    """The script's positional arguments, in the order of the positions it declares (`name="$1"`).

    Missing and null become empty, so that `${1:-default}` takes its default. Text stays as it is; everything else is
    its JSON text.
    """
    names: dict[int, str] = {}
    for match in _DECLARATION.finditer(code):
        names.setdefault(int(match[2] or match[3]), match[1])
    return [_text(inputs.get(names.get(position, ""))) for position in range(1, max(names, default=0) + 1)]


def _text(value: Any) -> bytes:
    if value is None:
        return b""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # No argument can hold a zero byte.
    return text.replace("\0", "").encode("utf-8", "replace")


def stream(
    command: list[str | bytes], file: str | None = None, given: Mapping[int, int] | None = None
) -> tuple[int, bytes]:
    """Run the command, copying its output to the log; its exit status and the last line that is not blank.

    `file` is the program's, where it is not what the command begins with. `given`: descriptors that it gets (its number → ours).
    """
    read, write = os.pipe2(os.O_CLOEXEC)
    for its, ours in (given or {}).items():
        if its == ours:  # of one that is copied onto itself, some C libraries still close what stays here alone
            os.set_inheritable(ours, True)
    pid = os.posix_spawn(
        os.fsencode(file or command[0]),
        [os.fsencode(part) for part in command],
        dict(os.environ),
        file_actions=[
            (os.POSIX_SPAWN_DUP2, write, 1),
            *((os.POSIX_SPAWN_DUP2, ours, its) for its, ours in (given or {}).items()),
        ],
        setsigdef=[13, 2],
    )
    os.close(write)
    ended = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(read, select.POLLIN)
    poll.register(ended, select.POLLIN)
    tail = LastLine()
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if read in ready:
            data = os.read(read, _CHUNK)
            if not data:
                poll.unregister(read)
            _copy(data, tail)
        elif ended in ready:
            break
    os.set_blocking(read, False)
    # A daemon may hold the pipe open for ever: take what is there, do not wait for its end.
    with contextlib.suppress(BlockingIOError):
        while data := os.read(read, _CHUNK):
            _copy(data, tail)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), tail.line()


def _copy(data: bytes, tail: LastLine) -> None:
    tail.add(data)
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


class LastLine:
    """The last line of a stream that is not blank and not a piece of a streamed result, without keeping the stream."""

    def __init__(self) -> None:
        self._last = b""
        self._open = b""

    def add(self, data: bytes) -> None:
        """Take the next piece of the stream."""
        head, newline, rest = data.rpartition(b"\n")
        if newline:
            # From the end: a chunk may have a hundred thousand lines, of which one counts.
            whole = self._open + head
            line = whole.rstrip().rpartition(b"\n")[2]
            if line.startswith(_STREAMED):
                line = _unstreamed(whole)
            if line.strip():
                self._last = line[-_LONGEST_LINE:]
            self._open = b""
        self._open = (self._open + rest)[-_LONGEST_LINE:]

    def line(self) -> bytes:
        """The last line so far, without the blanks around it; empty when there is none."""
        is_open = self._open.strip() and not self._open.startswith(_STREAMED)
        return (self._open if is_open else self._last).strip()


def _unstreamed(whole: bytes) -> bytes:
    lines = (line for line in reversed(whole.split(b"\n")) if line.strip() and not line.startswith(_STREAMED))
    return next(lines, b"")


def _result(last_line: bytes, limit: int) -> tuple[bytes, bytes]:
    body: bytes
    if os.path.isfile("result.json"):
        text = _file("result.json", limit)
        if text is None:
            return _too_large(limit)
        try:
            json.loads(text)
        except ValueError as error:
            return _error("ExecutionErr", f"result.json is not JSON: {error}")
        body = text
    else:
        raw = _file("result.out", limit) if os.path.isfile("result.out") else last_line
        if raw is None:
            return _too_large(limit)
        body = json.dumps(raw.decode("utf-8", "replace").strip(), ensure_ascii=False).encode()
    return (frames.RESULT, body) if len(body) <= limit else _too_large(limit)


def _file(name: str, limit: int) -> bytes | None:
    if os.path.getsize(name) > limit:
        return None
    with open(name, "rb") as file:
        return file.read()


def _too_large(limit: int) -> tuple[bytes, bytes]:
    return _error("ResultTooLarge", f"The result is larger than the {frames.size_text(limit)} that are kept.")


def _error(name: str, message: str) -> tuple[bytes, bytes]:
    return frames.ERROR, json.dumps({"name": name, "message": message}).encode()
