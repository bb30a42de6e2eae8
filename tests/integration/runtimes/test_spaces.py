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


@pytest.mark.parametrize("imported", ["json", "wmill"])
async def test_threads_are_known_to_the_c_library(runtimes: Runtimes, imported: str) -> None:
    """Also in a process that was forked past the C library, as those are that have more loaded."""
    code = f"""
import ctypes, signal, threading, {imported}
def main():
    libc, heard = ctypes.CDLL(None), []
    libc.pthread_self.restype = ctypes.c_void_p
    known = libc.pthread_getattr_np(ctypes.c_void_p(libc.pthread_self()), ctypes.create_string_buffer(256))
    signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
    thread = threading.Thread(target=lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1))
    thread.start()
    thread.join()
    return [known, heard]
"""
    outcome = await runtimes.run(Job(imported, "python3", code, JsonText("{}")), lambda _text: None)
    assert (outcome.error, outcome.result) == (None, "[0,[1]]")
