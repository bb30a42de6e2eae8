"""Jobs that stream with the unmodified clients, and who follows them over HTTP: pieces arrive while the job runs."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.integration.clients.test_npm_client_in_jobs import IMPORT
from tests.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")
W = "/api/w/main"
#: Says the first piece, and the second when the variable `name` is there: whoever gets the first one makes it.
GATED = """import time
import wmill

def pieces(name):
    yield "one\\n"
    client = wmill.Windmill()
    while not client.get(f"/w/{client.workspace}/variables/exists/{name}").json():
        time.sleep(0.05)
    yield "two"

"""
RETURNED = GATED + "def main(name: str):\n    return pieces(name)\n"
CALLED = GATED + "def main(name: str):\n    wmill.stream_result(pieces(name))\n    return {'done': True}\n"


def step(step_id: str, code: str) -> dict[str, Any]:
    name = {"type": "javascript", "expr": "flow_input.name"}
    value = {"type": "rawscript", "language": "python3", "content": code, "input_transforms": {"name": name}}
    return {"id": step_id, "value": value}


def plain(step_id: str, code: str = "def main():\n    return 1\n") -> dict[str, Any]:
    return {
        "id": step_id,
        "value": {"type": "rawscript", "language": "python3", "content": code, "input_transforms": {}},
    }


async def stored_script(server: Live, path: str, code: str, language: str = "python3") -> str:
    body = {"path": path, "summary": "", "description": "", "content": code, "language": language}
    return (await server.post("scripts/create", body)).text


async def stored_flow(server: Live, path: str, *modules: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    await server.post(
        "flows/create", {"path": path, "summary": "", "value": {"modules": list(modules)}, "schema": schema}
    )


@asynccontextmanager
async def events(server: Live, method: str, where: str, **request: Any) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    async with server.client.stream(method, f"{W}/{where}", **request) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")

        async def each() -> AsyncIterator[dict[str, Any]]:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line[6:])

        yield each()


async def followed(server: Live, name: str, updates: AsyncIterator[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """All updates, and the text streamed in them; the gate opens with the first piece."""
    found, text = [], ""
    async for update in updates:
        found.append(update)
        text += update.get("new_result_stream", "")
        if text == "one\n" and update.get("new_result_stream"):
            assert not update["completed"], "the first piece comes while the job runs"
            await server.post("variables/create", {"path": name, "value": "x", "is_secret": False, "description": ""})
    return found, text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", ["p", "h", "f"])
async def test_run_and_stream(server: Live, kind: str, method: str) -> None:
    name, path = f"u/admin/gate_{kind}_{method.lower()}", f"u/admin/streams_{kind}_{method.lower()}"
    if kind == "f":
        await stored_flow(server, path, plain("a"), step("b", RETURNED))
        where = f"jobs/run_and_stream/f/{path}"
    else:
        digest = await stored_script(server, path, RETURNED)
        where = f"jobs/run_and_stream/{kind}/{path if kind == 'p' else digest}"
    payload = base64.b64encode(json.dumps({"name": name}).encode()).decode()
    request: dict[str, Any] = {"params": {"payload": payload}} if method == "GET" else {"json": {"name": name}}
    async with events(server, method, where, **request) as updates:
        found, text = await followed(server, name, updates)
    assert text == "one\ntwo"
    assert (found[-1]["completed"], found[-1]["only_result"], found[-1]["stream_offset"]) == (True, "one\ntwo", 7)
    if kind == "f":
        assert found[-1]["flow_stream_job_id"] == found[-1]["flow_status"]["stream_job"]
        job = await server.get(f"jobs_u/get/{found[-1]['flow_stream_job_id']}")
        assert job["result"] == "one\ntwo" and job["flow_step_id"] == "b"


async def test_what_python_streams_before_it_is_done(server: Live) -> None:
    name = "u/admin/gate_called"
    body = {"content": CALLED, "language": "python3", "args": {"name": name}}
    job = (await server.post("jobs/run/preview", body)).text
    async with events(server, "GET", f"jobs_u/getupdate_sse/{job}?only_result=true") as updates:
        found, text = await followed(server, name, updates)
    assert text == "one\ntwo"
    assert found[-1]["only_result"] == {"done": True, "wm_stream": "one\ntwo"}
    assert "WM_STREAM" not in (await server.client.get(f"{W}/jobs_u/get_logs/{job}")).text


TYPESCRIPT = """
async function* pieces() { yield 'one\\n'; yield 'two' }

export async function main() {
  wmill.appendToResultStream('zero, ')
  await wmill.streamResult(pieces())
}
"""


@pytest.mark.parametrize("language", IMPORT)
async def test_what_typescript_streams(server: Live, language: str) -> None:
    body = {"content": IMPORT[language] + TYPESCRIPT, "language": language, "args": {}}
    job = await server.ended((await server.post("jobs/run/preview", body)).text, 90)
    assert (job["success"], job["result"]) == (True, "zero, one\ntwo"), job["result"]
    found = await server.get(f"jobs_u/getupdate/{job['id']}")
    assert found["new_result_stream"] == "zero, one\ntwo"
    assert "one" not in (found["new_logs"] or "")  # only of the packages that were installed


WORKFLOW = """import wmill
from wmill import task, workflow


@task
def double(x: int):
    wmill.append_to_result_stream(f"doubling {x}")
    return 2 * x


@workflow
async def main():
    wmill.append_to_result_stream("begun, ")
    found = await double(4)
    wmill.append_to_result_stream(f"got {found}")
    RETURN
"""


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("return None", "begun, got 8"),
        ("return {'n': found}", {"n": 8, "wm_stream": "begun, got 8"}),
        ("return found", 8),
    ],
)
async def test_what_a_workflow_as_code_streams(server: Live, code: str, result: object) -> None:
    """It runs anew for each of its steps, and so does what it streams."""
    body = {"content": WORKFLOW.replace("RETURN", code), "language": "python3", "args": {}}
    job = await server.ended((await server.post("jobs/run/preview", body)).text, 60)
    assert (job["success"], job["result"]) == (True, result), job["result"]
    assert (await server.get(f"jobs_u/getupdate/{job['id']}"))["new_result_stream"] == "begun, got 8"


STREAMS = "def main():\n    yield 'in'\n    yield 'side'\n"


async def test_a_flow_streams_through_the_flow_or_branch_that_it_ends_with(server: Live) -> None:
    await stored_flow(server, "u/admin/inner_streams", plain("x"), plain("y", STREAMS))
    called = {"id": "c", "value": {"type": "flow", "path": "u/admin/inner_streams", "input_transforms": {}}}
    branches = [{"expr": "true", "modules": [plain("p"), called]}]
    branch = {"id": "b", "value": {"type": "branchone", "branches": branches, "default": []}}
    value = {"modules": [plain("a"), branch]}
    job = await server.ended((await server.post("jobs/run/preview_flow", {"value": value, "args": {}})).text, 60)
    assert (job["success"], job["result"]) == (True, "inside"), job["result"]
    found = await server.get(f"jobs_u/getupdate/{job['id']}")
    assert found["new_result_stream"] == "inside"
    assert (await server.get(f"jobs_u/get/{found['flow_stream_job_id']}"))["flow_step_id"] == "y"


async def test_a_flow_that_ends_with_a_loop_has_no_one_stream(server: Live) -> None:
    loop = {"type": "forloopflow", "iterator": {"type": "static", "value": [1, 2]}, "skip_failures": False}
    value = {"modules": [{"id": "l", "value": {**loop, "modules": [plain("x", STREAMS)]}}]}
    job = await server.ended((await server.post("jobs/run/preview_flow", {"value": value, "args": {}})).text, 60)
    assert job["result"] == ["inside", "inside"]
    found = await server.get(f"jobs_u/getupdate/{job['id']}")
    assert "new_result_stream" not in found and "flow_stream_job_id" not in found
