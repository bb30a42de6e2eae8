"""Every filter of the lists of jobs filters: what it finds is what of all jobs is so, in each of the lists, for runs and for steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlmodel import col

from flowapp.store.clock import now
from flowapp.store.runs import job_id
from flowapp.store.tables import JobRow, RunRow
from flowapp.workspace import job_lists
from tests.integration.api.api_jobs import deployed, got, run_of, started, stored_script
from tests.integration.api.api_server import Server

Job = dict[str, Any]
WHERE = ("jobs/list", "jobs/queue/list", "jobs/completed/list")


async def world(server: Server) -> str:
    """Runs of two flows and a script by two people, over and under way; their steps ran on two machines. Answers a flow's job."""
    await deployed(server)
    await deployed(server, "f/other/chain")
    digest = await stored_script(server)
    ann = await server.person("ann", "developer")
    server.engine.answers = {"a": {"x": [1, 2], "wm_labels": ["big", "new"]}, "b": {"y": 5, "wm_labels": ["big"]}}
    good = await started(server, "run/f/f/team/chain", {"n": 1, "deep": {"k": "v"}})
    tool = await started(server, "run/p/f/team/tool?tag=slow", {"n": 2})
    await started(server, f"run/h/{digest}?parent_job={good}", {"n": 3})
    assert (await ann.post("/api/w/main/jobs/run/f/f/other/chain", json={})).status_code == 201
    timed = await started(server, "run/p/f/team/tool", {"n": 4})
    server.engine.failing = {"a": {"name": "E", "message": "m"}}
    await started(server, "run/f/f/other/chain", {"n": 1})
    server.engine.hold = True
    begun = await started(server, "run/f/f/team/chain", {"n": 5})
    await server.engine.begin(begun, "a")
    row = server.engine._job(await run_of(server, begun), "a", "running", None)
    await started(server, "run/p/f/team/tool")

    def machines(connection: Any) -> None:
        connection.execute(insert(JobRow).values(**row.model_dump()))
        on = [(good, "a", "one"), (good, "b", "two"), (tool, "a", "one"), (timed, "a", "two"), (begun, "a", "one")]
        for run, path, name in on:
            where = col(JobRow.run_id) == run, col(JobRow.path) == path
            connection.execute(update(JobRow).where(*where).values(executor=name, tag="gpu" if path == "b" else ""))
        connection.execute(update(RunRow).where(col(RunRow.id) == timed).values(schedule="f/team/nightly"))

    await server.workspace.store.database.write(machines)
    return good


def texts(name: str, key: str, *values: str) -> Iterable[tuple[str, Callable[[Job], bool]]]:
    """The filter with one value, with two, and with none of them."""
    yield f"{name}={values[0]}", lambda job: job[key] == values[0]
    yield f"{name}={','.join(values)}", lambda job: job[key] in values
    yield f"{name}=!{','.join(values)}", lambda job: job[key] not in values


def status_of(job: Job) -> str:
    if job["type"] == "QueuedJob":
        return "running" if job["running"] else "waiting"
    return "skipped" if job["is_skipped"] else "success" if job["success"] else "failure"


def flags(name: str, is_so: Callable[[Job], bool]) -> Iterable[tuple[str, Callable[[Job], bool]]]:
    yield f"{name}=true", is_so
    yield f"{name}=false", lambda job: not is_so(job)


def path_of(job: Job) -> str:
    return str(job["script_path"])


def over(job: Job) -> bool:
    return bool(job["type"] == "CompletedJob")


QUESTIONS: list[tuple[str, Callable[[Job], bool]]] = [
    *texts("created_by", "created_by", "ann", "bob"),
    *texts("script_path_exact", "script_path", "f/team/tool", "f/team/chain", "f/team/chain/a"),
    *texts("schedule_path", "schedule_path", "f/team/nightly", "f/none"),
    *texts("job_kinds", "job_kind", "script", "flowscript"),
    *texts("tag", "tag", "slow", "flow", "python3"),
    *texts("tag", "tag", "gpu", "slow", "flow"),
    *texts("trigger_kind", "trigger_kind", "schedule", "ui"),
    *texts("trigger_kinds", "trigger_kind", "webhook", "api"),
    ("trigger_kind=web", lambda _: False),
    ("script_path_start=f/team/", lambda job: path_of(job).startswith("f/team/")),
    ("script_path_start=f/other/,f/team/t", lambda job: path_of(job).startswith(("f/other/", "f/team/t"))),
    ("script_path_start=!f/other/,f/team/t", lambda job: not path_of(job).startswith(("f/other/", "f/team/t"))),
    ("status=success", lambda job: status_of(job) == "success"),
    ("status=failure,running", lambda job: status_of(job) in ("failure", "running")),
    ("status=!failure,running", lambda job: status_of(job) not in ("failure", "running")),
    *flags("running", lambda job: not over(job) and bool(job["running"])),
    *flags("suspended", lambda job: bool(job.get("suspend"))),
    *flags("has_null_parent", lambda job: job["parent_job"] is None),
    *flags("is_skipped", lambda job: over(job) and bool(job["is_skipped"])),
    ("success=true", lambda job: over(job) and bool(job["success"])),
    ("success=false", lambda job: over(job) and not job["success"]),
    ("is_not_schedule=true", lambda job: not job["schedule_path"]),
    ("scheduled_for_before_now=true", lambda job: over(job) or job["scheduled_for"] <= now()),
    # as Windmill has it: only `true` asks for something
    ("scheduled_for_before_now=false", lambda _: True),
    (
        "status=!failure&running=false&created_by=!ann",
        lambda job: status_of(job) not in ("failure", "running") and not_ann(job),
    ),
]
#: Where a step is, is asked again when it is loaded.
OF_PATHS = ("script_path_exact", "script_path_start=!")


def not_ann(job: Job) -> bool:
    return str(job["created_by"]) != "ann"


TIMES = (
    ("created", "created_at"),
    ("started", "started_at"),
    ("completed", "completed_at"),
    ("scheduled_for", "scheduled_for"),
    ("created_or_started", "began"),
)


async def listed(server: Server, where: str, more: str = "") -> list[Job]:
    found: list[Job] = await got(server, f"{where}?per_page=100&{more}")
    return found


def ids(jobs: Iterable[Job]) -> list[str]:
    return sorted(str(job["id"]) for job in jobs)


@pytest.mark.parametrize("base", ["runs", "steps", "machines", "children"])
async def test_what_a_filter_finds_is_what_is_so(server: Server, base: str) -> None:
    good = await world(server)
    for more in ("", f"&parent_job={good}"):
        await started(server, f"run/p/f/team/tool?scheduled_in_secs=3600{more}")
    among = {"runs": "", "steps": "is_flow_step=true&", "machines": "worker=!none&", "children": f"parent_job={good}&"}
    await every_filter(server, among[base])


async def every_filter(server: Server, among: str) -> None:
    for where in WHERE:
        everything = await listed(server, where, among)
        assert everything, where
        for job in everything:
            job["began"] = job["started_at"] or job["created_at"]
        for query, is_so in QUESTIONS:
            found = await listed(server, where, f"{among}{query}")
            assert ids(found) == ids(filter(is_so, everything)), f"{where} {among}{query}"
        for name, key in TIMES:
            known = sorted(job[key] for job in everything if job.get(key))
            middle = known[len(known) // 2] if known else "2026-01-01T00:00:00+00:00"
            before = await listed(server, where, f"{among}{name}_before={middle}")
            after = await listed(server, where, f"{among}{name}_after={middle}")
            assert ids(before) == ids(job for job in everything if job.get(key) and job[key] < middle), (where, name)
            assert ids(after) == ids(job for job in everything if job.get(key) and job[key] > middle), (where, name)


@pytest.mark.parametrize("among", ["is_flow_step=true&", "worker=!none&"])
async def test_the_database_finds_steps_so_that_none_is_too_old_to_be_looked_into(
    server: Server, monkeypatch: pytest.MonkeyPatch, among: str
) -> None:
    await world(server)
    monkeypatch.setattr(job_lists, "_BATCH", 1)
    for where in WHERE:
        monkeypatch.setattr(job_lists, "MOST_LOOKED_INTO", 5_000)
        everything = await listed(server, where, among)
        for query, is_so in QUESTIONS:
            if query.startswith(OF_PATHS):
                continue
            wanted = ids(filter(is_so, everything))
            monkeypatch.setattr(job_lists, "MOST_LOOKED_INTO", len(wanted))
            assert ids(await listed(server, where, f"{among}{query}")) == wanted, f"{where} {among}{query}"


async def test_arguments_results_labels_and_versions(server: Server) -> None:
    good = await world(server)
    a, b = job_id(good, "a"), job_id(good, "b")
    steps = f"jobs/list?is_flow_step=true&script_path_start=f/team/&parent_job={good}"
    assert ids(await got(server, f'{steps}&result={{"x":[2]}}')) == [a]
    assert ids(await got(server, f"{steps}&label=big")) == sorted([a, b])
    assert ids(await got(server, f"{steps}&label=!new")) == [b]
    everywhere = await listed(server, "jobs/list", "is_flow_step=true&label=new")
    assert {job["flow_step_id"] for job in everywhere} == {"a"}
    assert a in ids(everywhere)
    run = await listed(server, "jobs/list", 'args={"deep":{"k":"v"}}')
    assert ids(run) == [good]
    digest = (await listed(server, "jobs/list", "job_kinds=script"))[0]["script_hash"]
    assert len(await listed(server, "jobs/list", f"script_hash={digest}")) == 4
    assert len(await listed(server, "jobs/list", f"script_hash=!{digest}")) == 4


class TestWorkers:
    async def test_steps_and_single_scripts_of_a_worker(self, server: Server) -> None:
        good = await world(server)
        found = await listed(server, "jobs/list", "worker=one")
        assert [job["worker"] for job in found] == ["one"] * 3
        assert sorted(job["job_kind"] for job in found) == ["flowscript", "flowscript", "script"]
        assert [job["created_at"] for job in found] == sorted((job["created_at"] for job in found), reverse=True)
        both = await listed(server, "jobs/list", "worker=one,two")
        assert len(both) == 5
        others = await listed(server, "jobs/list", "worker=!one,two")
        assert not {"one", "two"} & {job["worker"] for job in others}
        assert not set(ids(others)) & set(ids(both))
        assert ids(await listed(server, "jobs/list", "worker=two&is_flow_step=true")) == [job_id(good, "b")]
        (single,) = await listed(server, "jobs/list", "worker=two&is_flow_step=false")
        assert (single["is_flow_step"], single["schedule_path"]) == (False, "f/team/nightly")
        assert (await got(server, f"jobs_u/get/{single['id']}"))["worker"] == "two"
        assert ids(await listed(server, "jobs/queue/list", "worker=one")) == ids(j for j in found if not over(j))
        assert ids(await listed(server, "jobs/completed/list", "worker=one")) == ids(filter(over, found))
        assert await listed(server, "jobs/list", "worker=three") == []

    async def test_pages(self, server: Server) -> None:
        await world(server)
        everything = [job["id"] for job in await listed(server, "jobs/list", "is_flow_step=true")]
        pages = [await got(server, f"jobs/list?is_flow_step=true&per_page=2&page={page}") for page in (0, 1, 2, 3, 4)]
        told = [[job["id"] for job in page] for page in pages]
        assert told[0] == told[1]
        assert [one for page in told[1:] for one in page] == everything
        backwards = await listed(server, "jobs/list", "is_flow_step=true&order_desc=false")
        assert [job["id"] for job in backwards] == everything[::-1]

    async def test_no_step_of_a_run_that_one_may_not_read(self, server: Server) -> None:
        await world(server)
        await deployed(server, "u/admin/mine")
        server.engine.hold, server.engine.failing = False, {}
        mine = await started(server, "run/f/u/admin/mine")
        viewer = await server.person("vera", "viewer")
        for query in ("is_flow_step=true", "worker=!none"):
            everything = await listed(server, "jobs/list", query)
            seen = (await viewer.get(f"/api/w/main/jobs/list?per_page=100&{query}")).json()
            assert job_id(mine, "a") in ids(everything)
            assert ids(seen) == ids(job for job in everything if job["parent_job"] != mine), query
