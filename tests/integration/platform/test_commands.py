"""The commands against a real server and its database: those in the docs as they stand there, and what they must not do."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from flowapp.cli import main
from flowapp.errors import FlowappError
from flowapp.store.beside import open_beside
from flowapp.workspace.operating import Operating
from tests.live import TOKEN, Live, live

ROOT = Path(__file__).resolve().parents[3]
DOC = ROOT / "docs" / "command-line.md"
CODE = 'def main(name: str = "nobody"):\n    print(f"greeting {name}")\n    return f"Hello {name}"\n'
FLOW = f"""summary: Report
value:
  modules:
    - id: a
      value:
        type: rawscript
        language: python3
        content: {json.dumps(CODE)}
        input_transforms:
          name:
            type: javascript
            expr: flow_input.name
schema:
  type: object
  properties:
    name:
      type: string
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A folder to call commands in, beside a server."""

    server: Live
    folder: Path

    def environment(self) -> dict[str, str]:
        """The settings of the machine that the server is on."""
        settings = self.server.services.settings
        return {
            "FLOWAPP_HOME": str(settings.home),
            "DATABASE_URL": settings.database_url,
            "PORT": str(settings.port),
            "FLOWAPP_TOKEN": TOKEN,
        }

    async def call(self, line: str, **env: str) -> Done:
        """Run a line as the docs have it, in this process: starting one takes longer than most commands."""
        given, _, command = line.rpartition(" | ") if line.startswith("echo ") else ("", "", line)
        words = shlex.split(command)
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            env[name] = value
        assert words.pop(0) == "flowapp"
        typed = "".join(f"{word}\n" for word in shlex.split(given)[1:])
        done = await asyncio.to_thread(self._called, words, typed, {**self.environment(), **env})
        assert "Traceback" not in done.err, done.err
        return done

    def _called(self, words: list[str], typed: str, env: dict[str, str]) -> Done:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with (
            patch.dict(os.environ, env),
            contextlib.chdir(self.folder),
            patch.object(sys, "stdin", io.StringIO(typed)),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            status = main(words)
        texts = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err)]
        return Done(status, texts[0], texts[1])

    async def done(self, line: str, **env: str) -> str:
        """The output of a line that must succeed."""
        found = await self.call(line, **env)
        assert found.status == 0, f"{line}: {found.err}"
        return found.out


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "report.yaml").write_text(FLOW)
    (folder / "arguments.json").write_text('{"name": "Grace"}')
    async with live(tmp_path / "home") as server:
        await server.post("folders/create", {"name": "team"}, status=200)
        yield Machine(server, folder)


async def test_the_calls_in_the_docs_run(machine: Machine) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", DOC.read_text(), flags=re.DOTALL)
    outputs: dict[str, str] = {}
    for line in (line for block in blocks for line in block.splitlines()):
        if "fa_REPLACE" in line:
            tokens = await machine.done("flowapp token list --user ada")
            line = line.replace("fa_REPLACE", tokens.splitlines()[1].split()[0])
        outputs[line] = await machine.done(line)
    ran = [out for line, out in outputs.items() if line.startswith("flowapp run")]
    assert [json.loads(out) for out in ran] == ["Hello Ada", "Hello Grace"]
    assert outputs["flowapp export f/team/report"].startswith("summary: Report\nvalue:\n")
    assert {"report.json", "report.zip", "report.flow", "workspace.zip", "restored"} <= set(os.listdir(machine.folder))
    exported = json.loads((machine.folder / "report.json").read_text())
    assert set(exported) == {"summary", "value", "schema"}
    assert await machine.server.get("flows/exists/f/team/copy") is True


async def test_the_program_itself(machine: Machine) -> None:
    """Called by any interpreter from any folder, it finds its own packages."""
    env = {"PATH": os.environ["PATH"], "HOME": str(machine.folder), **machine.environment()}
    done = await asyncio.to_thread(
        subprocess.run,
        ["/usr/bin/env", "python3", str(ROOT / "scripts" / "flowapp"), "user", "list"],
        cwd=machine.folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "admin@flowapp.local" in done.stdout


async def test_logs_go_to_stderr_and_the_status_tells_of_success(machine: Machine) -> None:
    await machine.done("flowapp import report.yaml --path f/team/report --deploy")
    good = await machine.call("""flowapp run f/team/report --args '{"name": "Ada"}'""")
    assert (good.status, json.loads(good.out)) == (0, "Hello Ada")
    assert "a │ greeting Ada" in good.err
    (machine.folder / "bad.yaml").write_text(
        FLOW.replace("return f", "raise ValueError(f").replace('{name}\\"\\n"', '{name}\\")\\n"')
    )
    await machine.done("flowapp import bad.yaml --path f/team/bad --deploy")
    bad = await machine.call("flowapp run f/team/bad")
    assert bad.status == 1
    assert json.loads(bad.out)["error"]["name"] == "ValueError"
    assert "The run failed." in bad.err
    missing = await machine.call("flowapp run f/team/nothing")
    assert (missing.status, missing.out) == (1, "")
    assert missing.err.startswith("flowapp: ")
    assert len(missing.err.splitlines()) == 1


async def test_a_script_runs_too(machine: Machine) -> None:
    body = {"path": "f/team/hello", "summary": "", "content": CODE, "language": "python3"}
    await machine.server.post("scripts/create", body)
    done = await machine.call("""flowapp run f/team/hello --script --args '{"name": "Ada"}'""")
    assert (done.status, json.loads(done.out)) == (0, "Hello Ada")
    assert "greeting Ada" in done.err


async def test_a_document_with_errors_is_not_stored(machine: Machine) -> None:
    (machine.folder / "wrong.yaml").write_text("summary: x\nvalue:\n  modules: 5\n")
    done = await machine.call("flowapp import wrong.yaml --path f/team/wrong --deploy")
    assert done.status == 1
    assert "is not an OpenFlow document" in done.err
    assert await machine.server.get("flows/exists/f/team/wrong") is False


async def test_the_token_decides_what_may_be_done(machine: Machine) -> None:
    await machine.done("flowapp import report.yaml --path f/team/report --deploy")
    await machine.done("flowapp user add eve@example.com --role viewer")
    token = (await machine.done("flowapp token create --user eve@example.com")).strip()
    refused = await machine.call("flowapp run f/team/report", FLOWAPP_TOKEN=token)
    assert refused.status == 1
    wrong = await machine.call("flowapp run f/team/report", FLOWAPP_TOKEN="not-a-token-of-anybody")
    assert "does not take the token" in wrong.err


async def test_people_sign_in_with_what_the_operator_set(machine: Machine) -> None:
    client = machine.server.client
    await machine.done("echo 'a long sentence' | flowapp user add ada@example.com --password")
    body = {"email": "ada@example.com", "password": "a long sentence"}
    assert (await client.post("/api/auth/login", json=body)).status_code == 200
    await machine.done("echo 'another sentence' | flowapp user set-password ada")
    assert (await client.post("/api/auth/login", json=body)).status_code == 401
    await machine.done("flowapp user disable ada@example.com")
    second = {**body, "password": "another sentence"}
    assert (await client.post("/api/auth/login", json=second)).status_code == 401
    link = (await machine.done("flowapp user link admin")).strip()
    opened = await client.get(link, headers={"authorization": ""}, follow_redirects=False)
    assert (opened.status_code, "set-cookie" in opened.headers) == (303, True)


async def test_a_new_key_waits_for_the_server_to_stop(machine: Machine) -> None:
    home = machine.server.services.settings.home
    before = (home / "secret.key").read_bytes()
    refused = await machine.call("flowapp rotate-key")
    assert (refused.status, "is using the data folder" in refused.err) == (1, True)
    elsewhere = await machine.call("flowapp rotate-key", FLOWAPP_SECRET_KEY="x" * 40)
    assert (elsewhere.status, "--from-stdin" in elsewhere.err) == (1, True)
    assert (home / "secret.key").read_bytes() == before


async def test_doctor_says_what_is_wrong(machine: Machine) -> None:
    home = machine.server.services.settings.home
    fine = await machine.call("flowapp doctor")
    assert fine.status == 0, fine.out
    assert "a Flowapp server answers" in fine.out
    (home / "secret.key").chmod(0o644)
    home.chmod(0o755)
    bad = await machine.call("flowapp doctor")
    assert bad.status == 1
    assert f"chmod 600 {home / 'secret.key'}" in bad.out
    assert f"chmod 700 {home}" in bad.out
    (home / "secret.key").write_bytes(b"x" * 32)
    assert "were encrypted with another key" in (await machine.call("flowapp doctor")).out


async def test_doctor_knows_an_older_schema(machine: Machine) -> None:
    home = machine.folder / "old"
    home.mkdir(mode=0o700)
    with sqlite3.connect(home / "flowapp.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('0001')")
    done = await machine.call("flowapp doctor", FLOWAPP_HOME=str(home))
    assert done.status == 1
    assert "flowapp migrate" in done.out
    people = await machine.call("flowapp user list", FLOWAPP_HOME=str(home))
    assert (people.status, "0001" in people.err) == (1, True)


async def test_people_on_either_database(store_url: str, tmp_path: Path) -> None:
    """The use-cases behind `user` and `token`, with the refusals that keep somebody in charge."""
    async with live(tmp_path, store_url) as server, open_beside(store_url, tmp_path) as database:
        operating = Operating(database)
        assert await operating.add("ada@example.com", role="developer", workspace="main") == "ada"
        for wrong, said in (
            (operating.add("ada@example.com", role="developer", workspace="main"), "already an account"),
            (operating.add("bob@example.com", role="boss", workspace="main"), "no role 'boss'"),
            (operating.add("bob@example.com", role="viewer", workspace="moon"), "There are: main"),
            (operating.set_role("admin", "viewer", "main"), "This is the last admin"),
            (operating.set_disabled("admin", disabled=True), "only super admin"),
            (operating.set_password("nobody", "a long sentence"), "flowapp user list"),
            (operating.revoke_token("fa_none"), "flowapp token list"),
        ):
            with pytest.raises(FlowappError) as refused:
                await wrong
            assert said in f"{refused.value.message} {refused.value.hint}"
        token = await operating.create_token("ada", "t", days=1, wanted=["jobs:run"])
        headers = {"authorization": f"Bearer {token}"}
        assert (await server.client.get("/api/users/whoami", headers=headers)).status_code in (200, 403)
        (row,) = await operating.tokens("ada")
        assert row.prefix == token[:10]
        await operating.revoke_token(row.prefix)
        trail = (await server.client.get("/api/w/main/audit/list")).json()
        assert any(entry["username"] == "command line" and entry["operation"] == "user.create" for entry in trail)
