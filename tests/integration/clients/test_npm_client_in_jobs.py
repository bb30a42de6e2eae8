"""The unmodified npm client (windmill-client) inside of jobs, in cells and in scripts, on Deno and on Bun."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")
LANGUAGES = ("deno", "bun")
IMPORT = {
    "deno": "import * as wmill from 'npm:windmill-client@1.818.0'\n",
    "bun": "import * as wmill from 'windmill-client@1.818.0'\n",
}


def step(step_id: str, language: str, code: str, **more: Any) -> dict[str, Any]:
    value = {"type": "rawscript", "content": IMPORT[language] + code, "language": language, "input_transforms": {}}
    return {"id": step_id, "value": value, **more}


async def store(server: Live, path: str, language: str, code: str) -> str:
    body = {"path": path, "summary": "", "description": "", "content": IMPORT[language] + code, "language": language}
    return (await server.post("scripts/create", body)).text


async def previewed(server: Live, *modules: dict[str, Any]) -> dict[str, Any]:
    job = (await server.post("jobs/run/preview_flow", {"value": {"modules": list(modules)}, "args": {}})).text
    return await server.ended(job, 90)


NOUNS = """
export async function main() {
  const at = `u/${process.env.WM_USERNAME}/in_LANGUAGE`
  await wmill.setVariable(at, 'one')
  await wmill.setVariable(at, 'two')
  await wmill.setVariable(at + '_secret', 's3cret', true)
  await wmill.setResource({ password: '$var:' + at + '_secret' }, at, 'any')
  const none = await wmill.getResource(at + '_none', true)
  let refused = ''
  try { await wmill.getVariable(at + '_none') } catch (error) { refused = error.message }
  return [
    await wmill.getVariable(at), await wmill.getResource(at), none === undefined, refused,
    await wmill.usernameToEmail(process.env.WM_USERNAME!),
  ]
}
"""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_variables_resources_and_people(server: Live, language: str) -> None:
    job = await previewed(server, step("a", language, NOUNS.replace("LANGUAGE", language)))
    assert job["success"], job["result"]
    variable, resource, none, refused, email = job["result"]
    # what the step has read as a secret is no secret to whom it hands it on
    assert (variable, resource, none) == ("two", {"password": "s3cret"}, True)
    assert "There is no such variable here." in refused and email == "admin@flowapp.local"


COUNTER = """
export async function main() {
  const n = ((await wmill.getState()) ?? 0) + 1
  await wmill.setState(n)
  return n
}
"""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_states_persist_from_run_to_run(server: Live, language: str) -> None:
    path = f"f/inside/counter_{language}"
    await store(server, path, language, COUNTER)
    for expected in (1, 2):
        job = await server.ended((await server.post(f"jobs/run/p/{path}", {})).text, 90)
        assert job["result"] == expected, job["result"]


WRITES = """
export async function main() {
  await wmill.setFlowUserState('k', { n: 1 })
  await wmill.setProgress(40)
  return [await wmill.getProgress(), await wmill.getRootJobId() === process.env.WM_FLOW_JOB_ID]
}
"""
READS = """
export async function main() {
  return [await wmill.getFlowUserState('k'), await wmill.getFlowUserState('no')]
}
"""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_states_of_a_flow_and_progress(server: Live, language: str) -> None:
    job = await previewed(server, step("a", language, WRITES), step("b", language, READS))
    assert job["result"] == [{"n": 1}, None], job["result"]
    first, _ = job["flow_status"]["modules"]
    assert (await server.get(f"jobs_u/get/{first['job']}"))["result"] == [40, True]
    assert job["flow_status"]["user_states"] == {"k": {"n": 1}}


STARTS = """
export async function main() {
  const [child, same, hash, bad] = ['f/inside/child_LANGUAGE', 'f/inside/same_LANGUAGE', 'HASH', 'f/inside/bad_LANGUAGE']
  const later = await wmill.runScriptByPathAsync(child, { x: 10 })
  const flow = await wmill.runFlowAsync(same, { n: 1 }, null, false)
  let failed = ''
  try { await wmill.runScriptByPath(bad, {}) } catch (error) { failed = String(error) }
  const slow = await wmill.runScriptByPathAsync('f/inside/slow', {})
  await wmill.cancelJob(slow, 'not wanted')
  return [
    await wmill.runScriptByPath(child, { x: 1 }), await wmill.runScriptByHash(hash, { x: 2 }), await wmill.waitJob(later),
    await wmill.runFlow(same, { n: 0 }), await wmill.waitJob(flow), failed, (await wmill.default.getResultMaybe(slow)).success ?? null,
    [later, flow],
  ]
}
"""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_job_starts_waits_for_and_cancels_others(server: Live, language: str) -> None:
    child = "export function main(x: number) {\n  return x + 1\n}\n"
    digest = await store(server, f"f/inside/child_{language}", language, child)
    await store(
        server, f"f/inside/bad_{language}", language, "export function main() {\n  throw new Error('so bad')\n}\n"
    )
    slow = {
        "path": "f/inside/slow",
        "content": "import time\n\ndef main():\n    time.sleep(60)\n",
        "language": "python3",
    }
    if not await server.get("scripts/exists/p/f/inside/slow"):
        await server.post("scripts/create", slow)
    identity = {"id": "a", "value": {"type": "identity"}}
    flow = {"path": f"f/inside/same_{language}", "summary": "", "value": {"modules": [identity]}}
    await server.post("flows/create", flow)
    job = await previewed(server, step("a", language, STARTS.replace("LANGUAGE", language).replace("HASH", digest)))
    assert job["success"], job["result"]
    *results, failed, _, started = job["result"]
    assert results == [2, 3, 11, {"n": 0}, {"n": 1}]
    assert "so bad" in failed
    below = await server.get(f"jobs/list?parent_job={job['flow_status']['modules'][0]['job']}&per_page=100")
    assert set(started) <= {row["id"] for row in below}
    assert {row["root_job"] for row in below if row["job_kind"] == "script"} == {job["id"]}
    (canceled,) = [row for row in below if row["script_path"] == "f/inside/slow"]
    ended = await server.ended(canceled["id"])
    assert (ended["canceled"], ended["canceled_reason"]) == (True, "not wanted")


ASKS = "\nexport async function main() {\n  return await wmill.getResumeUrls('alice')\n}\n"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("answer", ["resume", "cancel"])
async def test_the_links_that_a_step_makes_decide(server: Live, language: str, answer: str) -> None:
    given = {"got": {"type": "javascript", "expr": "resume"}}
    after = step("b", language, "\nexport function main(got: unknown) {\n  return got\n}\n")
    after["value"]["input_transforms"] = given
    asking = step("a", language, ASKS, suspend={"required_events": 1, "timeout": 600})
    job = (await server.post("jobs/run/preview_flow", {"value": {"modules": [asking, after]}, "args": {}})).text
    while (modules := (await server.get(f"jobs_u/get/{job}"))["flow_status"]["modules"])[1][
        "type"
    ] != "WaitingForEvents":
        assert modules[0]["type"] != "Failure", modules
    urls = (await server.get(f"jobs_u/get/{modules[0]['job']}"))["result"]
    async with httpx.AsyncClient() as nobody:
        forged = urls[answer].replace("approver=alice", "approver=mallory")
        assert (await nobody.post(forged, json={})).status_code in (400, 403, 404)
        assert (await nobody.post(urls[answer], json={"fine": True})).status_code == 201
    ended = await server.ended(job)
    assert ended["success"] is (answer == "resume"), ended["result"]
    if answer == "resume":
        assert ended["result"] == {"fine": True}


FILES = """
export async function main() {
  const kept = await wmill.writeS3File({ s3: 'inside/LANGUAGE.txt' }, 'grüße')
  const text = new TextDecoder().decode(await wmill.loadS3File(kept))
  const streamed = await (await wmill.loadS3FileStream(kept))!.text()
  const link = await wmill.getPresignedS3PublicUrl(kept)
  const other = await wmill.writeS3File({ s3: 'inside/LANGUAGE.bin' }, new Blob([new Uint8Array([0, 255])]))
  await wmill.deleteS3File(other)
  let gone = ''
  try { await wmill.loadS3File(other) } catch (error) { gone = error.message }
  return [text, streamed, gone, link]
}
"""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_stored_files(server: Live, language: str) -> None:
    job = await previewed(server, step("a", language, FILES.replace("LANGUAGE", language)))
    assert job["success"], job["result"]
    text, streamed, gone, link = job["result"]
    assert (text, streamed, "404" in gone) == ("grüße", "grüße", True)
    async with httpx.AsyncClient() as nobody:
        assert (await nobody.get(link)).text == "grüße"
