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


def set_apart(command: list[str], lines: bool) -> tuple[list[str], dict[str, str]]:
    """A command (options, image, what the container runs) without the variables that are no lines of such a file, and those.

    Without `lines` the engine changes what is in such a file, so that no variable is one. An empty one has nothing to change or to hide.
    """
    options, variables, left = _divided(command)
    apart = {
        name: value
        for name, value in variables.items()
        if value and _NAME.fullmatch(name) and not (lines and _is_a_line(name, value)) and _is_text(value)
    }
    return [*options, *_options({name: variables[name] for name in variables if name not in apart}), *left], apart


def taken_out(command: list[str]) -> tuple[list[str], bytes]:
    """A command without its variables, and the file that has them; b"" where there is none.

    A value that is no line of such a file, since it has several lines or is too long, stays where it is.
    """
    options, variables, left = _divided(command)
    lines = {name: value for name, value in variables.items() if _is_a_line(name, value)}
    rest = [*options, *_options({name: value for name, value in variables.items() if name not in lines}), *left]
    if not lines:
        return rest, b""
    return [FILE, *rest], "".join(f"{name}={value}\n" for name, value in lines.items()).encode()


def _divided(command: list[str]) -> tuple[list[str], dict[str, str], list[str]]:
    """The options that are no variables, the variables, and what follows the options."""
    options: list[str] = []
    variables: dict[str, str] = {}
    left = list(command)
    while left and left[0].startswith("-"):
        option = [left.pop(0)]
        if option[0] in _APART:
            option.append(left.pop(0))
        given = option[1] if option[0] == "-e" else option[0][len(_LONG) :] if option[0].startswith(_LONG) else None
        if given is None:
            options += option
            continue
        name, _, value = given.partition("=")
        variables.pop(name, None)
        variables[name] = value
    return options, variables, left


def _options(variables: dict[str, str]) -> list[str]:
    return [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]


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
    if not _is_text(value) or _NAME.fullmatch(name) is None or re.search(r"[\r\n\0]", value) is not None:
        return False
    return len(name) + len(value.encode()) < _LONGEST


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
