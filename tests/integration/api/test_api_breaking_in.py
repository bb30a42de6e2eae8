"""Attacks over HTTP that a reviewer tried: each must be refused, and answered with a 4xx."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from flowapp.access import passwords
from flowapp.jsontext import dumps
from flowapp.store import leaves, states
from flowapp.store.approval_shapes import Answer
from flowapp.workspace import approval_form
from flowapp.workspace.firing import run_id_of
from tests.integration.api.api_approvals import a_wait
from tests.integration.api.api_jobs import deployed, started
from tests.integration.api.api_server import Server

W = "/api/w/main"
NOBODYS = "6f1c3c0e-6a3e-4a44-9d1e-0d5f0c7d9a10"
"""The id of a job that there is not."""


class TestApprovals:
    @pytest.mark.parametrize("early", [False, True])
    async def test_who_may_not_answer_signs_no_links_either(self, server: Server, early: bool) -> None:
        """Asking for sign-in must not open to viewers what is closed to them without."""
        wait = await a_wait(server, user_auth_required=True, wait=not early)
        viewer = await server.person("vera", "viewer")
        for where in (f"jobs/resume_urls/{wait.job}/9", f"jobs/job_signature/{wait.job}/9"):
            for flow_level in ("false", "true"):
                refused = await viewer.get(f"{W}/{where}", params={"flow_level": flow_level})
                assert refused.status_code == 403, refused.text
        operator = await server.person("otto", "operator")
        assert (await operator.get(f"{W}/jobs/resume_urls/{wait.job}/9")).status_code == 200


class TestTokens:
    @pytest.mark.parametrize("limit", [{"scopes": ["users:write"]}, {"workspace_id": "main"}])
    async def test_a_limited_token_does_not_set_the_password_to_sign_in_without_limits(
        self, server: Server, limit: dict[str, Any]
    ) -> None:
        token = (await server.client.post("/api/users/tokens/create", json=limit)).text
        limited = server.make_client({"authorization": f"Bearer {token}"})
        refused = await limited.post("/api/users/setpassword", json={"password": "a new password"})
        assert refused.status_code in (400, 403), refused.text

    async def test_a_limited_token_makes_none_that_outlives_it(self, server: Server) -> None:
        limit = {"workspace_id": "main", "expiration": "2040-01-31T12:00:00Z"}
        token = (await server.client.post("/api/users/tokens/create", json=limit)).text
        limited = server.make_client({"authorization": f"Bearer {token}"})
        for wanted in ({}, {"expiration": "2050-01-31T12:00:00Z"}, {"expiration": "2039-01-31T12:00:00Z"}):
            assert (await limited.post("/api/users/tokens/create", json=wanted)).status_code == 201
        ends = [row["expiration"] for row in (await server.client.get("/api/users/tokens/list")).json()]
        assert sorted(end[:4] for end in ends) == ["2039", "2040", "2040", "2040"]

    async def test_a_burst_of_guesses_is_slowed_down_too(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        """All of them are under way before the first has failed."""
        tried = 0

        async def slow(password: str, stored: str | None) -> bool:
            nonlocal tried
            tried += 1
            await asyncio.sleep(0.05)
            return False

        monkeypatch.setattr(passwords, "matches", slow)
        client = server.make_client()
        body = {"email": "admin@flowapp.local", "password": "guess guess"}
        answers = await asyncio.gather(*(client.post("/api/auth/login", json=body) for _ in range(60)))
        assert tried <= 10
        assert {answer.status_code for answer in answers} == {401, 429}


class TestRuns:
    async def test_nobody_takes_the_id_of_a_tick_or_a_step(self, server: Server) -> None:
        """Ids that the server computes: whoever stored a run under one first would stop a schedule, or hide a step."""
        await deployed(server)
        tick = run_id_of("elsewhere", "f/secret/nightly", datetime(2030, 1, 1, tzinfo=UTC))
        assert "job_id" in await started(server, f"run/f/f/team/chain?job_id={tick}", status=400)
        assert await started(server, f"run/f/f/team/chain?job_id={uuid.uuid1()}")

    async def test_what_is_run_without_a_path_is_ones_own(self, server: Server) -> None:
        """Trying code may print what only the person who tries it may read."""
        dora = await server.person("dora", "developer")
        body = {"content": "def main(): ...", "language": "python3", "args": {"x": "private"}}
        job = (await dora.post(f"{W}/jobs/run/preview", json=body)).text
        viewer = await server.person("vera", "viewer")
        for where in ("get", "get_args", "get_logs", "getupdate"):
            assert (await viewer.get(f"{W}/jobs_u/{where}/{job}")).status_code == 404, where
            assert (await dora.get(f"{W}/jobs_u/{where}/{job}")).status_code == 200, where
        assert (await viewer.get(f"{W}/jobs/list")).json() == []
        assert [found["id"] for found in (await dora.get(f"{W}/jobs/list")).json()] == [job]


class TestDeleting:
    async def test_leaves_nothing_of_what_a_run_held(self, server: Server) -> None:
        wait, store = await a_wait(server, description="hush asked"), server.workspace.store
        answer = Answer(wait.job, 1, "main", True, run_id=wait.run, payload='"hush answer"', approver="leo")

        def more(connection: Any) -> None:
            store.approvals.decide(connection, answer)
            leaves.add(connection, wait.run, "a", 1, "gpu", dumps({"args": "hush leaf"}))
            states.set(connection, states.key_of(wait.run, None), "k", dumps("hush state"))

        def held(connection: Any) -> str:
            tables = ("suspension", "resume_event", "leaf", "flow_state", "job", "log", "result")
            return "".join(str(connection.exec_driver_sql(f"SELECT * FROM {name}").fetchall()) for name in tables)

        await store.database.write(more)
        assert (await store.database.read(held)).count("hush") == 4
        await store.runs.finish(wait.run, "test", "success", None, failed=False)
        deleted = await server.client.post(f"{W}/jobs/completed/delete/{wait.run}")
        assert deleted.status_code == 200, deleted.text
        assert "hush" not in await store.database.read(held)


class TestHugeInput:
    @pytest.mark.parametrize(
        ("method", "where"),
        [
            ("POST", f"jobs/run/fv/{10**30}"),
            ("POST", f"jobs/run_wait_result/fv/-{10**30}"),
            ("POST", "jobs/run_wait_result/f/f/team/chain?queue_limit=%C2%B2"),
            ("POST", f"jobs/run_wait_result/f/f/team/chain?queue_limit={'9' * 5000}"),
            ("POST", "jobs/run/f/f/team/chain?timeout=nan"),
            ("POST", "jobs/run/f/f/team/chain?timeout=1e999"),
            ("POST", "jobs/run/f/f/team/chain?cache_ttl=1e308"),
            ("POST", "jobs/run/f/f/team/chain?scheduled_in_secs=1e300"),
            ("POST", "jobs/run/f/f/team/chain?scheduled_for=9999-12-31T23:59:59-23:59"),
            ("GET", f"jobs/queue/position/{10**30}"),
            ("GET", f"jobs/list?page={2**53}&per_page=100"),
            ("GET", f"runs?page={2**53}&per_page=100"),
            ("GET", "jobs/list?created_before=0001-01-01T00:00:00%2B14:00"),
            ("GET", f"flows/get/v/{10**30}"),
            ("GET", "scripts/get/h/%2e%2e%2f"),
            ("GET", "scripts/hub/get/hub/1/%2e%2e/x"),
            ("GET", f"jobs/resume_urls/{NOBODYS}/{10**30}"),
            ("POST", f"jobs/restart/f/{NOBODYS}/from/a/{10**30}"),
            ("GET", f"jobs_u/getupdate/{NOBODYS}?log_offset={2**53}"),
        ],
    )
    async def test_is_no_fault_of_the_server(self, server: Server, method: str, where: str) -> None:
        await deployed(server)
        answer = await server.client.request(method, f"{W}/{where}")
        assert answer.status_code < 500, answer.text

    @pytest.mark.parametrize("version", [10**30, -1, 2**63])
    async def test_of_a_restart(self, server: Server, version: int) -> None:
        await deployed(server)
        job = await started(server, "run/f/f/team/chain")
        body = {"step_id": "b", "flow_version": version}
        answer = await server.client.post(f"{W}/jobs/restart/f/{job}", json=body)
        assert 400 <= answer.status_code < 500, answer.text


class TestForms:
    def bomb(self, deep: int) -> dict[str, Any]:
        defs = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(deep)}
        return {
            "type": "object",
            "$defs": {**defs, f"d{deep}": {"type": "string"}},
            "properties": {"x": {"$ref": "#/$defs/d0"}},
        }

    def test_a_schema_does_not_keep_the_server_busy(self) -> None:
        form = self.bomb(16)
        begun = time.thread_time()
        approval_form.problems(form, approval_form.fields_of(form, {}, {}), {"x": "y"})
        assert time.thread_time() - begun < 1

    def test_an_answer_does_not_keep_the_server_busy(self) -> None:
        form = {"type": "object", "properties": {"x": {"type": "array", "uniqueItems": True}}}
        begun = time.thread_time()
        payload = {"x": [{"n": n} for n in range(3000)]}
        approval_form.problems(form, approval_form.fields_of(form, {}, {}), payload)
        assert time.thread_time() - begun < 1

    def test_numbers_that_no_machine_divides(self) -> None:
        form = {"type": "object", "properties": {"x": {"type": "number", "multipleOf": 0.5}}}
        assert approval_form.problems(form, approval_form.fields_of(form, {}, {}), {"x": 10**400}) == {}
