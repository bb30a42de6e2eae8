"""Running one chosen iteration of a loop from the notebook: real engine, real processes, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowapp.jsontext import loads
from flowapp.store import drafts
from flowapp.workspace import stand_ins
from tests.integration.api.api_product import DRAFTS, Product, opened_product
from tests.integration.api.api_server import flow_of, js, script

STAMP = "import time\n\ndef main(x):\n    return [x, time.time_ns()]\n"


@pytest.fixture
async def on_each(tmp_path: Path, store_url: str) -> AsyncIterator[Product]:
    """The whole server, on each database."""
    async with opened_product(tmp_path, idle_runners=2, database_url=store_url) as made:
        yield made


def looped(*, iterator: str = "results.a", kind: str = "forloopflow") -> dict[str, Any]:
    inner = [
        script("b", STAMP, x=js("flow_input.iter.value")),
        script("c", "def main(x):\n    return x[0] * 10\n", x=js("results.b")),
    ]
    loop = {"type": kind, "modules": inner, "skip_failures": False}
    loop |= {"iterator": js(iterator)} if kind == "forloopflow" else {}
    return flow_of(
        script("a", "def main():\n    return [1, 2, 3]\n"),
        {"id": "l", "value": loop},
        script("d", "def main(x):\n    return sum(x)\n", x=js("results.l")),
    )


async def states(product: Product, draft: str) -> dict[str, str]:
    return {step: shown["state"]["kind"] for step, shown in (await product.cells(draft)).items()}


async def listed(product: Product, draft: str, cell: str, **more: Any) -> Any:
    answer = await product.client.get(f"{DRAFTS}/{draft}/iterations", params={"cell": cell, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_runs_the_cells_for_that_item_on_the_results_above_and_leaves_the_loop_alone(product: Product) -> None:
    draft, cell = await product.draft(looped())
    await product.run(draft, cells=[cell["d"]])
    before = await product.cells(draft)
    code = {"op": "set_code", "cell": cell["c"], "code": "def main(x):\n    return x[0] * 100\n"}
    detail = await product.run(draft, cells=[cell["l"]], iteration=1, ops=[code])

    assert detail["run"]["status"] == "success"
    assert detail["run"]["summary"].endswith("l (iteration 2)")
    # a is there, and what b gave for this item was kept from the whole run
    assert {step["path"]: step["status"] for step in detail["steps"]} == {
        "l": "success",
        "l[1].b": "reused",
        "l[1].c": "success",
    }
    cells = await product.cells(draft)
    assert cells["c"]["output"]["title_text"] == "200"
    assert cells["c"]["state"]["text"].startswith("Iteration 2: done")
    assert (cells["b"]["state"]["kind"], cells["b"]["state"]["iteration"]) == ("reused", 1)
    assert cells["b"]["state"]["text"].startswith("Iteration 2: reused")
    # the whole loop is as out of date as the edit made it, with the result of its last whole run
    assert await states(product, draft) == {"a": "fresh", "l": "stale", "b": "reused", "c": "fresh", "d": "stale"}
    assert cells["l"]["output"] == before["l"]["output"]
    assert cells["l"]["state"]["causes"] == [
        {"kind": "code", "cell": cell["c"], "step_id": "c", "text": "c changed"},
    ]
    assert [child["v"] for child in cells["l"]["output"]["node"]["c"]] == [10, 20, 30]

    found = await listed(product, draft, cell["l"])
    assert (found["total"], found["items"]) == (
        3,
        [
            {"index": 0, "status": "success"},
            {"index": 1, "status": "success", "run_number": 2},
            {"index": 2, "status": "success"},
        ],
    )
    shown = [(await listed(product, draft, cell["l"], index=index))["outputs"][cell["c"]] for index in range(3)]
    assert [output["title_text"] for output in shown] == ["10", "200", "30"]

    # the whole loop takes what the iteration gave, and puts its own in the place of it
    whole = await product.run(draft, cells=[cell["l"]])
    statuses = {step["path"]: step["status"] for step in whole["steps"]}
    assert (statuses["l[1].c"], statuses["l[0].c"]) == ("reused", "success")
    cells = await product.cells(draft)
    assert [child["v"] for child in cells["l"]["output"]["node"]["c"]] == [100, 200, 300]
    assert not any("iteration" in shown["state"] for shown in cells.values())
    assert all("run_number" not in item for item in (await listed(product, draft, cell["l"]))["items"])


async def test_a_loop_that_never_ran_runs_what_it_reads_first_and_has_not_run_afterwards(product: Product) -> None:
    draft, cell = await product.draft(looped())
    detail = await product.run(draft, cells=[cell["l"]], iteration=2)
    assert {step["path"] for step in detail["steps"]} == {"a", "l", "l[2].b", "l[2].c"}
    assert await states(product, draft) == {"a": "fresh", "l": "never", "b": "fresh", "c": "fresh", "d": "never"}
    assert (await product.cells(draft))["l"]["output"] is None
    found = await listed(product, draft, cell["l"])
    assert (found["run_id"], found["total"]) == (None, 0)
    assert found["items"] == [{"index": 2, "status": "success", "run_number": 1}]
    # nothing takes the one iteration for the loop's result
    whole = await product.run(draft, cells=[cell["d"]])
    assert {step["path"] for step in whole["steps"]} > {"l[0].c", "l[1].c", "d"}
    assert (await product.cells(draft))["d"]["output"]["title_text"] == "60"


async def test_an_iteration_that_is_current_is_computed_again_on_request(product: Product) -> None:
    draft, cell = await product.draft(looped())
    stamps = set()
    for _ in range(2):
        await product.run(draft, cells=[cell["l"]], iteration=0)
        stamps.add(str((await product.cells(draft))["b"]["output"]["node"]["c"][1]["v"]))
    assert len(stamps) == 2
    assert (await product.cells(draft))["b"]["state"]["ran_because"] == ["it was run although it was up to date"]
    await product.run(draft, cells=[cell["l"]], iteration=1)
    code = {"op": "set_code", "cell": cell["c"], "code": "def main(x):\n    return 0\n"}
    detail = await product.run(draft, cells=[cell["l"]], iteration=1, ops=[code])
    assert {s["path"]: s["status"] for s in detail["steps"]}["l[1].b"] == "reused", "only c was out of date"
    assert (await product.cells(draft))["c"]["state"]["ran_because"] == ["code changed"]


async def test_one_under_way_is_not_listed_and_hides_none_that_is_done(on_each: Product) -> None:
    product = on_each
    draft, cell = await product.draft(looped())
    await product.run(draft, cells=[cell["l"]])
    code = {"op": "set_code", "cell": cell["c"], "code": "def main(x):\n    return x[0] * 100\n"}
    await product.run(draft, cells=[cell["l"]], iteration=1, ops=[code])
    done = await listed(product, draft, cell["l"])
    shown = await listed(product, draft, cell["l"], index=1)
    assert done["items"][1] == {"index": 1, "status": "success", "run_number": 2}
    assert shown["outputs"][cell["c"]]["title_text"] == "200"

    wait = {"op": "set_setting", "cell": cell["b"], "key": "suspend", "value": {"required_events": 1}}
    body = {"client": "page", "cells": [cell["l"]], "ops": [wait]}
    for index in (0, 1):
        started = await product.client.post(f"{DRAFTS}/{draft}/run", json={**body, "iteration": index})
        assert started.status_code == 200, started.text
        run = f"/api/w/main/runs/{started.json()['run_id']}"
        while (await product.client.get(run)).json()["run"]["status"] != "suspended":
            await asyncio.sleep(0.05)
        assert await listed(product, draft, cell["l"]) == done
        assert (await listed(product, draft, cell["l"], index=1))["run_id"] == shown["run_id"]
        await product.client.post(f"{DRAFTS}/{draft}/cancel")
        await product.ended(started.json()["run_id"])
        done = await listed(product, draft, cell["l"])


async def test_an_item_that_is_gone_fails_and_says_so(product: Product) -> None:
    draft, cell = await product.draft(looped())
    await product.run(draft, cells=[cell["l"]])
    before = await product.cells(draft)
    detail = await product.run(draft, cells=[cell["l"]], iteration=9)
    assert detail["run"]["error"]["message"] == "There is no iteration 10 of l: its iterator gives 3 items"
    assert {step: (s["state"], s["output"]) for step, s in (await product.cells(draft)).items()} == {
        step: (s["state"], s["output"]) for step, s in before.items()
    }


async def test_an_item_that_is_gone_is_not_listed(on_each: Product) -> None:
    product = on_each
    draft, cell = await product.draft(looped())
    await product.run(draft, cells=[cell["l"]])
    before = await listed(product, draft, cell["l"])
    for index in (3, 500):
        await product.run(draft, cells=[cell["l"]], iteration=index)
        assert await listed(product, draft, cell["l"]) == before


async def test_a_failure_is_that_of_the_cell_in_it(product: Product) -> None:
    draft, cell = await product.draft(looped())
    await product.run(draft, cells=[cell["l"]])
    code = {"op": "set_code", "cell": cell["b"], "code": "def main(x):\n    raise ValueError(x)\n"}
    await product.run(draft, cells=[cell["l"]], iteration=1, ops=[code])
    cells = await product.cells(draft)
    assert cells["b"]["state"]["text"] == "Iteration 2: failed at line 2"
    assert (cells["l"]["state"]["kind"], cells["c"]["state"]["kind"]) == ("stale", "stale")
    assert [item["status"] for item in (await listed(product, draft, cell["l"]))["items"]] == [
        "success",
        "failure",
        "success",
    ]


async def test_what_a_forgotten_loop_had_alone_is_forgotten_too(product: Product) -> None:
    draft, cell = await product.draft(looped())
    await product.run(draft, cells=[cell["l"]], iteration=1)
    answer = await product.client.post(f"{DRAFTS}/{draft}/forget", json={"cells": [cell["l"]], "client": "page"})
    assert answer.status_code == 200
    assert (await listed(product, draft, cell["l"]))["items"] == []
    assert {(await states(product, draft))[step] for step in "lbc"} == {"never"}


async def test_its_result_is_no_stand_in_of_the_loop(product: Product) -> None:
    draft, cell = await product.draft(looped())
    await product.run(draft, cells=[cell["l"]])
    one = (await product.run(draft, cells=[cell["l"]], iteration=1))["run"]["id"]

    async def offered(step: str) -> list[tuple[int, str]]:
        answer = await product.client.get(f"{DRAFTS}/{draft}/results", params={"cell": cell[step]})
        return [(line["run_number"], line["path"]) for line in answer.json()]

    assert await offered("l") == [(1, "l")], "one item is not what readers of the loop get"
    assert (2, "l[1].c") in await offered("c")
    body = {"client": "page", "cell": cell["l"], "name": "one", "run_id": one, "path": "l"}
    kept = await product.client.post(f"{DRAFTS}/{draft}/stand_ins", json=body)
    assert kept.status_code == 404
    assert kept.json()["error"]["message"] == "In that run only one iteration of the loop ran."
    kept = await product.client.post(f"{DRAFTS}/{draft}/stand_ins", json={**body, "cell": cell["c"], "path": "l[1].c"})
    assert kept.status_code == 200


async def test_many_of_them_leave_room_for_runs_of_the_whole_loop(
    on_each: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = on_each
    monkeypatch.setattr(stand_ins, "LOOKED_AT", 1)
    draft, cell = await product.draft(looped())
    await product.run(draft, cells=[cell["l"]])
    one = (await product.run(draft, cells=[cell["l"]], iteration=0))["run"]["id"]
    answer = await product.client.get(f"{DRAFTS}/{draft}/results", params={"cell": cell["l"]})
    assert [(line["run_number"], line["path"]) for line in answer.json()] == [(1, "l")]
    body = {"client": "page", "cell": cell["l"], "name": "one", "run_id": one, "path": "l"}
    assert (await product.client.post(f"{DRAFTS}/{draft}/stand_ins", json=body)).status_code == 404


async def test_the_status_of_its_job_says_of_no_other_iteration_that_it_went_well(product: Product) -> None:
    draft, cell = await product.draft(looped())
    detail = await product.run(draft, cells=[cell["l"]], iteration=2)
    job = (await product.client.get(f"/api/w/main/jobs_u/get/{detail['run']['id']}")).json()
    loop = next(module for module in job["flow_status"]["modules"] if module["id"] == "l")
    assert loop["flow_jobs_success"] == [None, None, True]
    assert loop["flow_jobs_duration"]["started_at"][:2] == [None, None]


async def test_effects_outside_are_asked_about(product: Product) -> None:
    draft, cell = await product.draft(looped())
    mark = {"op": "set_beside", "cell": cell["c"], "key": "outside_effects", "value": True}
    await product.run(draft, cells=[cell["l"]], iteration=0, ops=[mark])
    body = {"client": "page", "cells": [cell["l"]], "iteration": 0}
    asked = await product.client.post(f"{DRAFTS}/{draft}/run", json=body)
    assert asked.status_code == 409
    assert asked.json()["error"]["cells"] == [cell["c"]]
    await product.run(draft, cells=[cell["l"]], iteration=0, confirmed=[cell["c"]])


@pytest.mark.parametrize(
    ("cells", "more", "message"),
    [
        (["a"], {"iteration": 0}, "Only one loop has an iteration to choose."),
        (["b"], {"iteration": 0}, "Only one loop has an iteration to choose."),
        (["l", "a"], {"iteration": 0}, "Only one loop has an iteration to choose."),
        ([], {"iteration": 0}, "Only one loop has an iteration to choose."),
        (["l"], {"iteration": 0, "mode": "all"}, "An iteration cannot be run in the mode 'all'."),
        (["l"], {"iteration": -1}, "iteration must be a whole number from 0 on."),
        (["l"], {"iteration": True}, "iteration must be a whole number from 0 on."),
        (["l"], {"iteration": "1"}, "iteration must be a whole number from 0 on."),
        (["l"], {"iteration": 1 << 60}, "iteration must be a whole number from 0 on."),
    ],
)
async def test_what_has_no_iteration_to_choose(
    product: Product, cells: list[str], more: dict[str, Any], message: str
) -> None:
    draft, cell = await product.draft(looped())
    body = {"client": "page", "cells": [cell[step] for step in cells], **more}
    answer = await product.client.post(f"{DRAFTS}/{draft}/run", json=body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)


async def test_an_iteration_of_a_while_loop_needs_none_before_it_and_is_not_the_loop(on_each: Product) -> None:
    product = on_each
    flow = looped(kind="whileloopflow")
    loop = flow["value"]["modules"][1]
    loop["stop_after_if"] = {"expr": "result >= 10", "skip_if_stopped": False}
    first = script("p", "def main(x):\n    return sorted(x)\n", x=js("previous_result"))
    loop["value"]["modules"].insert(0, first)
    draft, cell = await product.draft(flow)
    detail = await product.run(draft, cells=[cell["l"]], iteration=4)
    assert {step["path"]: step["status"] for step in detail["steps"]} == {
        "l": "success",
        "l[4].p": "success",
        "l[4].b": "success",
        "l[4].c": "success",
    }
    cells = await product.cells(draft)
    assert cells["c"]["output"]["title_text"] == "40", "iter.value is the index"
    assert cells["c"]["state"]["text"].startswith("Iteration 5: done")
    # the first cell gets the arguments, as in every iteration of a whole run: nothing of the iteration before
    assert [child["v"] for child in cells["p"]["output"]["node"]["c"]] == ["iter"]
    assert (cells["l"]["state"]["kind"], cells["l"]["output"]) == ("never", None)
    found = await listed(product, draft, cell["l"])
    assert (found["total"], found["items"]) == (0, [{"index": 4, "status": "success", "run_number": 1}])
    # a whole run begins at the first iteration and stops where it says
    whole = await product.run(draft, cells=[cell["l"]])
    assert {step["path"] for step in whole["steps"]} >= {"l[0].c", "l[1].c"}
    assert "l[2].c" not in {step["path"] for step in whole["steps"]}
    cells = await product.cells(draft)
    assert [child["v"] for child in cells["l"]["output"]["node"]["c"]] == [0, 10]
    assert "iteration" not in cells["c"]["state"]
    # another one is asked for again: it is reused from neither of them, and one that was is
    again = await product.run(draft, cells=[cell["l"]], iteration=1)
    assert {step["path"]: step["status"] for step in again["steps"]}["l[1].c"] == "success", "it was up to date"
    assert (await product.cells(draft))["c"]["state"]["iteration"] == 1
    code = {"op": "set_code", "cell": cell["c"], "code": "def main(x):\n    return x[0] * 100\n"}
    edited = await product.run(draft, cells=[cell["l"]], iteration=1, ops=[code])
    statuses = {step["path"]: step["status"] for step in edited["steps"]}
    assert (statuses["l[1].b"], statuses["l[1].c"]) == ("reused", "success")
    cells = await product.cells(draft)
    assert (cells["c"]["output"]["title_text"], cells["l"]["state"]["kind"]) == ("100", "stale")


async def test_a_while_loop_has_only_so_many(product: Product) -> None:
    draft, cell = await product.draft(looped(kind="whileloopflow"))
    detail = await product.run(draft, cells=[cell["l"]], iteration=100_000)
    assert detail["run"]["error"]["message"] == "There is no iteration 100001 of l: a while loop has at most 100000"
    assert {step["path"] for step in detail["steps"]} == {"l"}
    assert (await listed(product, draft, cell["l"]))["items"] == []


async def test_a_loop_in_a_loop_has_none(product: Product) -> None:
    flow = looped()
    body = {"client": "page", "iteration": 0}
    inner = {"id": "m", "value": {"type": "forloopflow", "iterator": js("[1]"), "modules": []}}
    flow["value"]["modules"][1]["value"]["modules"].append(inner)
    draft, cell = await product.draft(flow)
    answer = await product.client.post(f"{DRAFTS}/{draft}/run", json={**body, "cells": [cell["m"]]})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "m runs with l: its iterations cannot be run by themselves."


async def test_a_server_that_takes_up_the_run_knows_that_it_is_of_one_iteration(product: Product) -> None:
    """What a later process reads of the run's row is what the first one had."""
    draft, cell = await product.draft(looped())
    observer = product.workspace.observer
    detail = await product.run(draft, cells=[cell["l"]], iteration=1)
    run = await product.workspace.store.runs.get(detail["run"]["id"])
    assert run is not None
    restored = await product.workspace.store.database.read(lambda connection: observer._restore(connection, run))
    assert restored is not None and restored.chosen is not None
    assert (restored.chosen.cell, restored.chosen.index) == (cell["l"], 1)
    records = await product.workspace.store.database.read(lambda connection: drafts.records(connection, draft))
    assert cell["l"] not in records
    assert loads(records[cell["b"]])["iteration"]["index"] == 1
