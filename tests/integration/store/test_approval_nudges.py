"""Reminders, escalations, votes that are handed on, and the messages about them: each once, whoever looks, and nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowapp.jsontext import JsonText
from flowapp.store import approval_messages, approval_nudges, groups, identities, message_settings
from flowapp.store.approval_shapes import Answer, NewSuspension, terms_of
from flowapp.store.clock import now, seconds_ago
from flowapp.store.errors import ApprovalClosed
from flowapp.store.runs import NewRun, job_id
from flowapp.store.stores import Store
from flowapp.store.tables import (
    ApprovalMessageRow,
    GroupRow,
    MemberRow,
    SuspensionRow,
    UserRow,
    WorkspaceRow,
)

MAIL = {"resource": "f/ops/mail", "to": ["leo@example.org"]}


@pytest.fixture
async def stores(tmp_path: Path, store_url: str) -> AsyncIterator[list[Store]]:
    """One store, or those of three servers that share a PostgreSQL database."""
    opened = [await Store.open(store_url, tmp_path / str(number)) for number in range(3 if store_url else 1)]
    await opened[0].database.write(_people)
    yield opened
    for one in opened:
        await one.close()


@pytest.fixture
def store(stores: list[Store]) -> Store:
    return stores[0]


def _people(connection: Any) -> None:
    identities.add_workspace(connection, WorkspaceRow(id="main", name="main", key="k", created_at=now()))
    groups.put(connection, GroupRow(workspace="main", name="finance"))
    for name in ("ann", "bea", "cyd"):
        email = f"{name}@example.org"
        identities.add_user(connection, UserRow(email=email, username=name, created_at=now(), disabled=name == "cyd"))
        identities.set_member(connection, MemberRow(workspace="main", email=email, role="operator"))
        groups.add_member(connection, "main", "finance", name)


async def waiting(store: Store, timeout_s: float = 3600, **extras: Any) -> SuspensionRow:
    """A wait of a run that ann has started."""
    text = await store.values.put_value(JsonText("{}"))
    new = NewRun(workspace="main", kind="flow", document=text, args=text, created_by="ann", permissioned_as="u/ann")
    run = (await store.runs.create(new)).id
    terms = {"extras": extras, **extras.pop("terms", {})}
    wait = NewSuspension(run, "a", job_id(run, "a"), "main", 2, (run,), terms, seconds_ago(-timeout_s))
    return await store.database.write(lambda c: store.approvals.open(c, wait))


async def answered(store: Store, wait: SuspensionRow, resume_id: int, **more: Any) -> None:
    answer = Answer(wait.job_id, resume_id, "main", True, wait.run_id, **more)
    await store.database.write(lambda c: store.approvals.decide(c, answer))


async def notes(store: Store, wait: SuspensionRow) -> list[tuple[str, str, str]]:
    found = await store.database.read(lambda c: store.approvals.notes_of(c, wait.run_id, wait.path))
    return [(note.kind, note.who, note.whom) for note in found]


async def messages(store: Store, wait: SuspensionRow) -> list[ApprovalMessageRow]:
    return await store.database.read(lambda c: store.approvals.messages_of(c, wait.run_id, wait.path))


async def told(store: Store, wait: SuspensionRow) -> list[tuple[str, str]]:
    return sorted((one.reason, one.recipient) for one in await messages(store, wait))


def later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def nudged(store: Store, seconds: float) -> int:
    return await store.database.write(lambda c: store.approvals.nudge(c, later(seconds)))


async def test_a_reminder_comes_once_and_in_time(store: Store) -> None:
    wait = await waiting(store, remind_after=60, messages=[MAIL])
    assert await nudged(store, 30) == 0
    assert await store.database.read(approval_nudges.next_due) == wait.remind_at
    assert (await nudged(store, 61), await nudged(store, 61)) == (1, 0)
    assert await notes(store, wait) == [("reminded", "", "")]
    assert await told(store, wait) == [("asked", "leo@example.org"), ("reminded", "leo@example.org")]
    assert await store.database.read(approval_nudges.next_due) is None


async def test_an_escalation_asks_others_and_tells_them(store: Store) -> None:
    to = ["g/finance", "u/bea"]
    wait = await waiting(store, escalate_after=60, escalate_to=to, messages=[MAIL, {"resource": "f/ops/chat"}])
    assert await nudged(store, 61) == 1
    row = await store.database.read(lambda c: store.approvals.get(c, wait.run_id, "a"))
    assert row is not None and terms_of(row)["escalated"] is True
    assert await notes(store, wait) == [("escalated", "", "g/finance, u/bea")]
    asked = [("asked", ""), ("asked", "leo@example.org")]
    others = [("escalated", name) for name in ("", "ann@example.org", "bea@example.org", "leo@example.org")]
    assert await told(store, wait) == [*asked, *others], "each once, and nobody who is disabled"


async def test_nothing_is_planned_past_the_end(store: Store) -> None:
    wait = await waiting(store, 50, remind_after=60, escalate_after=60, escalate_to=["u/bea"])
    assert (wait.remind_at, wait.escalate_at) == (None, None)
    far = await waiting(store, remind_after=1e300)
    assert far.remind_at is None


async def test_who_has_answered_or_must_not_is_not_told(store: Store) -> None:
    to = ["g/finance", "leo@example.org", "u/nobody"]
    messages = [{"resource": "f/ops/mail", "to": to}]
    wait = await waiting(store, remind_after=9, messages=messages, terms={"self_approval_disabled": True})
    await answered(store, wait, 1, approver="leo@example.org")
    await nudged(store, 10)
    assert await told(store, wait) == [
        ("asked", "bea@example.org"),
        ("asked", "leo@example.org"),
        ("reminded", "bea@example.org"),
    ]


async def test_a_wait_that_is_over_reminds_nobody(store: Store) -> None:
    wait = await waiting(store, remind_after=9, messages=[MAIL])
    await answered(store, wait, 1)
    await answered(store, wait, 2)
    assert (await nudged(store, 10), await notes(store, wait)) == (0, [])


async def test_the_workspace_is_told_where_a_step_says_nothing(store: Store) -> None:
    def setting(connection: Any) -> None:
        message_settings.change(connection, "main", [{"resource": "f/ops/mail", "to": ["u/bea"]}], "ann")

    await store.database.write(setting)
    (message,) = await messages(store, await waiting(store))
    assert (message.recipient, message.as_user) == ("bea@example.org", "ann")
    assert await messages(store, await waiting(store, messages=[])) == [], "a step may tell nobody"
    (own,) = await messages(store, await waiting(store, messages=[MAIL]))
    assert own.recipient == "leo@example.org"
    await store.database.write(lambda c: message_settings.change(c, "main", [], "ann"))
    assert await messages(store, await waiting(store)) == []


async def test_a_name_of_nobody_is_a_message_that_failed(store: Store) -> None:
    (message,) = await messages(store, await waiting(store, messages=[{"resource": "f/ops/mail", "to": ["u/cyd"]}]))
    assert (message.status, message.due_at) == ("failed", None) and "address" in message.error


async def test_a_message_is_held_by_one_and_comes_back_from_who_dies(stores: list[Store]) -> None:
    wait = await waiting(stores[0], messages=[MAIL])
    (message,) = await stores[0].database.read(lambda c: approval_messages.due(c, later(0)))

    async def hold(store: Store) -> bool:
        return await store.database.write(lambda c: approval_messages.hold(c, message, later(0)))

    assert sorted(await asyncio.gather(*(hold(store) for store in [*stores, stores[0]])))[-2:] == [False, True]
    assert await stores[0].database.read(lambda c: approval_messages.due(c, later(10))) == []
    (again,) = await stores[0].database.read(lambda c: approval_messages.due(c, later(100)))
    assert (again.id, again.resume_id, again.attempts) == (message.id, message.resume_id, 1), "the same link"
    await stores[0].database.write(lambda c: approval_messages.sent(c, message.id))
    assert await stores[0].database.read(lambda c: approval_messages.due(c, later(1e6))) == []
    assert [one.status for one in await messages(stores[0], wait)] == ["sent"]


async def test_what_cannot_be_sent_is_tried_again_and_given_up(store: Store) -> None:
    wait = await waiting(store, messages=[MAIL])
    moment, attempts = datetime.now(UTC), 0
    while found := await store.database.read(lambda c: approval_messages.due(c, moment)):  # noqa: B023
        assert await store.database.write(lambda c: approval_messages.hold(c, found[0], moment))  # noqa: B023
        await store.database.write(lambda c: approval_messages.refused(c, found[0].id, "no", moment))  # noqa: B023
        moment, attempts = moment + timedelta(hours=2), attempts + 1
        assert attempts < 50
    (message,) = await messages(store, wait)
    assert (message.status, message.error, attempts) == ("failed", "no", len(approval_messages.WAITS) + 1)


async def test_a_message_about_what_is_over_is_dropped(store: Store) -> None:
    wait = await waiting(store, messages=[MAIL])
    await answered(store, wait, 1)
    await answered(store, wait, 2)
    (message,) = await store.database.read(lambda c: approval_messages.due(c, later(0)))
    assert not await store.database.write(lambda c: approval_messages.hold(c, message, later(0)))
    assert [one.status for one in await messages(store, wait)] == ["dropped"]


async def test_handing_on_tells_the_delegate_and_stays_noted(store: Store) -> None:
    wait = await waiting(store, delegation=True, messages=[MAIL, {"resource": "f/ops/chat"}])
    place = (wait.run_id, "a")
    await store.database.write(lambda c: store.approvals.hand_on(c, *place, "ann", "bea"))
    row = await store.database.write(lambda c: store.approvals.hand_on(c, *place, "ann", ""))
    assert terms_of(row)["delegates"] == {}
    assert await notes(store, wait) == [("delegated", "ann", "bea"), ("taken_back", "ann", "")]
    assert ("delegated", "bea@example.org") in await told(store, wait)
    assert ("delegated", "leo@example.org") not in await told(store, wait)
    await answered(store, wait, 1)
    await answered(store, wait, 2)
    with pytest.raises(ApprovalClosed, match="already approved"):
        await store.database.write(lambda c: store.approvals.hand_on(c, *place, "ann", "bea"))


async def test_a_reminder_an_answer_and_the_end_race_and_each_happens_once(stores: list[Store]) -> None:
    async def race() -> None:
        wait = await waiting(stores[0], remind_after=5, escalate_after=5, escalate_to=["u/bea"], delegation=True)

        async def hand_on() -> None:
            await stores[0].database.write(lambda c: stores[0].approvals.hand_on(c, wait.run_id, "a", "ann", "bea"))

        await asyncio.gather(*(nudged(store, 6) for store in [*stores, *stores]), hand_on())
        row = await stores[0].database.read(lambda c: stores[0].approvals.get(c, wait.run_id, "a"))
        assert row is not None
        terms = terms_of(row)
        assert (terms["escalated"], terms["delegates"]) == (True, {"ann": "bea"}), "none undoes the other"
        kinds = sorted(kind for kind, _, _ in await notes(stores[0], wait))
        assert kinds == ["delegated", "escalated", "reminded"]

    for _ in range(10):
        await race()
