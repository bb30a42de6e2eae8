"""What is deleted and when, on both databases, also while others store the same values again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.engine.large import expand
from flowapp.jsontext import JsonText, dumps, hash_of
from flowapp.store import retention, retention_policy, wiping
from flowapp.store.clock import now
from flowapp.store.errors import BlobMissing, ValueMissing
from flowapp.store.retention import Expired, expire
from flowapp.store.rows import insert, table
from flowapp.store.runs import NewRun, job_id
from flowapp.store.stores import Store
from flowapp.store.tables import DraftCellRow, DraftRow, JobRow, RunRow, WorkspaceRow

LATER = timedelta(days=31)


@pytest.fixture
async def store(tmp_path: Path, store_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(store_url, tmp_path / "home")
    await opened.database.write(
        lambda c: insert(c, WorkspaceRow(id="main", name="main", key="k", created_at=now(), settings="{}"))
    )
    yield opened
    await opened.close()


async def _finished(store: Store, name: str, wiped: Mapping[str, str] | None = None) -> RunRow:
    """A run of one step with arguments, a result and a log of its own."""
    document, args, result = [
        await store.values.put_value(dumps(value)) for value in ({"value": name}, {"of": name}, [name])
    ]
    run = await store.runs.create(
        NewRun(workspace="main", kind="flow", document=document, args=args, created_by="admin")
    )
    await store.runs.claim(run.id, "me")
    row = {name: None for name in JobRow.model_fields} | {
        "run_id": run.id,
        "path": "a",
        "id": job_id(run.id, "a"),
        "workspace": "main",
        "step_id": "a",
        "kind": "rawscript",
        "status": "success",
        "attempt": 1,
        "isolation": "",
        "tag": "",
        "executor": "",
        "args": args,
        "result": result,
        "ended_at": now(),
    }

    def work(connection: Connection) -> None:
        store.runs.put_job(connection, row, "me")
        store.logs.append(connection, run.id, "a", 1, 0, f"log of {name}", "me")
        wiping.note(connection, run.id, wiped or {})

    await store.database.write(work)
    return await store.runs.finish(run.id, "me", "success", result, failed=False)


async def _gone(store: Store, *digests: str | None) -> bool:
    store.values._cache.clear()
    for digest in digests:
        assert digest is not None
        try:
            await store.values.get_value(digest)
        except ValueMissing:
            continue
        return False
    return True


async def _age_values(store: Store, hours: float = 2) -> None:
    at = (datetime.now(UTC) - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
    await store.database.write(lambda c: c.execute(sa.text("UPDATE value SET created_at = :at"), {"at": at}))


async def test_an_old_run_goes_with_all_that_only_it_had(store: Store) -> None:
    old = await _finished(store, "old")
    running = await store.runs.create(
        NewRun(workspace="main", kind="flow", document=old.document, args=old.args, created_by="admin")
    )
    assert await expire(store) == Expired()
    gone = await expire(store, datetime.now(UTC) + LATER)
    assert gone == Expired(runs=1, values=1)
    assert await store.runs.get(old.id) is None
    assert await store.runs.steps(old.id) == []
    assert (await store.logs.read(old.id, "a")).text == ""
    assert await store.runs.get(running.id) is not None
    assert await _gone(store, old.result)
    assert await store.values.get_value(old.document)
    assert await store.values.get_value(old.args)


async def test_values_stay_for_an_hour_after_the_last_reference(store: Store) -> None:
    old = await _finished(store, "old")
    await _age_values(store)
    moment = datetime.now(UTC)
    await store.database.write(lambda c: retention._delete_now(store, c, [old.id]))
    assert (await expire(store, moment)).values == 0
    assert await store.values.get_value(old.args)
    assert (await expire(store, moment + timedelta(hours=2))).values == 3


async def test_a_large_value_stays_while_another_one_holds_it(store: Store) -> None:
    """As the results of a loop over SQL steps do, when a later run takes the loop's result from its cache."""
    writer = store.values.writer()
    await asyncio.to_thread(writer.write, b"[1,2,3]")
    reference = await writer.finish()
    writer.discard()
    first = await _finished(store, "first")
    holds = await store.values.put_value(JsonText(f"[{reference}]"))
    await store.runs.create(NewRun("main", kind="flow", document=first.document, args=holds, created_by="a"))
    large = hash_of("[1,2,3]")
    moment = datetime.now(UTC) + timedelta(hours=2)
    await expire(store, moment)
    assert await store.values.get_value(large) == "[1,2,3]"
    assert await expand(store, await store.values.get_value(holds)) == "[[1,2,3]]"
    await store.database.write(lambda c: c.execute(sa.delete(table(RunRow)).where(table(RunRow).c.args == holds)))
    await expire(store, moment)
    assert (await expire(store, moment)).values == 1
    assert await _gone(store, holds, large)
    with pytest.raises(ValueMissing):
        await expand(store, JsonText(f"[{reference}]"))


async def test_numbers_of_deleted_runs_are_not_given_out_again(store: Store) -> None:
    await _finished(store, "one")
    await expire(store, datetime.now(UTC) + LATER)
    assert (await _finished(store, "two")).number == 2


async def test_the_policy_of_the_workspace_counts(store: Store) -> None:
    run = await _finished(store, "x")
    for days, there in ((0, True), (90, True), (None, False)):
        await store.database.write(lambda c, days=days: retention_policy.change(c, "main", days))  # type: ignore[misc]
        await expire(store, datetime.now(UTC) + LATER)
        assert (await store.runs.get(run.id) is not None) == there


async def test_other_settings_of_the_workspace_stay(store: Store) -> None:
    workspaces = table(WorkspaceRow)
    await store.database.write(lambda c: c.execute(sa.update(workspaces).values(settings='{"other": [1]}')))
    found = []
    for days in (5, None):
        await store.database.write(lambda c, days=days: retention_policy.change(c, "main", days))  # type: ignore[misc]
        found.append(await store.database.read(lambda c: c.execute(sa.select(workspaces.c.settings)).scalar()))
    assert [json.loads(str(text)) for text in found] == [{"other": [1], "retention_days": 5}, {"other": [1]}]


@pytest.mark.parametrize(
    "settings", ["", "{}", '{"retention_days": -1}', '{"retention_days": true}', '{"retention_days": "5"}']
)
def test_settings_that_name_no_days_leave_the_default(settings: str) -> None:
    assert (retention_policy.own_days(settings), retention_policy.days_of(settings)) == (None, 30)


async def test_what_a_notebook_shows_is_kept(store: Store) -> None:
    run = await _finished(store, "shown")
    record = dumps({"run_id": run.id, "result": run.result})
    draft = DraftRow(
        id="d", workspace="main", owner="a", path="", document="{}", version=1, created_at=now(), saved_at=now()
    )

    def work(connection: Connection) -> None:
        insert(connection, draft)
        insert(connection, DraftCellRow(draft_id="d", cell_id="c", record=record, updated_at=now()))

    await store.database.write(work)
    assert (await expire(store, datetime.now(UTC) + LATER)).runs == 0
    drafts = table(DraftRow)
    await store.database.write(lambda c: c.execute(sa.update(drafts).values(deleted_at=now())))
    assert (await expire(store, datetime.now(UTC) + LATER)).runs == 1


async def test_a_run_with_its_own_time_is_wiped_then(store: Store) -> None:
    run = await _finished(store, "secret", {"": now()})
    other = await _finished(store, "other")
    assert (await expire(store)).wiped == 1
    row = await store.runs.get(run.id)
    assert row is not None
    assert [await store.values.get_value(digest or "") for digest in (row.args, row.result)] == ["null", "null"]
    (step,) = await store.runs.steps(run.id)
    assert step.result == step.args == row.args
    assert (row.deleted, step.meta) == (True, '{"deleted":true}')
    assert (await store.logs.read(run.id, "a")).text == ""
    assert (await store.logs.read(other.id, "a")).text == "log of other"
    await _age_values(store)
    assert (await expire(store)).values == 2
    assert await _gone(store, run.args, run.result)
    assert (await expire(store)).wiped == 0


async def test_a_step_with_its_own_time_is_wiped_alone(store: Store) -> None:
    run = await _finished(store, "secret", {"a": now(), "b": "9999"})
    assert (await expire(store)).wiped == 1
    row, (step,) = await store.runs.get(run.id), await store.runs.steps(run.id)
    assert row is not None
    assert (row.deleted, row.args, row.result) == (False, run.args, run.result)
    assert [await store.values.get_value(digest or "") for digest in (step.args, step.result)] == ["null", "null"]
    assert step.meta == '{"deleted":true}'
    assert (await store.logs.read(run.id, "a")).text == ""
    assert (await expire(store)).wiped == 0
    assert (await expire(store, datetime.now(UTC) + LATER)).runs == 1
    left = sa.text("SELECT count(*) FROM wipe")
    assert await store.database.read(lambda c: c.execute(left).scalar()) == 0


async def test_blobs_go_when_no_value_holds_or_names_them(store: Store) -> None:
    loose, named = await store.blobs.put(b"loose"), await store.blobs.put(b"named")
    document = await store.values.put_value(dumps({"file": named.to_json()}))
    big = await store.values.put_value(dumps(["x" * 100_000, named.to_json()]))
    run = await store.runs.create(NewRun("main", kind="flow", document=document, args=big, created_by="a"))
    assert (await expire(store)).blobs == 0
    moment = datetime.now(UTC) + timedelta(hours=2)
    assert (await expire(store, moment)).blobs == 1
    with pytest.raises(BlobMissing):
        await store.blobs.read(loose.sha256)
    assert await store.blobs.read(named.sha256) == b"named"
    store.values._cache.clear()
    assert len(await store.values.get_value(big)) > 100_000
    await store.runs.claim(run.id, "me")
    await store.runs.finish(run.id, "me", "success", None, failed=False)
    await expire(store, moment + LATER)
    with pytest.raises(BlobMissing):
        await store.blobs.read(named.sha256)


async def test_files_that_vanish_meanwhile_are_no_error(store: Store) -> None:
    loose = await store.blobs.put(b"loose")
    folder = (await store.blobs.local(loose.sha256)).parent
    (folder / "gone.zst").symlink_to(folder / "nowhere")
    (store.blobs._folder / "gone.part").symlink_to(folder / "nowhere")
    assert await store.blobs.older_than(datetime.now(UTC) + timedelta(days=2)) == [loose.sha256]


async def test_a_value_that_is_stored_again_never_vanishes(store: Store) -> None:
    """Many values, all old and unused, are stored again and referred to while they are being deleted."""
    values = [dumps({"n": number}) for number in range(60)]
    for _ in range(4):
        digests = await asyncio.gather(*map(store.values.put_value, values))
        await _age_values(store)

        async def again(number: int) -> str:
            await asyncio.sleep(number * 0.001)
            prepared = await store.values.prepare(values[number])

            def work(connection: Connection) -> RunRow:
                store.values.insert(connection, prepared)
                new = NewRun("main", kind="flow", document=prepared.hash, args=prepared.hash, created_by="a")
                return store.runs.insert(connection, new)

            return (await store.database.write(work)).id

        results = await asyncio.gather(expire(store), *(again(number) for number in range(60)), expire(store))
        store.values._cache.clear()
        found = await store.values.get_values(digests)
        assert len(found) == 60
        ids = [run for run in results if isinstance(run, str)]
        await store.database.write(lambda c, ids=ids: retention._delete_now(store, c, ids))  # type: ignore[misc]
