"""Jobs of tasks have no more rights, and are seen by no more people, than the job that starts them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.live import Live, W

pytestmark = pytest.mark.asyncio(loop_scope="module")
CODE = """
from wmill import task

@task
def look(x: str):
    return x[::-1]

def main(x: str = "here"):
    return look(x)
"""
PYTHON = {"language": "python3", "args": {}}
SCRIPT = {"summary": "", "description": "", "language": "python3", "content": CODE}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def otto(server: Live) -> Any:
    """A client of an operator."""
    account = {"email": "otto@example.org", "username": "otto", "password": "long enough 1"}
    assert (await server.client.post("/api/users/create", json=account)).status_code == 201
    await server.post("workspaces/add_user", {"email": account["email"], "operator": True})
    token = (await server.client.post("/api/auth/login", json=account, headers={"authorization": ""})).text
    async with httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {token}"}) as client:
        yield client


async def tasks_of(server: Live, job: str) -> list[str]:
    """The jobs of the tasks that a job has started."""
    return [each["id"] for each in await server.get(f"jobs/list?parent_job={job}&is_flow_step=false")]


async def test_what_a_task_is_given_is_data(server: Live, otto: httpx.AsyncClient) -> None:
    """Who runs something with rights that are lent reads nothing with them by what they give."""
    variable = {"path": "u/admin/lent_key", "value": "quite-a-secret", "is_secret": True, "description": ""}
    await server.post("variables/create", variable)
    lent = {"path": "f/wac/lends", "on_behalf_of_email": "admin@flowapp.local"}
    await server.post("scripts/create", {**SCRIPT, **lent})
    reference = "$var:u/admin/lent_key"
    started = await otto.post(f"{W}/jobs/run/p/f/wac/lends", json={"x": reference})
    assert started.status_code == 201, started.text
    done = await server.ended(started.text)
    assert done["success"] and done["result"] == reference[::-1]
    own = await server.post("jobs/run/preview", {"content": CODE.replace("look(x)", f'look("{reference}")'), **PYTHON})
    assert (await server.ended(own.text))["result"] == reference[::-1]


async def test_tasks_of_a_cell_are_as_private_as_the_draft(server: Live, otto: httpx.AsyncClient) -> None:
    value = {"type": "rawscript", "language": "python3", "content": CODE, "input_transforms": {}}
    flow = {"summary": "", "value": {"modules": [{"id": "a", "value": value}]}}
    made = await server.client.post(f"{W}/drafts", json={"flow": flow, "path": "f/wac/draft"})
    draft = made.json()["id"]
    (cell,) = (await server.get(f"drafts/{draft}/notebook"))["cells"]
    started = await server.client.post(f"{W}/drafts/{draft}/run", json={"client": "page", "cells": [cell["id"]]})
    run = started.json()["run_id"]
    assert (await server.ended(run))["success"]
    store = server.services.workspace.store
    (step,) = [row.id for row in await store.runs.steps(run)]
    await _is_hidden(server, otto, step)


async def test_tasks_of_a_private_flow_are_private(server: Live, otto: httpx.AsyncClient) -> None:
    value = {"type": "rawscript", "language": "python3", "content": CODE, "input_transforms": {}}
    flow = {"path": "f/wac/hush", "summary": "", "visible_to_runner_only": True}
    await server.post("flows/create", {**flow, "value": {"modules": [{"id": "a", "value": value}]}})
    run = (await server.post("jobs/run/f/f/wac/hush", {})).text
    assert (await server.ended(run))["success"]
    (step,) = [row.id for row in await server.services.workspace.store.runs.steps(run)]
    await _is_hidden(server, otto, step)


async def test_tasks_of_other_jobs_are_as_open_as_their_path(server: Live, otto: httpx.AsyncClient) -> None:
    await server.post("scripts/create", {**SCRIPT, "path": "f/wac/open"})
    run = (await server.post("jobs/run/p/f/wac/open", {})).text
    assert (await server.ended(run))["success"]
    (task,) = await tasks_of(server, run)
    assert (await otto.get(f"{W}/jobs_u/get/{task}")).status_code == 200


async def _is_hidden(server: Live, other: httpx.AsyncClient, parent: str) -> None:
    (task,) = await tasks_of(server, parent)
    own = await server.get(f"jobs_u/get/{task}")
    assert own["success"] and own["result"] == "ereh" and own["script_path"].startswith("f/wac/")
    for where in (f"jobs_u/get/{task}", f"jobs_u/get_logs/{task}", f"jobs_u/completed/get_result/{task}"):
        assert (await other.get(f"{W}/{where}")).status_code == 404, where
