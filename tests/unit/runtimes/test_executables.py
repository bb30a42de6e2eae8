"""Programs in memory: run by descriptor, not to be changed, let go of when there are too many."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
from pathlib import Path

import pytest

from flowapp.runtimes.executables import Executable, Executables

TRUE = Path("/bin/true").read_bytes()


def _status(program: Executable) -> int:
    return subprocess.run(
        [f"/proc/self/fd/{program.descriptor}"], pass_fds=[program.descriptor], check=False
    ).returncode


def test_it_runs_and_cannot_be_changed() -> None:
    held = Executables()
    program = held.put("a", TRUE)
    assert program is not None
    assert _status(program) == 0
    for change in (
        lambda: os.pwrite(program.descriptor, b"x", 0),
        lambda: os.ftruncate(program.descriptor, 0),
        lambda: os.ftruncate(program.descriptor, 1 << 24),
    ):
        with pytest.raises(PermissionError):
            change()
    with contextlib.suppress(PermissionError):  # refused since Linux 6.3, put right before
        os.fchmod(program.descriptor, 0)
    assert held.get("a") is program
    assert _status(program) == 0


def test_what_is_cleared_stays_with_those_that_have_it() -> None:
    held = Executables()
    program = held.put("a", TRUE)
    held.put("b", TRUE)
    assert held.clear() == {"a"}
    assert (held.get("a"), held.get("b")) == (None, None)
    assert _status(program) == 0
    del program
    gc.collect()
    assert held.clear() == frozenset()


def test_those_unused_for_longest_are_let_go_of() -> None:
    held = Executables(most_bytes=250)
    first = held.put("a", b"x" * 100)
    held.put("b", b"x" * 100)
    assert held.get("a") is first
    held.put("c", b"x" * 100)
    assert held.get("b") is None
    assert held.get("a") is first
    held.put("d", b"x" * 1000)
    assert held.get("d") is not None
    assert held.get("a") is None
    assert first is not None
    descriptor = first.descriptor
    os.fstat(descriptor)  # a job that is about to start still has it
    del first
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
