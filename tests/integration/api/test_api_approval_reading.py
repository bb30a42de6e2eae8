"""What whoever holds a signed link reads without being signed in: the run and the job that it is for, and nothing more."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from flowapp.jsontext import dumps
from flowapp.store import approval_nudges, states
from flowapp.store.tables import RunRow
from tests.integration.api.api_approvals import Wait, a_wait, in_group, urls
from tests.integration.api.api_server import Server

W = "/api/w/main"


async def with_result(server: Server, wait: Wait, result: Any, args: Any = None) -> None:
    """Give the step that asks a result (and arguments), and the run a second step."""
    store = server.workspace.store
    digest = await store.values.put_value(dumps(result))
    given = None if args is None else await store.values.put_value(dumps(args))
    run = await store.runs.get(wait.run)
    assert run is not None
    rows = [server.engine._job(run, step, "success", digest).model_dump() | {"args": given} for step in ("a", "b")]

    def put(connection: Any) -> None:
        for row in rows:
            store.runs.put_job(connection, row, "test")

    await store.database.write(put)


async def signed(server: Server, wait: Wait, number: int = 7, approver: str = "leo") -> dict[str, str]:
    """The parameters that a link gives to `get_result`."""
    given = await server.client.get(f"{W}/jobs/job_signature/{wait.job}/{number}?approver={approver}")
    return {"suspended_job": wait.job, "resume_id": str(number), "secret": given.text, "approver": approver}


async def view_token(server: Server, said: dict[str, str]) -> str:
    address = f"{W}/jobs_u/get_flow/{said['suspended_job']}/{said['resume_id']}/{said['secret']}"
    answer = await server.make_client().get(address, params={"approver": said["approver"]})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["view_token"])


class TestResult:
    async def test_the_job_of_the_link_and_no_other(self, server: Server) -> None:
        wait = await a_wait(server)
        await with_result(server, wait, {"total": 3})
        said, stranger = await signed(server, wait), server.make_client()
        address = f"{W}/jobs_u/completed/get_result"
        mine = await stranger.get(f"{address}/{wait.job}", params=said)
        assert (mine.status_code, mine.json()) == (200, {"total": 3})
        run = await stranger.get(f"{address}/{wait.run}", params=said)
        assert (run.status_code, "not over yet" in run.text) == (404, True), run.text
        level = (await server.client.get(f"{W}/jobs/list?parent_job={wait.run}")).json()
        other = next(job["id"] for job in level if job["id"] != wait.job)
        elsewhere = await a_wait(server)
        for job in (other, elsewhere.job, "no-such"):
            answer = await stranger.get(f"{address}/{job}", params=said)
            assert (answer.status_code, "total" in answer.text) == (404, False), answer.text
        assert (await stranger.get(f"{address}/{wait.job}")).status_code == 401

    @pytest.mark.parametrize(
        ("changed", "status"),
        [
            ({"approver": "bob"}, 404),
            ({"secret": "0" * 64}, 404),
            ({"secret": "é"}, 404),
            ({"secret": ""}, 401),
            ({"resume_id": "8"}, 404),
            ({"resume_id": "x"}, 404),
            ({"suspended_job": "no-such"}, 404),
        ],
    )
    async def test_a_changed_link_reads_nothing(self, server: Server, changed: dict[str, str], status: int) -> None:
        wait = await a_wait(server)
        await with_result(server, wait, {"total": 3})
        said = {**await signed(server, wait), **changed}
        answer = await server.make_client().get(f"{W}/jobs_u/completed/get_result/{wait.job}", params=said)
        assert (answer.status_code, "total" in answer.text) == (status, False), answer.text

    async def test_it_takes_the_right_to_answer(self, server: Server) -> None:
        # nobody but admins reads what is at this path without the link
        wait = await a_wait(server, path="u/admin/x", groups=["boss"])
        await with_result(server, wait, {"total": 3})
        said, address = await signed(server, wait), f"{W}/jobs_u/completed/get_result/{wait.job}"
        assert (await server.make_client().get(address, params=said)).status_code == 401
        operator = await server.person("ola", "operator")
        assert (await operator.get(address, params=said)).status_code == 403
        await in_group(server, "boss", "ola")
        assert (await operator.get(address, params=said)).json() == {"total": 3}
        assert (await operator.get(address)).status_code == 404

    async def test_secrets_that_the_run_has_read_are_hidden(self, server: Server) -> None:
        body = {"path": "f/pay/key", "value": "hush-hush-1", "is_secret": True}
        assert (await server.client.post(f"{W}/variables/create", json=body)).status_code == 201
        wait = await a_wait(server)
        await with_result(server, wait, {"said": "it is hush-hush-1"})
        said, stranger = await signed(server, wait), server.make_client()
        answer = await stranger.get(f"{W}/jobs_u/completed/get_result/{wait.job}", params=said)
        assert (answer.status_code, "hush" in answer.text) == (200, False)
        params = {"approval_token": await view_token(server, said)}
        job = await stranger.get(f"{W}/jobs_u/get/{wait.job}", params=params)
        assert (job.status_code, "hush" in job.text) == (200, False)

    async def test_passwords_that_the_run_was_given_are_hidden_wherever_they_stand(self, server: Server) -> None:
        wait = await a_wait(server)
        store = server.workspace.store
        secret = {"type": "string", "format": "password"}
        properties = {
            "login": {"type": "object", "properties": {"user": {"type": "string"}, "key": secret, "code": secret}},
            "keys": {"type": "array", "items": secret},
            "pin": secret,
            "servers": {"type": "array", "items": {"properties": {"host": {"type": "string"}, "pw": secret}}},
            "either": {"type": "object", "oneOf": [{"properties": {"of": {}}}, {"properties": {"pass": secret}}]},
        }
        given = {
            "login": {"user": "ann", "key": "n3sted-one", "code": "7q7"},
            "keys": ["l1sted-one", 48151623],
            "pin": "12",
            "servers": [{"host": "h1", "pw": "s3rver-one"}],
            "either": {"pass": "e1ther-one"},
        }
        document = {
            "value": {"modules": [{"id": "a", "value": {"type": "identity"}}]},
            "schema": {"properties": properties},
        }
        hashes = {
            "document": await store.values.put_value(dumps(document)),
            "args": await store.values.put_value(dumps(given)),
        }
        said = {
            "said": "by n3sted-one of s3rver-one or e1ther-one",
            "wm_labels": ["of l1sted-one"],
            "n": 12,
            "code": 48151623,
        }
        await with_result(server, wait, said, args={"handed": "n3sted-one", "on": ["l1sted-one"], "n": 12})

        def put(connection: Any) -> None:
            connection.execute(update(RunRow).where(col(RunRow.id) == wait.run).values(**hashes))
            states.set(connection, states.key_of(wait.run), "kept", dumps("n3sted-one"))

        await store.database.write(put)
        link, stranger = await signed(server, wait), server.make_client()
        result = (await stranger.get(f"{W}/jobs_u/completed/get_result/{wait.job}", params=link)).json()
        assert result == {"said": "by ***** of ***** or *****", "wm_labels": ["of *****"], "n": 12, "code": "*****"}
        params = {"approval_token": await view_token(server, link)}
        step = (await stranger.get(f"{W}/jobs_u/get/{wait.job}", params=params)).json()
        assert (step["args"], step["result"]) == ({"handed": "*****", "on": ["*****"], "n": 12}, result)
        assert (step["labels"], step["id"]) == (["of *****"], wait.job)
        run = (await stranger.get(f"{W}/jobs_u/get/{wait.run}", params=params)).json()
        hidden = "(hidden)"
        more = {"servers": [{"host": "h1", "pw": hidden}], "either": {"pass": hidden}}
        login = {"user": "ann", "key": hidden, "code": hidden}
        assert run["args"] == {"login": login, "keys": hidden, "pin": hidden, **more}
        assert run["flow_status"]["user_states"] == {"kept": "*****"}
        address = f"{W}/jobs_u/get_flow/{wait.job}/7/{link['secret']}?approver=leo"
        told = (await stranger.get(address)).text
        assert ("-one" in told, "48151623" in told) == (False, False)
        page = (await urls(server, wait))["approvalPage"]
        seen = (await stranger.get(page)).text
        assert ("ann" in seen, "-one" in seen, "7q7" in seen) == (True, False, False)

    async def test_a_number_that_is_a_secret_is_hidden_on_the_page_too(self, server: Server) -> None:
        """Read from a variable, or given as what the flow calls a password and handed on as a number."""
        wait = await a_wait(server, description={"code": 48151623, "sum": 40815})
        store = server.workspace.store
        store.masks.note(wait.run, "48151623")
        schema = {"properties": {"pin": {"type": "integer", "password": True}}}
        document = {"value": {"modules": [{"id": "a", "value": {"type": "identity"}}]}, "schema": schema}
        given = {"pin": 2342342, "copy": 2342342, "code": 48151623, "total": 12500}
        hashes = {
            "document": await store.values.put_value(dumps(document)),
            "args": await store.values.put_value(dumps(given)),
        }
        change = update(RunRow).where(col(RunRow.id) == wait.run).values(**hashes)
        await store.database.write(lambda c: c.execute(change))
        found = await urls(server, wait)
        seen = (await server.make_client().get(found["approvalPage"])).text
        assert [number in seen for number in ("48151623", "2342342", "40815", "12500")] == [False, False, True, True]
        info = (await server.client.get(f"{W}/jobs_u/flow/approval_info/{wait.job}")).json()
        assert info["description"] == {"code": "*****", "sum": 40815}


class TestToken:
    async def test_it_reads_the_run_and_the_job_of_the_link(self, server: Server) -> None:
        wait = await a_wait(server)
        await with_result(server, wait, {"total": 3})
        said, stranger = await signed(server, wait), server.make_client()
        params = {"approval_token": await view_token(server, said)}
        run = await stranger.get(f"{W}/jobs_u/get/{wait.run}", params=params)
        assert (run.status_code, run.json()["id"], run.json()["type"]) == (200, wait.run, "QueuedJob")
        assert not {"logs", "raw_flow", "raw_code"} & {name for name, value in run.json().items() if value}
        assert (run.json()["args"]["total"], run.json()["args"]["pin"]) == (12.5, "(hidden)")
        step = await stranger.get(f"{W}/jobs_u/get/{wait.job}", params=params)
        assert (step.status_code, step.json()["result"]) == (200, {"total": 3})
        level = (await server.client.get(f"{W}/jobs/list?parent_job={wait.run}")).json()
        other = next(job["id"] for job in level if job["id"] != wait.job)
        for job in (other, (await a_wait(server)).job):
            assert (await stranger.get(f"{W}/jobs_u/get/{job}", params=params)).status_code == 404
        assert (await stranger.get(f"{W}/jobs_u/get/{wait.run}")).status_code == 401
        # whoever may read the run anyway reads all of it
        assert "raw_flow" in (await server.client.get(f"{W}/jobs_u/get/{wait.run}", params=params)).json()

    async def test_it_decides_nothing_and_holds_no_signature(self, server: Server) -> None:
        wait = await a_wait(server)
        said = await signed(server, wait)
        token = await view_token(server, said)
        inside = base64.urlsafe_b64decode(token.partition(".")[0] + "==")
        assert said["secret"] not in token
        assert said["secret"].encode() not in inside
        used = await server.make_client().post(f"{W}/jobs_u/resume/{wait.job}/7/{token.partition('.')[2]}?approver=leo")
        assert used.status_code == 404

    async def test_forged_moved_and_late_ones_read_nothing(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wait, other = await a_wait(server), await a_wait(server)
        token = await view_token(server, await signed(server, wait))
        said, _, mark = token.partition(".")
        inside = json.loads(base64.urlsafe_b64decode(said + "==="))
        inside[0] = other.job
        moved = base64.urlsafe_b64encode(json.dumps(inside).encode()).decode().rstrip("=")
        stranger = server.make_client()
        for forged in (f"{moved}.{mark}", said, f"{said}.", f"{said}.{'0' * 64}", "é.é", "a.b", "."):
            for job in (wait.run, other.run):
                answer = await stranger.get(f"{W}/jobs_u/get/{job}", params={"approval_token": forged})
                assert answer.status_code == 404, forged
        elsewhere = await stranger.get(f"/api/w/elsewhere/jobs_u/get/{wait.run}", params={"approval_token": token})
        assert elsewhere.status_code == 404
        monkeypatch.setattr("flowapp.workspace.link_views.time.time", lambda: inside[-1] + 0.5)
        late = await stranger.get(f"{W}/jobs_u/get/{wait.run}", params={"approval_token": token})
        assert (late.status_code, "time" in late.text) == (404, True)

    async def test_conditions_count_at_each_look(self, server: Server) -> None:
        wait = await a_wait(server)
        params = {"approval_token": await view_token(server, await signed(server, wait))}
        address, stranger = f"{W}/jobs_u/get/{wait.run}", server.make_client()
        assert (await stranger.get(address, params=params)).status_code == 200

        def ask_for_sign_in(connection: Any) -> None:
            row = server.workspace.store.approvals.get(connection, wait.run, wait.path)
            assert row is not None
            approval_nudges.set_terms(connection, row, user_auth_required=True)

        await server.workspace.store.database.write(ask_for_sign_in)
        assert (await stranger.get(address, params=params)).status_code == 401
