"""Processes that hold a connection: who gets them, and when they end. The processes are socket ends of the test."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from flowapp.runtimes.guest import frames
from flowapp.runtimes.kept import Kept
from flowapp.runtimes.launching import Sandbox


@dataclass
class Process:
    """One that answers what the test makes it say."""

    sandbox: Sandbox
    end: socket.socket
    log: int
    ended: list[Sandbox]

    def say(self, data: bytes) -> None:
        self.end.sendall(data)

    @property
    def is_closed(self) -> bool:
        return self.sandbox in self.ended


Make = Callable[..., Process]


@pytest.fixture
def process() -> Iterator[Make]:
    made: list[Process] = []

    def make(number: int = 1) -> Process:
        made.append(_process(number))
        return made[-1]

    yield make
    for one in made:
        one.sandbox.close()
        one.end.close()
        os.close(one.log)


def _process(number: int) -> Process:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    log_read, log_write = os.pipe2(os.O_NONBLOCK)
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    ended: list[Sandbox] = []
    handle = os.open("/dev/null", os.O_RDONLY)
    return Process(Sandbox(number, "postgresql", ours, log_read, handle, gone, ended.append), theirs, log_write, ended)


async def settled(kept: Kept) -> None:
    while kept._returning:
        await asyncio.wait(list(kept._returning))


KEPT = frames.frame(frames.KEPT)


async def test_only_the_same_key_gets_it_and_only_one_job_at_a_time(process: Make) -> None:
    kept, one = Kept(), process()
    one.say(KEPT)
    kept.give_back(b"a", one.sandbox)
    await settled(kept)
    assert kept.idle == 1
    assert await kept.take(b"b") is None
    assert await kept.take(b"a") is one.sandbox
    assert await kept.take(b"a") is None
    await kept.close()
    assert not one.is_closed  # it is the job's


async def test_a_job_that_comes_before_the_session_is_reset_waits_for_it(process: Make) -> None:
    kept, one = Kept(), process()
    kept.give_back(b"a", one.sandbox)
    asking = asyncio.ensure_future(kept.take(b"a"))
    await asyncio.sleep(0)
    assert not asking.done()
    one.say(KEPT)
    assert await asking is one.sandbox


async def test_what_is_not_reset_says_something_else_or_is_gone_is_ended(process: Make) -> None:
    kept = Kept(reset_s=0.05)
    silent, ended, other, gone = process(1), process(2), process(3), process(4)
    ended.end.close()
    other.say(frames.frame(frames.READY))
    gone.say(KEPT)
    for one in (silent, ended, other, gone):
        kept.give_back(b"a", one.sandbox)
    await settled(kept)
    assert [one.is_closed for one in (silent, ended, other, gone)] == [True, True, True, False]
    gone.sandbox.gone.set_result(-9)
    assert await kept.take(b"a") is None
    assert gone.sandbox.channel.fileno() == -1


async def test_output_after_the_answer_belongs_to_nobody(process: Make) -> None:
    kept, one = Kept(), process()
    os.write(one.log, b"late")
    one.say(KEPT)
    kept.give_back(b"a", one.sandbox)
    await settled(kept)
    assert (await kept.take(b"a")) is one.sandbox
    os.write(one.log, b"mine")
    assert os.read(one.sandbox.log, 100) == b"mine"


async def test_they_grow_old_and_are_bounded(process: Make) -> None:
    kept = Kept(idle_s=0.03, most=3, most_each=2)
    all_of_them = [process(number) for number in range(5)]
    for key, one in zip((b"a", b"a", b"a", b"b", b"c"), all_of_them, strict=True):
        one.say(KEPT)
        kept.give_back(key, one.sandbox)
        await settled(kept)
    # Three of one key are one too many, four in all as well: the oldest went.
    assert [one.is_closed for one in all_of_them] == [True, True, False, False, False]
    while kept.idle:
        await asyncio.sleep(0.01)
    assert all(one.is_closed for one in all_of_them)
    await kept.close()
    late = process()
    kept.give_back(b"a", late.sandbox)
    assert late.is_closed
