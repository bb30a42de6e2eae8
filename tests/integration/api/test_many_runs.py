"""Several runs at once: each is judged by itself, and what is left out is said."""

from __future__ import annotations

import pytest

from flowapp.access.identity import Identity
from flowapp.workspace.errors import BadRequest
from tests.integration.api.api_server import CHAIN, Server
from tests.integration.api.test_api_opened_runs import run_of_flow


def admin() -> Identity:
    return Identity("main", "admin@example.com", "admin", "admin")


async def test_runs_that_are_over_are_not_cancelled(server: Server) -> None:
    server.engine.answers = {"a": [7], "b": 1}
    over = await run_of_flow(server)
    server.engine.hold = True
    running = [await run_of_flow(server), await run_of_flow(server)]
    outcome = await server.workspace.many_runs.cancel(admin(), [over, *running, "nope"])
    assert (outcome.done, len(outcome.refused)) == (2, 1)
    assert sorted(server.engine.cancelled) == sorted(running)


async def test_flows_run_again_on_their_input_and_cells_do_not(server: Server) -> None:
    server.engine.answers = {"a": [7], "b": 1}
    flow = await run_of_flow(server)
    draft = await server.draft(CHAIN)
    cells = {cell["step_id"]: cell["id"] for cell in (await server.notebook(draft))["cells"]}
    of_cells = (await server.run(draft, cells["a"]))["run_id"]
    outcome = await server.workspace.many_runs.again(admin(), [flow, of_cells])
    assert outcome.done == 1 and "Cells" in outcome.refused[0]
    again = server.engine.started[-1]
    args = (await server.client.get(f"/api/w/main/runs/{again}/raw", params={"side": "args"})).json()
    assert args == {"n": 7}


async def test_at_most_a_hundred(server: Server) -> None:
    with pytest.raises(BadRequest):
        await server.workspace.many_runs.again(admin(), ["x"] * 101)
