"""Workflows as code that end otherwise, wait, or must not do what they try."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.clients.test_workflows_as_code import HEAD, STEP, asked, in_a_flow, previewed
from tests.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENDLESS = """
@task
def waits(x: int):
    import time
    print("begun")
    time.sleep(600)

@workflow
async def main():
    await asyncio.gather(waits(1), waits(2))
"""


async def test_canceling_a_workflow_ends_its_tasks(server: Live) -> None:
    job = (await server.post("jobs/run/preview", {"content": HEAD + ENDLESS, "language": "python3", "args": {}})).text
    async with asyncio.timeout(30):
        while len([row for row in await server.services.workspace.store.runs.steps(job) if "/" in row.path]) < 2:
            await asyncio.sleep(0.02)
    await server.post(f"jobs_u/queue/cancel/{job}", {"reason": "enough"}, 200)
    done = await server.ended(job)
    assert done["canceled"] and not done["success"]
    rows = {row.path: row.status for row in await server.services.workspace.store.runs.steps(job)}
    assert rows == {"a": "canceled", "a/waits": "canceled", "a/waits_2": "canceled"}


UNHEARD = """
@workflow
async def main():
    urls = await step("urls", lambda: wmill.Windmill().get_approval_urls("later"))
    await wait_for_approval(timeout=1)
"""


async def test_nobody_answers_in_time(server: Live) -> None:
    job = await previewed(server, UNHEARD)
    assert not job["success"] and job["result"]["error"]["name"] == "SuspendedTimedOut"


FAILING = """
@task
def fails():
    raise ValueError("no")

@workflow
async def main():
    await fails()
"""


async def test_what_a_workflow_does_not_catch_is_its_failure(server: Live) -> None:
    job = await previewed(server, FAILING)
    assert not job["success"]
    error = job["result"]["error"]
    assert (error["name"], error["message"]) == ("TaskError", "no") and error["extra"]["step_key"] == "fails"


MEDDLING = """
def main(other: str):
    client = wmill.Windmill()
    own = os.environ["WM_JOB_ID"]
    asked = [
        (f"jobs/wac/inline_checkpoint/{other}", {"key": "x", "result": 1}),
        (f"jobs/run/workflow_as_code/{other}/main", {"args": {}}),
        (f"jobs/wac/inline_checkpoint/{own}", {"key": "", "result": 1}),
        (f"jobs/wac/inline_checkpoint/{own}", {"key": "x", "result": 1}),
        (f"jobs/wac/inline_checkpoint/{own}", {"key": "x", "result": 2}),
        (f"jobs/run/workflow_as_code/{own}/no-name", {"args": {}}),
        (f"jobs/run/workflow_as_code/{own}/main", {"args": [1]}),
    ]
    return [client.post(f"/w/main/{path}", json=body, raise_for_status=False).status_code for path, body in asked]
"""


async def test_a_job_speaks_for_itself_alone(server: Live) -> None:
    other = await previewed(server, "def main():\n    return 1\n")
    job = await previewed(server, MEDDLING, other=other["id"])
    assert job["result"] == [403, 403, 400, 200, 400, 400, 400]
    for path in (f"wac/inline_checkpoint/{other['id']}", f"run/workflow_as_code/{other['id']}/main"):
        await server.post(f"jobs/{path}", {"key": "x", "result": 1, "args": {}}, 403)
    gone = await server.client.get(f"/api/w/main/jobs/wac_approval_urls/{other['id']}/boss")
    assert gone.status_code == 409, gone.text


SLEEPING = """
@workflow
async def main():
    print("before")
    await sleep(6)
    print("after")
    return await step("kept", lambda: 1)
"""


async def test_a_long_sleep_holds_nothing(server: Live) -> None:
    job = (await server.post("jobs/run/preview", {"content": HEAD + SLEEPING, "language": "python3", "args": {}})).text
    store = server.services.workspace.store
    async with asyncio.timeout(60):
        while (run := await store.runs.get(job)) is None or run.status != "suspended":
            await asyncio.sleep(0.02)
    assert run.owner is None
    done = await server.ended(job)
    assert done["result"] == 1
    log = (await server.client.get(f"/api/w/main/jobs_u/get_logs/{job}")).text
    assert log.index("before") < log.index("after") and log.count("before") == 2  # the first time, and the second


SECRET = """
@task
def uses(key: str, text: str):
    return len(key)

@workflow
async def main(key: str):
    return await uses(key, f"with {key} inside")
"""


async def test_arguments_of_tasks_hold_no_secret_in_the_database(server: Live) -> None:
    variable = {"path": "u/admin/wac_key", "value": "quite-a-secret", "is_secret": True, "description": ""}
    await server.post("variables/create", variable)
    job = await previewed(server, SECRET, key="$var:u/admin/wac_key")
    assert job["result"] == len("quite-a-secret")
    row = await server.services.workspace.store.runs.step(job["id"], "a/uses")
    assert row is not None
    child = await server.get(f"jobs_u/get/{row.id}")
    assert child["args"] == {"key": "*****", "text": "with ***** inside"}


async def test_a_workflow_is_a_cell(server: Live) -> None:
    """Tasks are no cells, whatever they are called; a cell waits for people while its workflow does."""
    flow = in_a_flow(STEP.replace("double", "z"))
    flow["value"]["modules"][0]["value"]["input_transforms"] = {"n": {"type": "static", "value": 2}}
    draft = (
        await server.client.post("/api/w/main/drafts", json={"flow": {"summary": "", "value": flow["value"]}})
    ).json()["id"]

    async def cells() -> dict[str, Any]:
        return {cell["step_id"]: cell for cell in (await server.get(f"drafts/{draft}/notebook"))["cells"]}

    cell = (await cells())["w"]["id"]
    started = await server.client.post(f"/api/w/main/drafts/{draft}/run", json={"client": "page", "cells": [cell]})
    run = started.json()["run_id"]
    assert await asked(server, run) == "w/approval"
    async with asyncio.timeout(10):
        while (await cells())["w"]["state"]["kind"] != "waiting":
            await asyncio.sleep(0.02)
    assert (await cells())["z"]["state"]["kind"] == "never"
    await server.post(f"jobs_u/flow/resume_suspended/{run}", {"approved": True})
    async with asyncio.timeout(60):
        while (await cells())["w"]["state"]["kind"] != "fresh":
            await asyncio.sleep(0.02)
    assert (await cells())["z"]["state"]["kind"] == "never"


async def test_canceling_a_workflow_that_waits_closes_its_request(server: Live) -> None:
    code = "@workflow\nasync def main():\n    await wait_for_approval(timeout=600)\n"
    job = (await server.post("jobs/run/preview", {"content": HEAD + code, "language": "python3", "args": {}})).text
    assert await asked(server, job) == "a/approval"
    await server.post(f"jobs_u/queue/cancel/{job}", {"reason": "enough"}, 200)
    assert (await server.ended(job))["canceled"]
    (request,) = await server.get(f"runs/{job}/approvals")
    assert request["status"] == "canceled"
    rows = {row.path: row.status for row in await server.services.workspace.store.runs.steps(job)}
    assert rows == {"a": "canceled", "a/approval": "canceled"}


WAITING = """
@task
def waits():
    import time
    time.sleep(600)

def main():
    waits()
"""


async def test_canceling_a_script_cancels_the_jobs_of_its_tasks(server: Live) -> None:
    job = (await server.post("jobs/run/preview", {"content": HEAD + WAITING, "language": "python3", "args": {}})).text
    async with asyncio.timeout(30):
        while not (children := await server.get(f"jobs/list?parent_job={job}&is_flow_step=false")) or all(
            each["id"] == job or not each.get("running") for each in children
        ):
            await asyncio.sleep(0.02)
    (child,) = [each["id"] for each in children]
    await server.post(f"jobs_u/queue/cancel/{job}", {"reason": "enough"}, 200)
    assert (await server.ended(job))["canceled"] and (await server.ended(child))["canceled"]


AHEAD = """
@workflow
async def main():
    wmill.Windmill().get_approval_urls("later")
    import time
    time.sleep(600)
"""


async def test_canceling_a_workflow_closes_what_it_has_announced(server: Live) -> None:
    job = (await server.post("jobs/run/preview", {"content": HEAD + AHEAD, "language": "python3", "args": {}})).text
    store = server.services.workspace.store
    async with asyncio.timeout(30):
        while await store.runs.step(job, "a/later") is None:
            await asyncio.sleep(0.02)
    await server.post(f"jobs_u/queue/cancel/{job}", {"reason": "enough"}, 200)
    assert (await server.ended(job))["canceled"]
    assert {row.path: row.status for row in await store.runs.steps(job)} == {"a": "canceled", "a/later": "canceled"}
