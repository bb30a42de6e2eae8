"""Conversations with a flow: the runs of one person with one memory id; nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.store import chats, runs
from tests.integration.api.api_server import Server, flow_of, js, script

W = "/api/w/main"


async def chat_flow(server: Server, path: str = "f/chat/echo") -> None:
    flow = flow_of(
        script(
            "a", "def main(user_message: str):\n    return user_message\n", user_message=js("flow_input.user_message")
        ),
        user_message={"type": "string"},
    )
    flow["value"]["chat_input_enabled"] = True
    draft = await server.draft(flow)
    await server.post(draft, "deploy", {"path": path, "message": "test"})


async def say(client: Any, words: str, conversation: str, path: str = "f/chat/echo") -> str:
    answer = await client.post(
        f"{W}/jobs/run/f/{path}", params={"memory_id": conversation}, json={"user_message": words}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.text.strip('"'))


async def messages(client: Any, conversation: str, path: str = "f/chat/echo") -> Any:
    answer = await client.get(f"{W}/chats/messages/{path}", params={"conversation": conversation})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_messages_are_kept_by_conversation_and_the_latest_conversation_comes_first(server: Server) -> None:
    await chat_flow(server)
    await chat_flow(server, "f/chat/other")
    form = (await server.client.get(f"{W}/flows/schema/f/chat/echo")).json()
    assert (form["chat"], form["may_run"]) == (True, True)
    first = await say(server.client, "Hello", "one")
    await say(server.client, "Another thing", "two")
    second = await say(server.client, "Are you there?", "one")
    await say(server.client, "Elsewhere", "one", "f/chat/other")
    plain = await server.client.post(f"{W}/jobs/run/f/f/chat/echo", json={"user_message": "no conversation"})
    assert plain.status_code == 201
    listed = (await server.client.get(f"{W}/chats/list/f/chat/echo")).json()
    assert [(one["id"], one["title"], one["messages"]) for one in listed] == [
        ("one", "Hello", 2),
        ("two", "Another thing", 1),
    ]
    found = await messages(server.client, "one")
    assert [(one["message"], one["run"]["id"], one["run"]["status"]) for one in found["messages"]] == [
        ("Hello", first, "success"),
        ("Are you there?", second, "success"),
    ]
    assert found["more"] is False
    assert await messages(server.client, "not begun") == {"messages": [], "more": False}


async def test_a_conversation_is_its_persons_even_where_somebody_else_takes_its_id(server: Server) -> None:
    await chat_flow(server)
    dora = await server.person("dora", "developer")
    await say(server.client, "Mine", "one")
    await say(dora, "Hers", "one")
    assert [one["message"] for one in (await messages(dora, "one"))["messages"]] == ["Hers"]
    assert [one["title"] for one in (await dora.get(f"{W}/chats/list/f/chat/echo")).json()] == ["Hers"]
    await dora.aclose()


async def test_who_may_look_and_who_may_not_even_know(server: Server) -> None:
    await chat_flow(server)
    await say(server.client, "Mine", "one")
    vic, olga = await server.person("vic", "viewer"), await server.person("olga", "admin", workspace="elsewhere")
    assert (await vic.get(f"{W}/flows/schema/f/chat/echo")).json()["may_run"] is False
    assert (await messages(vic, "one")) == {"messages": [], "more": False}
    run = {"memory_id": "one"}
    assert (await vic.post(f"{W}/jobs/run/f/f/chat/echo", params=run, json={"user_message": "x"})).status_code == 403
    for address in ("chats/list/f/chat/echo", "chats/messages/f/chat/echo?conversation=one"):
        assert (await olga.get(f"{W}/{address}")).status_code == 404
        assert (await server.make_client().get(f"{W}/{address}")).status_code == 401
    await vic.aclose()
    await olga.aclose()


async def test_who_may_not_read_runs_is_told_no_titles(server: Server) -> None:
    await chat_flow(server)
    await say(server.client, "Mine", "one")
    sessions = server.workspace.sessions
    token = await sessions.issue_api_token("admin@flowapp.local", "reader", scopes=("flows:read",))
    reader = server.make_client({"authorization": f"Bearer {token}"})
    listed = await reader.get(f"{W}/chats/list/f/chat/echo")
    assert (listed.status_code, listed.json()) == (200, [])
    await reader.aclose()


async def test_a_conversation_whose_first_run_is_just_deleted_is_left_out(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chat_flow(server)
    await say(server.client, "Goes", "one")
    await say(server.client, "Stays", "two")
    monkeypatch.setattr(chats, "rows_of", lambda *of: [run for run in runs.rows_of(*of) if run.memory_id != "one"])
    listed = (await server.client.get(f"{W}/chats/list/f/chat/echo")).json()
    assert [one["title"] for one in listed] == ["Stays"]


async def test_an_id_that_is_none_is_refused(server: Server) -> None:
    await chat_flow(server)
    for conversation in ("x" * 201, "a\nb"):
        answer = await server.client.post(
            f"{W}/jobs/run/f/f/chat/echo", params={"memory_id": conversation}, json={"user_message": "x"}
        )
        assert answer.status_code == 400
        assert "memory_id must be" in answer.text
