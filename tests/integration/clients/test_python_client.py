"""The unmodified PyPI client (wmill) against a started server: from outside, and inside of jobs."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")
FLOW_N = {"type": "javascript", "expr": "flow_input.n"}


def step(step_id: str, code: str, **transforms: Any) -> dict[str, Any]:
    value = {"type": "rawscript", "content": code, "language": "python3", "input_transforms": transforms}
    return {"id": step_id, "value": value}


async def store(server: Live, path: str, code: str) -> str:
    body = {"path": path, "summary": "", "description": "", "content": code, "language": "python3"}
    return (await server.post("scripts/create", body)).text


async def store_flow(server: Live, path: str, *modules: dict[str, Any]) -> None:
    await server.post("flows/create", {"path": path, "summary": "", "value": {"modules": list(modules)}})


async def printed(server: Live, code: str, **env: str) -> Any:
    """The JSON in the last line that a program of the client prints."""
    return json.loads((await server.python(f"import json, wmill\n{code}", **env)).strip().splitlines()[-1])


async def previewed(server: Live, *modules: dict[str, Any], args: Any = None) -> dict[str, Any]:
    job = (await server.post("jobs/run/preview_flow", {"value": {"modules": list(modules)}, "args": args or {}})).text
    return await server.ended(job)


class TestFromOutside:
    async def test_run_a_script_and_wait(self, server: Live) -> None:
        digest = await store(
            server, "f/client/add", "def main(x: int, y: int = 1):\n    print('adding')\n    return x + y\n"
        )
        code = f"""
by_path = wmill.run_script_by_path("f/client/add", args={{"x": 2}})
by_hash = wmill.run_script_by_hash("{digest}", args={{"x": 2, "y": 5}})
job = wmill.run_script_by_path_async("f/client/add", args={{"x": 40, "y": 2}})
client = wmill.Windmill()
waited = client.wait_job(job)
print(json.dumps([by_path, by_hash, waited, client.get_job_status(job), client.get_result(job)]))
"""
        assert await printed(server, code) == [3, 7, 42, "COMPLETED", 42]

    async def test_run_a_flow(self, server: Live) -> None:
        await store_flow(
            server,
            "f/client/flow",
            step("a", "def main(n):\n    return n * 2\n", n={"type": "javascript", "expr": "flow_input.n"}),
        )
        code = """
client = wmill.Windmill()
job = client.run_flow_async("f/client/flow", args={"n": 21})
print(json.dumps(client.wait_job(job)))
"""
        assert await printed(server, code) == 42

    async def test_a_failed_job_raises_with_its_message(self, server: Live) -> None:
        await store(server, "f/client/bad", "def main():\n    raise ValueError('so bad')\n")
        code = """
try:
    wmill.run_script_by_path("f/client/bad")
    print(json.dumps("no error"))
except Exception as error:
    print(json.dumps(str(error)))
"""
        assert "so bad" in await printed(server, code)

    async def test_unknown_scripts_and_jobs(self, server: Live) -> None:
        code = """
found = []
client = wmill.Windmill()
for call in (lambda: client.run_script_by_path_async("f/client/none"), lambda: client.get_job("%s")):
    try:
        call()
    except Exception as error:
        found.append("404" in str(error))
print(json.dumps(found))
"""
        assert await printed(server, code % "00000000-0000-4000-8000-000000000000") == [True, True]

    async def test_cancel(self, server: Live) -> None:
        await store(server, "f/client/slow", "import time\n\ndef main():\n    time.sleep(60)\n")
        code = """
import time
client = wmill.Windmill()
job = client.run_script_by_path_async("f/client/slow")
while client.get_job_status(job) != "RUNNING":
    time.sleep(0.05)
client.cancel_job(job, reason="enough")
while client.get_job_status(job) != "COMPLETED":
    time.sleep(0.05)
found = client.get_job(job)
print(json.dumps([found["canceled"], found["canceled_reason"], found["success"], found["result"]["error"]["name"]]))
"""
        assert await printed(server, code) == [True, "enough", False, "Canceled"]

    async def test_waiting_no_longer_than_a_timeout_cancels(self, server: Live) -> None:
        await store(server, "f/client/slower", "import time\n\ndef main():\n    time.sleep(60)\n")
        code = """
client = wmill.Windmill()
job = client.run_script_by_path_async("f/client/slower")
try:
    client.wait_job(job, timeout=1)
except Exception as error:
    print(json.dumps([job, str(error)]))
"""
        job, message = await printed(server, code)
        assert "timed out" in message.lower() or "timeout" in message.lower()
        assert (await server.ended(job))["canceled"] is True

    async def test_cancel_what_runs_at_the_own_path(self, server: Live) -> None:
        await store(server, "f/client/many", "import time\n\ndef main():\n    time.sleep(60)\n")
        jobs = [(await server.post("jobs/run/p/f/client/many", {})).text for _ in range(2)]
        code = """
import time
client = wmill.Windmill()
for job in %s:
    while client.get_job_status(job) != "RUNNING":
        time.sleep(0.05)
client.cancel_running()
print(json.dumps("done"))
"""
        await printed(
            server, code % jobs, WM_JOB_PATH="f/client/many", WM_JOB_ID="00000000-0000-4000-8000-000000000000"
        )
        for job in jobs:
            assert (await server.ended(job))["canceled"] is True

    async def test_run_code_that_is_stored_nowhere(self, server: Live) -> None:
        code = """
client = wmill.Windmill()
print(json.dumps(client.run_inline_script_preview("def main(x):\\n    return x + 1\\n", "python3", {"x": 1})))
"""
        assert await printed(server, code) == 2

    async def test_variables_resources_and_who_one_is(self, server: Live) -> None:
        code = """
client = wmill.Windmill()
wmill.set_variable("u/admin/v", "one")
wmill.set_variable("u/admin/v", "two")
wmill.set_resource(path="u/admin/r", value={"a": "$var:u/admin/v", "n": 0}, resource_type="any")
found = [wmill.get_variable("u/admin/v"), wmill.get_resource("u/admin/r"), client.whoami()["email"], client.version[:2]]
print(json.dumps(found))
"""
        found = await printed(server, code)
        assert found == ["two", {"a": "two", "n": 0}, "admin@flowapp.local", "CE"]


class TestInsideOfJobs:
    async def test_user_states_of_a_flow(self, server: Live) -> None:
        write = "import wmill\n\ndef main():\n    wmill.set_flow_user_state('k', {'n': 1})\n    return 0\n"
        read = "import wmill\n\ndef main():\n    return [wmill.get_flow_user_state('k'), wmill.get_flow_user_state('no')]\n"
        loop = {"type": "forloopflow", "iterator": {"type": "javascript", "expr": "[1]"}, "skip_failures": False}
        inside = {"id": "loop", "value": {**loop, "modules": [step("b", read)]}}
        job = await previewed(server, step("a", write), inside)
        assert job["result"] == [[{"n": 1}, None]], job["result"]
        assert job["flow_status"]["user_states"] == {"k": {"n": 1}}

    async def test_script_states_persist(self, server: Live) -> None:
        code = (
            "import wmill\n\ndef main():\n    n = (wmill.get_state() or 0) + 1\n    wmill.set_state(n)\n    return n\n"
        )
        await store(server, "f/client/counter", code)
        for expected in (1, 2):
            job = (await server.post("jobs/run/p/f/client/counter", {})).text
            found = await server.ended(job)
            assert found["result"] == expected, found["result"]
        await store_flow(server, "f/client/counting", step("a", code))
        for expected in (1, 2):
            job = (await server.post("jobs/run/f/f/client/counting", {})).text
            assert (await server.ended(job))["result"] == expected

    async def test_progress(self, server: Live) -> None:
        code = "import wmill\n\ndef main():\n    wmill.set_progress(40)\n    return wmill.get_progress()\n"
        job = await previewed(server, step("a", code))
        assert job["result"] == 40, job["result"]
        assert await server.get(f"job_metrics/get_progress/{job['flow_status']['modules'][0]['job']}") == 40

    async def test_a_job_starts_others(self, server: Live) -> None:
        await store(server, "f/client/child", "def main(x):\n    return x + 1\n")
        code = "import wmill\n\ndef main():\n    return wmill.run_script_by_path('f/client/child', args={'x': 1})\n"
        job = await previewed(server, step("a", code))
        assert job["result"] == 2, job["result"]
        below = await server.get(f"jobs/list?parent_job={job['flow_status']['modules'][0]['job']}")
        assert [child["script_path"] for child in below] == ["f/client/child"]
        assert below[0]["root_job"] == job["id"]

    async def test_canceling_a_flow_cancels_what_it_started(self, server: Live) -> None:
        await store(server, "f/client/sleeper", "import time\n\ndef main():\n    time.sleep(60)\n")
        code = "import wmill\n\ndef main():\n    return wmill.run_script_by_path('f/client/sleeper')\n"
        value = {"modules": [step("a", code)]}
        job = (await server.post("jobs/run/preview_flow", {"value": value})).text
        while not (found := await server.get("jobs/list?running=true&script_path_exact=f/client/sleeper")):
            pass
        await server.post(f"jobs_u/queue/cancel/{job}", {"reason": "stop"}, 200)
        assert (await server.ended(job))["canceled"] is True
        assert (await server.ended(found[0]["id"]))["canceled"] is True

    async def test_what_a_job_knows_about_itself(self, server: Live) -> None:
        code = (
            "import os, wmill\n\ndef main():\n    c = wmill.Windmill()\n"
            "    return [c.whoami()['email'], os.environ['WM_JOB_ID'], c.get_root_job_id(), wmill.get_workspace()]\n"
        )
        job = await previewed(server, step("a", code))
        email, job_id, root, workspace = job["result"]
        assert (email, root, workspace) == ("admin@flowapp.local", job["id"], "main")
        assert job_id == job["flow_status"]["modules"][0]["job"]

    async def test_the_links_that_a_step_makes_decide(self, server: Live) -> None:
        asks = "import wmill\n\ndef main():\n    return wmill.get_resume_urls('alice')\n"
        resume = {"type": "javascript", "expr": "resume"}
        for answer, flow_level in (("resume", False), ("cancel", False), ("resume", True)):
            code = asks.replace("'alice'", "'alice', True") if flow_level else asks
            asking = step("a", code) | {"suspend": {"required_events": 1, "timeout": 600}}
            value = {"modules": [asking, step("b", "def main(got):\n    return got\n", got=resume)]}
            job = (await server.post("jobs/run/preview_flow", {"value": value})).text
            while (modules := (await server.get(f"jobs_u/get/{job}"))["flow_status"]["modules"])[1][
                "type"
            ] != "WaitingForEvents":
                assert modules[0]["type"] != "Failure", modules
            urls = (await server.get(f"jobs_u/get/{modules[0]['job']}"))["result"]
            async with httpx.AsyncClient() as nobody:
                assert (await nobody.post(urls[answer], json={"fine": True})).status_code == 201
            ended = await server.ended(job)
            assert ended["success"] is (answer == "resume"), ended["result"]
            if answer == "resume":
                assert ended["result"] == {"fine": True}

    async def test_flows_results_and_what_is_shared_between_steps(self, server: Live) -> None:
        await store_flow(server, "f/client/twice", step("a", "def main(n):\n    return n * 2\n", n=FLOW_N))
        first = (
            "import wmill\n\ndef main():\n    wmill.set_shared_state({'n': 3})\n    c = wmill.Windmill()\n"
            "    job = c.run_flow_async('f/client/twice', args={'n': 4}, do_not_track_in_parent=False)\n"
            "    done = c.wait_job(job)\n"
            "    return [done, c.get_result(job), wmill.worker_is_draining(), wmill.username_to_email('admin')]\n"
        )
        second = "import wmill\n\ndef main(before):\n    return [wmill.get_shared_state(), before]\n"
        modules = [step("a", first), step("b", second, before={"type": "javascript", "expr": "results.a"})]
        value = {"modules": modules, "same_worker": True}
        job = await server.ended((await server.post("jobs/run/preview_flow", {"value": value})).text)
        assert job["result"] == [{"n": 3}, [8, 8, False, "admin@flowapp.local"]], job["result"]

    async def test_what_is_not_offered_is_said(self, server: Live) -> None:
        code = (
            "import wmill\n\ndef main():\n    try:\n        return wmill.get_id_token('https://vault.example.org')\n"
            "    except Exception as error:\n        return str(error)\n"
        )
        job = await previewed(server, step("a", code))
        assert "400" in job["result"] and "not supported" in job["result"]
