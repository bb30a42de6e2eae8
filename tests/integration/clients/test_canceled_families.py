"""A run with many children in real processes: canceled, all of them are over, long before they would be."""

from __future__ import annotations

import asyncio

import pytest

from flowapp.store.runs import FINISHED
from flowapp.store.tables import JobRow, RunRow
from tests.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHILDREN, EACH = 20, 5
SLOW = "import time\n\ndef main():\n    time.sleep(3000)\n"
#: starts jobs of its own, as any client does, and stays
STARTS = f"""
import os, time, urllib.request

def main():
    job = os.environ["WM_JOB_ID"]
    for _ in range({EACH}):
        address = f"{{os.environ['BASE_INTERNAL_URL']}}/api/w/main/jobs/run/p/f/family/slow?parent_job={{job}}"
        head = {{"authorization": f"Bearer {{os.environ['WM_TOKEN']}}", "content-type": "application/json"}}
        urllib.request.urlopen(urllib.request.Request(address, b"{{}}", head, method="POST")).read()
    time.sleep(3000)
"""


async def made(server: Live) -> str:
    """A run: a parallel loop of inner flows, in each a parallel branch whose job has started children."""
    script = {"path": "f/family/slow", "summary": "", "description": "", "content": SLOW, "language": "python3"}
    await server.post("scripts/create", script)
    starts = {"type": "rawscript", "content": STARTS, "language": "python3", "input_transforms": {}}
    waits = {"type": "rawscript", "content": SLOW, "language": "python3", "input_transforms": {}}
    branches = [{"modules": [{"id": name, "value": value}]} for name, value in (("s", starts), ("w", waits))]
    inner = {"modules": [{"id": "both", "value": {"type": "branchall", "parallel": True, "branches": branches}}]}
    await server.post("flows/create", {"path": "f/family/inner", "summary": "", "value": inner})
    call = {"id": "call", "value": {"type": "flow", "path": "f/family/inner", "input_transforms": {}}}
    items = {"type": "javascript", "expr": str(list(range(CHILDREN // EACH)))}
    loop = {"type": "forloopflow", "iterator": items, "parallel": True, "skip_failures": False, "modules": [call]}
    sent = {"value": {"modules": [{"id": "loop", "value": loop}]}, "args": {}}
    return (await server.post("jobs/run/preview_flow", sent)).text


async def family(server: Live) -> tuple[list[RunRow], list[JobRow]]:
    """All runs and their steps."""
    store = server.services.workspace.store
    runs = await store.runs.page("main", limit=100)
    return runs, [step for run in runs for step in await store.runs.steps(run.id)]


def at_work(runs: list[RunRow], steps: list[JobRow]) -> bool:
    """Whether every job that there will be is in its process."""
    jobs = [step for step in steps if step.kind in ("script", "rawscript")]
    return len(runs) == 1 + CHILDREN and len(jobs) == CHILDREN + 2 * CHILDREN // EACH


async def test_all_of_a_run_with_twenty_children_is_over(server: Live) -> None:
    job = await made(server)
    async with asyncio.timeout(60):
        while not at_work(*await family(server)):
            await asyncio.sleep(0.05)
    await server.post(f"jobs_u/queue/cancel/{job}", {"reason": "stop"}, 200)
    async with asyncio.timeout(60):
        while any(run.status not in FINISHED for run in (await family(server))[0]):
            await asyncio.sleep(0.05)
    rows = [row for part in await family(server) for row in part]
    assert {row.status for row in rows} == {"canceled"}
