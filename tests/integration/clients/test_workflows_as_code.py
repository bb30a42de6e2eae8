"""Workflows as code, written with the unmodified Python client (wmill): in scripts and in flows, on SQLite."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from flowapp.jsontext import loads
from tests.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")
HEAD = "import os, asyncio, wmill\nfrom wmill import task, workflow, step, sleep, wait_for_approval, parallel, task_script, task_flow\n"


async def asked(server: Live, job: str, *before: str) -> str:
    """The path of the approval that a job waits for, once it is another one than `before`."""
    async with asyncio.timeout(30):
        while True:
            found = [each["path"] for each in await server.get(f"runs/{job}/approvals") if each["status"] == "open"]
            if found and found[0] not in before:
                return str(found[0])
            await asyncio.sleep(0.02)


async def previewed(server: Live, code: str, **args: Any) -> dict[str, Any]:
    job = await server.post("jobs/run/preview", {"content": HEAD + code, "language": "python3", "args": args})
    return await server.ended(job.text)


TASKS = """
@task
def double(x: int):
    print(f"doubling {x}")
    return {"x": 2 * x, "job": os.environ["WM_JOB_ID"]}

@task
async def add(a: int, b: int):
    return a + b

@workflow
async def main(n: int):
    one = await double(n)
    others = await parallel([1, 2, 3], double)
    return {"own": os.environ["WM_JOB_ID"], "one": one, "sum": await add(one["x"], b=sum(o["x"] for o in others)), "others": others}
"""


async def test_tasks_are_jobs_of_their_own(server: Live) -> None:
    job = await previewed(server, TASKS, n=5)
    assert job["success"], job["result"]
    result = job["result"]
    assert (result["own"], result["one"]["x"], result["sum"]) == (job["id"], 10, 22)
    children = {result["one"]["job"], *(each["job"] for each in result["others"])}
    assert len(children) == 4 and job["id"] not in children
    child = await server.get(f"jobs_u/get/{result['one']['job']}")
    assert child["success"] and child["args"] == {"x": 5} and child["result"] == result["one"]
    assert child["parent_job"] == job["id"]
    listed = await server.get(f"jobs/list?parent_job={job['id']}")
    assert {each["id"] for each in listed} >= children and len(listed) == 5
    assert "doubling 5" in child["logs"] and "doubling" not in job["logs"]


INLINE = """
@task
def fails(x: int):
    raise ValueError(f"no {x}")

def bad():
    error = KeyError("inside")
    error.code = 7
    raise error

@workflow
async def main():
    seen = []
    when = await step("when", lambda: [os.environ["WM_JOB_ID"], len(seen)])
    try:
        await step("bad", bad)
    except Exception as error:
        seen.append([type(error).__name__, str(error), error.step_key, error.result["error"]["name"], error.result["error"]["extra"]])
    try:
        await fails(3)
    except Exception as error:
        seen.append([type(error).__name__, str(error), error.step_key, error.result["error"]["name"], bool(error.child_job_id)])
    again = await step("when", lambda: 2)
    return {"when": when, "again": again, "seen": seen}
"""


@pytest.mark.parametrize("fast", ["1", "0"])
async def test_steps_of_its_own_and_failures_are_kept(server: Live, fast: str) -> None:
    job = await previewed(server, f"os.environ['WM_WAC_INLINE_FAST_PATH'] = '{fast}'\n" + INLINE)
    assert job["success"], job["result"]
    assert job["result"]["when"] == [job["id"], 0] and job["result"]["again"] == 2
    assert job["result"]["seen"] == [
        ["TaskError", "'inside'", "bad", "KeyError", {"code": 7}],
        ["TaskError", "no 3", "fails", "ValueError", True],
    ]
    rows = {row.path: row.status for row in await server.services.workspace.store.runs.steps(job["id"])}
    assert rows == {
        "a": "success",
        "a/when": "success",
        "a/bad": "failure",
        "a/fails": "failure",
        "a/when_2": "success",
    }


ASKING = """
@workflow
async def main():
    urls = await step("urls", lambda: wmill.Windmill().get_approval_urls("manager"))
    first = await wait_for_approval(key="manager", form={"schema": {"type": "object", "properties": {"why": {"type": "string"}}}})
    second = await wait_for_approval()
    await sleep(1)
    return {"urls": urls, "first": first, "second": second}
"""


async def test_people_are_asked_at_their_step(server: Live) -> None:
    job = (await server.post("jobs/run/preview", {"content": HEAD + ASKING, "language": "python3", "args": {}})).text
    assert await asked(server, job) == "a/manager"
    row = await server.services.workspace.store.runs.step(job, "a/urls")
    assert row is not None and row.result is not None
    links = loads(await server.services.workspace.store.values.get_value(row.result))
    assert set(links) == {"approvalPage", "resume", "cancel"}
    page = await server.client.get(links["approvalPage"].removeprefix(server.services.workspace.settings.base_url))
    assert page.status_code == 200 and "manager" in page.text
    for link in ("resume", "cancel"):  # opening decides nothing
        assert (await server.client.get(links[link], follow_redirects=False)).status_code == 303
    assert (await server.client.post(links["resume"], json={"why": "fine"})).status_code == 201
    assert await asked(server, job, "a/manager") == "a/approval"
    used = await server.client.post(links["resume"], json={})
    assert used.status_code == 409
    await server.post(f"jobs_u/flow/resume_suspended/{job}", {"approved": False, "payload": {"no": 1}})
    done = await server.ended(job)
    assert done["success"], done["result"]
    result = done["result"]
    assert result["first"] == {"value": {"why": "fine"}, "approver": "admin@flowapp.local", "approved": True}
    assert result["second"] == {"value": {"no": 1}, "approver": "admin@flowapp.local", "approved": False}


LEGACY = """
@task
def double(x: int = 1):
    return [2 * x, os.environ["WM_JOB_ID"], os.environ["MAIN_OVERRIDE"]]

def main(n: int):
    return [double(n), os.environ["WM_JOB_ID"]]
"""


async def test_tasks_without_a_workflow_are_jobs_too(server: Live) -> None:
    job = await previewed(server, LEGACY, n=4)
    assert job["success"], job["result"]
    (doubled, child, override), own = job["result"]
    assert (doubled, override, own) == (8, "double", job["id"])
    found = await server.get(f"jobs_u/get/{child}")
    assert found["parent_job"] == job["id"] and found["args"] == {"x": 4} and found["result"][0] == 8
    listed = await server.get(f"jobs/list?parent_job={job['id']}")
    assert [each["id"] for each in listed] == [child]


TYPESCRIPT = """
import { task, workflow, step, sleep, parallel, waitForApproval, getApprovalUrls, taskScript } from 'CLIENT'

export const double = task(async function double(x: number) {
  console.log('doubling', x)
  return { x: 2 * x, job: process.env.WM_JOB_ID }
})
const fails = task(async function fails() { throw new Error('no') })

export const main = workflow(async (n: number) => {
  const one = await double(n)
  const others = await parallel([1, 2], double)
  let error: any = null
  try { await fails() } catch (thrown: any) { error = [thrown.message, thrown.step_key] }
  const kept = await step('kept', () => ({ at: new Date(0), own: process.env.WM_JOB_ID }))
  const urls = await step('urls', () => getApprovalUrls('boss'))
  const answer = await waitForApproval({ key: 'boss', selfApproval: true })
  await sleep(1)
  return { one, others, error, kept, answer, links: Object.keys(urls).sort() }
})
"""
CLIENTS = {"deno": "npm:windmill-client@1.818.0", "bun": "windmill-client@1.818.0"}


@pytest.mark.parametrize("language", CLIENTS)
async def test_workflows_in_typescript(server: Live, language: str) -> None:
    code = TYPESCRIPT.replace("CLIENT", CLIENTS[language])
    body = {"content": code, "language": language, "args": {"n": 4}}
    job = (await server.post("jobs/run/preview", body)).text
    assert await asked(server, job) == "a/boss"
    await server.post(f"jobs_u/flow/resume_suspended/{job}", {"approved": True, "payload": {"ok": 1}})
    done = await server.ended(job)
    assert done["success"], done["result"]
    result = done["result"]
    assert [result["one"]["x"], *(each["x"] for each in result["others"])] == [8, 2, 4]
    assert len({job, result["one"]["job"], *(each["job"] for each in result["others"])}) == 4
    assert result["error"] == ["no", "fails"]
    assert result["kept"] == {"at": "1970-01-01T00:00:00.000Z", "own": job}
    assert result["answer"] == {"value": {"ok": 1}, "approver": "admin@flowapp.local", "approved": True}
    assert result["links"] == ["approvalPage", "cancel", "resume"]


LEGACY_TYPESCRIPT = """
import { task } from 'CLIENT'
export const double = task(async function double(y?: number, x: number) { return [2 * x, process.env.WM_JOB_ID, y] })
export async function main(n: number) { return [await double(undefined, n), process.env.WM_JOB_ID] }
"""


@pytest.mark.parametrize("language", CLIENTS)
async def test_tasks_without_a_workflow_in_typescript(server: Live, language: str) -> None:
    body = {"content": LEGACY_TYPESCRIPT.replace("CLIENT", CLIENTS[language]), "language": language, "args": {"n": 4}}
    done = await server.ended((await server.post("jobs/run/preview", body)).text)
    assert done["success"], done["result"]
    (doubled, child, nothing), own = done["result"]
    assert (doubled, nothing) == (8, None) and child != own == done["id"]
    assert (await server.get(f"jobs_u/get/{child}"))["parent_job"] == own


CALLS = """
stored = task_script("f/wac/stored")
flow = task_flow("f/wac/flow")

@task(retry={"attempts": 1, "delay": 1})
def flaky(x: int):
    if wmill.get_state() is None:
        wmill.set_state({"tried": x})
        raise ValueError("the first time")
    return x

@task(cache_ttl=600)
def cached(x: int):
    return os.environ["WM_JOB_ID"]

@workflow
async def main(n: int):
    both = await asyncio.gather(stored(x=n, text="$var:u/admin/none"), flow(x=n))
    return {"both": both, "flaky": await flaky(n), "cached": await cached(n)}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calls(server: Live) -> str:
    """The path of a workflow whose tasks are a stored script, a flow, and functions of its own."""
    body = {"path": "f/wac/stored", "summary": "", "description": "", "language": "python3"}
    await server.post("scripts/create", {**body, "content": "def main(x: int, text: str):\n    return [x, text]\n"})
    value = {"type": "rawscript", "language": "python3", "content": "def main(x: int):\n    return x + 1\n"}
    inputs = {"input_transforms": {"x": {"type": "javascript", "expr": "flow_input.x"}}}
    flow = {"value": {"modules": [{"id": "a", "value": {**value, **inputs}}]}, "schema": {}}
    await server.post("flows/create", {"path": "f/wac/flow", "summary": "", **flow})
    await server.post("scripts/create", {**body, "path": "f/wac/calls", "content": HEAD + CALLS})
    return "f/wac/calls"


async def test_tasks_that_are_stored_scripts_and_flows(server: Live, calls: str) -> None:
    done = await server.ended((await server.post(f"jobs/run/p/{calls}", {"n": 3})).text)
    assert done["success"], done["result"]
    assert done["result"]["both"] == [[3, "$var:u/admin/none"], 4] and done["result"]["flaky"] == 3
    rows = {row.path: row.status for row in await server.services.workspace.store.runs.steps(done["id"])}
    assert rows["a/flow/a"] == "success" and rows["a/flaky"] == "failure" and rows["a/flaky%232"] == "success"
    again = await server.ended((await server.post(f"jobs/run/p/{calls}", {"n": 3})).text)
    assert again["result"]["cached"] == done["result"]["cached"]


STEP = """
@task
def double(x: int):
    return [2 * x, os.environ["WM_JOB_ID"], os.environ["WM_FLOW_JOB_ID"]]

@workflow
async def main(n: int):
    first = await double(n)
    await wait_for_approval(timeout=600)
    return [await double(first[0]), os.environ["WM_JOB_ID"]]
"""


def in_a_flow(code: str, **more: Any) -> dict[str, Any]:
    inputs = {"n": {"type": "javascript", "expr": "flow_input.n"}}
    value = {"type": "rawscript", "language": "python3", "content": HEAD + code, "input_transforms": inputs}
    last = {"type": "rawscript", "language": "python3", "content": "def main(x):\n    return x\n"}
    inputs = {"x": {"type": "javascript", "expr": "results.w"}}
    modules = [{"id": "w", "value": value, **more}, {"id": "z", "value": {**last, "input_transforms": inputs}}]
    return {"value": {"modules": modules}, "args": {"n": 2}}


async def test_a_workflow_is_a_step_of_a_flow(server: Live) -> None:
    job = (await server.post("jobs/run/preview_flow", in_a_flow(STEP))).text
    assert await asked(server, job) == "w/approval"
    await server.post(f"jobs_u/flow/resume_suspended/{job}", {"approved": True})
    done = await server.ended(job)
    assert done["success"], done["result"]
    (doubled, child, flow), own = done["result"]
    assert (doubled, flow) == (8, job) and len({child, own, job}) == 3
    assert (await server.get(f"jobs_u/get/{child}"))["parent_job"] == own


async def test_jobs_of_tasks_are_read_like_any(server: Live, calls: str) -> None:
    done = await server.ended((await server.post(f"jobs/run/p/{calls}", {"n": 5})).text)
    rows = {row.path: row for row in await server.services.workspace.store.runs.steps(done["id"])}
    flow = await server.get(f"jobs_u/get/{rows['a/flow'].id}")
    assert (flow["job_kind"], flow["script_path"], flow["result"]) == ("flow", "f/wac/flow", 6)
    (step,) = flow["flow_status"]["modules"]
    assert (step["id"], step["type"], step["job"]) == ("a", "Success", rows["a/flow/a"].id)
    inner = await server.get(f"jobs_u/get/{rows['a/flow/a'].id}")
    assert (inner["parent_job"], inner["result"]) == (flow["id"], 6) and "x + 1" in inner["raw_code"]
    script = await server.get(f"jobs_u/get/{rows['a/stored'].id}")
    assert (script["parent_job"], script["script_path"]) == (done["id"], "f/wac/stored")
    task = await server.get(f"jobs_u/get/{rows['a/flaky'].id}")
    assert (task["parent_job"], task["success"], task["language"]) == (done["id"], True, "python3")
