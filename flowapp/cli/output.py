"""What commands print: results to stdout, everything about them to stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from flowapp.errors import FlowappError


class CommandFailed(FlowappError):
    """A command of the command line could not do what it was asked for."""

    code = "cli.failed"


def say(text: str) -> None:
    """Print what was asked for."""
    print(text, flush=True)


def tell(text: str, end: str = "\n") -> None:
    """Print what a person should know meanwhile."""
    print(text, end=end, file=sys.stderr, flush=True)


def complain(message: str, hint: str = "") -> None:
    """Print an error: what is wrong and what to do."""
    stop = "." if hint and not message.endswith((".", "!", "?", ":")) else ""
    tell(f"flowapp: {message}{stop}{' ' + hint if hint else ''}")


def table(rows: Sequence[tuple[str, ...]], head: tuple[str, ...]) -> str:
    """Rows as text in columns; only the head when there are none."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
