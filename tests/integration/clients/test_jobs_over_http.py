"""Jobs of real runs over HTTP: every part of a flow is a job, with a state that agrees with the whole."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.live import Live, W

pytestmark = pytest.mark.asyncio(loop_scope="module")


def python(step_id: str, code: str, **exprs: str) -> dict[str, Any]:
    transforms = {name: {"type": "javascript", "expr": expr} for name, expr in exprs.items()}
    value = {"type": "rawscript", "content": code, "language": "python3", "input_transforms": transforms}
    return {"id": step_id, "value": value}


async def previewed(server: Live, *modules: dict[str, Any], **more: Any) -> str:
    value = {"modules": list(modules), **more}
    return (await server.post("jobs/run/preview_flow", {"value": value, "args": {}})).text


async def test_iterations_branches_and_called_flows_are_jobs(server: Live) -> None:
    inner = python("x", "def main(v):\n    print('in', v)\n    return v * 10\n", v="flow_input.v")
    await server.post("flows/create", {"path": "f/jobs/called", "summary": "", "value": {"modules": [inner]}})
    transforms = {"v": {"type": "javascript", "expr": "flow_input.iter.value"}}
    call = {"id": "call", "value": {"type": "flow", "path": "f/jobs/called", "input_transforms": transforms}}
    loop = {"type": "forloopflow", "iterator": {"type": "javascript", "expr": "[1, 2]"}, "skip_failures": False}
    branches = [{"expr": "true", "modules": [python("c", "def main():\n    return 'taken'\n")]}]
    job = await previewed(
        server,
        {"id": "loop", "value": {**loop, "modules": [call]}},
        {"id": "br", "value": {"type": "branchone", "branches": branches, "default": []}},
        {"id": "all", "value": {"type": "branchall", "parallel": True, "branches": branches * 2}},
    )
    found = await server.ended(job)
    assert found["result"] == ["taken", "taken"], found["result"]
    status = {module["id"]: module for module in found["flow_status"]["modules"]}
    assert [module["type"] for module in status.values()] == ["Success"] * 3
    assert status["loop"]["flow_jobs_success"] == [True, True]
    assert all(took >= 0 for took in status["loop"]["flow_jobs_duration"]["duration_ms"])
    assert status["all"]["flow_jobs_success"] == [True, True]
    assert "retry" not in found["flow_status"]
    assert status["br"]["branch_chosen"] == {"type": "branch", "branch": 0}
    assert status["all"]["branchall"]["len"] == 2

    second = await server.get(f"jobs_u/get/{status['loop']['flow_jobs'][1]}")
    assert (second["type"], second["success"], second["result"]) == ("CompletedJob", True, 20)
    assert (second["parent_job"], second["is_flow_step"]) == (job, True)
    called = second["flow_status"]["modules"][0]
    flow = await server.get(f"jobs_u/get/{called['job']}")
    assert (flow["job_kind"], flow["script_path"], flow["parent_job"]) == ("flow", "f/jobs/called", second["id"])
    assert (flow["result"], flow["args"]) == (20, {"v": 2})
    (step,) = flow["flow_status"]["modules"]
    leaf = await server.get(f"jobs_u/get/{step['job']}")
    assert (leaf["parent_job"], leaf["root_job"], leaf["logs"], leaf["result"]) == (flow["id"], job, "in 2\n", 20)
    assert await server.get(f"jobs_u/get_root_job_id/{step['job']}") == job
    assert await server.get(f"jobs/result_by_id/{flow['id']}/x") == 20
    branch = await server.get(f"jobs_u/get/{status['br']['job']}")
    assert (branch["result"], branch["job_kind"]) == ("taken", "flownode")
    assert await server.get(f"jobs_u/completed/get_result/{status['all']['flow_jobs'][1]}") == "taken"
    newer = {"path": "f/jobs/called", "summary": "", "value": {"modules": [python("y", "def main(): pass\n")]}}
    await server.post("flows/update/f/jobs/called", newer, 200)
    flow = await server.get(f"jobs_u/get/{called['job']}")
    assert [module["id"] for module in flow["flow_status"]["modules"]] == ["x"], "what ran stays what it was"
    below = await server.get(f"jobs/list?parent_job={flow['id']}")
    assert [child["id"] for child in below] == [leaf["id"]]


async def test_ids_of_iterations_are_known_to_a_server_that_has_not_told_them(server: Live) -> None:
    body = [python("b", "def main(v):\n    return v\n", v="flow_input.iter.value")]
    loop = {"type": "forloopflow", "iterator": {"type": "javascript", "expr": "[5, 6, 7]"}, "skip_failures": False}
    job = await previewed(server, {"id": "loop", "value": {**loop, "modules": body}})
    wanted = (await server.ended(job))["flow_status"]["modules"][0]["flow_jobs"][2]
    places = server.services.workspace.jobs._places
    places._known.clear()
    assert await server.get(f"jobs_u/completed/get_result/{wanted}") == 7


async def test_of_branches_one_after_the_other_the_status_says_which_went_well(server: Live) -> None:
    bodies = [
        python("x", "def main(): pass\n"),
        python("y", "def main():\n    assert False\n"),
        python("z", "def main(): pass\n"),
    ]
    branches: list[dict[str, Any]] = [{"modules": [body]} for body in bodies]
    job = await previewed(
        server, {"id": "all", "value": {"type": "branchall", "parallel": False, "branches": branches}}
    )
    (status,) = (await server.ended(job))["flow_status"]["modules"]
    assert status["flow_jobs_success"] == [True, False, None]


async def test_a_called_flow_that_is_deleted_or_moved_goes_on_where_a_run_is_inside(server: Live) -> None:
    ask = {**python("ask", "def main(): pass\n"), "suspend": {"required_events": 1, "user_auth_required": True}}
    after = python("b", "def main():\n    return 'old'\n")
    flow = {"path": "f/jobs/asks", "summary": "", "value": {"modules": [ask, after]}}
    for way in ("delete", "move"):
        await server.post("flows/create", flow)
        call = {"id": "c", "value": {"type": "flow", "path": "f/jobs/asks", "input_transforms": {}}}
        job = await previewed(server, call, python("e", "def main(x):\n    return x\n", x="results.c"))
        async with asyncio.timeout(20):
            while not (waits := await server.get(f"runs/{job}/approvals")):
                await asyncio.sleep(0.05)
        called = (await server.get(f"jobs_u/get/{job}"))["flow_status"]["modules"][0]["job"]
        status = (await server.get(f"jobs_u/get/{called}"))["flow_status"]
        assert status["approval_conditions"] == {
            "user_auth_required": True,
            "user_groups_required": [],
            "self_approval_disabled": False,
        }
        if way == "delete":
            assert (await server.client.delete(f"{W}/flows/delete/f/jobs/asks")).status_code == 200
        else:
            await server.post("flows/update/f/jobs/asks", {**flow, "path": "f/jobs/moved"}, 200)
        await server.post(f"jobs_u/flow/resume_suspended/{waits[0]['job_id']}", {"approved": True})
        assert (await server.ended(job))["result"] == "old"


async def test_a_job_knows_a_place_for_files_its_workers_and_who_wanted_it(server: Live) -> None:
    code = "import os\ndef main():\n    return [os.environ['WM_' + n] for n in ('OBJECT_PATH', 'WORKER_GROUP', 'END_USER_EMAIL')]\n"
    loop = {"type": "forloopflow", "iterator": {"type": "javascript", "expr": "[1, 2]"}, "skip_failures": False}
    job = await previewed(server, {"id": "l", "value": {**loop, "modules": [python("a", code)]}})
    (one, group, email), (two, *_) = (await server.ended(job))["result"]
    assert one != two
    assert one.startswith("u_admin/a/")
    assert (group, email) == ("default", (await server.get(f"jobs_u/get/{job}"))["email"])


async def test_a_failed_iteration_and_its_error_handler(server: Live) -> None:
    fails = python("b", "def main(v):\n    assert v != 2, 'two'\n    return v\n", v="flow_input.iter.value")
    loop = {"type": "forloopflow", "iterator": {"type": "javascript", "expr": "[1, 2, 3]"}, "skip_failures": True}
    job = await previewed(
        server,
        {"id": "loop", "value": {**loop, "modules": [fails]}},
        python("z", "def main():\n    raise ValueError('late')\n"),
        failure_module=python("failure", "def main(e):\n    return e['message']\n", e="error"),
    )
    found = await server.ended(job)
    status = found["flow_status"]
    assert status["modules"][0]["flow_jobs_success"] == [True, False, True]
    assert [module["type"] for module in status["modules"]] == ["Success", "Failure"]
    failure = status["failure_module"]
    assert (failure["type"], failure["parent_module"], status["step"]) == ("Success", "z", 2)
    assert (found["success"], found["result"]) == (False, "late")


async def test_logs_come_while_a_job_runs_and_end_with_it(server: Live) -> None:
    code = "import time\n\ndef main():\n    for i in range(3):\n        print('line', i, '😀', flush=True)\n        time.sleep(0.6)\n"
    body = {"content": code, "language": "python3", "args": {}}
    job = (await server.post("jobs/run/preview", body)).text
    text, offset, running, answers = "", 0, False, 0
    async with asyncio.timeout(30):
        while True:
            where = f"jobs_u/getupdate/{job}?running={str(running).lower()}&log_offset={offset}"
            found = await server.get(where)
            answers += 1
            text += found["new_logs"] or ""
            offset, running = found["log_offset"], found["running"]
            if found["completed"]:
                break
    assert text == "".join(f"line {i} 😀\n" for i in range(3))
    assert offset == len(text.encode("utf-16-le")) // 2
    assert answers < 40, "answers without news are held back"
    async with server.client.stream("GET", f"{W}/jobs_u/getupdate_sse/{job}?only_result=true") as stream:
        lines = [json.loads(line[6:]) async for line in stream.aiter_lines() if line.startswith("data: ")]
    assert "".join(line["new_logs"] or "" for line in lines) == text
    assert (lines[-1]["completed"], lines[-1]["only_result"]) == (True, None)


async def test_early_return_answers_and_the_flow_goes_on(server: Live) -> None:
    slow = python("b", "import time\n\ndef main():\n    time.sleep(6)\n    return 'late'\n")
    value = {"modules": [python("a", "def main():\n    return {'id': 7}\n"), slow], "early_return": "a"}
    answer = await server.client.post(f"{W}/jobs/run_wait_result/preview_flow", json={"value": value})
    assert (answer.status_code, answer.json()) == (200, {"id": 7})
    (job,) = await server.get("jobs/queue/list?job_kinds=flowpreview")
    assert (await server.ended(job["id"]))["result"] == "late"


async def test_a_run_for_later_begins_by_itself(server: Live) -> None:
    body = {"content": "def main():\n    return 'ran'\n", "language": "python3", "args": {}}
    job = (await server.post("jobs/run/preview?scheduled_in_secs=1.5", body)).text
    before = await server.get(f"jobs_u/get/{job}")
    assert (before["running"], before["type"]) == (False, "QueuedJob")
    found = await server.ended(job)
    assert found["result"] == "ran"
    assert found["started_at"] >= before["scheduled_for"]


async def test_a_webhook_with_a_preprocessor(server: Live) -> None:
    preprocessor = python(
        "preprocessor", "def preprocessor(event):\n    return {'n': event['body']['n'], 'q': event['query']['q']}\n"
    )
    value = {
        "modules": [python("a", "def main(n, q):\n    return [n, q]\n", n="flow_input.n", q="flow_input.q")],
        "preprocessor_module": preprocessor,
    }
    await server.post("flows/create", {"path": "f/jobs/hook", "summary": "", "value": value})
    answer = await server.client.post(f"{W}/jobs/run_wait_result/f/f/jobs/hook?q=x", json={"n": 3})
    assert (answer.status_code, answer.json()) == (200, [3, "x"])
    plain = await server.client.post(
        f"{W}/jobs/run_wait_result/f/f/jobs/hook?skip_preprocessor=true", json={"n": 1, "q": 2}
    )
    assert plain.json() == [1, 2]


async def test_a_script_with_a_preprocessor_of_its_own(server: Live) -> None:
    code = "def preprocessor(event):\n    return {'n': event['body']['raw']}\n\ndef main(n):\n    return n + 1\n"
    script = {"path": "f/jobs/hooked", "summary": "", "description": "", "content": code, "language": "python3"}
    await server.post("scripts/create", script)
    answer = await server.client.post(f"{W}/jobs/run_wait_result/p/f/jobs/hooked", json={"raw": 4})
    assert (answer.status_code, answer.json()) == (200, 5), answer.text


async def test_restart_inside_of_a_loop_with_other_arguments(server: Live) -> None:
    code = "import uuid\n\ndef main(v, k):\n    return [v, k, str(uuid.uuid4())]\n"
    body = [python("b", code, v="flow_input.iter.value", k="flow_input.k")]
    loop = {"type": "forloopflow", "iterator": {"type": "javascript", "expr": "[0, 1, 2]"}, "skip_failures": False}
    value = {"modules": [{"id": "loop", "value": {**loop, "modules": body}}]}
    sent = {"value": value, "args": {"k": "old"}}
    job = (await server.post("jobs/run/preview_flow", sent)).text
    before = (await server.ended(job))["result"]
    wanted = {"step_id": "loop", "branch_or_iteration_n": 2, "args": {"k": "new"}}
    after = (await server.ended((await server.post(f"jobs/restart/f/{job}", wanted)).text))["result"]
    assert after[:2] == before[:2]
    assert after[2][:2] == [2, "new"]


async def test_cancel_ends_what_runs(server: Live) -> None:
    code = "import subprocess\n\ndef main():\n    subprocess.run(['sleep', '610'])\n"
    job = await previewed(server, python("a", code))
    while (await server.get(f"jobs_u/get/{job}"))["flow_status"]["modules"][0]["type"] != "InProgress":
        await asyncio.sleep(0.05)
    await server.post(f"jobs_u/queue/cancel/{job}", {"reason": "stop"}, 200)
    found = await server.ended(job)
    assert (found["canceled"], found["success"], found["flow_status"]["modules"][0]["type"]) == (True, False, "Failure")


async def test_a_stored_script_has_variables_of_its_own(server: Live) -> None:
    code = "import os\ndef main():\n    return [os.environ['COLOR'], os.environ['WM_JOB_ID'] != 'x']\n"
    body = {"path": "f/jobs/colored", "summary": "", "description": "", "content": code, "language": "python3"}
    for wrong in (["PATH=/tmp"], ["WM_JOB_ID=x"], ["LD_PRELOAD=x"], ["COLOR"], "COLOR=red"):
        answer = await server.client.post(f"{W}/scripts/create", json={**body, "envs": wrong})
        assert answer.status_code == 400, answer.text
    await server.post("scripts/create", {**body, "envs": ["COLOR=red=blue"]})
    job = (await server.post("jobs/run/p/f/jobs/colored", {})).text
    assert (await server.ended(job))["result"] == ["red=blue", True]


async def test_of_starts_of_a_debounced_script_the_last_one_goes(server: Live) -> None:
    body = {"path": "f/jobs/calm", "summary": "", "description": "", "language": "python3"}
    code = "def main(n, m=0):\n    return n\n"
    debouncing = {"debounce_delay_s": 1, "debounce_key": "calm", "debounce_args_to_accumulate": ["n"]}
    await server.post("scripts/create", {**body, "content": code, **debouncing})
    one, two = [(await server.post("jobs/run/p/f/jobs/calm", {"n": [n]})).text for n in (1, 2)]
    assert (await server.ended(two))["result"] == [1, 2]
    assert (await server.ended(one))["result"] == {"debounced_by": two}
