"""Waits and answers: what counts, what is refused, and that exactly one transaction decides."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flowapp.jsontext import JsonText
from flowapp.store import approval_upkeep
from flowapp.store.approval_shapes import Answer, Decision, NewSuspension, flow_jobs_of, terms_of
from flowapp.store.clock import now, seconds_ago
from flowapp.store.errors import ApprovalClosed, ApprovalUsed
from flowapp.store.events import Event
from flowapp.store.rows import table
from flowapp.store.runs import NewRun, job_id
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow, SuspensionRow

RUN = table(RunRow)


@pytest.fixture
async def stores(tmp_path: Path, store_url: str) -> AsyncIterator[list[Store]]:
    """One store, or those of three servers that share a PostgreSQL database."""
    opened = [await Store.open(store_url, tmp_path / str(number)) for number in range(3 if store_url else 1)]
    yield opened
    for one in opened:
        await one.close()


@pytest.fixture
def store(stores: list[Store]) -> Store:
    return stores[0]


async def a_run(store: Store) -> str:
    text = await store.values.put_value(JsonText("{}"))
    row = await store.runs.create(NewRun(workspace="main", kind="flow", document=text, args=text, created_by="ann"))
    return row.id


def a_wait(run_id: str, path: str = "a", required: int = 1, **more: Any) -> NewSuspension:
    return NewSuspension(run_id, path, job_id(run_id, path), "main", required, (run_id,), **more)


def an_answer(run_id: str, resume_id: int, path: str = "a", *, approved: bool = True, **more: Any) -> Answer:
    return Answer(job_id(run_id, path), resume_id, "main", approved, run_id, **more)


async def opened(store: Store, wait: NewSuspension) -> SuspensionRow:
    return await store.database.write(lambda connection: store.approvals.open(connection, wait))


async def decided(store: Store, answer: Answer) -> Decision:
    return await store.database.write(lambda connection: store.approvals.decide(connection, answer))


async def status(store: Store, run_id: str, path: str = "a") -> str:
    row = await store.database.read(lambda connection: store.approvals.get(connection, run_id, path))
    assert row is not None
    return row.status


async def payloads(store: Store, run_id: str, path: str = "a") -> list[str]:
    rows = await store.database.read(lambda connection: store.approvals.events_of(connection, run_id, path))
    return [row.payload for row in rows]


async def wake_at(store: Store, run_id: str) -> str | None:
    row = await store.runs.get(run_id)
    assert row is not None
    return row.wake_at


async def test_one_approval_ends_a_wait_for_one_and_wakes_the_run(store: Store) -> None:
    run = await a_run(store)
    row = await opened(store, a_wait(run, terms={"summary": "Pay?"}))
    assert (row.status, terms_of(row), flow_jobs_of(row)) == ("open", {"summary": "Pay?"}, [run])
    assert await wake_at(store, run) is None
    done = await decided(store, an_answer(run, 7, payload='{"ok":true}', approver="leo"))
    assert done.suspension is not None
    assert (done.suspension.status, done.suspension.decided_by, done.approvals) == ("approved", "leo", 1)
    assert await wake_at(store, run) is not None
    assert await payloads(store, run) == ['{"ok":true}']


async def test_two_required_count_in_order_of_arrival(store: Store) -> None:
    run = await a_run(store)
    await opened(store, a_wait(run, required=2))
    first = await decided(store, an_answer(run, 9, payload="1"))
    assert first.approvals == 1 and await status(store, run) == "open" and await wake_at(store, run) is None
    await decided(store, an_answer(run, 3, payload="2"))
    assert await status(store, run) == "approved"
    assert await payloads(store, run) == ["1", "2"]


async def test_any_disapproval_ends_the_wait(store: Store) -> None:
    run = await a_run(store)
    await opened(store, a_wait(run, required=3))
    await decided(store, an_answer(run, 1))
    done = await decided(store, an_answer(run, 2, approved=False, approver="mia"))
    assert done.suspension is not None and done.suspension.status == "disapproved"
    assert await wake_at(store, run) is not None


async def test_an_id_is_used_once(store: Store) -> None:
    run = await a_run(store)
    await opened(store, a_wait(run, required=2))
    await decided(store, an_answer(run, 2**32 - 1, approver="leo"))
    with pytest.raises(ApprovalUsed, match="leo approved"):
        await decided(store, an_answer(run, 2**32 - 1, approved=False))
    assert await status(store, run) == "open"
    assert len(await payloads(store, run)) == 1


@pytest.mark.parametrize(
    ("ending", "said"), [("approved", "already approved by leo"), ("disapproved", "already denied by leo")]
)
async def test_a_decided_wait_takes_no_more_answers(store: Store, ending: str, said: str) -> None:
    run = await a_run(store)
    await opened(store, a_wait(run))
    await decided(store, an_answer(run, 1, approved=ending == "approved", approver="leo"))
    with pytest.raises(ApprovalClosed, match=said):
        await decided(store, an_answer(run, 2))
    assert len(await payloads(store, run)) == 1, "a refused answer leaves nothing behind"


async def test_answers_that_come_early_count_when_the_wait_begins(store: Store) -> None:
    run = await a_run(store)
    early = await decided(store, an_answer(run, 5, payload='"early"'))
    assert early.suspension is None and early.event.taken_by is None
    with pytest.raises(ApprovalUsed):
        await decided(store, an_answer(run, 5))
    assert (await opened(store, a_wait(run))).status == "approved"
    assert await payloads(store, run) == ['"early"']


async def test_an_early_answer_may_come_before_anybody_knows_the_run(store: Store) -> None:
    run = await a_run(store)
    await decided(store, replace(an_answer(run, 5), run_id=""))
    assert (await opened(store, a_wait(run))).status == "approved"
    assert len(await payloads(store, run)) == 1


async def test_one_early_approval_of_two_leaves_the_wait_open(store: Store) -> None:
    run = await a_run(store)
    await decided(store, an_answer(run, 5))
    assert (await opened(store, a_wait(run, required=2))).status == "open"
    assert (await decided(store, an_answer(run, 6))).approvals == 2
    assert await status(store, run) == "approved"


async def test_an_early_disapproval_counts_although_there_are_approvals_enough(store: Store) -> None:
    run = await a_run(store)
    await decided(store, an_answer(run, 1))
    await decided(store, an_answer(run, 2, approved=False, approver="mia"))
    row = await opened(store, a_wait(run))
    assert (row.status, row.decided_by) == ("disapproved", "mia")


async def test_flow_level_answers_go_to_the_next_waits_one_by_one(store: Store) -> None:
    run = await a_run(store)
    for resume_id in (1, 2, 3):
        await decided(store, Answer(run, resume_id, "main", True, run, flow_level=True, payload=str(resume_id)))
    assert (await opened(store, a_wait(run, "a", 2))).status == "approved"
    assert (await opened(store, a_wait(run, "b", 1))).status == "approved"
    assert (await opened(store, a_wait(run, "c", 1))).status == "open"
    assert (await payloads(store, run, "a"), await payloads(store, run, "b")) == (["1", "2"], ["3"])
    late = await decided(store, Answer(run, 4, "main", True, run, flow_level=True))
    assert late.suspension is not None and late.suspension.path == "c" and late.suspension.status == "approved"


async def test_flow_level_answers_stay_in_their_flow(store: Store) -> None:
    run = await a_run(store)
    inner = job_id(run, "call")
    await decided(store, Answer(inner, 1, "main", True, run, flow_level=True))
    assert (await opened(store, a_wait(run, "a"))).status == "open"
    nested = NewSuspension(run, "call/x", job_id(run, "call/x"), "main", 1, (run, inner))
    assert (await opened(store, nested)).status == "approved"


async def test_an_answer_to_the_step_is_not_one_to_the_flow(store: Store) -> None:
    run = await a_run(store)
    await decided(store, Answer(run, 1, "main", True, run))  # the flow's id, but not flow_level
    assert (await opened(store, a_wait(run))).status == "open"


async def test_opening_again_finds_the_same_wait(store: Store) -> None:
    run = await a_run(store)
    first = await opened(store, a_wait(run))
    await decided(store, an_answer(run, 1))
    again = await opened(store, a_wait(run, required=5))
    assert (again.created_at, again.required, again.status) == (first.created_at, 1, "approved")


async def test_time_out_takes_only_what_is_due_and_open(store: Store) -> None:
    late, soon, answered, ever = [await a_run(store) for _ in range(4)]
    await opened(store, a_wait(late, timeout_at=seconds_ago(1)))
    await opened(store, a_wait(soon, timeout_at=seconds_ago(-60)))
    await opened(store, a_wait(answered, timeout_at=seconds_ago(1)))
    await opened(store, a_wait(ever))
    await decided(store, an_answer(answered, 1))
    assert await store.database.write(store.approvals.time_out) == [late]
    assert [await status(store, run) for run in (late, soon, answered, ever)] == [
        "timed_out",
        "open",
        "approved",
        "open",
    ]
    assert await wake_at(store, late) is not None
    with pytest.raises(ApprovalClosed, match="timed out"):
        await decided(store, an_answer(late, 1))
    row = await store.database.read(lambda connection: store.approvals.get(connection, soon, "a"))
    assert row is not None
    assert await store.database.read(store.approvals.next_timeout) == row.timeout_at


async def test_the_end_of_a_run_closes_its_waits(store: Store) -> None:
    run = await a_run(store)
    await opened(store, a_wait(run))
    await store.database.write(lambda connection: store.approvals.close(connection, run))
    assert await status(store, run) == "canceled"
    with pytest.raises(ApprovalClosed, match="ended before"):
        await decided(store, an_answer(run, 1))


async def test_a_run_that_is_over_takes_no_early_answer(store: Store) -> None:
    run = await a_run(store)
    await store.database.write(
        lambda connection: connection.execute(sa.update(RUN).where(RUN.c.id == run).values(status="success"))
    )
    with pytest.raises(ApprovalClosed, match=r"run is over \(success\)"):
        await decided(store, an_answer(run, 1))


async def test_inbox_lists_open_waits_with_the_next_deadline_first(store: Store) -> None:
    far, near, never, done = [await a_run(store) for _ in range(4)]
    await opened(store, a_wait(never))
    await opened(store, a_wait(far, timeout_at=seconds_ago(-600), required=2))
    await opened(store, a_wait(near, timeout_at=seconds_ago(-60)))
    await opened(store, a_wait(done))
    await decided(store, an_answer(done, 1))
    await decided(store, an_answer(far, 1))
    found = await store.database.read(lambda connection: store.approvals.open_waits(connection, "main"))
    assert [(run.id, wait.required) for wait, run in found] == [(near, 1), (far, 2), (never, 1)]
    assert await store.database.read(lambda connection: store.approvals.open_waits(connection, "other")) == []


async def test_of_job_finds_by_step_and_by_flow(store: Store) -> None:
    run = await a_run(store)
    await opened(store, a_wait(run, "a"))
    await decided(store, an_answer(run, 1))
    await opened(store, a_wait(run, "b"))

    async def found(job: str) -> str | None:
        row = await store.database.read(lambda connection: store.approvals.of_job(connection, job))
        return row.path if row is not None else None

    assert await found(job_id(run, "a")) == "a"
    assert await found(run) == "b", "of a flow: the one that is open"
    assert await found("nothing") is None


async def test_deleted_runs_leave_nothing(store: Store) -> None:
    run, other = await a_run(store), await a_run(store)
    for each in (run, other):
        await opened(store, a_wait(each))
        await decided(store, an_answer(each, 1))
    await store.database.write(lambda connection: approval_upkeep.remove(connection, [run]))
    assert await store.database.read(lambda connection: store.approvals.of_run(connection, run)) == []
    assert await payloads(store, run) == []
    assert len(await payloads(store, other)) == 1


async def test_pages_are_told_when_it_is_stored(store: Store) -> None:
    run = await a_run(store)
    subscription = store.events.subscribe([f"run:{run}", "approvals:main"])
    await opened(store, a_wait(run))
    with pytest.raises(ApprovalClosed):
        await decided(store, an_answer(run, 1, approved=False))
        await decided(store, an_answer(run, 2))
    heard: list[Event] = [await asyncio.wait_for(anext(subscription), 1) for _ in range(4)]
    assert [(event.topic, event.data["status"]) for event in heard] == [
        (f"run:{run}", "open"),
        ("approvals:main", "open"),
        (f"run:{run}", "disapproved"),
        ("approvals:main", "disapproved"),
    ]
    subscription.close()


async def test_two_approvers_and_the_timer_race_and_one_of_them_decides(stores: list[Store]) -> None:
    """1,000 times: a wait for one answer, an approval, a denial and the timer at once, each on a server of its own."""
    dice = random.Random(3)
    store = stores[0]
    endings: dict[str, int] = {}

    async def race() -> None:
        run = await a_run(store)
        moment = now()
        await opened(store, a_wait(run, timeout_at=moment))

        async def answer(at: Store, resume_id: int, approved: bool) -> str | None:
            try:
                await decided(at, an_answer(run, resume_id, approved=approved, approver=str(resume_id)))
            except ApprovalClosed:
                return None
            return "approved" if approved else "disapproved"

        async def timer(at: Store) -> str | None:
            woken = await at.database.write(lambda connection: at.approvals.time_out(connection, moment))
            return "timed_out" if run in woken else None

        servers = [dice.choice(stores) for _ in range(3)]
        racers = [answer(servers[0], 1, True), answer(servers[1], 2, False), timer(servers[2])]
        dice.shuffle(racers)
        won = [outcome for outcome in await asyncio.gather(*racers) if outcome is not None]
        ending = await status(store, run)
        # the timer of another race may have taken this one along
        assert won in ([ending], []) and (won or ending == "timed_out"), (won, ending)
        assert len(await payloads(store, run)) == (0 if ending == "timed_out" else 1)
        endings[ending] = endings.get(ending, 0) + 1

    for _ in range(50):
        await asyncio.gather(*(race() for _ in range(20)))
    assert sum(endings.values()) == 1000
    assert set(endings) == {"approved", "disapproved", "timed_out"}


async def test_an_answer_and_the_opening_of_its_wait_never_miss_each_other(stores: list[Store]) -> None:
    """200 times: the answer comes in the moment in which the step begins to wait, for the step or for the flow."""
    dice = random.Random(5)

    async def meet(number: int) -> None:
        run = await a_run(stores[0])
        one, other = (dice.choice(stores) for _ in range(2))
        flow_level = bool(number % 2)
        job = run if flow_level else job_id(run, "a")
        answer = Answer(job, 1, "main", True, run, flow_level=flow_level)
        await asyncio.gather(opened(one, a_wait(run)), decided(other, answer))
        assert await status(stores[0], run) == "approved"

    for _ in range(10):
        await asyncio.gather(*(meet(number) for number in range(20)))


async def test_two_answers_at_once_are_both_counted(stores: list[Store]) -> None:
    """200 times: of two that are required, neither overlooks the other."""

    async def both() -> None:
        run = await a_run(stores[0])
        await opened(stores[0], a_wait(run, required=2))
        await asyncio.gather(*(decided(stores[-number % len(stores)], an_answer(run, number)) for number in (1, 2)))
        assert await status(stores[0], run) == "approved"

    async def spent() -> None:
        run = await a_run(stores[0])
        await opened(stores[0], a_wait(run, required=2))
        tries = (decided(stores[-number % len(stores)], an_answer(run, 9)) for number in (1, 2))
        found = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(isinstance(one, ApprovalUsed) for one in found) == [False, True], found
        assert await status(stores[0], run) == "open"

    for _ in range(10):
        await asyncio.gather(*(work() for _ in range(10) for work in (both, spent)))
