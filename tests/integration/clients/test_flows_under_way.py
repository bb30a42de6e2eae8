"""Flows over HTTP with real scripts: a state written while they wait, attempts that failed, a hub that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live import Live, live

pytestmark = pytest.mark.asyncio(loop_scope="module")


def step(step_id: str, code: str, **module: Any) -> dict[str, Any]:
    value = {"type": "rawscript", "language": "python3", "content": code, "input_transforms": {}}
    return {"id": step_id, "value": value, **module}


async def previewed(server: Live, *modules: dict[str, Any], **value: Any) -> str:
    """Start a flow of these modules; its job."""
    return (await server.post("jobs/run/preview_flow", {"value": {"modules": list(modules), **value}})).text


async def status_when(server: Live, job: str, met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The flow's status once it is as wanted."""
    async with asyncio.timeout(30):
        while True:
            found: dict[str, Any] = (await server.get(f"jobs_u/get/{job}"))["flow_status"]
            if met(found):
                return found
            await asyncio.sleep(0.02)


async def test_a_state_that_is_written_while_the_flow_waits_is_read_by_the_next_step(server: Live) -> None:
    read = "import wmill\n\ndef main():\n    return wmill.get_flow_user_state('k')\n"
    waits = step("a", "def main():\n    return 1\n", suspend={"required_events": 1})
    job = await previewed(server, waits, step("b", read))
    await status_when(server, job, lambda status: status["modules"][1]["type"] == "WaitingForEvents")
    await server.post(f"jobs/flow/user_states/{job}/k", {"n": 5}, status=200)
    assert (await server.get(f"jobs_u/get/{job}"))["flow_status"]["user_states"] == {"k": {"n": 5}}
    await server.post(f"jobs/flow/resume/{job}", {})
    ended = await server.ended(job)
    assert (ended["success"], ended["result"]) == (True, {"n": 5})
    assert ended["flow_status"]["user_states"] == {"k": {"n": 5}}


async def test_attempts_that_failed_are_told_while_a_step_is_tried_again_and_after(server: Live) -> None:
    code = "def main():\n    raise ValueError('no')\n"
    job = await previewed(server, step("a", code, retry={"constant": {"attempts": 2, "seconds": 1}}))
    status = await status_when(server, job, lambda found: found.get("retry", {}).get("fail_count") == 1)
    (module,) = status["modules"]
    assert status["retry"] == {"fail_count": 1, "failed_jobs": [module["job"]]}
    ended = await server.ended(job)
    (module,) = ended["flow_status"]["modules"]
    assert module["type"] == "Failure"
    assert module["failed_retries"] == [module["job"]] * 2
    for failed in module["failed_retries"]:  # attempts are those of one job, which can be looked at
        assert (await server.get(f"jobs_u/get/{failed}"))["result"]["error"]["message"] == "no"


async def test_a_step_of_a_hub_that_is_away_says_which_hub_and_which_script(tmp_path: Path) -> None:
    async with live(tmp_path, hub_url="http://127.0.0.1:9") as server:
        path = "hub/77/slack/send"
        hub = {"id": "a", "value": {"type": "script", "path": path, "input_transforms": {}}}
        handler = step("failure", "def main(message: str):\n    return message\n")
        handler["value"]["input_transforms"] = {"message": {"type": "javascript", "expr": "error.message"}}
        job = await previewed(server, step("before", "def main():\n    return 1\n"), hub, failure_module=handler)
        ended = await server.ended(job)
        assert ended["success"] is False
        assert path in ended["result"] and "http://127.0.0.1:9 does not answer" in ended["result"]
        types = [module["type"] for module in ended["flow_status"]["modules"]]
        assert types == ["Success", "Failure"]
        # the starter hub needs nobody
        inputs = {"text": {"type": "static", "value": "x,y\n1,2\n"}}
        known = {"type": "script", "path": "hub/9000001/data/parse_csv", "input_transforms": inputs}
        near = {"id": "a", "value": known}
        assert (await server.ended(await previewed(server, near)))["success"] is True


RANDOM = "import random\n\ndef main(f):\n    return random.random()\n"
BY_CONTENT = {"cache_ttl": 600, "cache_ignore_s3_path": True}


def reading(**module: Any) -> dict[str, Any]:
    made = step("a", RANDOM, **module)
    made["value"]["input_transforms"] = {"f": {"type": "javascript", "expr": "flow_input.f"}}
    return made


def looped(**module: Any) -> dict[str, Any]:
    value = {"type": "forloopflow", "iterator": {"type": "static", "value": [1]}, "modules": [reading()]}
    return {"id": "l", "value": value, **module}


@pytest.mark.parametrize(
    ("module", "value"),
    [(reading(**BY_CONTENT), {}), (looped(**BY_CONTENT), {}), (reading(), BY_CONTENT)],
    ids=["step", "loop", "flow"],
)
async def test_cached_results_where_files_count_by_their_content(
    server: Live, module: dict[str, Any], value: dict[str, Any]
) -> None:
    for key, content in (("one.txt", b"same"), ("two.txt", b"same"), ("three.txt", b"other")):
        await uploaded(server, key, content)

    async def result(key: str, without: str = "") -> Any:
        settings = {name: item for name, item in value.items() if name != without}
        plain = {name: item for name, item in module.items() if name != without}
        body = {"value": {"modules": [plain], **settings}, "args": {"f": {"s3": key}}}
        ended = await server.ended((await server.post("jobs/run/preview_flow", body)).text)
        assert ended["success"], ended["result"]
        return ended["result"]

    first = await result("one.txt")
    assert await result("one.txt") == first
    assert await result("two.txt") == first
    assert await result("three.txt") != first
    missing = await result("none.txt")  # what cannot be read counts by its path
    assert missing != first and await result("none.txt") == missing
    by_path = [await result(key, "cache_ignore_s3_path") for key in ("one.txt", "two.txt", "one.txt")]
    assert by_path[0] == by_path[2] != by_path[1]
    await uploaded(server, "two.txt", b"changed")
    assert await result("two.txt") != first


async def uploaded(server: Live, key: str, content: bytes) -> None:
    where = "/api/w/main/job_helpers/upload_s3_file"
    answer = await server.client.post(where, params={"file_key": key}, content=content)
    assert answer.status_code == 200, answer.text
