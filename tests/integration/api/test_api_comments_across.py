"""Comments that belong to a deployed flow: seen, answered and followed from every draft of it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.integration.api.api_server import Server
from tests.integration.api.test_api_comments import open_draft, say, threads

W = "/api/w/main"
PATH = "f/team/chain"


async def deployed(server: Server) -> tuple[str, dict[str, str]]:
    """The admin's draft, deployed as version 1."""
    draft, cells = await open_draft(server, PATH)
    await server.post(draft, "deploy", {})
    return draft, cells


async def own_draft(client: httpx.AsyncClient) -> tuple[str, dict[str, str]]:
    """A draft of the flow of somebody's own, and its cells by step."""
    made = await client.post(f"{W}/flows/edit/{PATH}")
    assert made.status_code < 300, made.text
    draft = str(made.json()["id"])
    cells = (await client.get(f"{W}/drafts/{draft}/notebook")).json()["cells"]
    return draft, {cell["step_id"]: cell["id"] for cell in cells}


async def edit(client: httpx.AsyncClient, draft: str, *ops: dict[str, Any]) -> None:
    answer = await client.post(f"{W}/drafts/{draft}/operations", json={"client": "page", "ops": list(ops)})
    assert answer.status_code == 200, answer.text


async def deploy(client: httpx.AsyncClient, draft: str, **more: Any) -> None:
    answer = await client.post(f"{W}/drafts/{draft}/deploy", json=more)
    assert answer.status_code == 200, answer.text


async def places(client: httpx.AsyncClient, draft: str) -> dict[str, str | None]:
    """Where the first comments of threads stand: the step of their cell in the draft, None for no cell of it."""
    shown = (await client.get(f"{W}/drafts/{draft}/notebook")).json()["cells"]
    steps = {cell["id"]: str(cell["step_id"]) for cell in shown}
    return {each["comments"][0]["text"]: steps.get(each["cell"]) for each in await threads(client, draft)}


class TestAcrossDrafts:
    async def test_colleagues_see_answer_and_resolve_in_their_own_drafts(self, server: Server) -> None:
        dora, ben = await server.person("dora", "developer"), await server.person("ben", "developer")
        await deployed(server)
        (hers, her_cells), (his, his_cells) = await own_draft(dora), await own_draft(ben)
        assert her_cells["a"] != his_cells["a"]
        page = server.workspace.store.events.subscribe([f"flow:main:{PATH}"])
        first = await say(dora, hers, "Why three?", cell=her_cells["a"])
        event = await asyncio.wait_for(anext(page), 60)
        assert (event.type, event.data) == ("comments", {"step": "a"}), "the words are not in the event"
        (thread,) = await threads(ben, his)
        assert (thread["cell"], thread["step"], thread["shared"]) == (his_cells["a"], "a", True)
        await say(ben, his, "Because.", thread=first)
        assert (await ben.post(f"{W}/drafts/{his}/comments/{first}/resolve", json={})).status_code == 200
        (thread,) = await threads(dora, hers)
        assert [one["author"] for one in thread["comments"]] == ["dora", "ben"]
        assert thread["resolved"]["by"] == "ben"
        assert (await ben.post(f"{W}/drafts/{his}/comments/{first}", json={"text": "mine"})).status_code == 403
        assert (await ben.delete(f"{W}/drafts/{his}/comments/{first}")).status_code == 403
        assert (await server.client.get(f"{W}/flows/comments/{PATH}")).json()["threads"][0]["id"] == first

    async def test_those_of_a_draft_go_along_when_it_is_first_deployed(self, server: Server) -> None:
        draft, cells = await open_draft(server, PATH)
        await say(server.client, draft, "before", cell=cells["a"])
        (thread,) = await threads(server.client, draft)
        assert (thread["shared"], thread["step"]) == (False, None)
        assert (await server.client.get(f"{W}/flows/comments/{PATH}")).status_code == 404
        own = server.workspace.store.events.subscribe([f"draft:{draft}"])
        await deploy(server.client, draft)
        while (await asyncio.wait_for(anext(own), 60)).type != "comments":
            pass
        dora = await server.person("dora", "developer")
        hers, _ = await own_draft(dora)
        assert await places(dora, hers) == {"before": "a"}

    async def test_a_cell_that_is_not_deployed_yet_keeps_its_comments_in_the_draft_until_then(
        self, server: Server
    ) -> None:
        await deployed(server)
        dora, ben = await server.person("dora", "developer"), await server.person("ben", "developer")
        (hers, her_cells), (his, _) = await own_draft(dora), await own_draft(ben)
        value = {"type": "rawscript", "language": "bash", "content": "echo 1", "input_transforms": {}}
        place = {"parent": None, "slot": "modules", "index": 2}
        await edit(dora, hers, {"op": "insert_cell", "cell": "new", **place, "module": {"id": "c", "value": value}})
        await say(dora, hers, "secret plan", cell="new")
        listed = (await dora.get(f"{W}/drafts/{hers}/comments")).json()
        assert listed["flow"] == PATH and set(listed["steps"]) == set(her_cells.values())
        assert await threads(ben, his) == []
        await deploy(dora, hers)
        assert await places(ben, his) == {"secret plan": None}, "he does not have the step yet, and finds it"
        assert (await threads(ben, his))[0]["step"] == "c"

    async def test_a_renamed_step_keeps_them_before_and_after_it_is_deployed(self, server: Server) -> None:
        await deployed(server)
        dora, ben = await server.person("dora", "developer"), await server.person("ben", "developer")
        (hers, her_cells), (his, his_cells) = await own_draft(dora), await own_draft(ben)
        await say(ben, his, "about b", cell=his_cells["b"])
        code = {"op": "set_code", "cell": her_cells["b"], "code": "def main():\n    return 'all new'\n"}
        await edit(dora, hers, {"op": "rename_step", "cell": her_cells["b"], "step_id": "count"}, code)
        assert await places(dora, hers) == {"about b": "count"}
        await say(dora, hers, "about count", cell=her_cells["b"])
        assert await places(ben, his) == {"about b": "b", "about count": "b"}
        await deploy(dora, hers)
        assert await places(ben, his) == {"about b": "b", "about count": "b"}, (
            "his draft is behind, and its cell the same"
        )
        await say(ben, his, "from behind", cell=his_cells["b"])
        assert (await places(dora, hers))["from behind"] == "count"
        late = await server.person("late", "developer")
        assert set((await places(late, (await own_draft(late))[0])).values()) == {"count"}

    async def test_two_steps_change_their_names_with_each_other(self, server: Server) -> None:
        draft, cells = await deployed(server)
        for step in ("a", "b"):
            await say(server.client, draft, f"was {step}", cell=cells[step])
        for step, name in (("a", "x"), ("b", "a"), ("a", "b")):
            await edit(server.client, draft, {"op": "rename_step", "cell": cells[step], "step_id": name})
        await deploy(server.client, draft)
        dora = await server.person("dora", "developer")
        assert await places(dora, (await own_draft(dora))[0]) == {"was a": "b", "was b": "a"}

    async def test_they_follow_a_version_that_is_taken_in_and_what_is_renamed_after_it(self, server: Server) -> None:
        await deployed(server)
        dora, ben = await server.person("dora", "developer"), await server.person("ben", "developer")
        (hers, her_cells), (his, his_cells) = await own_draft(dora), await own_draft(ben)
        await edit(dora, hers, {"op": "rename_step", "cell": her_cells["b"], "step_id": "count"})
        await deploy(dora, hers)
        await edit(ben, his, {"op": "set_title", "cell": his_cells["a"], "title": "First"})
        await say(ben, his, "about b", cell=his_cells["b"])
        seen = (await ben.get(f"{W}/drafts/{his}/merge")).json()
        body = {"version": 2, "draft_version": seen["draft_version"], "choices": {}}
        assert (await ben.post(f"{W}/drafts/{his}/merge", json=body)).status_code == 200
        assert await places(ben, his) == {"about b": "count"}
        await edit(ben, his, {"op": "rename_step", "cell": his_cells["b"], "step_id": "total"})
        await deploy(ben, his)
        assert await places(ben, his) == {"about b": "total"}
        assert await places(dora, hers) == {"about b": "count"}, "she is behind now"

    async def test_what_the_command_line_renames_is_followed_where_the_code_stays(self, server: Server) -> None:
        draft, cells = await deployed(server)
        await say(server.client, draft, "about b", cell=cells["b"])
        flow = (await server.client.get(f"{W}/flows/get/{PATH}")).json()
        flow["value"]["modules"][1]["id"] = "count"
        body = {name: flow[name] for name in ("summary", "value", "schema")}
        (await server.client.post(f"{W}/flows/update/{PATH}", json=body)).raise_for_status()
        (thread,) = (await server.client.get(f"{W}/flows/comments/{PATH}")).json()["threads"]
        assert thread["step"] == "count"
        assert await places(server.client, draft) == {"about b": "b"}
        (await server.client.post(f"{W}/flows/update/{PATH}", json={**body, "path": "f/team/moved"})).raise_for_status()
        (thread,) = (await server.client.get(f"{W}/flows/comments/f/team/moved")).json()["threads"]
        assert thread["step"] == "count"
        (await server.client.delete(f"{W}/flows/delete/f/team/moved")).raise_for_status()
        left = await server.workspace.store.database.read(
            lambda c: [c.exec_driver_sql(f"SELECT count(*) FROM {one}").scalar() for one in ("comment", "step_rename")]
        )
        assert left == [0, 0], "another flow at that path has nothing to do with them"

    async def test_of_a_removed_step_they_stay_and_are_found(self, server: Server) -> None:
        draft, cells = await deployed(server)
        dora = await server.person("dora", "developer")
        hers, _ = await own_draft(dora)
        await say(server.client, draft, "about b", cell=cells["b"])
        await edit(server.client, draft, {"op": "delete_cell", "cell": cells["b"]})
        await deploy(server.client, draft)
        assert await places(server.client, draft) == {"about b": None}
        assert await places(dora, hers) == {"about b": "b"}, "her draft still has it"
        (thread,) = await threads(server.client, draft)
        assert (thread["step"], thread["shared"]) == ("b", True)
        assert (
            await server.client.post(f"{W}/drafts/{draft}/comments", json={"thread": thread["id"], "text": "Gone?"})
        ).status_code == 201

    async def test_those_of_the_flow_stay_when_the_draft_goes(self, server: Server) -> None:
        draft, cells = await deployed(server)
        await say(server.client, draft, "stays", cell=cells["a"])
        assert (await server.client.delete(f"{W}/drafts/{draft}")).status_code == 200
        again, _ = await own_draft(server.client)
        assert again != draft and await places(server.client, again) == {"stays": "a"}

    async def test_deployed_elsewhere_a_draft_has_the_comments_of_the_other_flow(self, server: Server) -> None:
        draft, cells = await deployed(server)
        await say(server.client, draft, "of the first", cell=cells["a"])
        await deploy(server.client, draft, path="f/team/other")
        assert await threads(server.client, draft) == []
        assert await places(server.client, (await own_draft(server.client))[0]) == {"of the first": "a"}

    async def test_a_draft_from_before_its_steps_were_noted_takes_part_too(self, server: Server) -> None:
        draft, cells = await open_draft(server, PATH)
        await say(server.client, draft, "of the draft", cell=cells["b"])
        await server.workspace.store.database.write(
            lambda c: c.exec_driver_sql("UPDATE draft SET deployed_version = 1").rowcount
        )
        server.workspace.drafts._drafts.forget(draft)
        await say(server.client, draft, "of the flow", cell=cells["a"])
        assert [thread["shared"] for thread in await threads(server.client, draft)] == [False, True]
        await deploy(server.client, draft)
        assert [thread["shared"] for thread in await threads(server.client, draft)] == [True, True]
        assert await places(server.client, draft) == {"of the draft": "b", "of the flow": "a"}


class TestRightsInAFlow:
    async def test_who_may_read_the_flow_reads_and_developers_write(self, server: Server) -> None:
        draft, cells = await deployed(server)
        body = {"name": "team", "owners": ["u/admin"], "extra_perms": {"u/rea": False, "u/vic": False}}
        (await server.client.post(f"{W}/folders/create", json=body)).raise_for_status()
        first = await say(server.client, draft, "for the folder", cell=cells["a"])
        rea, vic = await server.person("rea", "developer"), await server.person("vic", "viewer")
        hers, her_cells = await own_draft(rea)
        await say(rea, hers, "I only look here", thread=first)
        await say(rea, hers, "and ask", cell=her_cells["b"])
        assert len((await vic.get(f"{W}/flows/comments/{PATH}")).json()["threads"]) == 2
        assert (await vic.post(f"{W}/flows/edit/{PATH}")).status_code == 403
        cleo = await server.person("cleo", "developer")
        assert (await cleo.get(f"{W}/flows/comments/{PATH}")).status_code == 404

    async def test_who_loses_the_flow_loses_what_is_said_of_it_and_keeps_their_draft(self, server: Server) -> None:
        draft, cells = await deployed(server)
        cleo = await server.person("cleo", "developer")
        hers, her_cells = await own_draft(cleo)
        first = await say(server.client, draft, "for the folder", cell=cells["a"])
        mine = await say(cleo, hers, "by cleo", cell=her_cells["a"])
        await server.client.post(f"{W}/folders/create", json={"name": "team", "owners": ["u/admin"]})
        listed = (await cleo.get(f"{W}/drafts/{hers}/comments")).json()
        assert (listed["flow"], listed["steps"], listed["threads"]) == (None, [], [])
        base = f"{W}/drafts/{hers}/comments"
        answers = [
            await cleo.post(base, json={"thread": first, "text": "still here"}),
            await cleo.post(f"{base}/{mine}", json={"text": "other words"}),
            await cleo.delete(f"{base}/{mine}"),
            await cleo.post(f"{base}/{first}/resolve", json={}),
        ]
        assert {answer.status_code for answer in answers} == {404}
        await say(cleo, hers, "to herself", cell=her_cells["a"])
        assert await places(cleo, hers) == {"to herself": "a"}
        assert len(await threads(server.client, draft)) == 2, "it is not told to the flow"
