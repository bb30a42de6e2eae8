"""Comments on cells: who reads, writes, changes and resolves them, and what becomes of them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from flowapp.workspace import comments
from tests.integration.api.api_server import CHAIN, Server

W = "/api/w/main"


async def open_draft(server: Server, path: str = "f/team/chain") -> tuple[str, dict[str, str]]:
    """A draft, and its cell ids by step."""
    draft = await server.draft(CHAIN, path=path)
    cells = (await server.notebook(draft))["cells"]
    return draft, {cell["step_id"]: cell["id"] for cell in cells}


async def threads(client: httpx.AsyncClient, draft: str) -> list[dict[str, Any]]:
    answer = await client.get(f"{W}/drafts/{draft}/comments")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["threads"])


async def say(client: httpx.AsyncClient, draft: str, text: str, **where: str) -> str:
    answer = await client.post(f"{W}/drafts/{draft}/comments", json={"text": text, **where})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


class TestThreads:
    async def test_written_answered_edited_resolved_and_opened_again(self, server: Server) -> None:
        draft, cells = await open_draft(server)
        ada = await server.person("ada", "admin")
        page = server.workspace.store.events.subscribe([f"draft:{draft}"])
        first = await say(server.client, draft, "  Why three?\n", cell=cells["a"])
        event = await asyncio.wait_for(anext(page), 60)
        assert (event.type, event.data) == ("comments", {"cell": cells["a"]}), "the words are not in the event"
        answer = await say(ada, draft, "Because of the sample.", thread=first)
        (thread,) = await threads(server.client, draft)
        assert (thread["id"], thread["cell"], thread["resolved"]) == (first, cells["a"], None)
        assert [(one["author"], one["text"]) for one in thread["comments"]] == [
            ("admin", "Why three?"),
            ("ada", "Because of the sample."),
        ]
        base = f"{W}/drafts/{draft}/comments"
        assert (await ada.post(f"{base}/{answer}", json={"text": "Of the old sample."})).status_code == 200
        assert (await ada.post(f"{base}/{first}/resolve", json={})).json() == {"thread": first, "resolved": True}
        (thread,) = await threads(server.client, draft)
        assert thread["resolved"]["by"] == "ada" and thread["comments"][1]["text"] == "Of the old sample."
        assert thread["comments"][1]["edited_at"] > thread["comments"][1]["created_at"]
        await say(server.client, draft, "Not so fast", thread=first)
        (thread,) = await threads(server.client, draft)
        assert thread["resolved"] is None, "an answer opens it again"
        trail = (
            await server.client.get(f"{W}/audit/list?operations=comment.create,comment.edit,comment.resolve")
        ).json()
        assert [entry["operation"].split(".")[1] for entry in trail] == [
            "create",
            "resolve",
            "edit",
            "create",
            "create",
        ]
        assert "sample" not in str(trail) and trail[0]["resource"] == "f/team/chain"

    async def test_they_stay_with_their_cell(self, server: Server) -> None:
        draft, cells = await open_draft(server)
        await say(server.client, draft, "about b", cell=cells["b"])
        await server.edit(draft, {"op": "rename_step", "cell": cells["b"], "step_id": "count"})
        await server.post(draft, "deploy", {})
        await server.edit(draft, {"op": "move_cell", "cell": cells["b"], "parent": None, "slot": "modules", "index": 0})
        await server.edit(draft, {"op": "delete_cell", "cell": cells["b"]})
        refused = await server.client.post(f"{W}/drafts/{draft}/comments", json={"cell": cells["b"], "text": "late"})
        assert refused.status_code == 400 and "no such cell" in refused.text
        await server.post(draft, "undo", {"client": "page"})
        shown = {cell["id"]: cell["step_id"] for cell in (await server.notebook(draft))["cells"]}
        (thread,) = await threads(server.client, draft)
        assert shown[thread["cell"]] == "count"

    async def test_a_first_comment_with_answers_only_loses_its_words(self, server: Server) -> None:
        draft, cells = await open_draft(server)
        first = await say(server.client, draft, "one", cell=cells["a"])
        second = await say(server.client, draft, "two", thread=first)
        base = f"{W}/drafts/{draft}/comments"
        assert (await server.client.delete(f"{base}/{first}")).status_code == 200
        (thread,) = await threads(server.client, draft)
        assert [(one["text"], one["deleted"]) for one in thread["comments"]] == [("", True), ("two", False)]
        assert (await server.client.post(f"{base}/{first}", json={"text": "again"})).status_code == 404
        assert (await server.client.delete(f"{base}/{second}")).status_code == 200
        assert await threads(server.client, draft) == []

    async def test_they_go_with_the_draft(self, server: Server) -> None:
        draft, cells = await open_draft(server)
        await say(server.client, draft, "gone soon", cell=cells["a"])
        assert (await server.client.delete(f"{W}/drafts/{draft}")).status_code == 200
        assert (await server.client.get(f"{W}/drafts/{draft}/comments")).status_code == 404
        left = await server.workspace.store.database.read(
            lambda c: c.exec_driver_sql("SELECT count(*) FROM comment").scalar()
        )
        assert left == 0


class TestRights:
    async def test_who_may_not_see_the_draft_knows_of_no_comment(self, server: Server) -> None:
        draft, cells = await open_draft(server)
        first = await say(server.client, draft, "private", cell=cells["a"])
        for name, role in (("dora", "developer"), ("vic", "viewer")):
            other = await server.person(name, role)
            base = f"{W}/drafts/{draft}/comments"
            answers = [
                await other.get(base),
                await other.post(base, json={"cell": cells["a"], "text": "hello"}),
                await other.post(f"{base}/{first}", json={"text": "mine"}),
                await other.delete(f"{base}/{first}"),
                await other.post(f"{base}/{first}/resolve", json={}),
            ]
            assert {answer.status_code for answer in answers} == {404}

    async def test_words_are_changed_by_who_wrote_them(self, server: Server) -> None:
        dora, ada = await server.person("dora", "developer"), await server.person("ada", "admin")
        made = await dora.post(f"{W}/drafts", json={"flow": CHAIN})
        draft = made.json()["id"]
        cell = (await dora.get(f"{W}/drafts/{draft}/notebook")).json()["cells"][0]["id"]
        of_ada, of_dora = await say(ada, draft, "by ada", cell=cell), await say(dora, draft, "by dora", cell=cell)
        base = f"{W}/drafts/{draft}/comments"
        assert (await ada.post(f"{base}/{of_dora}", json={"text": "changed"})).status_code == 403
        assert (await dora.delete(f"{base}/{of_ada}")).status_code == 403
        mine, theirs = (thread["comments"][0]["may"] for thread in await threads(dora, draft))
        assert (mine, theirs) == ({"edit": False, "delete": False}, {"edit": True, "delete": True})
        assert [one["comments"][0]["may"]["delete"] for one in await threads(ada, draft)] == [True, True]
        assert (await dora.post(f"{base}/{of_ada}/resolve", json={})).status_code == 200
        assert (await ada.delete(f"{base}/{of_dora}")).status_code == 200, "an admin may take it away"

    async def test_a_comment_is_found_in_its_own_draft_only(self, server: Server) -> None:
        draft, cells = await open_draft(server)
        other, _ = await open_draft(server, "f/team/other")
        first = await say(server.client, draft, "here", cell=cells["a"])
        base = f"{W}/drafts/{other}/comments"
        assert (await server.client.post(f"{base}/{first}", json={"text": "there"})).status_code == 404
        assert (await server.client.post(base, json={"thread": first, "text": "there"})).status_code == 404
        assert (await server.client.post(f"{base}/{first}/resolve", json={})).status_code == 404


class TestLimits:
    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"text": " \n "}, "text is missing"),
            ({"text": "x" * 4001}, "4000"),
            ({"text": "a\0b"}, "NUL"),
            ({"text": 7}, "must be a text"),
        ],
    )
    async def test_what_is_no_comment(self, server: Server, body: dict[str, Any], said: str) -> None:
        draft, cells = await open_draft(server)
        answer = await server.client.post(f"{W}/drafts/{draft}/comments", json={"cell": cells["a"], **body})
        assert answer.status_code == 400 and said in answer.text

    async def test_a_draft_has_so_many(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(comments, "MOST", 2)
        draft, cells = await open_draft(server)
        for text in ("one", "two"):
            await say(server.client, draft, text, cell=cells["a"])
        answer = await server.client.post(f"{W}/drafts/{draft}/comments", json={"cell": cells["a"], "text": "three"})
        assert answer.status_code == 400 and "Delete some" in answer.text
