"""A secret that a run reads does not stand in its logs or errors, whichever way the run got it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from flowapp.engine.remote import Sender
from flowapp.engine.values import LeafCall, StepInfo
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.runtimes.jobs import Job, Outcome
from flowapp.store import leaves
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow
from tests.integration.engine.harness import FakeRuntimes, flow_of, server, step


async def test_what_a_job_prints_of_a_secret_is_masked(tmp_path: Path) -> None:
    async def talk(job: object, log: object) -> int:
        for piece in ("the key is s3c", "ret, ", "and api-key\n", "done s3c"):
            log(piece)  # type: ignore[operator] # the callback
        return 1

    runtimes = FakeRuntimes({"talk": talk})
    async with server(tmp_path, runtimes) as made:

        class Stored:
            async def lookup(self, run: RunRow, kind: str, path: str) -> JsonText | None:
                made.store.masks.note(run.id, "s3cret")
                return dumps("s3cret")

            async def written(self, run: RunRow, path: str) -> JsonText | None:
                return None

        made.engine.secrets = Stored()
        made.store.masks.note("another run", "done")
        last = step("a", "talk")
        last["value"]["input_transforms"] = {"x": {"type": "static", "value": "$var:f/a/key"}}
        run = await made.create(flow_of(last))
        made.store.masks.note(run.id, "api-key")  # as when the job asks the API for it
        await made.engine.start_run(run.id)
        row, _ = await made.ended(run.id)
        assert row.status == "success"
        stored = await made.store.logs.read(run.id, "a")
        assert stored.text == "the key is *****, and *****\ndone s3c"


class Known:
    """The one secret there is, as the workspace tells of it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def lookup(self, run: RunRow, kind: str, path: str) -> JsonText | None:
        self._store.masks.note(run.id, "s3cret")
        return dumps("s3cret")

    async def written(self, run: RunRow, path: str) -> JsonText | None:
        return None


class Tokens:
    async def issue(self, run: RunRow, job_id: str, timeout_s: float) -> str:
        return f"token-of-{job_id}"


async def test_what_an_error_says_of_a_secret_is_masked(tmp_path: Path) -> None:
    async def fail(job: Job, log: object) -> Outcome:
        said = {
            "name": "Error",
            "message": f"no s3cret, {job.env['WM_TOKEN']}\nlast log lines: s3cret",
            "stack": "at s3cret",
        }
        return Outcome(None, {**said, "exit_code": 1, "extra": {"with": ["s3cret"]}}, 1.0, "fake")

    async with server(tmp_path, FakeRuntimes({"fail": fail})) as made:
        made.engine.secrets, made.engine.tokens = Known(made.store), Tokens()
        last = step("a", "fail")
        last["value"]["input_transforms"] = {"x": {"type": "static", "value": "$var:f/a/key"}}
        row, result = await made.run(flow_of(last))
        assert row.status == "failure"
        error = result["error"]
        assert error == {
            "name": "Error",
            "message": "no *****, *****\nlast log lines: *****",
            "stack": "at *****",
            "exit_code": 1,
            "extra": {"with": ["*****"]},
            "step_id": "a",
        }


async def test_what_an_expression_throws_of_a_secret_is_masked(tmp_path: Path) -> None:
    async with server(tmp_path, FakeRuntimes({"id": lambda job, log: 1})) as made:
        made.engine.secrets = Known(made.store)
        last = step("a", "id")
        thrown = "(() => { throw new Error('not ' + variable('f/a/key')) })()"
        last["value"]["input_transforms"] = {"x": {"type": "javascript", "expr": thrown}}
        row, result = await made.run(flow_of(last))
        assert row.status == "failure"
        assert "not *****" in result["error"]["message"]
        assert "s3cret" not in dumps(result)


async def test_the_token_of_a_job_is_masked_in_its_log_and_counts_against_no_other_secret(tmp_path: Path) -> None:
    async def env(job: Job, log: Callable[[str], None]) -> int:
        token = job.env["WM_TOKEN"]
        log(f"WM_TOKEN={token[:7]}")
        log(f"{token[7:]}\ndone\n")
        return 1

    async with server(tmp_path, FakeRuntimes({"env": env})) as made:
        made.engine.tokens = Tokens()
        run = await made.create(flow_of(step("a", "env")))
        await made.engine.start_run(run.id)
        await made.ended(run.id)
        assert (await made.store.logs.read(run.id, "a")).text == "WM_TOKEN=*****\ndone\n"
        assert not made.store.masks.texts(run.id)


WORKFLOW = "from wmill import workflow\n@workflow\nasync def main(): ..."


async def test_what_a_step_of_a_workflow_as_code_fails_with_is_masked(tmp_path: Path) -> None:
    def workflow(job: Job, log: object) -> Any:
        done = loads(job.checkpoint or JsonText("{}"))["completed_steps"]
        said = {"name": "E", "message": f"no s3cret, {job.env['WM_TOKEN']}"}
        failed = {"__wmill_error": True, "message": said["message"], "step_key": "k", "result": {"error": said}}
        record = {"type": "inline_checkpoint", "key": "k", "result": failed}
        return {"type": "complete", "result": done["k"]["message"]} if done else record

    async with server(tmp_path, FakeRuntimes({WORKFLOW: workflow})) as made:
        made.engine.secrets, made.engine.tokens = Known(made.store), Tokens()
        last = step("a", WORKFLOW)
        last["value"]["input_transforms"] = {"x": {"type": "static", "value": "$var:f/a/key"}}
        row, result = await made.run(flow_of(last))
        kept = next(job for job in await made.store.runs.steps(row.id) if job.step_id == "k")
        assert (kept.status, row.status) == ("failure", "success")
        assert await made.value(kept.result) == {"error": {"name": "E", "message": "no *****, *****"}}
        assert result == "no *****, *****"


@pytest.mark.parametrize("status", ["failure", "success"])
async def test_what_fails_on_a_worker_is_masked_by_what_is_known_here(tmp_path: Path, status: str) -> None:
    """By its calls a job may have read secrets from this server that its worker has never heard of. Results stay as they are."""
    async with server(tmp_path) as made:
        store = made.store
        run = await made.create(flow_of(step("a", "x")))
        place = (run.id, "a", 1)
        value = await store.values.put_value(dumps({"error": {"name": "E", "message": "no s3cret"}}))
        outcome = dumps({"value": value, "status": status, "duration_ms": 1.0, "isolation": "fake"})
        await store.database.write(lambda c: leaves.add(c, *place, "gpu", JsonText("{}")))
        await store.database.write(lambda c: leaves.finish(c, *place, outcome, "worker"))
        store.masks.note(run.id, "s3cret")
        unused = cast(Any, None)
        sender = Sender(store, unused, unused, run, unused, None)
        call = LeafCall(StepInfo("a", "a", "rawscript", "python3"), "x", "python3", None, JsonText("{}"), 1.0)
        found = await sender.run(call, unused, "gpu", True)
        said = "*****" if status == "failure" else "s3cret"
        assert loads(found.value) == {"error": {"name": "E", "message": f"no {said}"}}
