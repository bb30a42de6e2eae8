"""The archive of a workspace: what is in it for whom, under which options."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from typing import Any

import httpx
import pytest

from flowapp.store import audit
from tests.integration.api.api_server import CHAIN, Server

W = "/api/w/main"
SCRIPT = {"content": "def main(): return 1", "language": "python3", "lock": ""}
SCHEDULE = {"schedule": "0 0 3 * * *", "timezone": "UTC", "script_path": "f/team/s", "is_flow": False, "enabled": False}
STORED: dict[str, dict[str, Any]] = {
    "folders": {"name": "team", "owners": ["u/admin"], "extra_perms": {"g/all": True}},
    "scripts": {"path": "f/team/s", "summary": "S", **SCRIPT},
    "flows": {"path": "f/team/c", **CHAIN},
    "variables": {"path": "f/team/v", "value": "clear", "is_secret": False},
    "resources": {"path": "f/team/r", "value": {"a": 1}, "resource_type": "any"},
    "resources/type": {"name": "thing", "schema": {}},
    "schedules": {"path": "f/team/n", **SCHEDULE},
    "groups": {"name": "crew"},
}
SECRET = {"path": "f/team/secret", "value": "hush", "is_secret": True}
STATE = {"path": "f/team/state", "value": 1, "resource_type": "state"}


async def fill(server: Server) -> None:
    for kind, body in [*STORED.items(), ("variables", SECRET), ("resources", STATE)]:
        answer = await server.client.post(f"{W}/{kind}/create", json=body)
        assert answer.status_code in (200, 201), answer.text


async def pulled(client: httpx.AsyncClient, **options: str) -> dict[str, Any]:
    """Names and contents of an archive."""
    answer = await client.get(f"{W}/workspaces/tarball", params=options)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip"), answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    return {name: json.loads(text) if name.endswith(".json") else text for name, text in texts.items()}


ALWAYS = {"f/team/folder.meta.json", "f/team/s.py", "f/team/s.script.json", "f/team/c.flow.json"}
VARIABLES = {"f/team/v.variable.json", "f/team/secret.variable.json"}
RESOURCES = {"f/team/r.resource.json"}
TYPES = {"thing.resource-type.json"}


@pytest.mark.parametrize(
    ("options", "without", "extra"),
    [
        ({}, set(), set()),
        ({"skip_variables": "true"}, VARIABLES, set()),
        ({"skip_secrets": "true"}, {"f/team/secret.variable.json"}, set()),
        ({"skip_resources": "true"}, RESOURCES, set()),
        ({"skip_resource_types": "true"}, TYPES, set()),
        ({"include_schedules": "true"}, set(), {"f/team/n.schedule.json"}),
        ({"include_users": "true"}, set(), {"users/admin@flowapp.local.user.json"}),
        ({"include_groups": "true"}, set(), {"groups/crew.group.json"}),
        ({"include_triggers": "true", "include_settings": "true", "settings_version": "v2"}, set(), set()),
    ],
)
async def test_what_is_asked_for(server: Server, options: dict[str, str], without: set[str], extra: set[str]) -> None:
    await fill(server)
    found = await pulled(server.client, **options)
    assert set(found) == (ALWAYS | VARIABLES | RESOURCES | TYPES) - without | extra


async def test_files_hold_what_was_stored_and_nothing_else(server: Server) -> None:
    await fill(server)
    found = await pulled(server.client, include_schedules="true", include_groups="true")
    assert found["f/team/s.py"] == SCRIPT["content"]
    assert found["f/team/s.script.json"] == {"summary": "S", "description": "", "kind": "script", "lock": ""}
    assert found["f/team/c.flow.json"] == CHAIN
    assert found["f/team/folder.meta.json"] == {"owners": ["u/admin"], "extra_perms": {"g/all": True}}
    assert found["f/team/v.variable.json"] == {"value": "clear", "is_secret": False}
    assert found["f/team/r.resource.json"] == {"value": {"a": 1}, "resource_type": "any"}
    assert found["f/team/n.schedule.json"] == SCHEDULE
    assert found["groups/crew.group.json"] == {"summary": "", "members": [], "admins": []}


async def test_archived_things_stay_behind(server: Server) -> None:
    await fill(server)
    await server.client.post(f"{W}/scripts/archive/p/f/team/s")
    await server.client.post(f"{W}/flows/archive/f/team/c", json={"archived": True})
    assert not {"f/team/s.py", "f/team/c.flow.json"} & set(await pulled(server.client))


@pytest.mark.parametrize(
    ("language", "plain", "ending"),
    [
        ("bun", "bun", "ts"),
        ("bun", "deno", "bun.ts"),
        ("deno", "deno", "ts"),
        ("deno", "bun", "deno.ts"),
        ("bunnative", "bun", "ts"),
        ("nativets", "bun", "fetch.ts"),
        ("bash", "bun", "sh"),
        ("rlang", "bun", "r"),
        ("oracledb", "bun", "odb.sql"),
        ("ansible", "bun", "playbook.yml"),
        ("sqlite", "bun", None),
    ],
)
async def test_endings(server: Server, language: str, plain: str, ending: str | None) -> None:
    body = {"path": "f/x/s", "content": "code", "language": language, "lock": ""}
    assert (await server.client.post(f"{W}/scripts/create", json=body)).status_code == 201
    found = await pulled(server.client, default_ts=plain)
    assert set(found) == ({f"f/x/s.{ending}", "f/x/s.script.json"} if ending else set())


async def test_secrets_are_ciphertext_unless_asked_for_which_is_on_record(server: Server) -> None:
    await fill(server)
    sealed = (await pulled(server.client))["f/team/secret.variable.json"]["value"]
    assert "hush" not in sealed
    moved = {"value": sealed, "is_secret": True}
    back = await server.client.post(f"{W}/variables/update/f/team/secret?already_encrypted=true", json=moved)
    assert back.status_code == 200
    database = server.workspace.store.database
    assert not [
        row for row in await database.read(lambda c: audit.latest(c, "main")) if row.action == "variable.decrypt"
    ]
    assert (await pulled(server.client, plain_secret="true"))["f/team/secret.variable.json"]["value"] == "hush"
    newest = (await database.read(lambda c: audit.latest(c, "main")))[0]
    assert (newest.action, newest.target, newest.by) == ("variable.decrypt", "f/team/secret", "admin")


@pytest.mark.parametrize(
    ("role", "missing"),
    [("viewer", VARIABLES | RESOURCES), ("operator", VARIABLES | RESOURCES), ("developer", set()), ("admin", set())],
)
async def test_one_gets_what_one_may_read(server: Server, role: str, missing: set[str]) -> None:
    await fill(server)
    person = await server.person("pia", role)
    found = await pulled(person, plain_secret="true")
    assert set(found) == (ALWAYS | VARIABLES | RESOURCES | TYPES) - missing


async def test_folders_and_other_peoples_paths_are_closed(server: Server) -> None:
    await fill(server)
    await server.client.post(f"{W}/scripts/create", json={"path": "u/admin/mine", **SCRIPT})
    await server.client.post(f"{W}/folders/update/team", json={"extra_perms": {}})
    person = await server.person("dora", "developer")
    assert set(await pulled(person, include_schedules="true")) == TYPES


async def test_a_token_with_a_scope_gets_no_more_than_it(server: Server) -> None:
    await fill(server)
    made = await server.client.post("/api/users/tokens/create", json={"label": "x", "scopes": ["scripts:read"]})
    person = server.make_client({"authorization": f"Bearer {made.text}"})
    assert set(await pulled(person, include_users="true", include_groups="true")) == {
        "f/team/s.py",
        "f/team/s.script.json",
    }


async def test_as_a_tar(server: Server) -> None:
    await fill(server)
    answer = await server.client.get(f"{W}/workspaces/tarball?archive_type=tar")
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        file = archive.extractfile("f/team/s.py")
        assert file is not None and file.read().decode() == SCRIPT["content"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("archive_type=rar", "Invalid Archive Type"),
        ("include_key=true", "does not give the key"),
        ("default_ts=node", "default_ts"),
        ("plain_secret=perhaps", "plain_secret"),
    ],
)
async def test_what_cannot_be_is_said(server: Server, options: str, said: str) -> None:
    answer = await server.client.get(f"{W}/workspaces/tarball?{options}")
    assert (answer.status_code, said in answer.text) == (400, True), answer.text


async def test_no_email_leads_out_of_the_folder(server: Server) -> None:
    added = await server.client.post(
        f"{W}/workspaces/add_user", json={"email": "../../up@example.org", "username": "up"}
    )
    assert added.status_code == 201
    found = await pulled(server.client, include_users="true")
    assert "users/..%2F..%2Fup@example.org.user.json" in found
