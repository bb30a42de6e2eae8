"""The process namespaces of jobs: who takes in orphans, and what a signal to oneself does."""

from __future__ import annotations

import signal

import pytest

from flowapp.jsontext import JsonText
from flowapp.runtimes import Job, Runtimes
from flowapp.runtimes.jobs import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: many more daemons than a job may have processes; each has ended when the next one begins
_ORPHANS = """
import os
def main():
    for number in range(200):
        read, write = os.pipe()
        if (child := os.fork()) == 0:
            if os.fork() == 0:
                os.write(write, b"x")
            os._exit(0)
        os.waitpid(child, 0)
        os.close(write)
        assert os.read(read, 1) == b"x"
        assert os.read(read, 1) == b""
        os.close(read)
    return number + 1
"""


async def test_orphans_that_ended_take_no_place(runtimes: Runtimes) -> None:
    job = Job("orphans", "python3", _ORPHANS, JsonText("{}"), limits=Limits(processes=32))
    outcome = await runtimes.run(job, lambda _text: None)
    assert (outcome.error, outcome.result) == (None, "200")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT, signal.SIGUSR1])
async def test_a_signal_to_oneself_ends_the_job(runtimes: Runtimes, number: signal.Signals) -> None:
    code = f"import os\ndef main():\n    os.kill(os.getpid(), {int(number)})\n    return 'still there'\n"
    outcome = await runtimes.run(Job("self", "python3", code, JsonText("{}")), lambda _text: None)
    assert outcome.error is not None
    assert number.name in str(outcome.error["message"])


async def test_jobs_do_not_draw_the_same_numbers(runtimes: Runtimes) -> None:
    code = "import random\ndef main():\n    return random.random()\n"
    outcomes = [await runtimes.run(Job(f"r{n}", "python3", code, JsonText("{}")), lambda _text: None) for n in range(3)]
    assert len({outcome.result for outcome in outcomes}) == 3
