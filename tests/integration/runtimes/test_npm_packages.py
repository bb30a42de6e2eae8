"""TypeScript cells with packages of the registry that npm is configured for, on Deno and on Bun."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flowapp.jsontext import JsonText, loads
from flowapp.runtimes import Job, Runtimes, RuntimeSettings
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

ZOD = 'import { z } from "npm:zod@3.23.8";\nexport const main = (a: unknown) => z.string().parse(a);\n'
LANGUAGES = ("deno", "bun")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_installed_once_and_loaded_ahead(run: Run, runtimes: Runtimes, language: str) -> None:
    log: list[str] = []
    first = await run(language, ZOD, {"a": "x"}, log)
    assert first.result == '"x"', first.error
    # the folder is the same for both
    assert ("Installing 1 package: zod@3.23.8" in "".join(log)) is (language == "deno")
    before = runtimes.describe()["loaded"]
    async with asyncio.timeout(20):
        while runtimes.describe()["loaded"] <= before:
            await run(language, ZOD, {"a": "x"})
            await asyncio.sleep(0.1)
    assert (await run(language, ZOD, {"a": "y"})).result == '"y"'
    failed = await run(language, ZOD, {"a": 5})
    assert failed.error is not None
    assert failed.error["name"] == "ZodError"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_sub_paths_versions_and_builtin_modules(run: Run, language: str) -> None:
    code = """
import dayjs from "dayjs@1.11.10";
import utc from "npm:dayjs@1.11.10/plugin/utc.js";
import { join } from "path";
dayjs.extend(utc);
export const main = () => [dayjs.utc(0).format("YYYY"), join("a", "b")];
"""
    assert (await run(language, code)).result == '["1970","a/b"]'


@pytest.mark.parametrize("language", LANGUAGES)
async def test_no_job_writes_to_packages(run: Run, language: str) -> None:
    code = """
import { z } from "zod@3.23.8";
import fs from "node:fs";
export function main() {
  const folder = fs.realpathSync("node_modules/zod");
  const tried = [
    () => fs.appendFileSync(folder + "/package.json", " "),
    () => fs.mkdirSync(folder + "/new"),
    () => fs.writeFileSync("node_modules/new.js", ""),
  ];
  return tried.map((action) => { try { action(); return "done"; } catch { return "refused"; } });
}
"""
    outcome = await run(language, code)
    assert outcome.error is None, outcome.error
    assert loads(outcome.result or "") == ["refused"] * 3


async def test_a_lock_pins_and_is_made_anew_for_other_code(run: Run, runtimes: Runtimes) -> None:
    code = 'import meta from "zod/package.json" with { type: "json" };\nexport const main = () => meta.version;'
    lock = await runtimes.lock("deno", ZOD, {}, "")
    assert lock is not None
    assert '"integrity": "sha512-' in lock
    pinned = lock.replace("npm:zod@3.23.8", "npm:zod@latest")
    assert (await run("deno", code, lock=pinned)).result == '"3.23.8"'
    log: list[str] = []
    other = await run("deno", code.replace("zod/", "zod@3.22.4/"), log=log, lock=pinned)
    assert other.result == '"3.22.4"', other.error
    assert "other packages than its lock was made for" in "".join(log)
    forged = {
        "version": "5",
        "specifiers": {"npm:zod@latest": "3.20.0"},
        "npm": {"zod@3.20.0": {"integrity": f"sha512-{'A' * 86}=="}},
    }
    refused = await run("deno", code, lock=json.dumps(forged))
    assert refused.error is not None, refused.result
    assert refused.error["name"] == "PackagesError"
    assert await runtimes.lock("deno", "export const main = 1", {}, "") is None


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_run_says_which_version_is_taken_instead_of_one_that_is_not_there(
    run: Run, runtimes: Runtimes, language: str
) -> None:
    code = 'import meta from "zod@3.22.99/package.json" with { type: "json" };\nexport const main = () => meta.version;'
    said = "zod 3.22.99 is not in the registry: 3.23.0 is taken, the nearest that is.\n"
    lock = await runtimes.lock(language, code, {}, "")
    for kept in (None, None, lock):
        log: list[str] = []
        outcome = await run(language, code, log=log, lock=kept)
        assert outcome.result == '"3.23.0"', outcome.error
        assert "".join(log).count(said) == 1, log
    log.clear()
    assert (await run(language, code.replace("22.99", "23.0"), log=log, lock=lock)).result == '"3.23.0"'
    assert said not in "".join(log)


async def test_a_first_installation_of_many_packages_says_how_far_it_is(run: Run) -> None:
    code = 'import express from "express@4.19.2";\nexport const main = () => typeof express;\n'
    log: list[str] = []
    assert (await run("deno", code, log=log)).result == '"function"', log
    total = re.search(r"^Installing (\d+) packages: ", "".join(log), re.MULTILINE)
    assert total is not None, log
    steps = re.findall(r"^  installing (\d+) of (\d+)$", "".join(log), re.MULTILINE)
    assert steps == [(str(done), total[1]) for done in range(5, int(total[1]), 5)], log
    log.clear()
    assert (await run("deno", code, log=log)).result == '"function"'
    assert log == []


async def test_what_is_not_there(run: Run) -> None:
    found = (
        await run("deno", '\nimport a from "no-such-package-at-all-zz";\nexport const main = () => a;')
    ).error or {}
    assert (found["name"], found["line"]) == ("PackagesError", 2)
    assert "no package no-such-package-at-all-zz in the npm registry" in found["message"]
    for language in LANGUAGES:
        computed = (
            await run(language, 'export const main = async () => { await import("npm:zo" + "d"); };')
        ).error or {}
        assert "write its name as a text" in computed["message"]


class _Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = (
            self.headers["authorization"] == "Bearer of-the-job" and "/variables/get_value/u/ada/answer" in self.path
        )
        body = b'"forty-two"' if known else b'"?"'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_windmill_client_of_any_version(run: Run, api: str, language: str) -> None:
    code = 'import * as wmill from "windmill-client@1.297.0";\nexport const main = () => wmill.getVariable("u/ada/answer");\n'
    env = {
        "BASE_INTERNAL_URL": api,
        "BASE_URL": api,
        "WM_BASE_URL": api,
        "WM_TOKEN": "of-the-job",
        "WM_WORKSPACE": "main",
    }
    log: list[str] = []
    outcome = await run(language, code, log=log, env=env)
    assert outcome.result == '"forty-two"', (outcome.error, log)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_client_that_was_loaded_ahead_asks_for_the_job_that_it_is_in(run: Run, api: str, language: str) -> None:
    """It notes server and token when it is loaded, which is before there is a job."""
    code = """
import { existsSync } from "node:fs";
import * as wmill from "windmill-client@1.818.0";
export const main = async () => [existsSync(import.meta.dirname + "/.ahead.ts"), await wmill.getVariable("u/ada/answer")];
"""
    env = {"BASE_INTERNAL_URL": api, "WM_TOKEN": "of-the-job", "WM_WORKSPACE": "main"}
    loaded = False
    async with asyncio.timeout(60):
        while not loaded:
            outcome = await run(language, code, env=env)
            assert outcome.error is None, outcome.error
            loaded, answer = loads(outcome.result or "")
            assert answer == "forty-two"


async def test_without_a_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9/")
    runtimes = Runtimes(RuntimeSettings(home=tmp_path / "home", idle=1, idle_deno=1))
    await runtimes.start()
    try:
        outcome = await runtimes.run(Job("j", "deno", ZOD, JsonText("{}")), lambda _text: None)
        plain = await runtimes.run(Job("j", "deno", "export const main = () => 1", JsonText("{}")), lambda _text: None)
    finally:
        await runtimes.close()
    assert "npm registry cannot be reached for zod" in str(outcome.error)
    assert plain.result == "1"


SCRIPTS = {
    "f/lib/shout": 'import { up } from "./deep/up.ts";\nexport type T = string;\nexport const shout = (x: T) => up(x) + "!";\n',
    "f/lib/deep/up": (
        'import { z } from "npm:zod@3.23.8";\nimport type { T } from "../shout";\nexport function up(x: T): string {\n'
        '  if (!x) throw new Error("nothing");\n  return z.string().parse(x).toUpperCase();\n}\n'
    ),
    "u/me/loop": 'import { shout } from "/f/lib/shout";\nimport * as me from "./loop";\n'
    "export const twice = (x: string) => shout(x) + Object.keys(me).length;\n",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_scripts_of_the_workspace_are_modules(run: Run, language: str) -> None:
    code = (
        'import { shout } from "./shout.ts";\nimport { twice } from "/u/me/loop";\n'
        'export const main = async (x: string) => [shout(x), twice(x), (await import("../lib/shout")).shout === shout];\n'
    )
    outcome = await run(language, code, {"x": "a"}, libraries=SCRIPTS, path="f/lib/main")
    assert outcome.result == '["A!","A!1",true]', outcome.error
    failed = await run(language, code, {"x": ""}, libraries=SCRIPTS, path="f/lib/main")
    assert failed.error is not None
    assert (failed.error["message"], failed.error["line"]) == ("nothing", 3)
    assert "f/lib/deep/up.ts:4" in failed.error["stack"]
    assert ".scripts" not in failed.error["stack"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("library", "words"),
    [("export const a = ;", "f/lib/a.ts:1"), ("export const b = 1;", "'a'")],
    ids=["cannot be parsed", "exports something else"],
)
async def test_what_is_wrong_in_an_imported_script(run: Run, language: str, library: str, words: str) -> None:
    code = 'import { a } from "/f/lib/a";\nexport const main = () => a;\n'
    failed = (await run(language, code, libraries={"f/lib/a": library})).error or {}
    assert failed["name"] == "SyntaxError", failed
    assert words in failed["message"]
    assert ".scripts" not in failed["message"]


async def test_packages_of_imported_scripts_are_in_the_lock(runtimes: Runtimes) -> None:
    lock = await runtimes.lock("deno", 'import "/u/me/loop";', SCRIPTS, "")
    assert lock is not None
    assert "npm:zod@3.23.8" in lock
