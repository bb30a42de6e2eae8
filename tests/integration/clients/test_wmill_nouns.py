"""The real `wmill` client of PyPI, as a job has it, against our API: variables, resources, states, accounts."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowapp.api.security import Security
from flowapp.runtimes.jobs import jobs_python
from flowapp.store.runs import NewRun, job_id
from tests.integration.api.api_server import Server, opened_server
from tests.integration.clients.listening import listening


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with opened_server(tmp_path) as made:
        yield made


async def job(server: Server, username: str, code: str) -> Any:
    """What a script of `username` prints as JSON on its last line, with the environment that a job has."""
    store = server.workspace.store
    digest = await store.values.put_value("{}")  # type: ignore[arg-type] # JSON text
    made = NewRun(
        workspace="main",
        kind="flow",
        document=digest,
        args=digest,
        created_by=username,
        permissioned_as=f"u/{username}",
        path="f/team/flow",
    )
    row = await store.runs.create(made)
    run = await store.runs.claim(row.id, "test")
    assert run is not None

    async def nobody(_: Any) -> bool:
        return False

    async with listening(Security(server.app, nobody)) as address:
        identity = job_id(run.id, "a")
        env = {
            "PATH": os.environ["PATH"],
            "WM_TOKEN": await server.workspace.sessions.job_tokens.issue(run, identity, 60),
            "WM_WORKSPACE": "main",
            "BASE_INTERNAL_URL": address,
            "WM_JOB_ID": identity,
            "WM_ROOT_FLOW_JOB_ID": run.id,
            "WM_FLOW_JOB_ID": run.id,
            "WM_STATE_PATH_NEW": f"u/{username}/flow_state/0123",
        }
        script = f"import json, wmill\n{code}\nprint(json.dumps(result))\n"
        process = await asyncio.create_subprocess_exec(
            str(jobs_python()), "-c", script, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, err.decode()
        return json.loads(out.decode().strip().splitlines()[-1])


async def test_a_developers_job(server: Server) -> None:
    await server.person("dora", "developer")
    result = await job(
        server,
        "dora",
        """
wmill.set_variable("u/dora/key", "s3cret", is_secret=True)
wmill.set_variable("u/dora/key", "other")
wmill.set_resource("u/dora/db", {"host": "h", "password": "$var:u/dora/key"}, "postgresql")
wmill.set_resource("u/dora/list", [0, None])
wmill.set_resource("u/dora/db", {"host": "i", "password": "$var:u/dora/key"}, "postgresql")
client = wmill.Windmill()
result = {
    "variable": wmill.get_variable("u/dora/key"),
    "filled": wmill.get_resource("u/dora/db"),
    "raw": client.get_resource("u/dora/db", interpolated=False),
    "list": wmill.get_resource("u/dora/list"),
    "missing": wmill.get_resource("u/dora/none", none_if_undefined=True),
    "listed": [row["path"] for row in wmill.list_resources(resource_type="postgresql")],
    "state": [wmill.get_state(), wmill.set_state({"n": 1}), wmill.get_state(), wmill.set_state(None), wmill.get_state()],
    "user": client.user["username"],
    "email": wmill.username_to_email("dora"),
    "version": client.version,
    "token": client.create_token()[:3],
}
try:
    wmill.get_variable("u/admin/none")
except Exception as error:
    result["refused"] = str(error)
""",
    )
    assert result["variable"] == "other"
    assert result["filled"] == {"host": "i", "password": "other"}
    assert result["raw"]["password"] == "$var:u/dora/key"
    assert result["list"] == [0, None] and result["missing"] is None
    assert result["listed"] == ["u/dora/db"]
    assert result["state"] == [None, None, {"n": 1}, None, None]
    assert (result["user"], result["email"]) == ("dora", "dora@example.org")
    assert result["version"].startswith("CE v1.") and result["token"] == "fa_"
    assert "There is no such variable here." in result["refused"]
    stored = (await server.client.get("/api/w/main/variables/get/u/dora/key")).json()
    assert stored["is_secret"] is True  # a value alone keeps a secret one


async def test_an_operators_job_keeps_its_state_and_writes_nothing_else(server: Server) -> None:
    await server.person("otto", "operator")
    await server.client.post("/api/w/main/variables/create", json={"path": "f/team/v", "value": "x"})
    result = await job(
        server,
        "otto",
        """
wmill.set_state({"seen": [1]})
result = {"state": wmill.get_state(), "variable": wmill.get_variable("f/team/v")}
try:
    wmill.set_variable("f/team/new", "y")
    result["wrote"] = True
except Exception as error:
    result["wrote"] = "403" in str(error)  or str(error)
""",
    )
    assert result["state"] == {"seen": [1]} and result["variable"] == "x"
    exists = await server.client.get("/api/w/main/variables/exists/f/team/new")
    assert exists.json() is False
