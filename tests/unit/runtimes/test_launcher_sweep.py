"""What ended jobs leave running is ended; a job that is just being made is not taken for that."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator

import pytest

from flowapp.runtimes.guest import family, launcher, sandbox, zygotes
from flowapp.runtimes.guest.limits import Bounds
from flowapp.runtimes.guest.living import Asked, Ends, Job
from flowapp.runtimes.guest.plan import BASIC, Plan


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    found: list[int] = []
    monkeypatch.setattr(family, "children_of", lambda _pid: [10, 11, 12])
    monkeypatch.setattr(family, "end_descendants", lambda _pid: None)
    monkeypatch.setattr(os, "kill", lambda pid, number: found.append(pid) if number == signal.SIGKILL else None)
    yield found


def test_a_sweep_waits_for_what_is_being_made(killed: list[int], tmp_path: os.PathLike[str]) -> None:
    plan = Plan(BASIC, "/home", str(tmp_path), (), "/shared", "/packages", None, None, None, (1,), 64)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        made = launcher.Launcher(ours, zygotes.Setting(plan, sandbox.Locks(False, None), None), None, (0, 0))
        made.jobs = {1: Job(1, 0, 10, None), 2: Job(2, 1, 11, None)}
        ends = Ends.make()
        start = zygotes.Start(3, sandbox.Place("/x", None, None), "client", Bounds(1, 1, 1))
        made.asked[3] = Asked(start, 2, ends, None)
        made._clean(made.jobs[1])
        assert killed == []
        del made.asked[3]
        made._sweep()
        assert killed == [12]
        made._sweep()
        assert killed == [12], "nothing has ended since"
        ends.close_job()
        ends.close_server()
