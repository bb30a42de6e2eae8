"""Files that Windmill's command line makes by itself (`… new`): pushed again and again, by an admin and by a developer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.clients.wmill import Wmill
from tests.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")

NONE = "0 changes to apply"
NEW = (
    "init --use-default --no-bind-profile",
    "folder new {0}",
    "script new f/{0}/one python3",
    "script new f/{0}/two bun",
    "flow new f/{0}/flow",
    "resource new f/{0}/resource",
    "variable new f/{0}/variable",
    "resource-type new {0}",
)


async def made(wmill: Wmill, name: str) -> None:
    for words in NEW:
        await wmill(*words.format(name).split())


async def test_as_an_admin(server: Live, program: Path, tmp_path: Path) -> None:
    wmill = Wmill(program, server.url, tmp_path)
    await made(wmill, "fresh")
    await wmill("generate-metadata", "--yes")
    await wmill("sync", "push", "--yes")
    said = await wmill("sync", "push", "--dry-run")
    assert NONE in said, said
    assert NONE in await wmill("sync", "pull", "--dry-run")
    ran = await wmill("script", "run", "-s", "f/fresh/one", "-d", "{}")
    assert "Hello world" in ran


async def test_as_a_developer(server: Live, program: Path, tmp_path: Path) -> None:
    person = {"email": "dora@example.org", "password": "a long password", "username": "dora"}
    assert (await server.client.post("/api/users/create", json=person)).status_code == 201
    await server.post("workspaces/add_user", {"email": person["email"], "is_admin": False, "operator": False})
    token = (await server.client.post("/api/auth/login", json=person)).text
    wmill = Wmill(program, server.url, tmp_path, token=token)
    await made(wmill, "hers")
    for _ in range(2):
        await wmill("sync", "push", "--yes")
    assert (await server.get("folders/get/hers"))["owners"] == ["u/dora"], "she does not lose her folder by a push"
    await wmill("sync", "pull", "--yes")
    assert NONE in await wmill("sync", "push", "--dry-run")
