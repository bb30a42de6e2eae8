"""Help for people who write code, over HTTP: who may ask, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.api_server import Server

W = "/api/w/main/code"


async def test_a_question_goes_to_the_one_who_answers(server: Server) -> None:
    body = {"language": "deno", "code": "x.", "line": 1, "column": 3}
    answer = await server.client.post(f"{W}/complete", json=body)
    assert answer.json() == {
        "owner": "main/admin",
        "service": "typescript",
        "action": "complete",
        "code": "x.",
        "line": 1,
        "column": 3,
    }


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("run", {"language": "python3", "code": ""}),
        ("complete", {"language": "cobol", "code": ""}),
        ("complete", {"language": "python3", "code": "x" * 300_001}),
        ("complete", {"language": "python3", "code": "", "line": 0}),
        ("complete", {"language": "python3", "code": "", "column": "1"}),
        ("complete", {"language": "python3", "code": "", "column": True}),
        ("complete", {"language": "python3", "code": 3}),
    ],
)
async def test_what_cannot_be_asked(server: Server, action: str, body: dict[str, Any]) -> None:
    answer = await server.client.post(f"{W}/{action}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


async def test_only_who_may_write_code_is_helped(server: Server) -> None:
    for role, status in (("viewer", 403), ("operator", 403), ("developer", 200)):
        client = await server.person(f"{role}1", role)
        answer = await client.post(f"{W}/check", json={"language": "python3", "code": ""})
        assert answer.status_code == status
