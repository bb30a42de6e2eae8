"""Languages whose interpreter is a program of the host: a wrapper in the language itself calls the cell's function.

Such a language is a `Program` and a wrapper file in `guest/`. The wrapper finds the cell's code, `args.json` and the name of the
function (its argument), and leaves `result.json` or `error.json`; see `guest/program_cell.py`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowapp.runtimes import handover, versions
from flowapp.runtimes.adapters import Prepared, Refused, Setup, Talk
from flowapp.runtimes.jobs import Job

KIND = "program"
_GUEST = Path(__file__).parent / "guest"
#: where jobs find programs; those of somebody's home are not shown to them
_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Program:
    """One such language. `install` is the command that adds it on Debian and Ubuntu."""

    language: str
    label: str
    program: str
    options: tuple[str, ...]
    code: str
    """The name of the file that holds the cell."""
    wrapper: str
    install: str
    place: re.Pattern[str] | None = None
    """Finds the line of an error in what the program prints when it ends without an answer."""


class Programs:
    """Runs the cells of one `Program`."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._wrapper = (_GUEST / program.wrapper).read_text()
        self._version: str | None = None

    def pools(self) -> Mapping[str, int]:
        """See `Adapter.pools`."""
        return {KIND: 0}

    async def start(self) -> None:
        """Ask the program for its version."""
        self._version = await versions.version_of(self._found())

    async def prepare(self, job: Job, _talk: Talk) -> Prepared:
        """See `Adapter.prepare`."""
        program, found = self._program, self._found()
        if found is None:
            raise Refused(
                f"{program.label} cells need {program.program}, which is not installed. Install it with: {program.install}"
            )
        header = {
            "label": program.label,
            "command": [found, *program.options, program.wrapper, job.entrypoint],
            "code": program.code,
            "files": {program.wrapper: self._wrapper},
        }
        return Prepared(KIND, handover.texts(job, runs="program", program=header), program.place)

    def facts(self) -> Mapping[str, dict[str, Any]]:
        """See `Adapter.facts`."""
        found: dict[str, Any] = {"available": self._found() is not None, "version": self._version}
        if not found["available"]:
            found["note"] = f"Install it with: {self._program.install}"
        return {self._program.language: found}

    async def close(self) -> None:
        """Nothing is under way."""

    def _found(self) -> str | None:
        return shutil.which(self._program.program, path=_PATH)


def adapter_of(program: Program, _setup: Setup) -> Programs:
    """The adapter of a language that is a program of the host."""
    return Programs(program)
