"""Lists of jobs, and who sees which."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from datetime import UTC, datetime

import httpx
from sqlalchemy import update
from sqlmodel import col

from flowapp.access.identity import Grant, Identity
from flowapp.access.policy import Allowed, decide
from flowapp.jsontext import dumps
from flowapp.store import jobs
from flowapp.store.jobs import JobFilter
from flowapp.store.runs import NewRun, job_id
from flowapp.store.tables import JobRow
from flowapp.workspace import guard
from flowapp.workspace.job_rights import readable
from tests.integration.api.api_jobs import W, deployed, got, run_of, started, stored_script
from tests.integration.api.api_server import CHAIN, Server, flow_of, script

KINDS_GIVEN: dict[str, Grant] = {"flow": "read", "script": "write", "variable": "write"}


class TestLists:
    async def test_filters(self, server: Server) -> None:
        await deployed(server)
        await deployed(server, "f/other/chain")
        await stored_script(server)
        server.engine.answers = {"a": {"x": [1, 2]}, "b": {"y": 5}}
        good = await started(server, "run/f/f/team/chain", {"n": 1, "deep": {"k": "v"}})
        tool = await started(server, "run/p/f/team/tool", {"n": 2})
        server.engine.failing = {"a": {"name": "E", "message": "m"}}
        bad = await started(server, "run/f/f/other/chain")
        server.engine.hold = True
        queued = await started(server, "run/f/f/team/chain")
        child = await started(server, f"run/p/f/team/tool?parent_job={queued}")
        begun = await started(server, "run/f/f/team/chain")
        await server.engine.begin(begun, "a")
        later = await started(server, "run/f/f/team/chain?scheduled_in_secs=100&tag=slow")
        everything = [later, begun, child, queued, bad, tool, good]

        async def ids(where: str) -> list[str]:
            return [job["id"] for job in await got(server, f"jobs/{where}")]

        assert await ids("list") == everything
        assert await ids("list?order_desc=false") == everything[::-1]
        assert await ids("queue/list") == [later, begun, child, queued]
        assert await ids("completed/list") == [bad, tool, good]
        assert await ids("completed/list?success=false") == [bad]
        assert await ids("completed/list?success=true") == [tool, good]
        assert await ids("list?job_kinds=script") == [child, tool]
        assert await ids("list?job_kinds=!script&success=true") == [good]
        assert await ids("list?job_kinds=dependencies") == []
        assert await ids("list?running=true&script_path_exact=f/team/chain") == [begun]
        assert await ids("list?script_path_start=f/other/") == [bad]
        assert await ids("list?script_path_start=F/OTHER/") == []
        assert await ids("list?has_null_parent=true&job_kinds=script") == [tool]
        assert await ids("list?status=failure,running") == [begun, bad]
        assert await ids("list?status=waiting") == [child, queued]
        assert await ids("list?tag=slow") == [later]
        assert await ids("list?trigger_kind=webhook&status=!waiting") == [later, begun, bad, tool, good]
        assert await ids("list?created_by=!admin") == []
        assert await ids('list?args={"deep":{"k":"v"}}') == [good]
        assert await ids('list?result={"x":[2]}') == [tool]
        assert await ids("queue/list?scheduled_for_before_now=true") == [begun, child, queued]
        assert await ids(f"list?created_before={(await run_of(server, tool)).created_at}") == [good]
        assert await ids(f"list?created_after={(await run_of(server, begun)).created_at}") == [later]
        assert await ids("list?suspended=true") == []
        assert await ids(f"list?parent_job={queued}") == [child]
        assert set(await ids(f"list?parent_job={good}")) == {job_id(good, "a"), job_id(good, "b")}
        assert await ids(f"list?parent_job={uuid.uuid4()}") == []
        counts = await got(server, "jobs/queue/count")
        assert counts == {"database_length": 4, "suspended": 0}
        assert await got(server, "jobs/completed/count") == {"database_length": 3}
        soon = int((datetime.now(UTC).timestamp() + 60) * 1000)
        assert await got(server, f"jobs/queue/position/{soon}") == {"position": 2}
        for refused in ("is_flow_step=yes", "running=yes", "status=odd", "created_after=soon"):
            assert await got(server, f"jobs/list?{refused}", 400), refused

    async def test_labels_that_runs_gave_themselves(self, server: Server) -> None:
        await stored_script(server)
        made = []
        for labels in (["nightly", "big"], ["big"], "no list", [7], None):
            server.engine.answers = {"a": {"wm_labels": labels} if labels is not None else 5}
            made.append(await started(server, "run/p/f/team/tool", {"n": 2}))
        server.engine.hold = True
        made.append(await started(server, "run/p/f/team/tool"))

        async def listed(where: str) -> list[int]:
            return [made.index(job["id"]) for job in await got(server, f"jobs/{where}")]

        assert await listed("list?label=nightly") == [0]
        assert await listed("completed/list?label=big,nightly") == [1, 0]
        assert await listed("list?label=!big") == [5, 4, 3, 2]
        assert await listed("list?label=big&per_page=1&page=2") == [0]
        assert await listed("queue/list?label=big") == []
        told = [(await got(server, f"jobs_u/get/{job}")).get("labels") for job in made]
        assert told == [["nightly", "big"], ["big"], [], [], [], None]
        assert await got(server, "jobs/list?label=x&parent_job=" + made[0]) == []

    async def test_steps_of_one_flow_by_worker(self, server: Server) -> None:
        await deployed(server)
        job = await started(server, "run/f/f/team/chain")
        await stored_script(server)
        child = await started(server, f"run/p/f/team/tool?parent_job={job}")
        steps = {job_id(job, "a"), job_id(job, "b")}

        async def below(more: str) -> set[str]:
            return {row["id"] for row in await got(server, f"jobs/list?parent_job={job}&{more}")}

        assert await below("is_flow_step=true") == steps
        assert await below("is_flow_step=false") == {child}
        ran = update(JobRow).where(col(JobRow.run_id) == job, col(JobRow.path) == "a").values(executor="machine-1")
        await server.workspace.store.database.write(lambda connection: connection.execute(ran))
        assert await below("worker=machine-1,machine-2") == {job_id(job, "a")}
        assert await below("worker=!machine-1") == {job_id(job, "b"), child}
        assert await below("worker=no-such-machine") == set()

    async def test_pages_are_full_and_page_0_is_page_1(self, server: Server) -> None:
        await deployed(server)
        jobs = [await started(server, "run/f/f/team/chain") for _ in range(5)][::-1]
        pages = [await got(server, f"jobs/list?per_page=2&page={page}") for page in (0, 1, 2, 3, 4)]
        assert [[job["id"] for job in page] for page in pages] == [jobs[:2], jobs[:2], jobs[2:4], jobs[4:], []]

    async def test_rights_are_applied_before_paging(self, server: Server) -> None:
        await deployed(server)
        await deployed(server, "u/admin/mine")
        draft = await server.draft(CHAIN)
        cell = (await server.notebook(draft))["cells"][0]["id"]
        shared: list[str] = []
        for _ in range(3):
            shared.insert(0, await started(server, "run/f/f/team/chain"))
            await started(server, "run/f/u/admin/mine")
            await server.run(draft, cell)
        viewer = await server.person("vera", "viewer")
        for where in ("jobs/list", "runs"):
            first = (await viewer.get(f"{W}/{where}?per_page=2")).json()
            second = (await viewer.get(f"{W}/{where}?per_page=2&page=2")).json()
            assert [job["id"] for job in first + second] == shared
        assert (await viewer.get(f"{W}/jobs/completed/count")).json() == {"database_length": 3}

    async def test_the_query_agrees_with_the_policy(self, server: Server) -> None:
        """Many identities and runs: what a list finds is what the policy lets one read."""
        store, choose = server.workspace.store, random.Random(7)
        digest = await store.values.put_value(dumps({}))
        names = ["admin", "ann", "an", "Ann", "bob"]
        paths = ["", "f/open/x", "f/closed/x", "f/Closed/x", "f/closed_2/x", "f/read/x", "g/team/x", "g/all/x"]
        paths += [f"u/{name}/x" for name in names] + ["hub/1/a/b", "u/ann", "f/closed"]
        for kind in ("flow", "cells", "script"):
            for path in paths:
                new = NewRun("main", kind, digest, digest, created_by=choose.choice(names), path=path)
                await store.runs.create(new)
        rows = await store.runs.page("main", limit=1000)
        for role in ("admin", "developer", "operator", "viewer"):
            for name in names:
                for scopes in (None, ("jobs:read:f/closed*",), ("*:read",), ("jobs:run",)):
                    identity = Identity(
                        "main",
                        "x@example.org",
                        name,
                        role,
                        groups=frozenset(choose.sample(["team", "all", "other"], 2)),
                        folders={"closed": "none", "read": "read", "closed_2": choose.choice(["none", "write"])},
                        scopes=scopes,
                        grants={
                            (kind, path): right
                            for kind, right in KINDS_GIVEN.items()
                            for path in choose.sample(paths, 2)
                        },
                    )
                    found = await store.database.read(
                        lambda c, who=identity: jobs.page(  # type: ignore[misc]
                            c, "main", readable(c, who), JobFilter(), offset=0, limit=1000
                        )
                    )
                    expected = {
                        row.id
                        for row in rows
                        if isinstance(decide(identity, "run.read", guard.run_target(row)), Allowed)
                    }
                    assert {row.id for row in found} == expected, identity


async def test_somebody_else_sees_nothing(server: Server) -> None:
    await deployed(server, "u/admin/mine")
    job = await started(server, "run/f/u/admin/mine")
    other: httpx.AsyncClient = await server.person("dora", "developer")
    for place in (job, job_id(job, "a")):
        assert (await other.get(f"{W}/jobs_u/get/{place}")).status_code == 404
        assert (await other.post(f"{W}/jobs_u/queue/cancel/{place}", json={})).status_code == 404
    assert (await other.post(f"{W}/jobs/run/f/u/admin/mine", json={})).status_code == 404


class TestRightsOfRuns:
    """`visible_to_runner_only` and `on_behalf_of_email` of what is stored."""

    async def test_only_the_runner_and_admins_see_the_run(self, server: Server) -> None:
        otto, nora = await server.person("otto", "operator"), await server.person("nora", "operator")
        value = flow_of(script("a", "def main(): return 1"))["value"]
        flow = {"path": "f/team/secret", "summary": "", "visible_to_runner_only": True, "value": value}
        assert (await server.client.post(f"{W}/flows/create", json=flow)).status_code == 201
        await stored_script(server, "f/team/hush", extra=json.dumps({"visible_to_runner_only": True}))
        for where, path in (("run/f/f/team/secret", "f/team/secret"), ("run/p/f/team/hush", "f/team/hush")):
            job = (await otto.post(f"{W}/jobs/{where}", json={})).text
            assert (await got(server, f"jobs_u/get/{job}"))["visible_to_owner"] is False
            assert (await otto.get(f"{W}/jobs_u/get/{job}")).status_code == 200
            assert (await nora.get(f"{W}/jobs_u/get/{job}")).status_code == 404
            assert (await nora.post(f"{W}/jobs_u/queue/cancel/{job}", json={})).status_code == 404
            for person, count in ((otto, 1), (nora, 0), (server.client, 1)):
                assert len((await person.get(f"{W}/jobs/list?script_path_exact={path}")).json()) == count
            async with asyncio.timeout(60):
                run = await run_of(server, job)
            for name, sees in (("otto", True), ("nora", False)):
                identity = await server.workspace.sessions.identity_named(name, "main")
                allowed = isinstance(decide(identity, "run.read", guard.run_target(run)), Allowed)
                assert allowed is sees

    async def test_rights_are_lent_by_who_has_them(self, server: Server) -> None:
        otto, dora = await server.person("otto", "operator"), await server.person("dora", "developer")
        value = flow_of(script("a", "def main(): return 1"))["value"]
        emails = {
            name: (await one.get(f"{W}/users/whoami")).json()["email"]
            for name, one in (("otto", otto), ("dora", dora), ("admin", server.client))
        }
        for author, email, lent in (
            (server.client, "admin", True),
            (server.client, "dora", True),
            (dora, "dora", True),
            (dora, "admin", False),
            (dora, "otto", False),
        ):
            flow = {"path": "f/team/lends", "summary": "", "on_behalf_of_email": emails[email], "value": value}
            assert (await author.post(f"{W}/flows/create", json=flow)).status_code == 201
            answer = await otto.post(f"{W}/jobs/run/f/f/team/lends", json={"x": "$var:u/admin/key"})
            if lent:
                run = await run_of(server, answer.text)
                assert (run.created_by, run.permissioned_as, run.email) == ("otto", f"u/{email}", emails[email])
                # what otto gives is data: a reference would be read with rights that otto does not have
                assert json.loads(run.trigger or "")["data"] == ["x"]
                assert json.loads(run.trigger or "")["by"] == emails["otto"]
            else:
                assert answer.status_code == 403
                assert "may not lend" in answer.text
            assert (await server.client.delete(f"{W}/flows/delete/f/team/lends")).status_code == 200
