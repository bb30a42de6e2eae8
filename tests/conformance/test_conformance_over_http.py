"""The conformance cases against a started server, as any client would play them, on both databases."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.conformance.cases import CASES, args_of, check, check_all, same
from tests.live import Live, live
from tests.support.postgres import PostgresServer

#: Answers to a request have numbers of their own: up to 2³²−1, more than a signed 32-bit number holds.
_FIRST_ANSWER = 4_000_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    url = ""
    if request.param == "postgresql":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        url = postgres.create("conformance")
    async with live(tmp_path_factory.mktemp("home"), url) as started:
        yield started


async def prepared(server: Live, setup: dict[str, Any]) -> None:
    """What has to be there before the run; what another case has left is replaced."""
    for item in setup.get("variables", []):
        body = {"is_secret": False, "description": "", **item}
        await server.client.delete(f"/api/w/main/variables/delete/{item['path']}")
        await server.post("variables/create", body)
    for item in setup.get("resources", []):
        answer = await server.client.post("/api/w/main/resources/create?update_if_exists=true", json=item)
        assert answer.status_code == 201, answer.text
    for item in setup.get("scripts", []):
        await server.client.post(f"/api/w/main/scripts/delete/p/{item['path']}")
        await server.post("scripts/create", {"summary": "", "description": "", **item})
    for item in setup.get("flows", []):
        await deployed(server, item["path"], item)


async def deployed(server: Live, path: str, flow: dict[str, Any]) -> None:
    await server.client.delete(f"/api/w/main/flows/delete/{path}")
    body: dict[str, Any] = {
        "summary": "",
        **{name: flow[name] for name in ("summary", "value", "schema") if name in flow},
        "path": path,
    }
    await server.post("flows/create", body)


async def started(server: Live, case: dict[str, Any], args: Any) -> str:
    """Start the case's flow as it says: deployed, by webhook, or from the document."""
    path = case.get("deploy_path") or (f"f/conformance/{case['name']}" if "trigger" in case else None)
    if path is None:
        return (await server.post("jobs/run/preview_flow", {"value": case["flow"]["value"], "args": args})).text
    skip = "" if case.get("trigger") == "webhook" else "?skip_preprocessor=true"
    return (await server.post(f"jobs/run/f/{path}{skip}", args)).text


async def answered(server: Live, job: str, said: dict[str, Any], number: int) -> None:
    """One person's answer by the signed link, as soon as the step has its job."""
    while True:
        modules = (await server.get(f"jobs_u/get/{job}"))["flow_status"]["modules"]
        index = next(i for i, module in enumerate(modules) if module["id"] == said["step"])
        following = modules[index + 1]["type"] if index + 1 < len(modules) else "WaitingForEvents"
        if modules[index]["type"] == "Success" and following == "WaitingForEvents":
            break
    approver = f"?approver={said['approver']}" if "approver" in said else ""
    urls = await server.get(f"jobs/resume_urls/{modules[index]['job']}/{_FIRST_ANSWER + number}{approver}")
    async with httpx.AsyncClient() as stranger:
        answer = await stranger.post(urls["resume" if said["approve"] else "cancel"], json=said["payload"])
    assert answer.status_code in (200, 201), answer.text


async def played(server: Live, case: dict[str, Any], args: Any) -> tuple[dict[str, Any], float]:
    """A run of the case, and the seconds that it took."""
    begun = time.monotonic()
    job = await started(server, case, args)
    for number, said in enumerate(case.get("resume", [])):
        await answered(server, job, said, number)
    return await server.ended(job), time.monotonic() - begun


def compare(expect: dict[str, Any], job: dict[str, Any], seconds: float) -> None:
    check(expect, job["result"], success=job["success"], skipped=job["is_skipped"], seconds=seconds)


async def results_of(server: Live, job: dict[str, Any]) -> dict[str, Any]:
    """Step id → result, of the top-level steps that have one."""
    found = {}
    for module in job["flow_status"]["modules"]:
        answer = await server.client.get(f"/api/w/main/jobs/result_by_id/{job['id']}/{module['id']}")
        if answer.status_code == 200:
            found[module["id"]] = answer.json()
    return found


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", CASES)
async def test_case_over_http(server: Live, name: str) -> None:
    case = CASES[name]
    await prepared(server, case.get("setup", {}))
    if "deploy_path" in case or "trigger" in case:
        await deployed(server, case.get("deploy_path") or f"f/conformance/{name}", case["flow"])
    results = []
    for args in args_of(case):
        job, seconds = await played(server, case, args)
        compare(case["expect"], job, seconds)
        results.append(job["result"])
    if "expect_steps" in case:
        steps = await results_of(server, job)
        assert all(same(steps[step_id], expected) for step_id, expected in case["expect_steps"].items()), steps
    check_all(case, results)
    if "sync_result" in case:
        answer = await server.client.post(
            "/api/w/main/jobs/run_wait_result/preview_flow",
            json={"value": case["flow"]["value"], "args": case["args"]},
        )
        assert same(answer.json(), case["sync_result"])
    if "restart" in case:
        await begin_again(server, case, job)


async def begin_again(server: Live, case: dict[str, Any], job: dict[str, Any]) -> None:
    """The case's `restart`: the run again from a step, and which steps ran anew."""
    wanted = case["restart"]
    for path, value in wanted.get("set_variables_before", {}).items():
        await server.post(f"variables/update/{path}", {"value": value}, 200)
    again = (await server.post(f"jobs/restart/f/{job['id']}", {"step_id": wanted["step_id"]})).text
    ended = await server.ended(again)
    compare(wanted["expect"], ended, 0)
    before, after = await results_of(server, job), await results_of(server, ended)
    assert all(same(before[step_id], after[step_id]) for step_id in wanted.get("same_steps", []))
    assert not any(same(before[step_id], after[step_id]) for step_id in wanted.get("different_steps", []))
