"""The engine over a real database, DBOS and expression processes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flowapp.engine.errors import RunNotFound
from flowapp.jsontext import dumps, loads
from flowapp.runtimes.jobs import Job
from flowapp.store.runs import NewRun, job_id
from tests.integration.engine.harness import Server, flow_of, step
from tests.integration.engine.made_server import Watching, made

__all__ = ["made"]


async def test_a_run_leaves_its_steps_values_and_logs(made: Server) -> None:
    flow = flow_of(step("a", "speak"), step("b", "give", {"n": "results.a.said + flow_input.k"}))
    run, result = await made.run(flow, {"k": 40})
    assert (run.status, result, run.isolation, run.owner) == ("success", {"n": 42}, "fake", None)
    assert run.started_at is not None
    assert run.ended_at is not None
    a, b = await made.store.runs.steps(run.id)
    assert (a.path, a.status, a.duration_ms, a.isolation, a.language, a.attempt) == (
        "a",
        "success",
        1.5,
        "fake",
        "python3",
        1,
    )
    assert a.id == job_id(run.id, "a")
    assert await made.value(b.args) == {"n": 42}
    assert await made.value(b.result) == {"n": 42}
    assert (await made.store.logs.read(run.id, "a")).text == "hello\nagain\n"


async def test_a_step_keeps_the_tag_that_it_ran_with(made: Server) -> None:
    steps = [step(name, "speak") for name in "abc"]
    steps[0]["value"]["tag"] = steps[1]["value"]["tag"] = "gpu"
    run, _ = await made.run(flow_of(*steps))
    assert [row.tag for row in await made.store.runs.steps(run.id)] == ["gpu", "gpu", ""]


async def test_the_observer_hears_everything_in_order(made: Server) -> None:
    watching = made.engine.observer
    assert isinstance(watching, Watching)
    await made.run(flow_of(step("a", "speak")))
    assert watching.heard == [
        ("run", "running"),
        ("started", "a"),
        ("log", "a", "hello\n", 0),
        ("log", "a", "again\n", 6),
        ("finished", "a", "success", "{}", '{"said":2}'),
        ("run", "success"),
    ]
    assert watching.saved == ["a success"]


async def test_run_events_are_published_at_the_commit(made: Server) -> None:
    run = await made.create(flow_of(step("a", "speak")))
    listener = made.store.events.subscribe([f"run:{run.id}"])
    await made.engine.start_run(run.id)
    assert [(await anext(listener)).data["run"]["status"] for _ in range(2)] == ["running", "success"]


async def test_an_error_is_data_with_its_step(made: Server) -> None:
    run, result = await made.run(flow_of(step("a", "fail")))
    assert (run.status, run.failed) == ("failure", True)
    assert result == {"error": {"name": "ValueError", "message": "bad thing", "line": 3, "step_id": "a"}}
    assert (await made.store.logs.read(run.id, "a")).text == "about to fail\n"


async def test_each_attempt_keeps_its_log(made: Server) -> None:
    run, _ = await made.run(flow_of(step("a", "fail", retry={"constant": {"attempts": 1, "seconds": 0}})))
    (row,) = await made.store.runs.steps(run.id)
    assert row.attempt == 2
    assert loads(str(row.meta))["failed_attempts"][0]["error"]["message"] == "bad thing"
    for attempt in (1, 2):
        assert (await made.store.logs.read(run.id, "a", attempt=attempt)).text == "about to fail\n"


async def test_logs_are_stored_while_a_step_runs_and_survive_odd_bytes(made: Server) -> None:
    gate = asyncio.Event()

    async def chatter(job: Job, log: Any) -> Any:
        log("x" * 40_000)
        log("nul \0 and ü\n")
        await gate.wait()
        return 1

    made.runtimes.leaves["chatter"] = chatter
    run = await made.create(flow_of(step("a", "chatter")))
    await made.engine.start_run(run.id)
    for _ in range(100):
        if (await made.store.logs.read(run.id, "a")).text:
            break
        await asyncio.sleep(0.02)
    assert (await made.store.logs.read(run.id, "a")).next >= 40_000
    gate.set()
    await made.ended(run.id)
    assert await made.store.logs.tail(run.id, "a", 12) == ("nul \u2400 and ü\n", 40_012)


async def test_an_unsupported_flow_is_refused_before_its_first_step(made: Server) -> None:
    run, result = await made.run(flow_of(step("a", "give"), {"id": "b", "value": {"type": "novel"}}))
    assert run.failed
    assert "Step b is of the kind novel" in result["error"]["message"]
    assert made.runtimes.jobs == []


async def test_environment_of_a_job(made: Server) -> None:
    run, _ = await made.run(flow_of(step("a", "give", timeout={"type": "static", "value": 7})))
    (job,) = made.runtimes.jobs
    identity = job_id(run.id, "a")
    assert job.timeout_s == 7
    assert job.env["WM_TOKEN"] == f"token of {identity} for 7"
    expected = {"WM_WORKSPACE": "main", "WM_JOB_ID": identity, "WM_FLOW_JOB_ID": run.id, "WM_ROOT_FLOW_JOB_ID": run.id}
    assert expected.items() <= job.env.items()
    assert (job.env["WM_FLOW_STEP_ID"], job.env["WM_FLOW_PATH"], job.env["WM_USERNAME"]) == ("a", "f/x/y", "admin")


async def test_same_worker_gives_all_steps_one_folder_for_the_run(made: Server) -> None:
    run, _ = await made.run(flow_of(step("a", "give"), step("b", "give"), same_worker=True))
    assert [job.shared for job in made.runtimes.jobs] == [Path("/shared") / run.id] * 2
    assert made.runtimes.shared == []
    await made.run(flow_of(step("a", "give")))
    assert made.runtimes.jobs[-1].shared is None


async def test_nothing_is_reused_between_steps_that_share_a_folder(made: Server) -> None:
    plan = dumps({"run": ["a", "b"], "reuse": True})
    flow = flow_of(step("a", "give"), step("b", "give"), same_worker=True)
    for _ in range(2):
        run, _ = await made.run(flow, kind="cells", plan=plan)
        assert [one.status for one in await made.store.runs.steps(run.id)] == ["success", "success"]


async def test_secrets_reach_the_job_but_not_the_stored_arguments(made: Server) -> None:
    run, _ = await made.run(flow_of(step("a", "give", {"db": "flow_input.db"})), {"db": "$res:u/a/db"})
    assert loads(made.runtimes.jobs[0].args) == {"db": {"password": "s3cr3t"}}
    (row,) = await made.store.runs.steps(run.id)
    assert await made.value(row.args) == {"db": "$res:u/a/db"}


async def test_a_missing_or_forbidden_reference_fails_the_step(made: Server) -> None:
    for path, words in (
        ("u/a/none", "Variable u/a/none was not found"),
        ("f/forbidden", "u/admin may not read f/forbidden"),
    ):
        run, result = await made.run(flow_of(step("a", "give", {"x": "flow_input.x"})), {"x": f"$var:{path}"})
        assert run.failed
        assert result["error"]["message"] == words


async def test_variable_and_resource_functions(made: Server) -> None:
    _, result = await made.run(flow_of(step("a", "give", {"x": "variable('u/a/tok') + resource('u/a/db').password"})))
    assert result == {"x": "s3cr3ts3cr3t"}


async def test_what_expressions_read_of_variables_is_not_stored(made: Server) -> None:
    inputs = {"x": "'Bearer ' + variable('u/a/tok')", "y": "{deep: [resource('u/a/db')]}", "z": "flow_input.z"}
    flow = flow_of(step("a", "give", inputs, cache_ttl=60))
    run, _ = await made.run(flow, {"z": "open"})
    assert loads(made.runtimes.jobs[0].args)["x"] == "Bearer s3cr3t"
    assert loads(made.runtimes.jobs[0].args)["y"] == {"deep": [{"password": "s3cr3t"}]}
    (row,) = await made.store.runs.steps(run.id)
    kept = await made.value(row.args)
    assert kept == {"x": "Bearer $var:u/a/tok", "y": {"deep": [{"password": "$var:u/a/tok"}]}, "z": "open"}
    again, _ = await made.run(flow, {"z": "open"})
    assert [step.status for step in await made.store.runs.steps(again.id)] == ["reused"]


async def test_blob_references_become_text_for_jobs_and_for_expressions(made: Server) -> None:
    blob = await made.store.blobs.put(b"id,name\n1,Ada\n", media_type="text/csv", name="x.csv")
    flow = flow_of(step("a", "give", {"whole": "flow_input.file", "head": "flow_input.file.split('\\n')[0]"}))
    run, result = await made.run(flow, {"file": blob.to_json()})
    assert result == {"whole": "id,name\n1,Ada\n", "head": "id,name"}
    (row,) = await made.store.runs.steps(run.id)
    assert await made.value(row.args) == {"whole": blob.to_json(), "head": "id,name"}


async def test_large_results_go_through_blobs(made: Server) -> None:
    made.runtimes.leaves["big"] = lambda job, log: ["x" * 1000] * 500
    _, result = await made.run(
        flow_of(step("a", "big"), step("b", "give", {"n": "results.a.length", "last": "results.a[499].length"}))
    )
    assert result == {"n": 500, "last": 1000}


async def test_a_step_that_takes_its_time_is_visible_while_it_runs(made: Server) -> None:
    run = await made.create(flow_of(step("a", "hang")))
    await made.engine.start_run(run.id)
    for _ in range(100):
        if await made.store.runs.steps(run.id):
            break
        await asyncio.sleep(0.02)
    (row,) = await made.store.runs.steps(run.id)
    assert (row.status, row.ended_at) == ("running", None)
    await made.engine.cancel(run.id, "ada", "")


async def test_cells_run_on_given_results_and_reuse_equal_work(made: Server) -> None:
    flow = flow_of(step("a", "speak"), step("b", "give", {"n": "results.a.said + 0"}), step("c", "fail"))
    first, _ = await made.run(flow, kind="cells", draft_id="d", plan=dumps({"run": ["a"], "given": {}, "reuse": True}))
    given = {"a": {"run_id": first.id, "path": "a"}}
    second, result = await made.run(
        flow, kind="cells", draft_id="d", plan=dumps({"run": ["b"], "given": given, "reuse": True})
    )
    assert result == {"n": 2}
    assert [s.path for s in await made.store.runs.steps(second.id)] == ["b"]
    both = dumps({"run": ["a", "b"], "given": {}, "reuse": True})
    third, _ = await made.run(flow, kind="cells", draft_id="d", plan=both)
    assert [(s.path, s.status, s.reused_from) for s in await made.store.runs.steps(third.id)] == [
        ("a", "reused", first.id),
        ("b", "reused", second.id),
    ]
    assert len(made.runtimes.jobs) == 2
    never = dumps({"run": ["a"], "given": {}, "reuse": True, "never": ["a"]})
    await made.run(flow, kind="cells", draft_id="d", plan=never)
    assert len(made.runtimes.jobs) == 3
    anew = dumps({"run": ["a"], "given": {}, "reuse": True, "anew": ["a"]})
    newest, _ = await made.run(flow, kind="cells", draft_id="d", plan=anew)
    assert len(made.runtimes.jobs) == 4
    again, _ = await made.run(flow, kind="cells", draft_id="d", plan=dumps({"run": ["a"], "given": {}, "reuse": True}))
    assert [(s.path, s.status, s.reused_from) for s in await made.store.runs.steps(again.id)] == [
        ("a", "reused", newest.id)
    ]
    await made.run(flow, kind="cells", draft_id="d", plan=both, permissioned_as="u/somebody-else")
    assert len(made.runtimes.jobs) == 6
    gone, result = await made.run(
        flow, kind="cells", plan=dumps({"run": ["b"], "given": {"a": {"run_id": "no", "path": "a"}}})
    )
    assert gone.failed
    assert "is gone" in result["error"]["message"]


async def test_results_are_not_reused_across_people_or_workspaces(made: Server) -> None:
    flow, plan = flow_of(step("a", "give", {"n": "1"})), dumps({"run": ["a"], "given": {}, "reuse": True})
    found = {}
    for who, workspace in (("admin", "main"), ("bob", "main"), ("admin", "other"), ("admin", "main")):
        values = made.store.values
        document, args = await values.put_value(dumps(flow)), await values.put_value(dumps({}))
        new = NewRun(
            workspace, "cells", document=document, args=args, created_by=who, permissioned_as=f"u/{who}", plan=plan
        )
        run = await made.store.runs.create(new)
        await made.engine.start_run(run.id)
        await made.ended(run.id)
        (row,) = await made.store.runs.steps(run.id)
        found[who, workspace, run.number] = row.status
    assert found == {
        ("admin", "main", 1): "success",
        ("bob", "main", 2): "success",
        ("admin", "other", 1): "success",
        ("admin", "main", 3): "reused",
    }


async def test_failures_and_deployed_runs_are_not_reused(made: Server) -> None:
    flow = flow_of(step("a", "fail"))
    for _ in range(2):
        await made.run(flow, kind="cells", plan=dumps({"run": ["a"], "given": {}, "reuse": True}))
    for _ in range(2):
        await made.run(flow_of(step("a", "give")))
    assert len(made.runtimes.jobs) == 4


async def test_iterations_are_reused_one_by_one(made: Server) -> None:
    body = {
        "type": "forloopflow",
        "iterator": {"type": "javascript", "expr": "flow_input.items"},
        "modules": [step("b", "give", {"x": "flow_input.iter.value"})],
    }
    plan = dumps({"run": ["l"], "given": {}, "reuse": True})
    await made.run(flow_of({"id": "l", "value": body}), {"items": [1, 2]}, kind="cells", plan=plan)
    run, result = await made.run(flow_of({"id": "l", "value": body}), {"items": [2, 3]}, kind="cells", plan=plan)
    assert result == [{"x": 2}, {"x": 3}]
    assert {s.path: s.status for s in await made.store.runs.steps(run.id)} == {
        "l": "success",
        "l[0].b": "reused",
        "l[1].b": "success",
    }


async def test_unknown_runs(made: Server) -> None:
    with pytest.raises(RunNotFound):
        await made.engine.start_run("nothing")
    with pytest.raises(RunNotFound):
        await made.engine.finished("nothing")


async def test_starting_twice_runs_once(made: Server) -> None:
    run, _ = await made.run(flow_of(step("a", "give")))
    await made.engine.start_run(run.id)
    await made.ended(run.id)
    assert len(made.runtimes.jobs) == 1
