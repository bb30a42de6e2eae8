"""The timer itself, with a clock that the test turns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from flowapp.engine.timer import GAP, POLL, Timer, next_look

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Turned:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def turn(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Noting:
    """A duty that notes its looks, and wants the next one when `following` says."""

    def __init__(self, following: Callable[[datetime], datetime], name: str = "noting") -> None:
        self.name = name
        self.following = following
        self.looks: list[float] = []
        self.held: asyncio.Event | None = None

    async def look(self, now: datetime) -> datetime:
        self.looks.append((now - NOON).total_seconds())
        if self.held is not None:
            await self.held.wait()
        return self.following(now)


def each(seconds: float) -> Callable[[datetime], datetime]:
    return lambda now: now + timedelta(seconds=seconds)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def turn(timer: Timer, clock: Turned, seconds: float) -> float | None:
    clock.turn(seconds)
    timer.begin_due()
    await settle()
    return timer.begin_due()


class TestNextLook:
    def test_nothing_known_means_the_next_poll(self) -> None:
        assert next_look(NOON, None) == NOON + POLL

    def test_what_is_due_sooner_is_looked_at_then(self) -> None:
        assert next_look(NOON, NOON + timedelta(seconds=0.3)) == NOON + timedelta(seconds=0.3)

    def test_what_is_far_away_does_not_put_the_poll_off(self) -> None:
        assert next_look(NOON, "2026-07-02T00:00:00.000000Z") == NOON + POLL

    def test_what_is_overdue_keeps_a_small_distance(self) -> None:
        assert next_look(NOON, "2026-07-01T11:00:00.000000Z") == NOON + GAP


class TestTimer:
    async def test_a_duty_is_done_at_once_and_then_when_it_wants(self) -> None:
        clock, duty = Turned(), Noting(each(10))
        timer = Timer(clock, [duty])
        assert await turn(timer, clock, 0) == 10
        assert await turn(timer, clock, 9.5) == 0.5
        assert await turn(timer, clock, 0.5) == 10
        assert duty.looks == [0, 10]

    async def test_each_duty_has_its_own_moments(self) -> None:
        clock, often, seldom = Turned(), Noting(each(1)), Noting(each(3600))
        timer = Timer(clock, [often, seldom])
        for _ in range(4):
            await turn(timer, clock, 1)
        assert often.looks == [1, 2, 3, 4]
        assert seldom.looks == [1]

    async def test_told_that_something_is_due_it_looks_then(self) -> None:
        clock, duty = Turned(), Noting(each(60))
        timer = Timer(clock, [duty])
        await turn(timer, clock, 0)
        timer.soon(NOON + timedelta(seconds=5))
        timer.soon(NOON + timedelta(seconds=50))
        assert timer.begin_due() == 5
        await turn(timer, clock, 5)
        timer.soon()
        await turn(timer, clock, 1)
        assert duty.looks == [0, 5, 6]

    async def test_told_in_the_middle_of_a_look_it_looks_again(self) -> None:
        clock, duty = Turned(), Noting(each(60))
        duty.held = asyncio.Event()
        timer = Timer(clock, [duty])
        timer.begin_due()
        await settle()
        timer.soon()
        duty.held.set()
        await settle()
        assert timer.begin_due() == GAP.total_seconds()
        await turn(timer, clock, 1)
        assert duty.looks == [0, 1]

    async def test_a_slow_duty_holds_up_no_other_and_is_not_begun_twice(self) -> None:
        clock, slow, quick = Turned(), Noting(each(1)), Noting(each(1))
        slow.held = asyncio.Event()
        timer = Timer(clock, [slow, quick])
        for _ in range(3):
            await turn(timer, clock, 1)
        assert slow.looks == [1]
        assert quick.looks == [1, 2, 3]
        slow.held.set()
        await settle()
        await turn(timer, clock, 2)
        assert slow.looks == [1, 5]

    async def test_a_failing_duty_is_tried_again_and_complains_once_a_minute(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(now: datetime) -> datetime:
            raise RuntimeError("no database")

        clock, failing, other = Turned(), Noting(fail, "failing"), Noting(each(1))
        timer = Timer(clock, [failing, other])
        with caplog.at_level(logging.ERROR):
            for _ in range(59):
                await turn(timer, clock, 1)
            assert [record.message for record in caplog.records] == ["timer: failing failed; it is tried again"]
            for _ in range(3):
                await turn(timer, clock, 1)
        assert len(caplog.records) == 2
        assert len(failing.looks) == len(other.looks) == 62

    async def test_a_duty_that_always_wants_to_look_leaves_a_gap(self) -> None:
        clock, greedy = Turned(), Noting(lambda now: now - timedelta(seconds=1))
        timer = Timer(clock, [greedy])
        assert await turn(timer, clock, 0) == GAP.total_seconds()

    async def test_it_runs_by_itself_and_stops(self) -> None:
        class Real:
            def now(self) -> datetime:
                return datetime.now(UTC)

        duty = Noting(each(0.05))
        timer = Timer(Real(), [duty])
        timer.start()
        await asyncio.sleep(0.28)
        assert 4 <= len(duty.looks) <= 7
        later = Noting(each(60))
        timer.add(later)
        await asyncio.sleep(0.02)
        assert len(later.looks) == 1
        timer.soon()
        await asyncio.sleep(0.05)
        assert len(later.looks) == 2
        await timer.close()
        looked = len(duty.looks)
        await asyncio.sleep(0.1)
        assert len(duty.looks) == looked

    async def test_closing_stops_a_look_in_the_middle(self) -> None:
        clock, held = Turned(), Noting(each(1))
        held.held = asyncio.Event()
        timer = Timer(clock, [held])
        timer.start()
        await asyncio.sleep(0.01)
        assert held.looks == [0]
        await timer.close()
        held.held.set()
        await settle()
        assert held.looks == [0]


@pytest.mark.parametrize("turns", range(5))
async def test_stopping_in_the_very_moment_of_a_change_stops(turns: int) -> None:
    class Later:
        name = "later"

        async def look(self, now: datetime) -> datetime:
            return now + timedelta(hours=1)

    class RealTime:
        def now(self) -> datetime:
            return datetime.now(UTC)

    timer = Timer(RealTime(), [Later()])
    timer.start()
    await asyncio.sleep(0.05)
    timer.soon(datetime.now(UTC) + timedelta(minutes=1))
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await timer.close()
