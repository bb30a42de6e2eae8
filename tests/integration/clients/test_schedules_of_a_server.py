"""Schedules and the hub of a started server: over HTTP, with the real client in real jobs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.live import Live, W

pytestmark = pytest.mark.asyncio(loop_scope="module")


def step(step_id: str, code: str, language: str = "python3", **transforms: Any) -> dict[str, Any]:
    value = {"type": "rawscript", "content": code, "language": language, "input_transforms": transforms}
    return {"id": step_id, "value": value}


def js(expr: str) -> dict[str, Any]:
    return {"type": "javascript", "expr": expr}


async def stored_flow(server: Live, path: str, *modules: dict[str, Any]) -> None:
    await server.post("flows/create", {"path": path, "summary": "", "value": {"modules": list(modules)}})


async def add(server: Live, path: str, **body: Any) -> None:
    given = {"path": path, "schedule": "* * * * * *", "timezone": "UTC", "is_flow": True, "args": {}, **body}
    await server.post("schedules/create", given)


async def runs_of(server: Live, path: str) -> list[dict[str, Any]]:
    """Ended runs of a schedule, oldest first."""
    found = await server.get(f"jobs/completed/list?schedule_path={path}&per_page=100")
    return [{**job, "result": await server.get(f"jobs_u/completed/get_result/{job['id']}")} for job in reversed(found)]


async def until(server: Live, path: str, enough: Any, seconds: float = 40) -> list[dict[str, Any]]:
    async with asyncio.timeout(seconds):
        while True:
            runs = await runs_of(server, path)
            if enough(runs):
                return runs
            await asyncio.sleep(0.1)


async def test_a_scheduled_trigger_returns_what_is_new_and_is_skipped_when_nothing_is(server: Live) -> None:
    code = """
import wmill

NEWS = [[1, 2], [1, 2], [1, 2, 3]]

def main():
    turn = wmill.get_resource("u/admin/turn", none_if_undefined=True) or 0
    wmill.set_resource("u/admin/turn", turn + 1, "any")
    ids = NEWS[min(turn, 2)]
    seen = wmill.get_state() or 0
    wmill.set_state(max(ids))
    return [{"id": id} for id in ids if id > seen]
"""
    trigger = step("a", code)
    trigger["value"]["is_trigger"] = True
    trigger["stop_after_if"] = {
        "expr": "!result || (Array.isArray(result) && result.length == 0)",
        "skip_if_stopped": True,
    }
    body = step("b", "def main(item):\n    return item['id'] * 10\n", item=js("flow_input.iter.value"))
    loop = {"type": "forloopflow", "iterator": js("results.a"), "modules": [body], "skip_failures": False}
    await stored_flow(server, "f/client/news", trigger, {"id": "l", "value": loop})
    await add(server, "f/client/look", script_path="f/client/news", no_flow_overlap=True)

    def worked(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # a slow machine skips a tick while the earlier run goes on: such a run has no steps
        return [run for run in runs if not (run["is_skipped"] and isinstance(run["result"], dict))]

    runs = worked(await until(server, "f/client/look", lambda found: len(worked(found)) >= 4))
    await server.post("schedules/setenabled/f/client/look", {"enabled": False}, 200)
    assert [(run["is_skipped"], run["result"]) for run in runs[:4]] == [
        (False, [10, 20]),
        (True, []),
        (False, [30]),
        (True, []),
    ]


async def test_steps_know_their_schedule(server: Live) -> None:
    code = "import os\n\ndef main(at):\n    return [os.environ['WM_SCHEDULE_PATH'], at]\n"
    await stored_flow(server, "f/client/known", step("a", code, at=js("WM_SCHEDULED_FOR")))
    await add(server, "f/client/knows", script_path="f/client/known")
    (run, *_) = await until(server, "f/client/knows", bool)
    path, at = run["result"]
    assert (path, run["schedule_path"]) == ("f/client/knows", "f/client/knows")
    assert at.startswith("20")
    answer = await server.client.delete(f"{W}/schedules/delete/f/client/knows")
    assert (answer.status_code, answer.text) == (200, "f/client/knows")
    assert await server.get("schedules/exists/f/client/knows") is False


async def test_over_http(server: Live) -> None:
    await stored_flow(server, "f/client/plain", step("a", "def main():\n    return 1\n"))
    await add(server, "f/client/plain_s", script_path="f/client/plain", schedule="0 0 1 1 *", timezone="Europe/Paris")
    shown = await server.get("schedules/get/f/client/plain_s")
    assert (shown["schedule"], shown["next_at"][4:19]) == ("0 0 1 1 *", "-12-31T23:00:00")
    taken = await server.client.post(f"{W}/schedules/create", json={**shown})
    assert (taken.status_code, taken.headers["content-type"].split(";")[0]) == (400, "text/plain")
    missing = await server.client.get(f"{W}/schedules/get/f/client/none")
    assert (missing.status_code, missing.text.startswith("There is no such schedule")) == (404, True)
    asked = {"schedule": "0 30 2 * * *", "timezone": "Europe/Paris"}
    times = (await server.client.post("/api/schedules/preview", json=asked)).json()
    assert len(times) == 5
    assert times == sorted(times)
    wrong = await server.client.post("/api/schedules/preview", json={"schedule": "x", "timezone": "UTC"})
    assert wrong.status_code == 400
    listed = await server.get("schedules/list_with_jobs")
    assert next(each for each in listed if each["path"] == "f/client/plain_s")["jobs"] == []


async def test_a_step_from_the_hub(server: Live) -> None:
    text = {"type": "static", "value": "a,b\n1,2\n"}
    value = {"type": "script", "path": "hub/9000001/data/parse_csv", "input_transforms": {"text": text}}
    job = (await server.post("jobs/run/preview_flow", {"value": {"modules": [{"id": "a", "value": value}]}})).text
    assert (await server.ended(job))["result"] == [{"a": "1", "b": "2"}]
    value["path"] = "hub/1/slack/send_message"
    job = (await server.post("jobs/run/preview_flow", {"value": {"modules": [{"id": "a", "value": value}]}})).text
    error = (await server.ended(job))["result"]["error"]
    assert "hub/1/slack/send_message" in error["message"]
    assert "the starter hub" in error["message"]


async def test_the_hub_over_http(server: Live) -> None:
    top = (await server.client.get("/api/scripts/hub/top?limit=3")).json()["asks"]
    assert len(top) == 3
    found = (await server.client.get("/api/embeddings/query_hub_scripts?text=webhook")).json()
    assert "hub/9000005/http/send_message" in {each["path"] for each in found}
    full = (await server.client.get("/api/scripts/hub/get_full/hub/9000007/text/digest")).json()
    assert (full["language"], full["schema"]["required"]) == ("bash", ["text"])
    code = await server.client.get("/api/scripts/hub/get/hub/9000007/text/digest")
    assert (code.text, code.headers["content-type"].split(";")[0]) == (full["content"], "text/plain")
    assert (await server.client.get("/api/scripts/hub/get/hub/1/a/b")).status_code == 404
    assert (await server.client.get("/api/scripts/hub/get/../../etc/passwd")).status_code in (400, 404)
