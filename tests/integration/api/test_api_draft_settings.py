"""What belongs to a draft besides its document: user state, ./shared, iterations of loops; and cells tried on a sample."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.jsontext import dumps, loads
from flowapp.store import states
from tests.integration.api.api_server import Runtimes, Server, flow_of, script

CODE = "def main(): pass"


async def asked(server: Server, draft: str, path: str, method: str = "GET", **more: Any) -> Any:
    answer = await server.client.request(method, f"/api/w/main/drafts/{draft}/{path}", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestState:
    async def test_is_shown_set_removed_and_reset(self, server: Server) -> None:
        draft = await server.draft(flow_of(script("a", CODE)))
        empty = {"states": {}, "files": [], "more_files": False, "shared": False}
        assert await asked(server, draft, "state") == empty
        await asked(server, draft, "state", "POST", json={"key": "seen", "value": {"id": 3}})
        shown = await asked(server, draft, "state", "POST", json={"key": "n", "value": None})
        assert shown["states"] == {"n": None, "seen": {"id": 3}}
        shown = await asked(server, draft, "state", "DELETE", params={"key": "n"})
        assert shown["states"] == {"seen": {"id": 3}}
        assert await asked(server, draft, "state", "DELETE") == empty

    async def test_is_that_which_the_cells_see(self, server: Server) -> None:
        draft = await server.draft(flow_of(script("a", CODE)))
        key = states.key_of("", draft)
        write = server.workspace.store.database.write
        await write(lambda connection: states.set(connection, key, "by a cell", dumps([1])))
        assert (await asked(server, draft, "state"))["states"] == {"by a cell": [1]}

    @pytest.mark.parametrize("body", [{}, {"value": 1}, {"key": "", "value": 1}, {"key": "x" * 256, "value": 1}])
    async def test_refuses_what_is_no_state(self, server: Server, body: dict[str, Any]) -> None:
        draft = await server.draft(flow_of(script("a", CODE)))
        answer = await server.client.post(f"/api/w/main/drafts/{draft}/state", json=body)
        assert answer.status_code == 400

    async def test_shared_files_are_listed_and_removed(self, server: Server) -> None:
        flow = flow_of(script("a", CODE))
        flow["value"]["same_worker"] = True
        draft = await server.draft(flow)
        runtimes = server.workspace.runtimes
        assert isinstance(runtimes, Runtimes)
        runtimes.folders[f"draft-{draft}"] = [("a/rows.csv", 12)]
        shown = await asked(server, draft, "state")
        assert shown["files"] == [{"path": "a/rows.csv", "size": 12}] and shown["shared"] is True
        assert (await asked(server, draft, "shared", "DELETE"))["files"] == []
        assert runtimes.folders == {}

    async def test_shared_files_stay_while_cells_run(self, server: Server) -> None:
        draft = await server.draft(flow_of(script("a", CODE)))
        server.engine.hold = True
        (cell,) = (await server.notebook(draft))["cells"]
        await server.post(draft, "run", {"cells": [cell["id"]]})
        answer = await server.client.delete(f"/api/w/main/drafts/{draft}/shared")
        assert answer.status_code == 400 and "running" in answer.text

    async def test_goes_with_the_draft(self, server: Server) -> None:
        draft = await server.draft(flow_of(script("a", CODE)))
        await asked(server, draft, "state", "POST", json={"key": "seen", "value": 1})
        runtimes = server.workspace.runtimes
        assert isinstance(runtimes, Runtimes)
        runtimes.folders[f"draft-{draft}"] = [("a", 1)]
        assert (await server.client.delete(f"/api/w/main/drafts/{draft}")).status_code == 200
        read = server.workspace.store.database.read
        assert await read(lambda connection: states.all_of_run(connection, states.key_of("", draft))) == {}
        assert runtimes.folders == {}


class TestTrials:
    async def test_the_failure_handler_is_run_on_its_sample(self, server: Server) -> None:
        flow = flow_of(script("a", CODE))
        flow["value"]["failure_module"] = script("failure", CODE)
        draft = await server.draft(flow)
        server.engine.answers = {"failure": {"handled": True}}
        shown = await server.notebook(draft)
        cell = next(cell for cell in shown["cells"] if cell["slot"] == "failure")
        answer = await server.post(draft, "run", {"cells": [cell["id"]]})
        assert answer["plan"]["run"] == [cell["id"]]
        run = await server.workspace.store.runs.get(answer["run_id"])
        assert run is not None
        document = loads(await server.workspace.store.values.get_value(run.document))
        assert "failure_module" not in document["value"]
        assert document["value"]["modules"][-1]["id"] == "failure"
        shown = await server.notebook(draft)
        cell = next(cell for cell in shown["cells"] if cell["slot"] == "failure")
        assert cell["state"]["kind"] == "fresh" and cell["output"]["kind"] == "value"

    async def test_the_preprocessor_gets_its_sample_event(self, server: Server) -> None:
        flow = flow_of(script("a", CODE))
        flow["value"]["preprocessor_module"] = script("preprocessor", "def preprocessor(event): return event")
        draft = await server.draft(flow)
        shown = await server.notebook(draft)
        cell = next(cell for cell in shown["cells"] if cell["slot"] == "preprocessor")
        own = {"kind": "webhook", "body": {"n": 1}}
        operation = {"op": "set_beside", "cell": cell["id"], "key": "sample", "value": own}
        answer = await server.post(draft, "run", {"cells": [cell["id"]], "ops": [operation]})
        run = await server.workspace.store.runs.get(answer["run_id"])
        assert run is not None
        trigger = loads(run.trigger or "{}")
        assert loads(await server.workspace.store.values.get_value(trigger["event"])) == own
        assert loads(run.plan or "{}")["run"] is None
        document = loads(await server.workspace.store.values.get_value(run.document))
        assert document["value"]["modules"] == []


class TestIterations:
    async def test_of_a_loop_that_has_not_run(self, server: Server) -> None:
        draft, cells = await self.looped(server)
        assert await asked(server, draft, f"iterations?cell={cells['l']}") == {
            "run_id": None,
            "total": 0,
            "reused": 0,
            "items": [],
        }
        for path in (f"iterations?index=0&cell={cells['l']}", f"iterations?cell={cells['b']}", "iterations?cell=gone"):
            answer = await server.client.get(f"/api/w/main/drafts/{draft}/{path}")
            assert answer.status_code == 400

    async def test_of_the_last_run(self, server: Server) -> None:
        draft, cells = await self.looped(server)
        server.engine.answers = {"l": [0, 10, 20], **{f"l[{index}].b": index * 10 for index in range(3)}}
        await self.run(server, draft, cells["l"], ["l[0].b", "l[1].b", "l[2].b", "l"])
        listed = await asked(server, draft, f"iterations?cell={cells['l']}")
        assert listed["total"] == 3
        assert listed["items"] == [{"index": index, "status": "success"} for index in range(3)]
        for index in (0, 1, 2):
            found = await asked(server, draft, f"iterations?index={index}&cell={cells['l']}")
            assert found["outputs"][cells["b"]]["title_text"] == str(index * 10)
        gone = await asked(server, draft, f"iterations?index=7&cell={cells['l']}")
        assert gone["outputs"] == {cells["b"]: None}

    async def test_are_forgotten_with_the_loop(self, server: Server) -> None:
        draft, cells = await self.looped(server)
        server.engine.answers = {"l": [0], "l[0].b": 0}
        await self.run(server, draft, cells["l"], ["l[0].b", "l"])
        change = await server.post(draft, "forget", {"cells": [cells["l"]]})
        assert {cell["step_id"]: cell["state"]["kind"] for cell in change["cells"]} == {"l": "never", "b": "never"}
        assert (await asked(server, draft, f"iterations?cell={cells['l']}"))["total"] == 0
        server.engine.hold = True
        await server.post(draft, "run", {"cells": [cells["l"]]})
        for wrong in ([], ["gone"], [cells["b"]]):
            refused = await server.post(draft, "forget", {"cells": wrong}, status=400)
            assert refused["error"]["message"]

    async def looped(self, server: Server) -> tuple[str, dict[str, str]]:
        inner = script("b", CODE)
        iterator = {"type": "javascript", "expr": "[0, 1, 2]"}
        loop = {"id": "l", "value": {"type": "forloopflow", "iterator": iterator, "modules": [inner]}}
        draft = await server.draft(flow_of(loop))
        shown = await server.notebook(draft)
        return draft, {cell["step_id"]: cell["id"] for cell in shown["cells"]}

    async def run(self, server: Server, draft: str, cell: str, paths: list[str]) -> None:
        """A run in which the steps at these paths end one after the other."""
        server.engine.hold = True
        answer = await server.post(draft, "run", {"cells": [cell]})
        await server.engine.finish(answer["run_id"], paths)
