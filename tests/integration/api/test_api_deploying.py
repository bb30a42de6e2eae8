"""Deploying, exporting and importing a notebook over HTTP."""

from __future__ import annotations

import io
import zipfile

from tests.integration.api.api_server import CHAIN, Server, flow_of, js, script
from tests.integration.api.test_api_notebook import cells


class TestDeploy:
    async def test_deploy_then_run_then_read(self, server: Server) -> None:
        draft = await server.draft(CHAIN, path="f/team/chain")
        deployed = await server.post(draft, "deploy", {"message": "first"})
        assert (deployed["path"], deployed["version"]) == ("f/team/chain", 1)
        schema = (await server.client.get("/api/w/main/flows/schema/f/team/chain")).json()
        assert (schema["version"], list(schema["schema"]["properties"])) == (1, ["n"])
        server.engine.answers = {"a": [1], "b": 1}
        started = await server.client.post("/api/w/main/jobs/run/f/f/team/chain", json={"n": 2})
        assert started.status_code == 201 and started.headers["content-type"].startswith("text/plain")
        detail = (await server.client.get(f"/api/w/main/runs/{started.text}")).json()
        assert (detail["run"]["status"], detail["run"]["args_keys"]) == ("success", ["n"])
        assert [step["step_id"] for step in detail["steps"]] == ["a", "b"]
        assert (await server.notebook(draft))["draft"]["changes"] == 0

    async def test_errors_refuse_and_name_their_problems(self, server: Server) -> None:
        draft = await server.draft(flow_of(script("a", "def main(x): pass", x=js("results.nope"))))
        answer = await server.post(draft, "deploy", {}, 422)
        assert answer["error"]["problems"][0]["step_id"] == "a"
        assert (await server.client.get("/api/w/main/flows/get/u/admin/test_flow")).status_code == 404

    async def test_pins_never_reach_a_deployed_version(self, server: Server) -> None:
        pinned = {**script("a", "def main(): pass"), "mock": {"enabled": True, "return_value": "fake"}}
        draft = await server.draft(flow_of(pinned), path="u/admin/pinned")
        deployed = await server.post(draft, "deploy", {})
        assert deployed["left_out"] == ["the pinned value of a"]
        flow = (await server.client.get("/api/w/main/flows/get/u/admin/pinned")).json()
        assert "mock" not in flow["value"]["modules"][0]
        exported = (await server.client.get(f"/api/w/main/drafts/{draft}/export?format=json")).json()
        assert exported["value"]["modules"][0]["mock"]["return_value"] == "fake"

    async def test_another_flow_is_not_overwritten_unasked(self, server: Server) -> None:
        first = await server.draft(CHAIN, path="f/team/chain")
        await server.post(first, "deploy", {})
        second = await server.draft(CHAIN, path="f/team/other")
        answer = await server.post(second, "deploy", {"path": "f/team/chain"}, 409)
        assert answer["error"]["code"] == "flow.path_taken"
        assert (await server.post(second, "deploy", {"path": "f/team/chain", "replace": True}))["version"] == 2
        behind = await server.post(first, "deploy", {}, 409)
        assert "version 2 meanwhile" in behind["error"]["message"]

    async def test_export_holds_nothing_of_the_notebook(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = (await cells(server, draft))["a"]
        await server.edit(
            draft,
            {"op": "set_beside", "cell": cell["id"], "key": "collapsed", "value": True},
            {"op": "set_sample", "name": "n", "value": 12345},
        )
        for name in ("yaml", "json"):
            text = (await server.client.get(f"/api/w/main/drafts/{draft}/export?format={name}")).text
            assert cell["id"] not in text and "collapsed" not in text and "12345" not in text
        answer = await server.client.get(f"/api/w/main/drafts/{draft}/export?format=zip")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert any(name.endswith("flow.yaml") for name in archive.namelist())
            assert any(name.endswith(".py") for name in archive.namelist())
        assert (await server.client.get(f"/api/w/main/drafts/{draft}/export?format=doc")).status_code == 400

    async def test_import_of_an_export_is_the_same_document(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        text = (await server.client.get(f"/api/w/main/drafts/{draft}/export?format=yaml")).text
        again = await server.draft(text=text)
        first, second = [
            (await server.client.get(f"/api/w/main/drafts/{one}/export?format=json")).json() for one in (draft, again)
        ]
        assert first == second == CHAIN

    async def test_import_of_an_archive_is_the_same_document(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        archive = (await server.client.get(f"/api/w/main/drafts/{draft}/export?format=zip")).content
        zipped = {"Content-Type": "application/zip"}
        made = await server.client.post("/api/w/main/drafts?path=f/team/packed", content=archive, headers=zipped)
        assert (made.status_code, made.json()["path"]) == (201, "f/team/packed")
        again = await server.client.get(f"/api/w/main/drafts/{made.json()['id']}/export?format=json")
        assert again.json() == CHAIN

    async def test_a_broken_archive_is_refused_with_its_problems_and_nothing_is_stored(self, server: Server) -> None:
        before = (await server.client.get("/api/w/main/flows")).json()
        for content, said in ((b"PK\x03\x04 and no more", "damaged"), (b"", "empty")):
            answer = await server.client.post(
                "/api/w/main/drafts", content=content, headers={"Content-Type": "application/zip"}
            )
            assert answer.status_code in (400, 422)
            assert said in answer.json()["error"]["message"]
        assert (await server.client.get("/api/w/main/flows")).json() == before

    async def test_a_deployed_flow_opens_as_ones_own_draft_once(self, server: Server) -> None:
        draft = await server.draft(CHAIN, path="f/team/chain")
        await server.post(draft, "deploy", {})
        developer = await server.person("dora", "developer")
        made = [(await developer.post("/api/w/main/flows/edit/f/team/chain")).json() for _ in range(2)]
        assert made[0] == made[1] and made[0]["id"] != draft
        versions = (await developer.get("/api/w/main/flows/versions/f/team/chain")).json()
        assert [(version["version"], version["created_by"]) for version in versions] == [(1, "admin")]

    async def test_delete_takes_the_draft_from_the_list(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        assert (await server.client.delete(f"/api/w/main/drafts/{draft}")).status_code == 200
        assert (await server.client.get("/api/w/main/flows")).json() == []
        assert (await server.client.get(f"/api/w/main/drafts/{draft}/notebook")).status_code == 404
