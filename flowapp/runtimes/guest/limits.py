"""Resource limits of one job, set on its processes while they are idle."""

from __future__ import annotations

import contextlib
import os
import resource
from dataclasses import dataclass
from typing import Any

from flowapp.runtimes.guest.plan import EDITING

#: our own processes in a job: the one that waits, and where no process namespace is around it, the agent
_OURS = 2
#: what a handler of MemoryError may still use
_RESERVE_MB = 64
#: writable memory that Deno asks for before any script: its threads' stacks and the heap's own tables
_DENO_BASE_MB = 640
#: the same of Bun, measured (280 MB) and a third more
_BUN_BASE_MB = 384
#: of a program in Go: what its runtime maps before it needs any, and a half more
_PROGRAM_BASE_MB = 192
_OPEN_FILES = 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one job; see `jobs.Limits`. `neighbours` are processes that the kernel counts together with the job's."""

    memory_mb: int
    processes: int
    file_mb: int
    neighbours: int = 0

    @classmethod
    def of(cls, message: dict[str, Any], neighbours: int) -> Bounds:
        """The bounds in a spawn message."""
        memory_mb, processes, file_mb = message["bounds"]
        return cls(memory_mb, processes, file_mb, neighbours)

    def apply(self, kind: str) -> None:
        """Limit this process and its descendants.

        V8 and JavaScriptCore reserve far more address space than they use, so Deno is bounded by its heap flag and by
        writable memory (editing runs Deno's language server), and Bun and programs (Go reserves as well) by writable memory.
        """
        if kind in ("deno", EDITING):
            _limit(resource.RLIMIT_DATA, self.memory_mb + _DENO_BASE_MB << 20)
        elif kind == "bun":
            _limit(resource.RLIMIT_DATA, self.memory_mb + _BUN_BASE_MB << 20)
        elif kind == "program":
            _limit(resource.RLIMIT_DATA, self.memory_mb + _PROGRAM_BASE_MB << 20)
        else:
            _limit(resource.RLIMIT_AS, self.memory_mb << 20, self.memory_mb + _RESERVE_MB << 20)
        _limit(resource.RLIMIT_FSIZE, self.file_mb << 20)
        _limit(resource.RLIMIT_NPROC, self.processes + self.neighbours + _OURS)
        _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
        _limit(resource.RLIMIT_CORE, 0)
        # A script that locks memory could starve others; none needs to.
        _limit(resource.RLIMIT_MEMLOCK, 0)


def use_reserve() -> None:
    """Allow what was held back for reporting that memory ran out."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def own_memory_kb() -> int:
    """Memory of this process that it shares with nobody; 0 where the kernel does not tell."""
    try:
        with open("/proc/self/smaps_rollup") as file:
            return sum(int(row.split()[1]) for row in file if row.startswith("Private_"))
    except OSError:
        return 0


def tasks_of_user(uid: int) -> int:
    """How many tasks (processes and their threads) the kernel counts for a user, as far as we can see them."""
    total = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{name}").st_uid == uid:
                    total += len(os.listdir(f"/proc/{name}/task"))
    return total


def _limit(which: int, soft: int, hard: int | None = None) -> None:
    """Set a limit, never above one that is already in force."""
    _, ceiling = resource.getrlimit(which)
    top = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        soft, top = min(soft, ceiling), min(top, ceiling)
    resource.setrlimit(which, (soft, top))
