"""A server killed while a workflow as code goes on: the next one finishes it, and no task or step that had ended runs again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live import TOKEN, W

PROGRAM = Path(__file__).with_name("workflow_server.py")
CODE = """
import asyncio, time, uuid, wmill
from wmill import parallel, sleep, step, task, workflow

@task
def named():
    return str(uuid.uuid4())

@task
def waits(x: int):
    while wmill.get_variable("u/admin/go") != "yes":
        time.sleep(0.05)
    return x

@workflow
async def main():
    first = await named()
    inline = await step("inline", lambda: str(uuid.uuid4()))
    both, slow = await asyncio.gather(named(), waits(1))
    await sleep(1)
    return [first, inline, both, slow]
"""


@contextlib.asynccontextmanager
async def serving(*arguments: str) -> AsyncIterator[tuple[int, httpx.AsyncClient]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), *arguments, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip()
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
            yield process.pid, client
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until(found: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(60):
        while not (value := await found()):
            await asyncio.sleep(0.02)
    return value


async def steps(client: httpx.AsyncClient, job: str) -> dict[str, Any]:
    answer = await client.get(f"{W}/runs/{job}")
    return {each["path"]: each for each in answer.json()["steps"]}


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
async def test_kill_9_between_the_tasks_of_a_workflow(
    tmp_path: Path, where: str, request: pytest.FixtureRequest
) -> None:
    database = [] if where == "sqlite" else [request.getfixturevalue("postgres_database")]
    arguments = [str(tmp_path / "home"), *database]
    async with serving(*arguments) as (pid, client):
        variable = {"path": "u/admin/go", "value": "no", "is_secret": False, "description": ""}
        assert (await client.post(f"{W}/variables/create", json=variable)).status_code == 201
        body = {"content": CODE, "language": "python3", "args": {}}
        job = (await client.post(f"{W}/jobs/run/preview", json=body)).text

        async def at_work() -> Any:
            found = await steps(client, job)
            ended = found.get("a/named_2", {}).get("status") == "success"
            return found if ended and "a/waits" in found else None

        before = await until(at_work)
        os.kill(pid, signal.SIGKILL)
    async with serving(*arguments) as (_, client):
        changed = await client.post(f"{W}/variables/update/u/admin/go", json={"value": "yes"})
        assert changed.status_code == 200

        async def over() -> Any:
            found = (await client.get(f"{W}/jobs_u/get/{job}")).json()
            return found if found["type"] == "CompletedJob" else None

        done = await until(over)
        after = await steps(client, job)
        results = [
            (await client.get(f"{W}/jobs_u/completed/get_result/{before[path]['id']}")).json()
            for path in ("a/named", "a/inline", "a/named_2")
        ]
    assert done["success"], done["result"]
    assert done["result"] == [*results, 1]
    assert {path: each["status"] for path, each in after.items()} == {
        **dict.fromkeys(("a", "a/named", "a/inline", "a/named_2", "a/waits", "a/sleep"), "success")
    }
    for path in ("a/named", "a/inline", "a/named_2"):
        assert after[path]["ended_at"] == before[path]["ended_at"]
