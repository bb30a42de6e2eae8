"""The unmodified npm client (windmill-client) in Node against a started server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from flowapp.build import use_packaged_node
from tests.live import TOKEN, Live, ran

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLIENT = "windmill-client@1.818.0"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the client is installed."""
    use_packaged_node()
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"name": "test", "private": true}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", CLIENT]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


async def printed(server: Live, package: Path, code: str, **env: str) -> Any:
    """The JSON in the last line that a program of the client prints."""
    program = package / "program.mjs"
    program.write_text(f"import * as wmill from 'windmill-client'\n{code}")
    given = {"WM_TOKEN": TOKEN, "BASE_INTERNAL_URL": server.url, "BASE_URL": server.url, "WM_WORKSPACE": "main", **env}
    return json.loads((await ran(["node", str(program)], given)).strip().splitlines()[-1])


async def store(server: Live, path: str, code: str) -> None:
    body = {"path": path, "summary": "", "description": "", "content": code, "language": "python3"}
    await server.post("scripts/create", body)


async def test_scripts_and_flows(server: Live, package: Path) -> None:
    await store(server, "f/node/add", "def main(x, y=1):\n    return x + y\n")
    identity = {"id": "a", "value": {"type": "identity"}}
    await server.post("flows/create", {"path": "f/node/same", "summary": "", "value": {"modules": [identity]}})
    code = """
const first = await wmill.runScriptByPath('f/node/add', {x: 1})
const job = await wmill.runScriptByPathAsync('f/node/add', {x: 40, y: 2})
const second = await wmill.waitJob(job)
const flow = await wmill.runFlow('f/node/same', {n: [1, 'ü']})
const maybe = await wmill.default.getResultMaybe(job)
console.log(JSON.stringify([first, second, flow, maybe.completed, maybe.success, await wmill.default.getResult(job)]))
"""
    assert await printed(server, package, code) == [2, 42, {"n": [1, "ü"]}, True, True, 42]


async def test_a_failed_job_is_told_with_its_message(server: Live, package: Path) -> None:
    await store(server, "f/node/bad", "def main():\n    raise ValueError('so bad')\n")
    code = """
try { console.log(JSON.stringify(['no error', await wmill.runScriptByPath('f/node/bad', {})])) }
catch (error) { console.log(JSON.stringify(['error', String(error) + JSON.stringify(error)])) }
"""
    kind, message = await printed(server, package, code)
    assert (kind, "so bad" in message) == ("error", True), message


async def test_variables_resources_and_states(server: Live, package: Path) -> None:
    code = """
await wmill.setVariable('u/admin/node_v', 'one')
await wmill.setVariable('u/admin/node_v', 'two')
await wmill.setResource({a: '$var:u/admin/node_v', zero: 0}, 'u/admin/node_r', 'any')
await wmill.setState({count: 1})
const found = [await wmill.getVariable('u/admin/node_v'), await wmill.getResource('u/admin/node_r'), await wmill.getState()]
console.log(JSON.stringify(found))
"""
    found = await printed(server, package, code, WM_STATE_PATH="u/admin/node_state")
    assert found == ["two", {"a": "two", "zero": 0}, {"count": 1}]


async def test_what_a_step_of_a_flow_does(server: Live, package: Path) -> None:
    """A flow that waits: the client speaks for its step."""
    step = {"type": "rawscript", "content": "import time\n\ndef main():\n    time.sleep(60)\n", "language": "python3"}
    value = {"modules": [{"id": "a", "value": {**step, "input_transforms": {}}}]}
    job = (await server.post("jobs/run/preview_flow", {"value": value})).text
    while (module := (await server.get(f"jobs_u/get/{job}"))["flow_status"]["modules"][0])["type"] != "InProgress":
        pass
    code = """
await wmill.setFlowUserState('k', {n: 1})
const found = [await wmill.getFlowUserState('k'), await wmill.getFlowUserState('no'), await wmill.getRootJobId()]
await wmill.setProgress(30)
found.push(await wmill.getProgress())
const urls = await wmill.getResumeUrls('alice')
found.push(Object.keys(urls).sort())
await wmill.cancelJob(process.env.WM_JOB_ID, 'enough')
console.log(JSON.stringify(found))
"""
    env = {"WM_JOB_ID": module["job"], "WM_FLOW_JOB_ID": job, "WM_ROOT_FLOW_JOB_ID": job}
    found = await printed(server, package, code, **env)
    assert found == [{"n": 1}, None, job, 30, ["approvalPage", "cancel", "resume"]]
    ended = await server.ended(job, 10)
    assert (ended["canceled"], ended["canceled_reason"]) == (True, "enough")
