"""The command line: `flowapp <command>`. `serve` is what scripts/run ends in; docs/command-line.md tells of all.

Modules are loaded when their command is called, so that help and mistakes are answered at once.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; answers the exit status. Errors that a person can mend are one or two lines, without traceback."""
    from flowapp.cli.app import call

    return call(arguments)
