"""The unmodified npm client (windmill-client) in Node, Deno and Bun against a started server."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from flowapp.build import use_packaged_node
from flowapp.runtimes import bun_package
from flowapp.runtimes.jobs import RuntimeSettings
from flowapp.runtimes.versions import find_deno
from tests.live import TOKEN, Live, ran

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLIENT = "windmill-client@1.818.0"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs TypeScript, in a folder with the client."""

    folder: Path
    command: tuple[str, ...]
    name: str

    async def __call__(self, server: Live, code: str, **env: str) -> Any:
        """The JSON in the last line that a program of the client prints."""
        file = self.folder / "program.mjs"
        file.write_text(f"import process from 'node:process'\nimport * as wmill from 'windmill-client'\n{code}")
        known = {"WM_TOKEN": TOKEN, "WM_WORKSPACE": "main", "DENO_DIR": str(self.folder / "deno")}
        known |= dict.fromkeys(("BASE_INTERNAL_URL", "BASE_URL", "WM_BASE_URL"), server.url)
        printed = await ran([*self.command, str(file)], {**known, **env})
        return json.loads(printed.strip().splitlines()[-1])

    def path(self, name: str) -> str:
        """A path of its own, as all programs share a server."""
        return f"f/{self.name}/{name}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the client is installed."""
    use_packaged_node()
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text('{"name": "test", "private": true}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", CLIENT]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture(scope="module", params=["node", "deno", "bun"])
def program(request: pytest.FixtureRequest, folder: Path) -> Program:
    deno = find_deno(RuntimeSettings(home=folder))
    assert deno is not None
    commands = {
        "node": ("node",),
        "deno": (deno, "run", "--allow-all", "--no-prompt", "--node-modules-dir=manual", "--cached-only"),
        "bun": (str(bun_package.program(sys.prefix)), "run", "--no-install"),
    }
    return Program(folder, commands[request.param], request.param)


async def store(server: Live, path: str, code: str) -> str:
    body = {"path": path, "summary": "", "description": "", "content": code, "language": "python3"}
    return (await server.post("scripts/create", body)).text


async def test_scripts_and_flows(server: Live, program: Program) -> None:
    digest = await store(server, program.path("add"), "def main(x, y=1):\n    return x + y\n")
    identity = {"id": "a", "value": {"type": "identity"}}
    await server.post("flows/create", {"path": program.path("same"), "summary": "", "value": {"modules": [identity]}})
    code = f"""
const [add, same, digest] = {json.dumps([program.path("add"), program.path("same"), digest])}
const job = await wmill.runScriptByPathAsync(add, {{x: 40, y: 2}})
const flow = await wmill.runFlowAsync(same, {{n: null}})
const found = [
  await wmill.runScriptByPath(add, {{x: 1}}),
  await wmill.runScriptByHash(digest, {{x: 2}}),
  await wmill.waitJob(await wmill.runScriptByHashAsync(digest, {{x: 3}})),
  await wmill.waitJob(job),
  await wmill.runFlow(same, {{n: [1, 'ü']}}),
  await wmill.waitJob(flow),
]
const maybe = await wmill.default.getResultMaybe(job)
console.log(JSON.stringify([...found, maybe.completed, maybe.success, await wmill.default.getResult(job)]))
"""
    assert await program(server, code) == [2, 3, 4, 42, {"n": [1, "ü"]}, {"n": None}, True, True, 42]


async def test_a_failed_job_is_told_with_its_message(server: Live, program: Program) -> None:
    await store(server, program.path("bad"), "def main():\n    raise ValueError('so bad')\n")
    code = f"""
try {{ console.log(JSON.stringify(['no error', await wmill.runScriptByPath('{program.path("bad")}', {{}})])) }}
catch (error) {{ console.log(JSON.stringify(['error', String(error) + JSON.stringify(error)])) }}
"""
    kind, message = await program(server, code)
    assert (kind, "so bad" in message) == ("error", True), message


async def test_variables_resources_and_states(server: Live, program: Program) -> None:
    code = f"""
const [v, r, secret] = {json.dumps([f"u/admin/{program.name}_{kind}" for kind in ("v", "r", "secret")])}
await wmill.setVariable(v, 'one')
await wmill.setVariable(v, 'two')
await wmill.setVariable(secret, 's3cret', true, 'of a test')
await wmill.setVariable(secret, 'other')
await wmill.setResource({{a: '$var:' + v, deep: [{{b: '$res:' + r + '_zero'}}]}}, r, 'any')
await wmill.setResource(0, r + '_zero', 'any')
const before = await wmill.getState()
await wmill.setState({{count: 1}})
const found = [
  await wmill.getVariable('var://' + v), await wmill.getVariable(secret), await wmill.getResource('$res:' + r),
  before === undefined, await wmill.getState(), await wmill.default.getInternalState(), await wmill.default.resolveDefaultResource('$res:' + r + '_zero'),
  await wmill.getResource(r + '_none', true) === undefined,
]
for (const falsy of [false, [], '', null, 0]) {{
  await wmill.setResource(falsy, r + '_zero')
  found.push(await wmill.getResource(r + '_zero'))
}}
console.log(JSON.stringify(found))
"""
    found = await program(server, code, WM_STATE_PATH=f"u/admin/{program.name}_state")
    states = [True, {"count": 1}, {"count": 1}]
    assert found == ["two", "other", {"a": "two", "deep": [{"b": 0}]}, *states, 0, True, False, [], "", None, 0]
    stored = await server.get(f"variables/get/u/admin/{program.name}_secret")
    assert (stored["is_secret"], stored["description"]) == (True, "of a test")


async def test_what_is_refused_is_said_in_words(server: Live, program: Program) -> None:
    code = """
const said = []
const calls = [
  () => wmill.getVariable('u/admin/none_at_all'), () => wmill.getResource('u/admin/none_at_all'),
  () => wmill.setResource(1, 'u/admin/none_at_all'), () => wmill.getRootJobId('00000000-0000-4000-8000-000000000000'),
  () => wmill.cancelJob('no-such-job'), () => wmill.setFlowUserState('k', 1, true), () => wmill.getResumeUrls(),
  () => wmill.getIdToken('https://vault.example.org'), () => wmill.usernameToEmail('nobody'),
]
for (const call of calls) {
  try { said.push('no error: ' + JSON.stringify(await call())) }
  catch (error) { said.push([error.message, error.body].join(' ')) }
}
console.log(JSON.stringify(said))
"""
    said = await program(server, code, WM_JOB_ID="NO_JOB_ID")
    assert not [text for text in said if "no error" in text or "[object Object]" in text or "undefined" in text], said
    assert "There is no such variable here." in said[0] and "There is no such resource here." in said[1]
    assert "does not exist and no type was provided" in said[2]
    assert "not supported" in said[7]


async def test_what_a_step_of_a_flow_does(server: Live, program: Program) -> None:
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
await wmill.setProgress(35, process.env.WM_JOB_ID)
found.push(await wmill.getProgress(process.env.WM_JOB_ID))
const urls = await wmill.getResumeUrls('alice')
found.push(Object.keys(urls).sort(), Object.keys(await wmill.default.getResumeEndpoints('bob')).sort())
await wmill.cancelJob(process.env.WM_JOB_ID, 'enough')
console.log(JSON.stringify(found))
"""
    env = {"WM_JOB_ID": module["job"], "WM_FLOW_JOB_ID": job, "WM_ROOT_FLOW_JOB_ID": job}
    found = await program(server, code, **env)
    urls = ["approvalPage", "cancel", "resume"]
    assert found == [{"n": 1}, None, job, 30, 35, urls, urls]
    ended = await server.ended(job)
    assert (ended["canceled"], ended["canceled_reason"]) == (True, "enough")


async def test_files_people_and_settings(server: Live, program: Program) -> None:
    code = f"""
const kept = await wmill.writeS3File({{s3: '{program.name}/note.txt'}}, 'grüße')
const bytes = await wmill.writeS3File('s3:///{program.name}/bytes.bin', new Blob([new Uint8Array([0, 255, 10])]))
const read = new TextDecoder().decode(await wmill.loadS3File(kept))
const streamed = await (await wmill.loadS3FileStream(kept)).text()
const raw = [...await wmill.loadS3File(bytes)]
const link = await wmill.getPresignedS3PublicUrl(kept)
const signed = await wmill.signS3Object(kept, {{expirySecs: 60}})
await wmill.deleteS3File(bytes)
let gone = ''
try {{ await wmill.loadS3File(bytes) }} catch (error) {{ gone = error.message }}
await wmill.setResource({{user: 'u', password: 'p', host: 'h', port: 5432, dbname: 'd', sslmode: 'disable'}}, '{program.path("db")}', 'postgresql')
const url = await wmill.default.databaseUrlFromResource('{program.path("db")}')
console.log(JSON.stringify([read, streamed, raw, link, typeof signed.presigned, gone, url, await wmill.usernameToEmail('admin')]))
"""
    await server.post("folders/create", {"name": program.name}, 200)
    read, streamed, raw, link, signed, gone, url, email = await program(server, code)
    assert (read, streamed, raw, signed) == ("grüße", "grüße", [0, 255, 10], "string")
    assert "404" in gone and url == "postgresql://u:p@h:5432/d?sslmode=disable" and email == "admin@flowapp.local"
    async with httpx.AsyncClient() as nobody:
        assert (await nobody.get(link)).text == "grüße"
