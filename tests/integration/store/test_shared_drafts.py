"""Two servers on one PostgreSQL database, and one notebook that is open on both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from flowapp.expressions.evaluator import Evaluator
from flowapp.settings import Settings
from flowapp.store.events import Event, Subscription
from flowapp.store.key_check import SecretKeyDiffers
from flowapp.store.runs import job_id
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow
from flowapp.workspace.app import Workspace
from flowapp.workspace.open_drafts import OpenDraft
from tests.integration.api.api_server import CHAIN, TOKEN, Runtimes, ScriptedEngine, Server

SECRET = "the same secret key on every server, long enough"


@pytest.fixture
async def servers(tmp_path: Path, postgres_database: str) -> AsyncIterator[tuple[Server, Server]]:
    async with AsyncExitStack() as stack:
        made = []
        for name in ("one", "two"):
            store = await Store.open(postgres_database, tmp_path / name)
            stack.push_async_callback(store.close)
            engine = ScriptedEngine(store)
            evaluator = Evaluator()
            stack.push_async_callback(evaluator.close)
            await evaluator.start()
            settings = Settings(home=tmp_path / name, token=TOKEN, database_url=postgres_database, secret_key=SECRET)
            workspace = Workspace(store, engine, evaluator, Runtimes(), settings)
            stack.push_async_callback(workspace.close)
            await workspace.start()
            server = Server(workspace, engine)
            stack.push_async_callback(server.client.aclose)
            made.append(server)
        yield made[0], made[1]


class Page:
    """A page that shows a draft: its events, and when they came."""

    def __init__(self, server: Server, draft: str) -> None:
        self.server = server
        self.draft = draft
        self.events: Subscription = server.workspace.store.events.subscribe([f"draft:{draft}"])

    async def until(self, *types: str, seconds: float = 60.0) -> Event:
        async with asyncio.timeout(seconds):
            while True:
                event = await anext(self.events)
                if event.type in types:
                    return event

    async def cells(self) -> dict[str, dict[str, Any]]:
        return {cell["step_id"]: cell for cell in (await self.server.notebook(self.draft))["cells"]}


def _code(cell: dict[str, Any], code: str, *, base: int | None = None) -> dict[str, Any]:
    operation = {"op": "set_code", "cell": cell["id"], "code": code}
    return operation if base is None else {**operation, "base_code_version": base}


async def _open(servers: tuple[Server, Server]) -> tuple[Page, Page, dict[str, dict[str, Any]]]:
    one, two = servers
    draft = await one.draft(CHAIN)
    here, there = Page(one, draft), Page(two, draft)
    cells = await here.cells()
    assert (await there.cells()).keys() == cells.keys()
    return here, there, cells


async def test_an_edit_is_seen_on_the_other_server_and_edited_further_there(servers: tuple[Server, Server]) -> None:
    here, there, cells = await _open(servers)
    await here.server.edit(here.draft, _code(cells["a"], "def main(n: int):\n    return 1\n"), client="one")
    change = await there.until("change")
    (changed,) = [cell for cell in change.data["cells"] if cell["step_id"] == "a"]
    assert changed["code"].endswith("return 1\n")
    version = changed["code_version"]
    answer = await there.server.edit(
        there.draft, _code(cells["a"], "def main(n: int):\n    return 2\n", base=version), client="two"
    )
    assert answer["version"] == change.data["version"] + 1
    back = await here.until("change", seconds=2)
    while back.data["version"] != answer["version"]:
        back = await here.until("change")
    assert (await here.cells())["a"]["code"].endswith("return 2\n")


async def test_typing_over_what_the_other_server_saved_is_a_conflict(servers: tuple[Server, Server]) -> None:
    here, there, cells = await _open(servers)
    base = (await there.cells())["a"]["code_version"]
    await here.server.edit(here.draft, _code(cells["a"], "def main(n: int):\n    return 1\n"), client="one")
    await there.server.edit(
        there.draft, _code(cells["a"], "def main(n: int):\n    return 2\n", base=base), client="two", status=409
    )
    assert (await there.cells())["a"]["code"].endswith("return 1\n")


async def test_edits_of_both_at_once_are_all_kept(servers: tuple[Server, Server]) -> None:
    here, there, cells = await _open(servers)

    async def edit(page: Page, step: str) -> None:
        for number in range(8):
            await page.server.edit(page.draft, _code(cells[step], f"def main():\n    return {number}\n"), client=step)

    await asyncio.gather(edit(here, "a"), edit(there, "b"))
    await asyncio.sleep(0.1)
    for page in (here, there):
        shown = await page.cells()
        assert [shown[step]["code"].endswith("return 7\n") for step in ("a", "b")] == [True, True]


async def test_cells_that_another_server_runs_are_shown_here(servers: tuple[Server, Server]) -> None:
    here, there, cells = await _open(servers)
    here.server.engine.answers = {"a": [1, 2], "b": 2}
    here.server.engine.hold = True
    run = await here.server.run(here.draft, cells["b"]["id"])
    queued = await there.until("change")
    states = {cell["step_id"]: cell["state"]["kind"] for cell in queued.data["cells"]}
    assert states == {"a": "queued", "b": "queued"}
    for _ in range(2000):
        if here.server.workspace.store.events.wanted(f"run:{run['run_id']}"):
            break
        await asyncio.sleep(0.005)
    await here.server.engine.begin(run["run_id"], "a")
    running = await there.until("state", "states")
    assert "running" in str(running.data)
    row = await here.server.workspace.store.runs.get(run["run_id"])
    assert row is not None
    here.server.engine.observer.logged(row, "a", "printed while it runs\n", 0)
    log = await there.until("log")
    assert (log.data["cell"], log.data["text"]) == (cells["a"]["id"], "printed while it runs\n")
    here.server.engine.observer.streamed(row, "a", "streamed while it runs", 0)
    piece = await there.until("stream")
    assert (piece.data["cell"], piece.data["path"]) == (cells["a"]["id"], "a")
    assert (piece.data["text"], piece.data["offset"]) == ("streamed while it runs", 0)
    store, step = here.server.workspace.store, job_id(run["run_id"], "a")
    step_row = JobRow(
        run_id=run["run_id"], path="a", id=step, workspace="main", step_id="a", kind="rawscript", status="running"
    )
    await store.database.write(lambda c: store.runs.put_job(c, step_row.model_dump(), "test"))
    said = await here.server.client.post(f"/api/w/main/job_metrics/set_progress/{step}", json={"percent": 40})
    assert said.status_code == 200
    told = await there.until("state")
    assert (told.data["cell"], told.data["state"]["progress"]) == (cells["a"]["id"], 40)
    assert (await there.cells())["a"]["state"]["progress"] == 40
    await here.server.engine.finish(run["run_id"])
    states, outputs = dict[str, str](), dict[str, str]()
    ids = {cells[step]["id"]: step for step in ("a", "b")}
    while set(states.items()) != {("a", "fresh"), ("b", "fresh")} or outputs.keys() != {"a", "b"}:
        told = await there.until("change", "state", "states", "output")
        given = {**told.data.get("states", {})}
        if told.type == "state":
            given[told.data["cell"]] = told.data["state"]
        elif told.type == "output":
            outputs[ids[told.data["cell"]]] = told.data["output"]["run_id"]
        for cell in told.data.get("cells", ()):
            given[cell["id"]] = cell["state"]
            if cell["output"] is not None:
                outputs[cell["step_id"]] = cell["output"]["run_id"]
        states |= {ids[cell]: state["kind"] for cell, state in given.items()}
    assert outputs == {"a": run["run_id"], "b": run["run_id"]}
    # and the other way: what ran there counts as a result here
    again = await there.cells()
    assert again["a"]["state"]["kind"] == again["b"]["state"]["kind"] == "fresh"


async def test_an_output_comes_also_where_its_state_was_told_before(
    servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there, cells = await _open(servers)
    drafts, observer = there.server.workspace.drafts, there.server.workspace.observer
    fill = drafts.fill_outputs

    async def filled(draft: OpenDraft) -> Any:
        found = await fill(draft)
        observer.publish_states(draft)  # as a step of the other server that begins meanwhile does
        return found

    monkeypatch.setattr(drafts, "fill_outputs", filled)
    here.server.engine.answers = {"a": [1, 2]}
    run = await here.server.run(here.draft, cells["a"]["id"])
    output = await there.until("output")
    assert output.data["cell"] == cells["a"]["id"]
    assert output.data["output"]["run_id"] == run["run_id"]


async def test_a_draft_that_nobody_shows_is_read_again_before_its_next_use(servers: tuple[Server, Server]) -> None:
    one, two = servers
    draft = await one.draft(CHAIN)
    cells = {cell["step_id"]: cell for cell in (await two.notebook(draft))["cells"]}
    await one.edit(draft, _code(cells["a"], "def main(n: int):\n    return 1\n"))
    await asyncio.sleep(0.1)
    change = await two.edit(draft, _code(cells["b"], "def main(rows: list):\n    return 3\n"))
    codes = {cell["step_id"]: cell["code"] for cell in (await two.notebook(draft))["cells"]}
    assert codes["a"].endswith("return 1\n")
    assert codes["b"].endswith("return 3\n")
    assert change["version"] == 3


async def test_a_deleted_draft_is_gone_everywhere(servers: tuple[Server, Server]) -> None:
    here, there, _ = await _open(servers)
    answer = await here.server.client.delete(f"/api/w/main/drafts/{here.draft}")
    assert answer.status_code == 200, answer.text
    await there.until("deleted")
    assert (await there.server.client.get(f"/api/w/main/drafts/{there.draft}/notebook")).status_code == 404


async def test_a_server_with_another_key_of_secrets_does_not_start(
    servers: tuple[Server, Server], tmp_path: Path, postgres_database: str
) -> None:
    store = await Store.open(postgres_database, tmp_path / "three")
    settings = Settings(home=tmp_path / "three", token=TOKEN, database_url=postgres_database)
    workspace = Workspace(store, ScriptedEngine(store), Evaluator(), Runtimes(), settings)
    with pytest.raises(SecretKeyDiffers, match="another key") as raised:
        await workspace.start()
    assert "FLOWAPP_SECRET_KEY" in raised.value.hint
    await workspace.close()
    await store.close()


async def test_a_stream_that_missed_something_ends_so_that_its_page_loads_anew(servers: tuple[Server, Server]) -> None:
    here, _, _ = await _open(servers)
    workspace = here.server.workspace
    person = await workspace.sessions.person(TOKEN)
    assert person is not None

    async def valid() -> bool:
        return True

    identity = await workspace.sessions.identity(person, "main")
    stream = await workspace.streams.open(identity, [f"draft:{here.draft}"], valid)
    assert (await anext(stream) or {})["type"] == "hello"
    workspace.store.events.lost_all()
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(anext(stream), 2)
