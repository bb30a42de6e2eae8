"""Windmill's unmodified command line: a workspace in a folder, there and back without differences."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.clients.wmill import Wmill
from tests.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")

NONE = "0 changes to apply"
SETTINGS = "defaultTs: bun\nincludes: ['**']\nexcludes: []\nincludeSchedules: true\n"
SCHEMA = "schema: {type: object, properties: {name: {type: string}}, required: [name]}\n"
FLOW = """summary: Each
value:
  modules:
    - id: loop
      summary: ''
      value:
        type: forloopflow
        skip_failures: false
        iterator: {type: javascript, expr: 'flow_input.names'}
        modules:
          - id: greet
            summary: Say it
            value:
              type: rawscript
              language: bun
              content: '!inline say_it.ts'
              lock: ''
              input_transforms:
                name: {type: javascript, expr: flow_input.iter.value}
            retry: {constant: {attempts: 2, seconds: 1}}
    - id: later
      value: {type: script, path: f/team/not_yet_there, input_transforms: {}}
  failure_module:
    id: failure
    value: {type: rawscript, language: python3, content: '!inline failure.py', lock: '', input_transforms: {}}
  concurrent_limit: 3
schema: {type: object, properties: {names: {type: array}}, required: []}
tag: slow
"""
FILES = {
    "wmill.yaml": SETTINGS,
    "f/team/folder.meta.yaml": "summary: Ours\ndisplay_name: The team\nowners: [g/all]\nextra_perms: {g/all: true}\n",
    "f/team/plain.py": "def main(name): return name\n",
    "f/team/plain.script.yaml": f"summary: ''\ndescription: ''\nkind: script\nlock: ''\n{SCHEMA}",
    "f/team/rich.ts": "export async function main(name: string) { return name }\n",
    "f/team/rich.script.lock": '{"dependencies": {}}\n//bun.lock\n<empty>\n',
    "f/team/rich.script.yaml": (
        "summary: Rich\ndescription: |-\n  two\n  lines\nkind: approval\nlock: '!inline f/team/rich.script.lock'\n"
        f"{SCHEMA}tag: slow\ntimeout: 30\ncache_ttl: 60\nenvs: ['COLOR=red']\npriority: 3\nlabels: [a, b]\n"
        "concurrent_limit: 2\nconcurrency_time_window_s: 5\nconcurrency_key: k\ndelete_after_secs: 9\n"
    ),
    "f/team/event.deno.ts": "export function preprocessor(event: any) { return event }\nexport function main() {}\n",
    "f/team/event.script.yaml": f"summary: Event\ndescription: ''\nkind: script\nlock: ''\n{SCHEMA}",
    "f/team/query.pg.sql": "SELECT 1\n",
    "f/team/query.script.yaml": f"summary: Query\ndescription: ''\nkind: script\n{SCHEMA}",
    "f/team/each.flow/flow.yaml": FLOW,
    "f/team/each.flow/say_it.ts": "export async function main(name: string) { return `hi ${name}` }\n",
    "f/team/each.flow/failure.py": "def main(): ...\n",
    "f/team/db.resource.yaml": "description: ''\nresource_type: thing\nvalue: {host: h, password: $var:f/team/pw}\n",
    "f/team/bare.resource.yaml": "resource_type: any\nvalue: {a: null, b: [1, 'ü']}\n",
    "f/team/pw.variable.yaml": "description: a secret\nis_secret: true\nvalue: so secret\n",
    "f/team/text.variable.yaml": "description: ''\nis_secret: false\nvalue: in clear\n",
    "f/team/nightly.schedule.yaml": (
        "schedule: 0 0 3 * * *\ntimezone: Europe/Berlin\nenabled: false\nscript_path: f/team/plain\nis_flow: false\n"
        "args: {name: x}\nno_flow_overlap: true\nsummary: Nightly\n"
    ),
    "thing.resource-type.yaml": "description: A thing\nschema: {type: object, properties: {host: {type: string}}}\n",
}


async def folder_of(server: Live, program: Path, folder: Path, workspace: str, *, new: bool = True) -> Wmill:
    """The command in an empty folder with settings, for a workspace."""
    if new:
        made = await server.client.post("/api/workspaces/create", json={"id": workspace, "name": workspace})
        assert made.status_code == 201, made.text
    folder.mkdir()
    wmill = Wmill(program, server.url, folder, workspace=workspace)
    wmill.write({"wmill.yaml": SETTINGS})
    return wmill


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pushed(server: Live, program: Path, tmp_path_factory: pytest.TempPathFactory) -> Wmill:
    """A folder whose files were pushed into an empty workspace."""
    wmill = await folder_of(server, program, tmp_path_factory.mktemp("sync") / "pushed", "pushed")
    wmill.write(FILES)
    said = await wmill("sync", "push", "--yes", "--plain-secrets")
    assert "changes pushed to the remote workspace" in said
    return wmill


async def test_what_was_pushed_shows_no_difference(pushed: Wmill) -> None:
    assert NONE in await pushed("sync", "push", "--dry-run", "--plain-secrets")


async def test_pulled_files_show_no_difference_and_fill_another_workspace(
    server: Live, program: Path, pushed: Wmill, tmp_path: Path
) -> None:
    first = await folder_of(server, program, tmp_path / "first", "pushed", new=False)
    await first("sync", "pull", "--yes", "--plain-secrets")
    assert NONE in await first("sync", "push", "--dry-run", "--plain-secrets")
    assert NONE in await first("sync", "pull", "--dry-run", "--plain-secrets")
    copy = await folder_of(server, program, tmp_path / "copy", "copy")
    copy.write(first.files())
    await copy("sync", "push", "--yes", "--plain-secrets")
    second = await folder_of(server, program, tmp_path / "second", "copy", new=False)
    await second("sync", "pull", "--yes", "--plain-secrets")
    assert second.files() == first.files()
    unchanged = [name for name in FILES if name.endswith((".ts", ".py", ".sql")) and "each.flow" not in name]
    assert {name: first.files()[name] for name in unchanged} == {name: FILES[name] for name in unchanged}
    inline = {name for name in first.files() if "each.flow/" in name}
    assert inline == {
        f"f/team/each.flow/{name}" for name in ("flow.yaml", "say_it.inline_script.ts", "failure.inline_script.py")
    }


async def test_secrets_leave_as_ciphertext_and_come_back(
    server: Live, program: Path, pushed: Wmill, tmp_path: Path
) -> None:
    wmill = await folder_of(server, program, tmp_path / "secrets", "pushed", new=False)
    await wmill("sync", "pull", "--yes")
    file = wmill.folder / "f/team/pw.variable.yaml"
    text = file.read_text()
    assert "so secret" not in text
    file.write_text(text.replace("a secret", "another description"))
    assert "1 changes pushed" in await wmill("sync", "push", "--yes")
    found = (await server.client.get("/api/w/pushed/variables/get/f/team/pw")).json()
    assert (found["value"], found["description"], found["is_secret"]) == ("so secret", "another description", True)
    assert NONE in await wmill("sync", "push", "--dry-run")


async def test_changes_are_versions_and_what_is_removed_goes_away(
    server: Live, program: Path, pushed: Wmill, tmp_path: Path
) -> None:
    wmill = await folder_of(server, program, tmp_path / "changed", "changed")
    wmill.write(FILES)
    await wmill("sync", "push", "--yes", "--plain-secrets")
    await wmill("sync", "pull", "--yes")
    (wmill.folder / "f/team/plain.py").write_text("def main(name): return 'changed'\n")
    for name in (
        "bare.resource.yaml",
        "text.variable.yaml",
        "query.pg.sql",
        "query.script.yaml",
        "nightly.schedule.yaml",
    ):
        (wmill.folder / "f/team" / name).unlink()
    shutil.rmtree(wmill.folder / "f/team/each.flow")
    await wmill("sync", "push", "--yes")
    at = "/api/w/changed"
    history = (await server.client.get(f"{at}/scripts/history/p/f/team/plain")).json()
    assert len(history) == 2
    newest = (await server.client.get(f"{at}/scripts/get/p/f/team/plain")).json()
    assert (newest["content"], newest["parent_hashes"]) == (
        "def main(name): return 'changed'\n",
        [history[1]["script_hash"]],
    )
    gone = [
        "resources/exists/f/team/bare",
        "variables/exists/f/team/text",
        "scripts/exists/p/f/team/query",
        "flows/exists/f/team/each",
        "schedules/exists/f/team/nightly",
    ]
    assert [(await server.client.get(f"{at}/{what}")).json() for what in gone] == [False] * len(gone)
    assert NONE in await wmill("sync", "pull", "--dry-run")


async def test_members_and_groups_go_along_when_asked_for(server: Live, program: Path, tmp_path: Path) -> None:
    wmill = await folder_of(server, program, tmp_path / "people", "people")
    wmill.write({"wmill.yaml": f"{SETTINGS}includeUsers: true\nincludeGroups: true\n"})
    await wmill("sync", "pull", "--yes")
    assert "role: admin" in wmill.files()["users/admin@flowapp.local.user.yaml"]
    wmill.write(
        {
            "users/dora@example.org.user.yaml": "username: dora\nrole: developer\ndisabled: false\n",
            "groups/crew.group.yaml": "summary: Crew\nmembers: [u/admin]\nadmins: []\n",
        }
    )
    await wmill("sync", "push", "--yes")
    assert (await server.client.get("/api/w/people/groups/get/crew")).json()["members"] == ["admin"]
    assert (await server.client.get("/api/w/people/users/get/dora")).json()["email"] == "dora@example.org"
    assert NONE in await wmill("sync", "push", "--dry-run")


async def test_rights_of_single_things_go_along(server: Live, program: Path, tmp_path: Path) -> None:
    wmill = await folder_of(server, program, tmp_path / "perms", "perms")
    await member(server, "pia", "perms")
    gives = "extra_perms: {u/pia: true, g/all: false}\n"
    named = {
        "script": ("f/team/plain.script.yaml", "f/team/plain"),
        "flow": ("f/team/each.flow/flow.yaml", "f/team/each"),
        "variable": ("f/team/pw.variable.yaml", "f/team/pw"),
    }
    wmill.write(FILES | {file: FILES[file] + gives for file, _ in named.values()})
    said = await wmill("sync", "push", "--yes", "--plain-secrets")
    assert "failed to grant" not in said

    async def given(kind: str) -> object:
        return (await server.client.get(f"/api/w/perms/acls/get/{kind}/{named[kind][1]}")).json()

    for kind in named:
        assert await given(kind) == {"g/all": False, "u/pia": True}, said
    assert NONE in await wmill("sync", "push", "--dry-run", "--plain-secrets")
    other = await folder_of(server, program, tmp_path / "pulled", "perms", new=False)
    await other("sync", "pull", "--yes", "--plain-secrets")
    assert NONE in await other("sync", "push", "--dry-run", "--plain-secrets")
    for file, _ in named.values():
        text = (other.folder / file).read_text()
        assert "u/pia: true" in text, file
        (other.folder / file).write_text(text.replace("u/pia: true", "u/pia: false").replace("  g/all: false\n", ""))
    await other("sync", "push", "--yes", "--plain-secrets")
    for kind in named:
        assert await given(kind) == {"u/pia": False}
    assert NONE in await other("sync", "push", "--dry-run", "--plain-secrets")
    assert NONE in await other("sync", "pull", "--dry-run", "--plain-secrets")


async def test_what_cannot_be_pulled_is_said(server: Live, program: Path, tmp_path: Path) -> None:
    wmill = await folder_of(server, program, tmp_path / "key", "nowhere", new=False)
    assert "Workspace id 'nowhere' not found" in await wmill("sync", "pull", "--yes", code=1)
    wmill = await folder_of(server, program, tmp_path / "main", "main", new=False)
    assert "does not give the key" in await wmill("sync", "pull", "--yes", "--include-key", code=1)


async def member(server: Live, name: str, workspace: str, **role: bool) -> str:
    """A token of a new member."""
    account = {"email": f"{name}@example.org", "username": name, "password": "long enough 1"}
    assert (await server.client.post("/api/users/create", json=account)).status_code == 201
    added = {"email": account["email"], **role}
    assert (await server.client.post(f"/api/w/{workspace}/workspaces/add_user", json=added)).status_code == 201
    answer = await server.client.post("/api/auth/login", json=account, headers={"authorization": ""})
    return answer.text


async def test_who_is_no_admin_syncs_what_is_theirs(server: Live, program: Path, tmp_path: Path) -> None:
    admin = await folder_of(server, program, tmp_path / "admin", "rights")
    admin.write(FILES)
    (admin.folder / "f/team/folder.meta.yaml").write_text("owners: [u/admin]\nextra_perms: {g/all: false}\n")
    await admin("sync", "push", "--yes", "--plain-secrets")
    token = await member(server, "eve", "rights")
    eve = replace(await folder_of(server, program, tmp_path / "eve", "rights", new=False), token=token)
    await eve("sync", "pull", "--yes")
    eve.write(
        {
            "f/hers/folder.meta.yaml": "owners: [u/eve]\nextra_perms: {}\n",
            "f/hers/plain.py": FILES["f/team/plain.py"],
            "f/hers/plain.script.yaml": FILES["f/team/plain.script.yaml"],
        }
    )
    assert "changes pushed" in await eve("sync", "push", "--yes")
    assert NONE in await eve("sync", "push", "--dry-run")
    (eve.folder / "f/team/plain.py").write_text("def main(name): return 'no'\n")
    refused = await eve("sync", "push", "--yes", code=1)
    assert "you may look at things, not change them" in refused
    token = await member(server, "otto", "rights", operator=True)
    otto = replace(await folder_of(server, program, tmp_path / "otto", "rights", new=False), token=token)
    await otto("sync", "pull", "--yes")
    pulled = set(otto.files())
    assert "f/team/plain.py" in pulled and not {name for name in pulled if "variable" in name or "f/hers" in name}


async def test_packages_that_cannot_be_had_are_told_after_a_push(server: Live, program: Path, tmp_path: Path) -> None:
    wmill = await folder_of(server, program, tmp_path / "broken", "broken")
    wmill.write(
        {
            "f/team/folder.meta.yaml": "owners: [u/admin]\nextra_perms: {}\n",
            "f/team/broken.py": "from f.team.nowhere import x\n\ndef main(): ...\n",
            "f/team/broken.script.yaml": f"summary: ''\ndescription: ''\nkind: script\n{SCHEMA}",
        }
    )
    said = await wmill("sync", "push", "--yes")
    assert "lock generation FAILED for f/team/broken" in said and "f/team/nowhere" in said
    assert NONE in await wmill("sync", "push", "--dry-run")
