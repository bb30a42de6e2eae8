"""What only PostgreSQL has: several processes on one database, and a server that goes away and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText, dumps, hash_of
from flowapp.store import flows
from flowapp.store import postgres as module
from flowapp.store.clock import now
from flowapp.store.errors import DatabaseAway, DatabaseUnsupported, OwnershipLost
from flowapp.store.events import Event, Subscription
from flowapp.store.relay import LOG_PIECE, together
from flowapp.store.runs import NewRun, job_id
from flowapp.store.stores import Store
from flowapp.store.tables import FlowVersionRow, JobRow
from tests.support.postgres import PostgresServer, postgres_server


@pytest.fixture
async def pair(tmp_path: Path, new_postgres_database: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two servers' stores on one database, opened at the same moment."""
    one, two = await asyncio.gather(*(Store.open(new_postgres_database, tmp_path / name) for name in ("one", "two")))
    yield one, two
    await asyncio.gather(one.close(), two.close())


async def _soon(listener: Subscription, seconds: float = 60.0) -> Event:
    return await asyncio.wait_for(anext(listener), seconds)


async def _known(speaker: Store, topic: str) -> None:
    """Wait until the speaker has heard that somebody elsewhere listens."""
    for _ in range(200):
        if speaker.events.wanted(topic):
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"nobody asked for {topic}")


async def _nothing_more(listener: Subscription) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(listener), 0.15)


async def _run(store: Store) -> str:
    text = await store.values.put_value(JsonText("{}"))
    row = await store.runs.create(NewRun(workspace="main", kind="flow", document=text, args=text, created_by="admin"))
    return row.id


def _tell(store: Store, event: Event) -> None:
    store.events.after_commit(event)


async def test_events_of_a_change_reach_every_process_once(pair: tuple[Store, Store]) -> None:
    one, two = pair
    here, there = one.events.subscribe(["t"]), two.events.subscribe(["t"])
    await one.database.write(lambda _: _tell(one, Event("t", "first", {"ü": [1, None]})))
    got = await _soon(there)
    assert got == await _soon(here) == Event("t", "first", {"ü": [1, None]})

    def two_alike(_: Connection) -> None:
        _tell(two, Event("t", "same"))
        _tell(two, Event("t", "same"))

    await two.database.write(two_alike)
    assert [(await _soon(here)).type for _ in range(2)] == ["same", "same"]
    assert [(await _soon(there)).type for _ in range(2)] == ["same", "same"]
    await _nothing_more(here)
    await _nothing_more(there)


async def test_events_of_a_failed_change_reach_nobody(pair: tuple[Store, Store]) -> None:
    one, two = pair
    there = two.events.subscribe(["t"])

    def failing(_: Connection) -> None:
        _tell(one, Event("t", "wrong"))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await one.database.write(failing)
    await one.database.write(lambda _: _tell(one, Event("t", "right")))
    assert (await _soon(there)).type == "right"


async def test_what_is_too_large_for_a_message_says_load_anew(pair: tuple[Store, Store]) -> None:
    one, two = pair
    here, there = one.events.subscribe(["t"]), two.events.subscribe(["t"])
    await one.database.write(lambda _: _tell(one, Event("t", "big", {"text": "ü" * 5000})))
    assert (await _soon(here)).type == "big"
    assert await _soon(there) == Event("t", "lost")


async def test_passing_events_go_where_somebody_listens(pair: tuple[Store, Store]) -> None:
    one, two = pair
    assert not one.events.wanted("run:1")
    there = two.events.subscribe(["run:1"])
    await _known(one, "run:1")
    text = "".join(f"line {number}\n" for number in range(300))
    for at in range(0, len(text), 7):
        one.events.publish(Event("run:1", "log", {"path": "a", "offset": at, "text": text[at : at + 7]}))
    one.events.publish(Event("run:1", "step", {"step": {}}))
    one.events.publish_here(Event("run:1", "private"))
    got = ""
    while (event := await _soon(there)).type == "log":
        assert event.data["offset"] == len(got)
        got += event.data["text"]
    assert got == text
    assert event.type == "step"
    await _nothing_more(there)
    there.close()
    for _ in range(200):
        if not one.events.wanted("run:1"):
            break
        await asyncio.sleep(0.005)
    assert not one.events.wanted("run:1")


async def test_a_stopped_process_is_sent_nothing_more(tmp_path: Path, postgres_database: str) -> None:
    one = await Store.open(postgres_database, tmp_path / "one")
    two = await Store.open(postgres_database, tmp_path / "two")
    two.events.subscribe(["t"])
    await _known(one, "t")
    await two.close()
    for _ in range(2000):  # a busy machine takes its time to tell
        if not one.events.wanted("t"):
            break
        await asyncio.sleep(0.005)
    assert not one.events.wanted("t")
    await one.close()


def test_much_log_text_is_cut_to_its_end() -> None:
    events = [Event("t", "log", {"path": "a", "offset": at, "text": "x" * 1000}) for at in range(0, 100_000, 1000)]
    sent = together([*events[:50], Event("t", "step"), *events[50:]])
    logs = [event.data for event in sent if event.type == "log"]
    assert all(len(log["text"]) <= LOG_PIECE for log in logs)
    assert logs[-1]["offset"] + len(logs[-1]["text"]) == 100_000
    assert sum(len(log["text"]) for log in logs) == 32 * 1024
    assert [event.type for event in sent].count("step") == 1


async def test_runs_and_versions_are_numbered_without_holes_by_two_servers(pair: tuple[Store, Store]) -> None:
    await asyncio.gather(*(_run(store) for _ in range(40) for store in pair))
    rows = await pair[0].runs.page("main", limit=200)
    assert sorted(row.number for row in rows) == list(range(1, 81))

    def deploy(connection: Connection) -> int:
        row = FlowVersionRow(
            workspace="main", path="f/a/b", version=0, document="{}", created_by="admin", created_at=now()
        )
        return flows.add(connection, row)

    numbers = await asyncio.gather(*(store.database.write(deploy) for _ in range(20) for store in pair))
    assert sorted(numbers) == list(range(1, 41))


async def test_a_run_that_is_taken_over_gets_no_more_steps_from_before(pair: tuple[Store, Store]) -> None:
    """The zombie's write and the takeover at the same moment: what was written is always seen by who took over."""
    one, two = pair
    empty = dict.fromkeys(JobRow.model_fields)
    for _ in range(25):
        run_id = await _run(one)
        await one.runs.claim(run_id, "old")
        row = {
            **empty,
            "run_id": run_id,
            "path": "a",
            "id": job_id(run_id, "a"),
            "workspace": "main",
            "step_id": "a",
            "kind": "rawscript",
            "status": "success",
            "attempt": 1,
            "isolation": "",
            "tag": "",
            "executor": "",
        }

        async def take_over(run_id: str = run_id) -> int:
            await two.runs.claim(run_id, "new")
            return len(await two.runs.steps(run_id))

        written, seen = await asyncio.gather(
            one.database.write(lambda c, row=row: one.runs.put_job(c, row, "old")),  # type: ignore[misc]
            take_over(),
            return_exceptions=True,
        )
        assert isinstance(written, OwnershipLost) == (seen == 0)


async def test_blobs_are_shared(pair: tuple[Store, Store]) -> None:
    one, two = pair
    content = bytes(range(256)) * 20_000
    references = await asyncio.gather(*(store.blobs.put(iter([content])) for store in (*pair, *pair)))
    assert len({reference.sha256 for reference in references}) == 1
    assert await two.blobs.read(references[0].sha256) == content
    assert await one.blobs.read(references[0].sha256) == content
    value = dumps(["x" * 100_000])
    digest = await one.values.put_value(value)
    assert await two.values.get_value(digest) == value


async def test_a_large_blob_is_kept_in_pieces(pair: tuple[Store, Store]) -> None:
    import os

    content = os.urandom(3 << 20)
    reference = await pair[0].blobs.put(content)
    count = sa.text("SELECT count(*), max(length(data)) FROM blob_chunk")
    pieces = await pair[0].database.read(lambda c: c.execute(count).one())
    assert tuple(pieces) == (4, 1 << 20)
    assert await pair[1].blobs.read(reference.sha256) == content


async def test_a_value_in_pieces_is_found_by_the_other_server(pair: tuple[Store, Store]) -> None:
    one, two = pair
    writer = one.values.writer()
    for piece in (b'["', b"x" * 3_000_000, b'"]'):
        await asyncio.to_thread(writer.write, piece)
    text = await writer.finish()
    writer.discard()
    assert not list((one.home / "blob-cache").glob("*.part"))
    found = await two.values.prepare(text)
    assert found.hash == hash_of(f'["{"x" * 3_000_000}"]')
    assert await two.values.get_value(found.hash) == f'["{"x" * 3_000_000}"]'
    assert b"".join([piece async for piece in await two.blobs.pieces(found.blob or "")]) == b'["%s"]' % (
        b"x" * 3_000_000
    )


async def test_a_server_that_restarts_is_waited_for(tmp_path: Path) -> None:
    with postgres_server() as server:
        store = await Store.open(server.create("x"), tmp_path)
        digest = await store.values.put_value(dumps({"a": 1}))
        listener = store.events.subscribe(["t"])
        await asyncio.to_thread(server.stop)
        writing = asyncio.create_task(store.values.put_value(dumps({"b": 2})))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(server.start)
        second = await writing
        store.values._cache.clear()
        assert await store.values.get_value(digest) == '{"a":1}'
        assert await store.values.get_value(second) == '{"b":2}'
        assert await _soon(listener) == Event("t", "lost")
        await store.close()


async def test_a_server_that_is_away_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.2)
    with postgres_server() as server:
        store = await Store.open(server.create("x"), tmp_path)
        await asyncio.to_thread(server.stop)
        with pytest.raises(DatabaseAway, match="does not answer") as raised:
            await store.values.put_value(dumps({"b": 2}))
        assert "\n" not in raised.value.message
        with pytest.raises(DatabaseAway):
            await store.runs.get("x")
        await asyncio.to_thread(server.start)
        await store.values.put_value(dumps({"b": 2}))
        await store.close()


async def _refusal(url: str, home: Path) -> str:
    with pytest.raises((DatabaseAway, DatabaseUnsupported)) as raised:
        await Store.open(url, home)
    assert "\n" not in raised.value.message + raised.value.hint
    assert raised.value.hint
    return raised.value.message


async def test_a_wrong_address_is_one_clear_line(tmp_path: Path, postgres: PostgresServer) -> None:
    good = postgres.url("postgres")
    assert "does not exist" in await _refusal(postgres.url("nothing_there"), tmp_path)
    assert "password" in await _refusal(good.replace(postgres.password, "sesame"), tmp_path)
    assert "refused" in await _refusal(good.replace(str(postgres.port), "9"), tmp_path)
    assert "sesame" not in await _refusal("postgresql://u:sesame@127.0.0.1:9/x", tmp_path)
    assert "cannot be read" in await _refusal("postgresql://u@host:port/x", tmp_path)


async def test_a_deadlock_is_solved_by_doing_it_again(pair: tuple[Store, Store]) -> None:
    insert = sa.text("INSERT INTO workspace VALUES (:id, '', '', '', '{}')")
    for name in ("a", "b"):
        await pair[0].database.write(lambda c, n=name: c.execute(insert, {"id": n}))  # type: ignore[misc]
    times = 0

    def rename(connection: Connection, first: str, then: str) -> None:
        nonlocal times
        times += 1
        for name in (first, then):
            connection.execute(sa.text("UPDATE workspace SET name = name || :x WHERE id = :id"), {"x": "x", "id": name})
            time.sleep(0.2)

    await asyncio.gather(
        pair[0].database.write(lambda c: rename(c, "a", "b")), pair[1].database.write(lambda c: rename(c, "b", "a"))
    )
    names = await pair[0].database.read(lambda c: c.execute(sa.text("SELECT name FROM workspace")).scalars().all())
    assert names == ["xx", "xx"]
    assert times > 2


async def test_a_process_asleep_in_a_transaction_keeps_no_locks(
    tmp_path: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_IDLE_MS", 300)
    monkeypatch.setattr(module, "PATIENCE_S", 1)  # the sleep takes longer, and is no fault of the connection
    one, two = await asyncio.gather(*(Store.open(postgres_database, tmp_path / name) for name in ("one", "two")))
    lock = sa.text("SELECT pg_advisory_xact_lock(7)")
    tries: list[float] = []

    def asleep(connection: Connection) -> int:
        connection.execute(lock)
        tries.append(time.monotonic())
        if len(tries) == 1:
            time.sleep(3)
        return int(connection.execute(sa.text("SELECT 1")).scalar_one())

    try:
        sleeping = asyncio.create_task(one.database.write(asleep))
        while not tries:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(two.database.write(lambda c: c.execute(lock)), 2.5)
        assert await sleeping == 1
        assert len(tries) == 2, "what was cut off is done again"
    finally:
        await asyncio.gather(one.close(), two.close())


async def test_a_process_asleep_before_its_commit_does_it_again(
    tmp_path: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off for being idle, the server has never heard of the commit: nothing was saved, and nobody need repeat it."""
    monkeypatch.setattr(module, "_IDLE_MS", 300)
    monkeypatch.setattr(module, "PATIENCE_S", 1)
    store = await Store.open(postgres_database, tmp_path)
    insert = sa.text("INSERT INTO workspace VALUES ('late', '', '', '', '{}')")
    tries: list[int] = []

    def asleep_at_the_end(connection: Connection) -> None:
        connection.execute(insert)
        tries.append(1)
        if len(tries) == 1:
            time.sleep(2)

    try:
        await store.database.write(asleep_at_the_end)
        count = sa.text("SELECT count(*) FROM workspace WHERE id = 'late'")
        assert await store.database.read(lambda c: c.execute(count).scalar_one()) == 1
        assert len(tries) == 2
    finally:
        await store.close()
