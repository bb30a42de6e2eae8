"""Windmill's unmodified command line: workspaces that it makes, one thing of every kind pushed at once, changes of single things."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.clients.wmill import Wmill
from tests.live import TOKEN, Live

pytestmark = pytest.mark.asyncio(loop_scope="module")

NONE = "0 changes to apply"
SETTINGS = (
    "defaultTs: bun\nincludes: ['**']\nexcludes: []\nincludeSchedules: true\nincludeUsers: true\nincludeGroups: true\n"
)
SCHEMA = "schema:\n  type: object\n  properties:\n    x: {type: integer}\n  required: []\n"
#: Files of one script in each language that has a file name of its own: what they hold is not run here.
SCRIPTS = {
    "one.py": "def main(x: int = 1):\n    return x\n",
    "two.ts": "export function main(x: number) { return x }\n",
    "three.deno.ts": "export function main(x: number) { return x }\n",
    "four.fetch.ts": "export function main(x: number) { return x }\n",
    "five.sh": 'x="$1"\necho $x\n',
    "six.go": "package inner\n\nfunc main(x int) (interface{}, error) {\n\treturn x, nil\n}\n",
    "seven.pg.sql": "SELECT 1\n",
    "eight.my.sql": "SELECT 1\n",
    "nine.duckdb.sql": "SELECT 1\n",
    "ten.ms.sql": "SELECT 1\n",
    "eleven.bq.sql": "SELECT 1\n",
    "twelve.sf.sql": "SELECT 1\n",
    "thirteen.odb.sql": "SELECT 1\n",
    "fourteen.gql": "query { a }\n",
    "fifteen.php": "<?php\nfunction main($x) { return $x; }\n",
    "sixteen.r": "main <- function(x) {\n  x\n}\n",
}
FLOW = """summary: Every kind of step
description: |-
  two
  lines
value:
  modules:
    - id: each
      summary: In turn
      value:
        type: forloopflow
        skip_failures: true
        parallel: true
        parallelism: 2
        iterator: {type: javascript, expr: '[1, 2]'}
        modules:
          - id: inner
            value: {type: identity}
    - id: again
      value:
        type: whileloopflow
        skip_failures: false
        modules:
          - id: once
            value:
              type: rawscript
              language: python3
              content: '!inline once.py'
              lock: ''
              input_transforms: {n: {type: javascript, expr: flow_input.iter.index}}
            stop_after_if: {expr: result > 1, skip_if_stopped: false}
    - id: which
      value:
        type: branchone
        branches:
          - summary: left
            expr: 'true'
            modules:
              - id: left
                value: {type: script, path: f/all/one, input_transforms: {x: {type: static, value: 3}}}
        default: []
    - id: both
      value:
        type: branchall
        parallel: false
        branches:
          - {summary: '', skip_failure: true, modules: []}
    - id: asked
      value: {type: flow, path: f/all/other, input_transforms: {}}
      suspend:
        required_events: 1
        timeout: 600
        resume_form: {schema: {type: object, properties: {why: {type: string}}}}
      retry: {exponential: {attempts: 2, multiplier: 1, seconds: 2, random_factor: 10}}
      sleep: {type: static, value: 1}
      mock: {enabled: false, return_value: {a: null}}
      cache_ttl: 60
      priority: 3
      continue_on_error: true
  failure_module:
    id: failure
    value: {type: rawscript, language: bun, content: '!inline failure.ts', lock: '', input_transforms: {}}
  preprocessor_module:
    id: preprocessor
    value: {type: rawscript, language: python3, content: '!inline pre.py', lock: '', input_transforms: {}}
  same_worker: false
  early_return: which
  cache_ttl: 30
schema:
  type: object
  properties: {names: {type: array, items: {type: string}}}
  required: []
"""
IDENTITY = "summary: Other\ndescription: ''\nvalue:\n  modules:\n    - id: a\n      value: {type: identity}\n"
EMPTY = "schema: {type: object, properties: {}, required: []}\n"
SCHEDULE = "timezone: Europe/Berlin\nenabled: false\nscript_path: f/all/%s\nis_flow: %s\n"
FILES = {
    "wmill.yaml": SETTINGS,
    "f/all/folder.meta.yaml": "summary: All\ndisplay_name: All of it\nowners: [g/crew, u/admin]\nextra_perms: {g/all: false}\n",
    "f/all/every.flow/flow.yaml": FLOW,
    "f/all/every.flow/once.py": "def main(n):\n    return n\n",
    "f/all/every.flow/pre.py": "def main(event):\n    return event\n",
    "f/all/every.flow/failure.ts": "export function main() {}\n",
    "f/all/other.flow/flow.yaml": IDENTITY + EMPTY,
    "f/all/text.variable.yaml": "description: ''\nis_secret: false\nvalue: in clear\n",
    "f/all/pw.variable.yaml": "description: a secret\nis_secret: true\nvalue: so secret\n",
    "f/all/db.resource.yaml": "description: a base\nresource_type: db\nvalue: {host: h, password: $var:f/all/pw}\n",
    "f/all/list.resource.yaml": "description: ''\nresource_type: any\nvalue: {a: [0, null, false, '']}\n",
    "f/all/daily.schedule.yaml": "schedule: 0 0 3 * * *\nargs: {x: 1}\nsummary: Daily\n" + SCHEDULE % ("one", "false"),
    "f/all/hourly.schedule.yaml": "schedule: 0 0 * * * *\nno_flow_overlap: true\n" + SCHEDULE % ("every", "true"),
    "db.resource-type.yaml": "description: A base\nschema: {type: object, properties: {host: {type: string}}}\n",
    "note.resource-type.yaml": "description: A file\nformat_extension: md\nschema: {type: object, properties: {content: {type: string}}}\n",
    "users/admin@flowapp.local.user.yaml": "username: admin\nrole: admin\ndisabled: false\n",
    "users/dora@example.org.user.yaml": "username: dora\nrole: developer\ndisabled: false\n",
    "groups/crew.group.yaml": "summary: Crew\nmembers: [u/admin]\nadmins: []\n",
    **{f"f/all/{name}": code for name, code in SCRIPTS.items()},
    **{
        f"f/all/{name.partition('.')[0]}.script.yaml": f"summary: {name}\ndescription: ''\nkind: script\nlock: ''\n{SCHEMA}"
        for name in SCRIPTS
    },
}


def profile(server: Live, program: Path, folder: Path) -> Wmill:
    """The command without anything in its environment: it knows the server from profiles in a folder."""
    folder.mkdir(exist_ok=True)
    nothing = dict.fromkeys(("WM_TOKEN", "WM_WORKSPACE", "BASE_INTERNAL_URL"), "")
    return Wmill(program, server.url, folder, env={**nothing, "WMILL_CONFIG_DIR": str(folder.parent)})


def in_workspace(server: Live, program: Path, folder: Path, workspace: str) -> Wmill:
    folder.mkdir()
    wmill = Wmill(program, server.url, folder, workspace=workspace)
    wmill.write({"wmill.yaml": SETTINGS})
    return wmill


async def workspace_of(server: Live, workspace: str) -> None:
    made = await server.client.post("/api/workspaces/create", json={"id": workspace, "name": workspace})
    assert made.status_code == 201, made.text


async def found(server: Live, workspace: str, what: str) -> Any:
    answer = await server.client.get(f"/api/w/{workspace}/{what}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything(server: Live, program: Path, tmp_path_factory: pytest.TempPathFactory) -> Wmill:
    """A folder with all kinds of things, pushed several at once into an empty workspace."""
    account = {"email": "dora@example.org", "username": "dora", "password": "long enough 1"}
    assert (await server.client.post("/api/users/create", json=account)).status_code == 201
    await workspace_of(server, "everything")
    wmill = in_workspace(server, program, tmp_path_factory.mktemp("all") / "first", "everything")
    wmill.write(FILES)
    said = await wmill("sync", "push", "--yes", "--plain-secrets", "--parallel", "8", "--message", "all at once")
    assert "changes pushed to the remote workspace" in said, said
    return wmill


async def test_a_workspace_is_made_named_and_used(server: Live, program: Path, tmp_path: Path) -> None:
    wmill = profile(server, program, tmp_path / "work")
    add = ("workspace", "add", "here", "made_here", server.url, "--token", TOKEN)
    assert "does not exist" in await wmill(*add, code=1)
    made = await wmill(*add, "--create", "--create-workspace-name", "Made here")
    assert "does not exist. Creating" in made and "Added workspace here for made_here" in made
    listed = (await server.client.get("/api/workspaces/list")).json()
    assert [row["name"] for row in listed if row["id"] == "made_here"] == ["Made here"]
    assert (await found(server, "made_here", "users/whoami"))["is_admin"] is True
    assert "Creating" not in await wmill(*add, "--create")
    wmill.write({name: FILES[name] for name in ("f/all/one.py", "f/all/one.script.yaml")})
    settings = "defaultTs: bun\nincludes: ['**']\nexcludes: []\n"
    wmill.write({"wmill.yaml": settings, "f/all/folder.meta.yaml": "owners: [u/admin]\nextra_perms: {}\n"})
    assert "changes pushed" in await wmill("sync", "push", "--yes")
    assert (await wmill("script", "run", "-s", "f/all/one", "-d", '{"x": 5}')).strip().endswith("5")
    wrong = await wmill("workspace", "add", "no", "Not A Name!", server.url, "--token", TOKEN, "-c", code=1)
    assert "small letters" in wrong or "letters" in wrong, wrong


async def test_all_at_once_shows_no_difference(everything: Wmill) -> None:
    said = await everything("sync", "push", "--dry-run", "--plain-secrets")
    assert NONE in said, said


async def test_pulled_pushed_elsewhere_and_pulled_again_is_the_same(
    server: Live, program: Path, everything: Wmill, tmp_path: Path
) -> None:
    first = in_workspace(server, program, tmp_path / "first", "everything")
    await first("sync", "pull", "--yes", "--plain-secrets")
    for way in ("push", "pull"):
        assert NONE in await first("sync", way, "--dry-run", "--plain-secrets")
    pulled = first.files()
    code = {f"f/all/{name}": text for name, text in SCRIPTS.items()}
    assert {name: pulled.get(name) for name in code} == code
    kinds = {name.rpartition("/")[2].partition(".")[2] for name in pulled}
    wanted = ("script.yaml", "variable.yaml", "resource.yaml", "schedule.yaml", "resource-type.yaml", "meta.yaml")
    assert kinds >= {*wanted, "group.yaml"} and "users/dora@example.org.user.yaml" in pulled
    await workspace_of(server, "everywhere")
    other = in_workspace(server, program, tmp_path / "other", "everywhere")
    other.write(pulled)
    await other("sync", "push", "--yes", "--plain-secrets", "--parallel", "4")
    second = in_workspace(server, program, tmp_path / "second", "everywhere")
    await second("sync", "pull", "--yes", "--plain-secrets")
    assert second.files() == pulled
    flow = [await found(server, name, "flows/get/f/all/every") for name in ("everything", "everywhere")]
    assert flow[0]["value"] == flow[1]["value"] and len(flow[0]["value"]["modules"]) == 5


CHANGES = [
    ("script push f/all/one.py", "f/all/one.py", "return x", "return x + 1", "scripts/get/p/f/all/one", "content"),
    (
        "flow push f/all/other.flow f/all/other",
        "f/all/other.flow/flow.yaml",
        "Other",
        "Another",
        "flows/get/f/all/other",
        "summary",
    ),
    ("resource push {} f/all/db", "f/all/db.resource.yaml", "host: h", "host: i", "resources/get/f/all/db", "value"),
    (
        "variable push {} f/all/pw --plain-secrets",
        "f/all/pw.variable.yaml",
        "so secret",
        "other secret",
        "variables/get/f/all/pw",
        "value",
    ),
    (
        "variable push {} f/all/text --plain-secrets",
        "f/all/text.variable.yaml",
        "in clear",
        "in words",
        "variables/get/f/all/text",
        "value",
    ),
    (
        "schedule push {} f/all/daily",
        "f/all/daily.schedule.yaml",
        "0 0 3",
        "0 0 4",
        "schedules/get/f/all/daily",
        "schedule",
    ),
    (
        "schedule push {} f/all/hourly",
        "f/all/hourly.schedule.yaml",
        "enabled: false",
        "enabled: true",
        "schedules/get/f/all/hourly",
        "enabled",
    ),
    (
        "resource-type push {} db",
        "db.resource-type.yaml",
        "A base",
        "A database",
        "resources/type/get/db",
        "description",
    ),
    ("folder push all", "f/all/folder.meta.yaml", "All of it", "The whole", "folders/get/all", "display_name"),
]


#: What a change of something else leaves as it was.
KEPT = {"is_secret", "description", "is_flow", "script_path", "args", "owners", "resource_type", "language", "enabled"}


@pytest.mark.parametrize("words,file,old,new,where,key", CHANGES, ids=[change[0].format("FILE") for change in CHANGES])
async def test_a_changed_thing_is_pushed_by_itself(
    server: Live, everything: Wmill, words: str, file: str, old: str, new: str, where: str, key: str
) -> None:
    before = await found(server, "everything", where)
    text = everything.files()[file]
    assert old in text
    everything.write({file: text.replace(old, new)})
    await everything(*words.format(file).split())
    after = await found(server, "everything", where)
    assert before[key] != after[key], after
    assert {name: before[name] for name in KEPT & before.keys() - {key}} == {
        name: after[name] for name in KEPT & after.keys() - {key}
    }


async def test_what_was_pushed_one_by_one_shows_no_difference_either(everything: Wmill) -> None:
    assert NONE in await everything("sync", "push", "--dry-run", "--plain-secrets")


async def test_versions_carry_the_message_of_their_push(server: Live, everything: Wmill) -> None:
    history = await found(server, "everything", "flows/history/p/f/all/every")
    assert [version["deployment_msg"] for version in history] == ["all at once"]
    history = await found(server, "everything", "scripts/history/p/f/all/two")
    assert [version["deployment_msg"] for version in history] == ["all at once"]


async def test_data_of_a_run_comes_from_a_file(everything: Wmill) -> None:
    everything.write({"wmill-data.json": '{"x": 20}'})
    followed = await everything("script", "run", "f/all/two", "-d", "@wmill-data.json")
    assert followed.rstrip().endswith("20")
    ran = await everything("flow", "run", "f/all/other", "-d", "@wmill-data.json")
    assert "Flow ran to completion" in ran and '"x": 20' in ran
    refused = await everything("script", "run", "f/all/one", "-d", "{no json", code=1)
    assert "Traceback" not in refused
    await everything("flow", "run", "f/all/none", "-d", "{}", code=1)


HOLDS = """
import json, os, time, wmill

def main():
    known = {name: value for name, value in os.environ.items() if name.startswith(("WM_", "BASE_"))}
    wmill.set_variable(f"u/{os.environ['WM_USERNAME']}/of_a_job", json.dumps(known))
    time.sleep(120)
"""


async def test_with_the_environment_and_the_token_of_a_job(server: Live, program: Path, tmp_path: Path) -> None:
    """What a step has in its environment is all that the command needs, for as long as the step runs."""
    job = (await server.post("jobs/run/preview", {"content": HOLDS, "language": "python3", "args": {}})).text
    where = "variables/exists/u/admin/of_a_job"
    while not await server.get(where):
        assert (await server.get(f"jobs_u/get/{job}"))["type"] == "QueuedJob"
    known = json.loads(await server.get("variables/get_value/u/admin/of_a_job"))
    inside = Wmill(program, server.url, tmp_path, token=known["WM_TOKEN"], env=known)
    inside.write(
        {
            "wmill.yaml": "defaultTs: bun\nincludes: ['f/injob/**']\nexcludes: []\nincludeSchedules: true\n",
            "f/injob/folder.meta.yaml": "owners: [u/admin]\nextra_perms: {}\n",
            "f/injob/one.py": "import humanize\n\ndef main(x: int):\n    return humanize.intcomma(x)\n",
            "f/injob/one.script.yaml": "summary: ''\ndescription: ''\nkind: script\n" + EMPTY,
            "f/injob/v.variable.yaml": "description: ''\nis_secret: false\nvalue: v\n",
        }
    )
    await inside("generate-metadata", "--yes")
    assert "humanize==" in inside.files()["f/injob/one.script.lock"]
    assert "changes pushed" in await inside("sync", "push", "--yes")
    assert NONE in await inside("sync", "push", "--dry-run")
    assert (await inside("script", "run", "-s", "f/injob/one", "-d", '{"x": 1000}')).strip() == '"1,000"'
    assert "f/injob/v" in await inside("variable", "list")
    await server.post(f"jobs_u/queue/cancel/{job}", {"reason": "done"}, 200)
    await server.ended(job)
    refused = await replace(inside)("script", "list", code=1)
    assert "Could not authenticate" in refused
