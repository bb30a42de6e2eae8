"""Variables of a container, taken out of the engine's command line, which every user of the host may read.

They go through the engine's standard input as an `--env-file`, which both engines read line by line and as it stands.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

FILE = "--env-file=/dev/stdin"
#: those that `containers.command_of` leaves with their value behind them
_APART = ("-e", "-w", "-h")
_LONG = "--env="
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
#: Engines read lines of at most 64 KB.
_LONGEST = 60_000
#: These releases of Podman took quotes and `#` out of such files.
_READS_OTHERWISE = re.compile(r"4\.[67]\.")


def reads_as_it_stands(version: str) -> bool:
    """Whether an engine of this version leaves the values of an `--env-file` alone."""
    return _READS_OTHERWISE.match(version) is None


def taken_out(command: list[str]) -> tuple[list[str], bytes]:
    """A command (options, image, what the container runs) without its variables, and the file that has them; b"" where there is none.

    A value that is no line of such a file, since it has several lines or is too long, stays where it is.
    """
    rest: list[str] = []
    variables: dict[str, str] = {}
    left = list(command)
    while left and left[0].startswith("-"):
        option = [left.pop(0)]
        if option[0] in _APART:
            option.append(left.pop(0))
        given = option[1] if option[0] == "-e" else option[0][len(_LONG) :] if option[0].startswith(_LONG) else None
        if given is None:
            rest += option
            continue
        name, _, value = given.partition("=")
        variables.pop(name, None)
        variables[name] = value
    lines = {name: value for name, value in variables.items() if _is_a_line(name, value)}
    for name, value in variables.items():
        if name not in lines:
            rest += ["-e", f"{name}={value}"]
    if not lines:
        return [*rest, *left], b""
    return [FILE, *rest, *left], "".join(f"{name}={value}\n" for name, value in lines.items()).encode()


@contextlib.contextmanager
def readable(text: bytes) -> Iterator[int]:
    """A descriptor from which a program reads the text, also by a name such as /dev/stdin; nothing of it is on a disk."""
    handle = os.memfd_create("variables", os.MFD_CLOEXEC)
    try:
        with open(handle, "wb", closefd=False) as file:
            file.write(text)
        os.lseek(handle, 0, os.SEEK_SET)
        yield handle
    finally:
        os.close(handle)


def _is_a_line(name: str, value: str) -> bool:
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return False
    return _NAME.fullmatch(name) is not None and re.search(r"[\r\n\0]", value) is None and len(name) + size < _LONGEST
