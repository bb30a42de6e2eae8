"""Windmill's unmodified command line (`wmill`) against a started server: pushing, listing and running single things."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.clients.wmill import Wmill
from tests.live import TOKEN, Live

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADD = """summary: Adds
description: two numbers
lock: ''
kind: script
schema:
  type: object
  properties:
    x: {type: integer}
    y: {type: integer, default: 1}
  required: [x]
"""
FLOW = """summary: Both
description: ''
value:
  modules:
    - id: a
      value:
        type: rawscript
        content: '!inline a.py'
        language: python3
        input_transforms:
          n: {type: javascript, expr: flow_input.n}
    - id: b
      value:
        type: script
        path: f/team/add
        input_transforms:
          x: {type: javascript, expr: results.a}
schema:
  type: object
  properties:
    n: {type: integer}
  required: []
"""
FILES = {
    "f/team/add.py": "def main(x: int, y: int = 1):\n    print('adding')\n    return x + y\n",
    "f/team/add.script.yaml": ADD,
    "f/team/both.flow/flow.yaml": FLOW,
    "f/team/both.flow/a.py": "def main(n: int = 1):\n    if n < 0:\n        raise ValueError('too small')\n    return n * 2\n",
    "f/team/db.resource.yaml": "description: a base\nresource_type: any\nvalue: {host: h, password: $var:f/team/pw}\n",
    "f/team/pw.variable.yaml": "description: a secret\nis_secret: true\nvalue: so secret\n",
    "f/team/nightly.schedule.yaml": (
        "schedule: 0 0 3 * * *\ntimezone: Europe/Berlin\nenabled: false\n"
        "script_path: f/team/add\nis_flow: false\nargs: {x: 1}\n"
    ),
    "f/team/folder.meta.yaml": "display_name: team\nowners: [u/admin]\nextra_perms: {}\n",
}


@pytest.fixture(scope="module")
def wmill(server: Live, program: Path, tmp_path_factory: pytest.TempPathFactory) -> Wmill:
    """The command in a folder with one thing of each kind; the tests of this file follow each other."""
    wmill = Wmill(program, server.url, tmp_path_factory.mktemp("folder"))
    wmill.write(FILES)
    return wmill


async def test_a_profile_of_a_workspace(server: Live, program: Path, tmp_path: Path) -> None:
    profile = Wmill(program, server.url, tmp_path, env={"WM_TOKEN": "", "WM_WORKSPACE": "", "BASE_INTERNAL_URL": ""})
    given = ("--config-dir", str(tmp_path))
    added = await profile("workspace", "add", "here", "main", server.url, "--token", TOKEN, *given)
    assert f"Added workspace here for main on {server.url}/" in added
    assert "Main" in await profile("workspace", "list-remote", *given)
    who = await profile("workspace", "whoami", *given)
    assert '"email": "admin@flowapp.local"' in who and "Active: here" in who
    nowhere = await profile("workspace", "add", "no", "nowhere", server.url, "--token", TOKEN, *given, code=1)
    assert "does not exist" in nowhere
    wrong = await profile("script", "list", "--token", "no-such-token", *given, code=1)
    assert "Could not authenticate" in wrong


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("folder push team", "Folder pushed"),
        ("script push f/team/add.py", "Created new script f/team/add"),
        ("script push f/team/add.py", "Script f/team/add is up to date"),
        ("flow push f/team/both.flow f/team/both", "Flow pushed"),
        ("flow push f/team/both.flow f/team/both", "Flow f/team/both is up to date"),
        ("resource push f/team/db.resource.yaml f/team/db", "Resource f/team/db pushed"),
        ("variable push f/team/pw.variable.yaml f/team/pw --plain-secrets", "Variable f/team/pw pushed"),
        ("schedule push f/team/nightly.schedule.yaml f/team/nightly", "Schedule pushed"),
        ("folder list", "team"),
        ("script list", "f/team/add"),
        ("script get f/team/add", "two numbers"),
        ("script history f/team/add", "Hash"),
        ("flow list", "f/team/both"),
        ("flow get f/team/both", "b: script (f/team/add)"),
        ("resource list", "f/team/db"),
        ("variable list", "f/team/pw"),
        ("schedule list", "f/team/nightly"),
        ("token list", "oken"),
        ("group list", "All members"),
        ("audit list", "script.create"),
    ],
)
async def test_things_are_pushed_and_listed(wmill: Wmill, words: str, said: str) -> None:
    assert said in await wmill(*words.split())


async def test_what_was_pushed_is_there(server: Live, wmill: Wmill) -> None:
    assert await server.get("resources/get_value_interpolated/f/team/db") == {"host": "h", "password": "so secret"}
    assert await server.get("variables/get_value/f/team/pw") == "so secret"
    assert (await server.get("folders/get/team"))["owners"] == ["u/admin"]
    assert (await server.get("scripts/get/p/f/team/add"))["content"] == FILES["f/team/add.py"]


async def test_rights_of_single_things_for_strangers_are_refused_in_words(wmill: Wmill) -> None:
    file = wmill.folder / "f/team/own.variable.yaml"
    file.write_text("value: x\nis_secret: false\ndescription: ''\nextra_perms: {u/dora: true}\n")
    said = await wmill("variable", "push", "f/team/own.variable.yaml", "f/team/own", "--plain-secrets")
    assert "failed to grant write to u/dora" in said and "'dora' is not a member of this workspace" in said


async def test_long_lists_end(server: Live, wmill: Wmill) -> None:
    for number in range(12):
        body = {"path": f"f/many/s{number}", "content": "def main(): ...", "language": "python3", "lock": ""}
        await server.post("scripts/create", body)
    listed = json.loads(await wmill("script", "list", "--json"))
    assert {f"f/many/s{number}" for number in range(12)} <= {row["path"] for row in listed}


async def test_running(wmill: Wmill) -> None:
    followed = await wmill("script", "run", "f/team/add", "-d", '{"x": 4}')
    assert "adding" in followed and followed.rstrip().endswith("5")
    assert (await wmill("script", "run", "-s", "f/team/add", "-d", '{"x": 41}')).strip() == "42"
    flow = await wmill("flow", "run", "f/team/both", "-d", '{"n": 4}')
    assert "Flow ran to completion" in flow and flow.rstrip().endswith("9")
    assert (await wmill("flow", "run", "-s", "f/team/both", "-d", '{"n": 1}')).strip() == "3"
    preview = await wmill("flow", "preview", "f/team/both.flow", "-d", '{"n": 3}')
    assert "Flow preview completed" in preview and preview.rstrip().endswith("7")
    assert "12" in await wmill("script", "preview", "f/team/add.py", "-d", '{"x": 11}')


async def test_what_does_not_run_is_said(wmill: Wmill) -> None:
    assert "Script 'f/team/nope' not found" in await wmill("script", "run", "f/team/nope", "-d", "{}", code=1)
    assert "Missing required arguments: x" in await wmill("script", "run", "f/team/add", code=1)
    failed = await wmill("flow", "run", "f/team/both", "-d", '{"n": -1}', code=1)
    assert "too small" in failed


async def test_jobs(server: Live, wmill: Wmill) -> None:
    newest = json.loads(await wmill("job", "list", "--json"))[0]
    assert (newest["script_path"], newest["success"]) == ("f/team/both", False)
    job = (await server.post("jobs/run/p/f/team/add", {"x": 2})).text
    await server.ended(job)
    shown = await wmill("job", "get", job)
    assert "f/team/add" in shown and "success" in shown
    assert (await wmill("job", "result", job)).strip() == "3"
    assert "adding" in await wmill("job", "logs", job)


async def test_a_job_is_canceled(server: Live, wmill: Wmill) -> None:
    code = {"content": "import time\n\ndef main():\n    time.sleep(60)\n", "language": "python3"}
    job = (await server.post("jobs/run/preview", code)).text
    await wmill("job", "cancel", job, "--reason", "enough")
    ended = await server.ended(job)
    assert (ended["canceled"], ended["canceled_reason"]) == (True, "enough")
