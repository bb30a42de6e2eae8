"""How far a step says it is, as pages are told: in the run, in the state of its cell, and by events."""

from __future__ import annotations

import asyncio
from typing import Any

from flowapp.store.clock import now
from flowapp.store.runs import job_id
from flowapp.store.tables import JobRow
from tests.integration.api.api_server import CHAIN, Server

W = "/api/w/main"


async def store_row(server: Server, run: str, status: str, attempt: int = 1) -> None:
    """The row of step a, as the engine writes it when the step takes long."""
    row = JobRow(
        run_id=run,
        path="a",
        id=job_id(run, "a"),
        workspace="main",
        step_id="a",
        kind="rawscript",
        language="python3",
        status=status,
        attempt=attempt,
        started_at=now(),
        ended_at=now() if status == "success" else None,
    )
    store = server.workspace.store
    await store.database.write(lambda c: store.runs.put_job(c, row.model_dump(), "test"))


async def test_pages_are_told_how_far_a_running_step_is(server: Server) -> None:
    server.engine.hold = True
    draft = await server.draft(CHAIN)
    cell = (await server.notebook(draft))["cells"][0]["id"]
    run = (await server.run(draft, cell))["run_id"]
    await server.engine.begin(run, "a")
    await store_row(server, run, "running")
    job = job_id(run, "a")

    async def shown() -> tuple[Any, Any, Any]:
        (step,) = (await server.client.get(f"{W}/runs/{run}")).json()["steps"]
        state = (await server.notebook(draft))["cells"][0]["state"]
        known = (await server.client.get(f"{W}/job_metrics/get_progress/{job}")).json()
        return step.get("progress"), state.get("progress"), known

    assert await shown() == (None, None, None)
    told = server.workspace.store.events.subscribe([f"run:{run}", f"draft:{draft}"])
    for percent in (0, 40):
        body = {"percent": percent, "flow_job_id": run}
        assert (await server.client.post(f"{W}/job_metrics/set_progress/{job}", json=body)).status_code == 200
        assert await shown() == (percent, percent, percent)
    seen: list[Any] = []
    async with asyncio.timeout(10):
        while len(seen) < 4:
            event = await anext(told)
            if event.type == "progress":
                seen.append((event.topic, event.data["path"], event.data["percent"]))
            elif event.type == "state" and "progress" in event.data["state"]:
                seen.append((event.topic, event.data["cell"], event.data["state"]["progress"]))
    told.close()
    assert sorted(seen) == sorted(
        [(f"run:{run}", "a", 0), (f"draft:{draft}", cell, 0), (f"run:{run}", "a", 40), (f"draft:{draft}", cell, 40)]
    )

    await store_row(server, run, "running", attempt=2)  # it is tried again, and has not said anything yet
    assert await shown() == (None, 40, None)
    await server.engine.begin(run, "a")
    assert await shown() == (None, None, None)
    await server.client.post(f"{W}/job_metrics/set_progress/{job}", json={"percent": 70})
    await store_row(server, run, "success", attempt=2)
    (step,) = (await server.client.get(f"{W}/runs/{run}")).json()["steps"]
    assert "progress" not in step  # it is over


async def test_a_run_says_its_own(server: Server) -> None:
    body = {"path": "f/team/far", "summary": "Far", "value": CHAIN["value"], "schema": CHAIN["schema"]}
    await server.client.post(f"{W}/flows/create", json=body)
    server.engine.hold = True
    run = (await server.client.post(f"{W}/jobs/run/f/f/team/far", json={"n": 1})).text
    assert "progress" not in (await server.client.get(f"{W}/runs/{run}")).json()["run"]
    assert (await server.client.post(f"{W}/job_metrics/set_progress/{run}", json={"percent": 25})).status_code == 200
    assert (await server.client.get(f"{W}/runs/{run}")).json()["run"]["progress"] == 25
