"""The values of this room: what a job is, what may limit it, what comes out of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from flowapp.jsontext import JsonText


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may use. Past `output_bytes` the log is cut and the job goes on; all others end the job.

    `memory_mb` counts the address space of each process (Python, Bash) or the heap (TypeScript), and the whole job
    where the host has control groups. `processes` counts threads too. `rows_bytes` is how large the rows of an SQL cell may be
    where they need not be held (`Job.large`); `result_bytes` is for a single one of them then. `file_bytes` is how
    large a file of rows may become (`Job.file`).
    """

    memory_mb: int = 1024
    output_bytes: int = 8 << 20
    result_bytes: int = 64 << 20
    rows_bytes: int = 256 << 20
    file_bytes: int = 5 << 30
    processes: int = 128
    file_mb: int = 1024

    @property
    def bounds(self) -> tuple[int, int, int]:
        """The limits that are set when a process is made, before it knows its job: memory, processes, file size."""
        return self.memory_mb, self.processes, self.file_mb


class ResultWriter(Protocol):
    """Takes one result that is too large to be held."""

    def write(self, piece: bytes, /) -> None:
        """Append JSON text; pieces are cut between values. Called in a thread, one call after the other.

        Raises:
            ResultRefused: it is not taken; the message becomes the step's error.
            OSError: it cannot be stored, which becomes the step's error too.
            Exception: anything else is raised by `Runtimes.run`.
        """

    async def finish(self) -> JsonText:
        """All of it is there: what stands for it from now on.

        Raises:
            Exception: as `write`.
        """

    def discard(self) -> None:
        """Forget what was written, if it was not finished."""


class FileWriter(Protocol):
    """Takes one file that a job makes."""

    async def write(self, piece: bytes, /) -> None:
        """Append bytes; it returns when more can be taken.

        Raises:
            ResultRefused: it is not taken; the message becomes the step's error.
            Exception: anything else is raised by `Runtimes.run`.
        """

    async def finish(self) -> JsonText:
        """All of it is there: what names it.

        Raises:
            Exception: as `write`.
        """

    async def discard(self) -> None:
        """Nothing is left of it, finished or not."""


@dataclass(frozen=True, slots=True)
class Job:
    """One script to run once. `args` is the JSON text of an object: inputs by name.

    `env` is added to the job's own environment; names that would change the interpreter itself are left out.
    `shared` is a folder from `Runtimes.shared_folder`, seen by the script as `./shared`. `lock` pins the packages: None
    means that they are found in the code, empty that there are none. `path` is where the code is stored, or the flow
    that it is a step of; relative imports start there. `libraries` is the code of the stored scripts that it imports, by
    their paths. `owner` stands for a person in a workspace: only jobs of the same one share open connections to databases, and
    those of none share nothing. `large` makes what takes a result that is too large to be held, where the language can send one;
    `file` what takes the file of a script that asks for one instead of a result.
    With a `checkpoint` the entry point may be a workflow as code, which goes on from there; the result is a record then, `{"type": …}`,
    which is `{"type":"complete","result":…}` for everything that has ended.
    """

    id: str
    language: str
    code: str
    args: JsonText
    env: Mapping[str, str] = field(default_factory=dict)
    entrypoint: str = "main"
    timeout_s: float = 300.0
    limits: Limits = Limits()
    shared: Path | None = None
    lock: str | None = None
    path: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    large: Callable[[], ResultWriter] | None = None
    file: Callable[[], FileWriter] | None = None
    checkpoint: JsonText | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: a result (JSON text), or an error `{"name", "message", "stack"?, "line"?, "exit_code"?}`.

    `stored` comes instead of a result that went to a `ResultWriter` or a `FileWriter`, and is what that says for it.
    `duration_ms` is the time from handing the job to its process until its answer, without waiting for a free process.
    """

    result: JsonText | None
    error: dict[str, Any] | None
    duration_ms: float
    isolation: str
    log_truncated: bool = False
    stored: JsonText | None = None


@dataclass(frozen=True, slots=True)
class Isolation:
    """How far user code is kept away on this host, found out by trying it at start.

    `level` is full, user, basic or none; `label` says it in words; `mechanisms` names each wall and whether it stands;
    `notes` say what is missing and why.
    """

    level: str
    label: str
    mechanisms: Mapping[str, bool]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As /api/health and the pages show it."""
        return {
            "level": self.level,
            "label": self.label,
            "mechanisms": dict(self.mechanisms),
            "notes": list(self.notes),
        }


def jobs_python() -> Path:
    """The Python of the environment that scripts/prepare.py makes for jobs; without one, the server's own."""
    prepared = Path(sys.prefix) / "jobs" / "bin" / "python"
    return prepared if prepared.is_file() else Path(sys.executable)


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """How the runtimes are set up on this host.

    `home` is the data folder, which no job may see. `python` runs the cells: its installed packages are what cells can
    import. `deno` is the Deno program; None looks for the one installed with the server. `bun` is the Bun
    program; None takes the one installed with the server, and fetches it when there is none. `drivers` is the folder with
    the packages of SQL cells; None takes those installed with the server. `go` is the
    folder of Go; None takes the one in the server's environment, into which it is fetched. `idle` is how many Python and
    Bash processes wait ready, `idle_deno` how many Deno ones, `idle_bun` how many Bun ones. `min_isolation`: start only at this level or above.
    `packages_mb` is how large the installed packages may become before those that were not used longest are removed, `loaded_mb` what idle processes
    that have loaded packages ahead may need together (0: there are none).
    Without `network` jobs make no network connection at all. `cpus` is how many processors one job may use at a time (0: all).
    `limits` are those that warm processes are made with: a job with others gets a process made for it.
    """

    home: Path
    python: Path = field(default_factory=jobs_python)
    deno: Path | None = None
    bun: Path | None = None
    drivers: Path | None = None
    go: Path | None = None
    idle: int = 8
    idle_deno: int = 2
    idle_bun: int = 1
    min_isolation: str = "basic"
    max_jobs: int = 64
    scratch_mb: int = 1024
    packages_mb: int = 4096
    loaded_mb: int = 96
    network: bool = True
    cpus: int = 0
    limits: Limits = Limits()
