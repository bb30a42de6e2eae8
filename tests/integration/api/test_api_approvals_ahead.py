"""Links to an approval that a workflow as code has not asked for yet: who may have them made, and how many there may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col

from flowapp.jsontext import dumps, loads
from flowapp.store import masks
from flowapp.store.clock import now, text_of
from flowapp.store.runs import NewRun, job_id
from flowapp.store.tables import JobRow, RunRow
from flowapp.workspace import code_workflows
from tests.integration.api.api_server import Server

W = "/api/w/main/jobs"
WORKFLOW = "from wmill import workflow\n@workflow\nasync def main(): ..."
PLAIN = "def main(): ..."


async def job_of(
    server: Server, code: str = WORKFLOW, at: str = "a", *rows: Mapping[str, Any], **more: Any
) -> tuple[httpx.AsyncClient, str, str]:
    """A client of a job that runs; the job; its run. `rows` are further steps of the run."""
    store = server.workspace.store
    value = {"type": "rawscript", "language": "python3", "content": code, "input_transforms": {}}
    document = dumps({"value": {"modules": [{"id": "a", "value": value}]}})
    hashes = [await store.values.put_value(text) for text in (document, dumps({}))]
    run = await store.runs.create(
        NewRun("main", "preview", hashes[0], hashes[1], "admin", permissioned_as="u/admin", **more)
    )
    await store.runs.claim(run.id, "test")
    for row in ({"path": "a"}, *rows):
        step: JobRow = server.engine._job(run, row["path"], "running", None)
        await store.database.write(partial(store.runs.put_job, row={**step.model_dump(), **row}, owner="test"))
    job = run.id if at == "a" else job_id(run.id, at)
    token = await server.workspace.sessions.job_tokens.issue(run, job, 60)
    return server.make_client({"authorization": f"Bearer {token}"}), job, run.id


async def paths(server: Server, run: str) -> set[str]:
    return {row.path for row in await server.workspace.store.runs.steps(run)}


async def test_a_workflow_has_them_made(server: Server) -> None:
    client, job, run = await job_of(server)
    first = await client.get(f"{W}/wac_approval_urls/{job}/boss")
    again = await client.get(f"{W}/wac_approval_urls/{job}/boss")
    assert first.status_code == 200 and first.json() == again.json()
    assert await paths(server, run) == {"a", "a/boss"}
    assert (await server.client.get(f"{W}/wac_approval_urls/{job}/boss")).status_code == 200


async def test_a_stored_workflow_that_another_one_calls_has_them_made(server: Server) -> None:
    body = {"path": "f/x/inner", "summary": "", "description": "", "language": "python3", "content": WORKFLOW}
    made = await server.client.post("/api/w/main/scripts/create", json=body)
    meta = dumps({"key": "inner", "script": "f/x/inner", "hash": made.text})
    client, job, run = await job_of(server, WORKFLOW, "a/inner", {"path": "a/inner", "kind": "script", "meta": meta})
    answer = await client.get(f"{W}/wac_approval_urls/{job}/boss")
    assert answer.status_code == 200, answer.text
    assert await paths(server, run) == {"a", "a/inner", "a/inner/boss"}


@pytest.mark.parametrize("stored", [True, False])
async def test_a_script_that_a_workflow_calls_starts_tasks_of_its_own(server: Server, stored: bool) -> None:
    """It stands in no document; its row says which script it is. One of the hub has no version here."""
    body = {"path": "f/x/inner", "summary": "", "description": "", "language": "python3", "content": WORKFLOW}
    made = await server.client.post("/api/w/main/scripts/create", json=body)
    path, version = ("f/x/inner", made.text) if stored else ("hub/1/app/inner", "12")
    meta = dumps({"key": "inner", "script": path, "hash": version})
    client, job, _ = await job_of(server, WORKFLOW, "a/inner", {"path": "a/inner", "kind": "script", "meta": meta})
    answer = await client.post(f"{W}/run/workflow_as_code/{job}/part", json={"args": {"n": 1}})
    assert answer.status_code == 201, answer.text
    run = await server.workspace.store.runs.get(answer.text)
    assert run is not None
    assert (run.path, run.script_hash, run.parent_run) == (path, version if stored else None, job)


async def test_nobody_but_the_workflow_makes_them(server: Server) -> None:
    """They would never be asked, and nobody would close them."""
    _, job, run = await job_of(server)
    answer = await server.client.get(f"{W}/wac_approval_urls/{job}/boss")
    assert answer.status_code == 404 and "boss" in answer.text
    assert await paths(server, run) == {"a"}


async def test_a_workflow_that_waits_for_something_else_may_still_ask(server: Server) -> None:
    """Nobody runs it meanwhile, and it is not over."""
    _, job, run = await job_of(server)
    runs = server.workspace.store.runs
    await runs.park(run, "test", None)
    answer = await server.client.get(f"{W}/wac_approval_urls/{job}/boss")
    assert answer.status_code == 404 and "yet" in answer.text
    await runs.claim(run, "test")
    await runs.finish(run, "test", "success", None, failed=False)
    answer = await server.client.get(f"{W}/wac_approval_urls/{job}/boss")
    assert answer.status_code == 409, answer.text
    assert await paths(server, run) == {"a"}


TASK = {"path": "a/t", "kind": "rawscript", "meta": dumps({"key": "t"})}


@pytest.mark.parametrize("case", ["no workflow", "a task", "a function"])
async def test_what_is_no_workflow_has_none(server: Server, case: str) -> None:
    if case == "no workflow":
        client, job, run = await job_of(server, PLAIN)
    elif case == "a task":
        client, job, run = await job_of(server, WORKFLOW, "a/t", TASK)
    else:
        client, job, run = await job_of(server, trigger=dumps({"kind": "api", "function": "t"}))
    before = await paths(server, run)
    answer = await client.get(f"{W}/wac_approval_urls/{job}/boss")
    assert answer.status_code == 400 and "workflow" in answer.text
    assert await paths(server, run) == before


async def test_steps_are_no_more_than_a_workflow_may_have(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_workflows, "MOST_STEPS", 2)
    client, job, run = await job_of(server)
    assert (await client.get(f"{W}/wac_approval_urls/{job}/one")).status_code == 200
    kept = {"key": "two", "result": 1}
    assert (await client.post(f"{W}/wac/inline_checkpoint/{job}", json=kept)).status_code == 200
    for answer in (
        await client.get(f"{W}/wac_approval_urls/{job}/three"),
        await client.post(f"{W}/wac/inline_checkpoint/{job}", json={**kept, "key": "three"}),
    ):
        assert answer.status_code == 400 and "at most" in answer.text
    assert (await client.get(f"{W}/wac_approval_urls/{job}/one")).status_code == 200
    assert await paths(server, run) == {"a", "a/one", "a/two"}


class TestTimes:
    async def test_a_step_began_when_its_job_says(self, server: Server) -> None:
        client, job, run = await job_of(server)
        await an_hour_ago(server, run)
        moment = datetime.now(UTC) - timedelta(seconds=9)
        said = moment.astimezone(timezone(timedelta(hours=5))).isoformat()
        for key, more in (("with", {"duration_ms": 1500}), ("without", {"duration_ms": -1})):
            body = {"key": key, "result": 1, "started_at": said, **more}
            assert (await client.post(f"{W}/wac/inline_checkpoint/{job}", json=body)).status_code == 200
        short, long = [await server.workspace.store.runs.step(run, f"a/{key}") for key in ("with", "without")]
        assert short is not None and long is not None and long.duration_ms is not None
        end = text_of(moment + timedelta(milliseconds=1500))
        assert (short.started_at, short.ended_at, short.duration_ms) == (text_of(moment), end, 1500)
        assert (long.started_at, long.duration_ms >= 9000) == (text_of(moment), True)

    async def test_it_took_as_long_as_its_job_says(self, server: Server) -> None:
        client, job, run = await job_of(server)
        await an_hour_ago(server, run)
        said = datetime.now(UTC).isoformat()
        body = {"key": "k", "result": 1, "started_at": said, "duration_ms": 60_000}
        assert (await client.post(f"{W}/wac/inline_checkpoint/{job}", json=body)).status_code == 200
        row = await server.workspace.store.runs.step(run, "a/k")
        assert row is not None and row.started_at is not None and row.ended_at is not None
        took = datetime.fromisoformat(row.ended_at) - datetime.fromisoformat(row.started_at)
        assert (took, row.duration_ms, row.ended_at <= now()) == (timedelta(minutes=1), 60_000, True)

    @pytest.mark.parametrize("hours", [-30, 30])
    async def test_a_clock_that_goes_wrong_puts_no_step_outside_of_its_run(self, server: Server, hours: int) -> None:
        client, job, run = await job_of(server)
        said = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
        body = {"key": "k", "result": 1, "started_at": said, "duration_ms": 5}
        assert (await client.post(f"{W}/wac/inline_checkpoint/{job}", json=body)).status_code == 200
        row, whole = await server.workspace.store.runs.step(run, "a/k"), await server.workspace.store.runs.get(run)
        assert row is not None and row.started_at and row.ended_at and whole is not None
        assert whole.created_at <= row.started_at <= row.ended_at <= now()

    @pytest.mark.parametrize("more", [{"duration_ms": 9e9}, {"duration_ms": -1}, {"duration_ms": 10**400}])
    async def test_a_step_took_no_longer_than_its_run(self, server: Server, more: dict[str, Any]) -> None:
        client, job, run = await job_of(server)
        await an_hour_ago(server, run)
        said = (datetime.now(UTC) - timedelta(days=3)).isoformat()
        body = {"key": "k", "result": 1, "started_at": said, **more}
        assert (await client.post(f"{W}/wac/inline_checkpoint/{job}", json=body)).status_code == 200
        row = await server.workspace.store.runs.step(run, "a/k")
        assert row is not None and row.started_at and row.ended_at and row.duration_ms is not None
        took = datetime.fromisoformat(row.ended_at) - datetime.fromisoformat(row.started_at)
        assert row.duration_ms == pytest.approx(took / timedelta(milliseconds=1), abs=1)
        assert timedelta(hours=1) <= took < timedelta(hours=1, minutes=1)

    @pytest.mark.parametrize("said", ["yesterday", 12, "9999-12-31T23:59:59-12:00"])
    async def test_what_is_no_time_is_refused(self, server: Server, said: Any) -> None:
        client, job, run = await job_of(server)
        body = {"key": "k", "result": 1, "started_at": said}
        answer = await client.post(f"{W}/wac/inline_checkpoint/{job}", json=body)
        assert answer.status_code == 400 and "started_at" in answer.text
        assert await paths(server, run) == {"a"}


async def an_hour_ago(server: Server, run: str) -> None:
    """The run has begun long before its step."""
    before = text_of(datetime.now(UTC) - timedelta(hours=1))
    change = update(RunRow).where(col(RunRow.id) == run).values(created_at=before, started_at=before)
    await server.workspace.store.database.write(lambda c: c.execute(change))


async def test_a_result_that_no_workflow_could_read_is_not_kept(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_workflows, "LARGEST", 10)
    client, job, run = await job_of(server)
    answer = await client.post(f"{W}/wac/inline_checkpoint/{job}", json={"key": "k", "result": "x" * 20})
    assert answer.status_code == 400 and "at most" in answer.text
    assert await paths(server, run) == {"a"}


async def test_what_a_step_fails_with_is_kept_without_secrets(server: Server) -> None:
    """The error is read by as many as any step's; a result is kept as it is."""
    client, job, run = await job_of(server)
    token = client.headers["authorization"].removeprefix("Bearer ")
    server.workspace.store.masks.note(run, "s3cret")
    error = {"name": "E", "message": f"no s3cret for {token}", "stack": ["at s3cret"]}
    failed = {"__wmill_error": True, "message": error["message"], "result": {"error": error}}
    answer = await client.post(f"{W}/wac/inline_checkpoint/{job}", json={"key": "bad", "result": failed})
    clean = {"error": {"name": "E", "message": "no ***** for *****", "stack": ["at *****"]}}
    assert answer.json()["failure"]["message"] == clean["error"]["message"]
    assert answer.json()["failure"]["result"] == clean
    await client.post(f"{W}/wac/inline_checkpoint/{job}", json={"key": "good", "result": "s3cret"})
    store = server.workspace.store
    bad, good = [await store.runs.step(run, f"a/{key}") for key in ("bad", "good")]
    assert bad is not None and bad.result is not None and good is not None and good.result is not None
    assert (bad.status, loads(await store.values.get_value(bad.result))) == ("failure", clean)
    assert loads(await store.values.get_value(good.result)) == "s3cret"


async def test_a_job_gets_no_more_secrets_than_can_be_masked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "MOST_CHARACTERS", 10)
    for name in ("one", "two"):
        body = {"path": f"f/x/{name}", "value": f"s3cret-{name}", "is_secret": True}
        assert (await server.client.post("/api/w/main/variables/create", json=body)).status_code == 201
    client, _, run = await job_of(server)
    one, two, again = [
        await client.get(f"/api/w/main/variables/get_value/f/x/{name}") for name in ("one", "two", "one")
    ]
    assert (one.json(), again.json()) == ("s3cret-one", "s3cret-one")
    assert two.status_code == 400 and "gets no more" in two.text and "s3cret" not in two.text
    assert server.workspace.store.masks.texts(run) == {"s3cret-one"}
