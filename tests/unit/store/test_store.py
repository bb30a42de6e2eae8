"""The store over a real SQLite file and a real PostgreSQL server: writes are durable together or not at all, values are stored once, owners are fenced."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from flowapp.jsontext import JsonText, dumps, hash_of
from flowapp.store import cancels
from flowapp.store.blobs import BlobRef
from flowapp.store.clock import now
from flowapp.store.database import database_file
from flowapp.store.errors import (
    BlobMissing,
    DatabaseClosed,
    DatabaseUnsupported,
    HomeInUse,
    OwnershipLost,
    ValueMissing,
)
from flowapp.store.events import MAX_WAITING, Event
from flowapp.store.runs import NewRun, job_id
from flowapp.store.stores import Store
from flowapp.store.tables import ResultRow


@pytest.fixture
async def store(tmp_path: Path, store_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(store_url, tmp_path / "home")
    yield opened
    await opened.close()


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar() or 0)


async def _run(store: Store) -> str:
    text = await store.values.put_value(JsonText("{}"))
    row = await store.runs.create(NewRun(workspace="main", kind="flow", document=text, args=text, created_by="admin"))
    return row.id


def _job(run_id: str, path: str, **more: object) -> dict[str, object]:
    empty = dict.fromkeys(
        ("language", "args", "result", "fingerprint", "reused_from", "ended_at", "duration_ms", "meta", "progress")
    )
    return {
        **empty,
        "run_id": run_id,
        "path": path,
        "id": job_id(run_id, path),
        "workspace": "main",
        "step_id": path,
        "kind": "rawscript",
        "status": "running",
        "attempt": 1,
        "started_at": now(),
        "isolation": "",
        "tag": "",
        "executor": "",
        **more,
    }


async def test_schema_equals_the_row_classes(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), SQLModel.metadata))

    assert await store.database.read(differences) == []


async def test_opening_again_keeps_the_data(tmp_path: Path, store_url: str) -> None:
    first = await Store.open(store_url, tmp_path)
    digest = await first.values.put_value(JsonText('{"a":1}'))
    await first.close()
    second = await Store.open(store_url, tmp_path)
    assert await second.values.get_value(digest) == '{"a":1}'
    await second.close()


async def test_the_database_is_for_its_owner_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    store = await Store.open("", tmp_path)
    await store.values.put_value(dumps("x"))
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.glob("flowapp.db*")} == {
        name: "0o600" for name in ("flowapp.db", "flowapp.db-wal", "flowapp.db-shm")
    }
    await store.close()


async def test_one_server_per_data_folder(store: Store) -> None:
    with pytest.raises(HomeInUse, match="using the data folder"):
        await Store.open("", store.home)
    program = "import asyncio,sys;from pathlib import Path;from flowapp.store.stores import Store;asyncio.run(Store.open('',Path(sys.argv[1])))"
    other = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program, str(store.home)], capture_output=True, text=True, check=False
    )
    assert other.returncode != 0
    assert "HomeInUse" in other.stderr


@pytest.mark.parametrize("url", ["mysql://x", "sqlite://", "nonsense"])
def test_other_databases_are_refused_in_one_line(url: str) -> None:
    with pytest.raises(DatabaseUnsupported) as raised:
        database_file(url, Path("/home"))
    assert "\n" not in raised.value.message


def test_sqlite_urls() -> None:
    assert database_file("", Path("/home")) == Path("/home/flowapp.db")
    assert database_file("sqlite:////var/x.db", Path("/home")) == Path("/var/x.db")


async def test_a_failing_write_undoes_only_itself(store: Store) -> None:
    def bad(connection: Connection) -> None:
        connection.execute(sa.text("INSERT INTO workspace VALUES ('bad', '', '', '', '{}')"))
        raise ValueError("no")

    def good(connection: Connection) -> str:
        connection.execute(sa.text("INSERT INTO workspace VALUES ('good', '', '', '', '{}')"))
        return "kept"

    outcomes = await asyncio.gather(
        store.database.write(bad), store.database.write(good), store.database.write(bad), return_exceptions=True
    )
    assert [type(outcome).__name__ for outcome in outcomes] == ["ValueError", "str", "ValueError"]
    with pytest.raises(ValueError, match="no"):
        await store.database.write(bad)
    assert await store.database.read(lambda c: _count(c, "workspace")) == 1


async def test_many_writers_share_transactions(store: Store) -> None:
    def insert(connection: Connection, number: int) -> int:
        connection.execute(sa.text("INSERT INTO workspace VALUES (:id, '', '', '', '{}')"), {"id": str(number)})
        return number

    numbers = await asyncio.gather(*[store.database.write(lambda c, n=n: insert(c, n)) for n in range(300)])  # type: ignore[misc]
    assert numbers == list(range(300))
    assert await store.database.read(lambda c: _count(c, "workspace")) == 300


async def test_events_go_out_after_the_commit_and_not_without_it(store: Store) -> None:
    listener = store.events.subscribe(["t"])

    def announce(fail: bool) -> None:
        store.events.after_commit(Event("t", "failed" if fail else "done"))
        if fail:
            raise ValueError

    with pytest.raises(ValueError):
        await store.database.write(lambda _: announce(True))
    await store.database.write(lambda _: announce(False))
    assert (await anext(listener)).type == "done"
    with pytest.raises(RuntimeError):
        store.events.after_commit(Event("t", "late"))
    listener.close()
    assert [event async for event in listener] == []
    assert not store.events.wanted("t")


async def test_a_slow_listener_is_told_that_it_lost_events(store: Store) -> None:
    listener = store.events.subscribe(["t"])
    for number in range(MAX_WAITING + 5):
        store.events.publish(Event("t", str(number)))
    assert (await anext(listener)).type == "lost"
    store.events.publish(Event("t", "after"))
    assert (await anext(listener)).type == "after"


async def test_readers_cannot_write(store: Store) -> None:
    with pytest.raises(sa.exc.DBAPIError, match=r"read-?only"):
        await store.database.read(lambda c: c.execute(sa.text("DELETE FROM run")))


async def test_closed_store_refuses(tmp_path: Path, store_url: str) -> None:
    closed = await Store.open(store_url, tmp_path)
    await closed.close()
    with pytest.raises(DatabaseClosed):
        await closed.database.write(lambda _: None)
    with pytest.raises(DatabaseClosed):
        await closed.database.read(lambda _: None)


async def test_values_are_stored_once_and_big_ones_in_a_blob(store: Store) -> None:
    small, big = dumps({"a": 1}), dumps(["ü" * 50_000])
    assert await store.values.put_value(small) == await store.values.put_value(small)
    digest = await store.values.put_value(big)
    store.values._cache.clear()
    assert await store.values.get_value(digest) == big
    assert await store.values.size_of(digest) == len(big.encode())
    rows = await store.database.read(lambda c: c.execute(sa.text("SELECT text, blob FROM value ORDER BY size")).all())
    assert rows[0][1] is None
    assert rows[1][0] is None
    assert (await store.blobs.local(rows[1][1])).exists()
    with pytest.raises(ValueMissing):
        await store.values.get_value("0" * 32)
    with pytest.raises(ValueMissing):
        await store.values.size_of("0" * 32)


async def test_blobs(store: Store) -> None:
    reference = await store.blobs.put(iter([b"a,b\n", b"1,2\n"]), media_type="text/csv", name="x.csv")
    assert reference.size == 8
    assert BlobRef.from_json(reference.to_json()) == reference
    assert await store.blobs.read_text(reference.sha256) == "a,b\n1,2\n"
    assert (await store.blobs.put(b"a,b\n1,2\n")).sha256 == reference.sha256
    with pytest.raises(BlobMissing):
        await store.blobs.read("0" * 64)
    with pytest.raises(BlobMissing):
        await store.blobs.local("../../etc/passwd")


async def test_content_in_pieces_is_there_when_it_is_complete(store: Store) -> None:
    folder = store.home / ("blobs" if (store.home / "flowapp.db").exists() else "blob-cache")
    writer = store.values.writer()
    writer.write(b"[1")
    assert len(list(folder.glob("*.part"))) == 1
    writer.discard()
    assert not list(folder.glob("*.part"))
    writer = store.values.writer()
    writer.write(b"[1,")
    writer.write(b"2]")
    text = await writer.finish()
    writer.discard()
    found = await store.values.prepare(text)
    assert (found.hash, found.size) == (hash_of("[1,2]"), 5)
    assert await store.values.get_value(found.hash) == "[1,2]"
    pieces = await store.blobs.pieces(found.blob or "")
    assert b"".join([piece async for piece in pieces]) == b"[1,2]"
    with pytest.raises(BlobMissing):
        await store.blobs.pieces("0" * 64)
    assert not list(folder.glob("*.part"))


async def test_what_a_killed_server_was_writing_goes_after_a_day(store: Store) -> None:
    folder = store.home / ("blobs" if (store.home / "flowapp.db").exists() else "blob-cache")
    writers = [store.values.writer() for _ in range(2)]
    old, fresh = sorted(folder.glob("*.part"))
    os.utime(old, (time.time() - 100_000,) * 2)
    await store.blobs.older_than(datetime.now(UTC) - timedelta(hours=1))
    assert list(folder.glob("*.part")) == [fresh]
    for writer in writers:
        writer.discard()


@pytest.mark.parametrize("value", [None, {}, {"$flowapp:blob": {"sha256": "../x"}}, {"$flowapp:blob": {}, "b": 1}, [1]])
def test_what_is_no_blob_reference(value: object) -> None:
    assert BlobRef.from_json(value) is None


async def test_runs_are_numbered_per_workspace(store: Store) -> None:
    first, second = await _run(store), await _run(store)
    rows = await store.runs.page("main")
    assert {row.id: row.number for row in rows} == {first: 1, second: 2}
    assert await store.runs.page("main", status="success") == []
    assert [row.id for row in await store.runs.unfinished()] == [first, second]


async def test_only_the_owner_writes(store: Store) -> None:
    run_id = await _run(store)
    await store.runs.claim(run_id, "one")
    await store.database.write(lambda c: store.runs.put_job(c, _job(run_id, "a"), "one"))
    claimed = await store.runs.claim(run_id, "two")
    assert claimed is not None
    assert claimed.segment == 2
    for late in (
        lambda c: store.runs.put_job(c, _job(run_id, "a", status="success"), "one"),
        lambda c: store.logs.append(c, run_id, "a", 1, 0, "x", "one"),
    ):
        with pytest.raises(OwnershipLost):
            await store.database.write(late)
    with pytest.raises(OwnershipLost):
        await store.runs.finish(run_id, "one", "success", None, failed=False)
    await store.database.write(lambda c: store.runs.put_job(c, _job(run_id, "a", status="success"), "two"))
    done = await store.runs.finish(run_id, "two", "success", None, failed=False)
    assert done.status == "success"
    assert await store.runs.claim(run_id, "three") is None
    steps = await store.runs.steps(run_id)
    assert [(step.path, step.status) for step in steps] == [("a", "success")]
    assert await store.runs.step_by_id(job_id(run_id, "a")) == steps[0]
    assert await store.runs.step(run_id, "b") is None


async def test_run_changes_are_announced(store: Store) -> None:
    run_id = await _run(store)
    listener = store.events.subscribe([f"run:{run_id}"])
    await store.runs.claim(run_id, "one")
    await store.runs.finish(run_id, "one", "failure", None, failed=True)
    assert [(await anext(listener)).data["run"]["status"] for _ in range(2)] == ["running", "failure"]


async def test_cancel_is_noted_once(store: Store) -> None:
    run_id = await _run(store)
    await store.database.write(lambda c: cancels.mark(c, run_id, "ada", "enough"))
    (row,) = await store.database.write(lambda c: cancels.mark(c, run_id, "bob", ""))
    assert (row.canceled_by, row.canceled_reason) == ("ada", "enough")
    assert await store.database.write(lambda c: cancels.mark(c, "gone", "bob", "")) == []


async def test_logs_are_read_by_character_offset(store: Store) -> None:
    run_id = await _run(store)
    await store.runs.claim(run_id, "me")
    for offset, text in ((0, "hello "), (6, "wörld\n"), (12, "again")):
        await store.database.write(lambda c, o=offset, t=text: store.logs.append(c, run_id, "a", 1, o, t, "me"))  # type: ignore[misc]
    assert (await store.logs.read(run_id, "a")).text == "hello wörld\nagain"
    part = await store.logs.read(run_id, "a", offset=4, limit=5)
    assert (part.text, part.next) == ("o wör", 9)
    assert (await store.logs.read(run_id, "a", offset=17)).text == ""
    assert await store.logs.tail(run_id, "a", 5) == ("again", 17)
    assert await store.logs.tail(run_id, "nothing") == ("", 0)
    await store.database.write(lambda c: store.logs.append(c, run_id, "a", 2, 0, "second try", "me"))
    assert (await store.logs.read(run_id, "a")).text == "second try"
    assert (await store.logs.read(run_id, "a", attempt=1, limit=5)).text == "hello"


async def test_results_by_workspace_rights_and_age(store: Store) -> None:
    row = ResultRow(
        workspace="main",
        rights="r",
        fingerprint="f",
        value="v",
        run_id="1",
        run_number=1,
        path="a",
        duration_ms=1.0,
        at=now(),
    )
    await store.database.write(lambda c: store.results.put(c, row))
    found = await store.results.lookup("main", "r", "f", max_age_s=60)
    assert found is not None
    assert found.value == "v"
    assert await store.results.lookup("other", "r", "f") is None
    assert await store.results.lookup("main", "other", "f") is None
    await store.database.write(
        lambda c: store.results.put(c, {**row.model_dump(), "at": "2020-01-01T00:00:00Z", "value": "w"})
    )
    assert await store.results.lookup("main", "r", "f", max_age_s=60) is None
    kept = await store.results.lookup("main", "r", "f")
    assert kept is not None
    assert kept.value == "w"
