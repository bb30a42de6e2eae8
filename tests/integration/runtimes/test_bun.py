"""Cells of language bun on the real Bun, and what happens where there is none."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import pytest

from flowapp.jsontext import JsonText
from flowapp.runtimes import Job, Limits, Runtimes, RuntimeSettings, bun, bun_package
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

_WHO = "export const main = () => ('Bun' in globalThis ? 'bun' : 'deno');"


async def error(run: Run, code: str) -> dict[str, object]:
    outcome = await run("bun", code)
    assert outcome.result is None
    assert outcome.error is not None
    return outcome.error


async def test_arguments_by_position_of_their_names(run: Run) -> None:
    code = """
type Row = { id: number };
export async function main(rows: Row[], limit = 2, label: string = "a,b)", ...rest: string[]) {
  console.log("rows", rows.length, Bun.version.length > 0);
  return { rows, limit, label };
}
"""
    log: list[str] = []
    outcome = await run("bun", code, {"label": "x", "rows": [{"id": 1}], "unknown": 3}, log)
    assert outcome.error is None, outcome.error
    assert json.loads(outcome.result or "") == {"rows": [{"id": 1}], "limit": 2, "label": "x"}
    assert "".join(log) == "rows 1 true\n"


@pytest.mark.parametrize(
    ("code", "args", "result"),
    [
        ("export const main = (a: number) => a * 2;", {"a": 4}, "8"),
        ("export const main = async x => x;", {"x": "y"}, '"y"'),
        ("export default function (a: number) { return a; }", {"a": 1}, "1"),
        ("export default { main: 1 };\nexport async function main(a?: string) { return a ?? null; }", {}, "null"),
        ("export function main() { return [1n, undefined]; }", {}, '["1",null]'),
        ("export function main() {}", {}, "null"),
        ("enum A { x = 'X' }\nexport function main() { return A.x; }", {}, '"X"'),
        ("import { join } from 'node:path';\nexport const main = () => join('a', 'b');", {}, '"a/b"'),
        ("export async function main() { return (await Bun.$`echo hi`.text()).trim(); }", {}, '"hi"'),
    ],
)
async def test_kinds_of_main(run: Run, code: str, args: dict[str, object], result: str) -> None:
    outcome = await run("bun", code, args)
    assert outcome.error is None, outcome.error
    assert outcome.result == result


@pytest.mark.parametrize("language", ["nativets", "bunnative"])
async def test_native_typescript_is_the_same(run: Run, runtimes: Runtimes, language: str) -> None:
    code = """
type Asked = { method: string };
export async function main(asked: Asked, times = 2) {
  const answer = await fetch(new Request("data:text/plain," + asked.method.repeat(times)));
  console.log("asked");
  return ["Bun" in globalThis, await answer.text()];
}
"""
    log: list[str] = []
    outcome = await run(language, code, {"times": 3, "asked": {"method": "GET"}}, log)
    assert outcome.error is None, outcome.error
    assert (outcome.result, "".join(log)) == ('[true,"GETGETGET"]', "asked\n")
    failed = (await run(language, "\nexport function main() {\n  null.x;\n}\n")).error or {}
    assert (failed["name"], failed["line"]) == ("TypeError", 3)
    facts = runtimes.describe()["languages"]
    assert facts[language] == facts["bun"]


async def test_preprocessor(run: Run) -> None:
    code = "export function preprocessor(event: any) { return { a: event.body }; }\nexport function main(a: any) {}\n"
    assert (await run("bun", code, {"event": {"body": 5}}, entrypoint="preprocessor")).result == '{"a":5}'


async def test_an_error_points_at_the_users_line(run: Run) -> None:
    code = "class Odd extends Error { code = 7; name = 'Odd'; }\ntype T = {\n  a: number;\n};\nexport function main() {\n  throw new Odd('no');\n}\n"
    found = await error(run, code)
    assert (found["name"], found["message"], found["line"]) == ("Odd", "no", 6)
    assert "cell.ts:6" in str(found["stack"])
    assert "wrapper" not in str(found["stack"])
    assert found["extra"] == {"code": 7, "name": "Odd"} or found["extra"] == {"code": 7}


async def test_syntax_errors_have_their_line(run: Run) -> None:
    one = await error(run, "const a = 1;\nexport function main( {\n")
    assert (one["name"], one["line"]) == ("SyntaxError", 2)
    several = await error(run, "const a = 1;\nconst a = 2;\nexport function main() { let c = ; }\n")
    assert (several["name"], several["line"]) == ("SyntaxError", 2)
    assert "already been declared" in str(several["message"])


@pytest.mark.parametrize("specifier", ["jsr:@std/assert", "https://a.test/a.ts"])
async def test_package_imports_say_that_they_are_missing(run: Run, specifier: str) -> None:
    found = await error(run, f'\nimport x from "{specifier}";\nexport const main = () => x;\n')
    assert "imports are not available in this version" in str(found["message"])
    assert specifier in str(found["message"])
    assert found["line"] == 2


async def test_things_that_are_no_errors(run: Run) -> None:
    assert (await error(run, "export const main = () => { throw { a: 1n, b: undefined }; };"))["message"] == '{"a":"1"}'
    assert (await error(run, "export const main = () => { throw undefined; };"))["message"] == "null"
    assert (await error(run, "export const main = () => { throw new Error('a\\ud800b'); };"))["message"] == "a\ufffdb"
    assert "main" in str((await error(run, "export const other = 1;"))["message"])


async def test_a_result_over_its_limit(run: Run) -> None:
    outcome = await run("bun", "export const main = () => 'x'.repeat(200000);", limits=Limits(result_bytes=100_000))
    assert outcome.error is not None
    assert outcome.error["name"] == "ResultTooLarge"


async def test_environment_and_shared_folder(run: Run, runtimes: Runtimes) -> None:
    env = {"WM_WORKSPACE": "main", "LD_PRELOAD": "x", "BUN_CONFIG_REGISTRY": "x", "NODE_OPTIONS": "x"}
    code = "export const main = () => ['WM_WORKSPACE', 'LD_PRELOAD', 'BUN_CONFIG_REGISTRY', 'NODE_OPTIONS'].map((n) => process.env[n] ?? null);"
    assert (await run("bun", code, env=env)).result == '["main",null,null,null]'
    shared = runtimes.shared_folder("bun-run")
    write = "export async function main() { await Bun.write('shared/a', 'from bun'); }"
    assert (await run("bun", write, shared=shared)).error is None
    assert (await run("bash", "cat shared/a", shared=shared)).result == '"from bun"'
    runtimes.drop_shared_folder("bun-run")


async def test_cancel(run: Run, runtimes: Runtimes) -> None:
    log: list[str] = []
    code = "export function main() { console.log('started'); for (;;); }"
    task = asyncio.ensure_future(run("bun", code, {}, log, id="endless"))
    end = time.monotonic() + 10
    while "started" not in "".join(log) and time.monotonic() < end:
        await asyncio.sleep(0.01)
    assert await runtimes.cancel("endless")
    outcome = await task
    assert outcome.error is not None
    assert outcome.error["name"] == "Canceled"


async def test_what_is_said_about_it(run: Run, runtimes: Runtimes) -> None:
    assert (await run("bun", _WHO)).result == '"bun"'
    facts = runtimes.describe()["languages"]["bun"]
    assert facts == {"available": True, "version": bun_package.VERSION, "runs_on": "bun"}


async def test_without_bun_cells_run_on_deno_and_say_so(tmp_path: Path) -> None:
    runtimes = Runtimes(RuntimeSettings(home=tmp_path, bun=tmp_path / "none/bun", idle=1, idle_deno=1))
    await runtimes.start()
    log: list[str] = []
    try:
        outcome = await runtimes.run(Job("j", "bun", _WHO, JsonText("{}")), log.append)
        facts = runtimes.describe()["languages"]["bun"]
    finally:
        await runtimes.close()
    assert outcome.result == '"deno"'
    assert "".join(log) == "Bun is not available: it is not installed. This cell runs on Deno instead.\n"
    assert facts["available"] is True
    assert facts["runs_on"] == "deno"
    assert "not installed" in facts["note"]


@pytest.fixture
def empty_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment without Bun."""
    prefix = tmp_path / "environment"
    program = bun_package.program

    def elsewhere(_prefix: str | Path) -> Path:
        return program(prefix)

    monkeypatch.setattr(bun_package, "program", elsewhere)
    return prefix


async def test_a_fetch_that_fails_is_told_and_not_repeated_for_each_cell(
    tmp_path: Path, empty_prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9")
    monkeypatch.setattr(sys, "prefix", str(empty_prefix))
    runtimes = Runtimes(RuntimeSettings(home=tmp_path / "home", idle=1, idle_deno=1))
    await runtimes.start()
    first: list[str] = []
    second: list[str] = []
    try:
        assert "first needs it" in runtimes.describe()["languages"]["bun"]["note"]
        one = await runtimes.run(Job("one", "bun", _WHO, JsonText("{}")), first.append)
        two = await runtimes.run(Job("two", "bun", _WHO, JsonText("{}")), second.append)
        facts = runtimes.describe()["languages"]["bun"]
    finally:
        await runtimes.close()
    assert (one.result, two.result) == ('"deno"', '"deno"')
    said = "".join(first).splitlines()
    assert "fetching it, once" in said[0]
    assert "http://127.0.0.1:9 cannot be reached" in said[1]
    assert said[1].endswith("This cell runs on Deno instead.")
    assert "".join(second).splitlines() == said[1:]
    assert "cannot be reached" in facts["note"]


async def test_a_bun_that_is_fetched_while_the_server_runs_is_used(
    tmp_path: Path, empty_prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = Path(sys.prefix) / "bun" / bun_package.VERSION / "bun"

    async def copy(_prefix: str) -> str | None:
        target = bun_package.program(_prefix)
        target.parent.parent.chmod(0o755)
        target.write_bytes(installed.read_bytes())
        target.chmod(0o755)
        return None

    monkeypatch.setattr(bun, "_install", copy)
    for folder in (tmp_path, *tmp_path.parents):
        if str(folder).startswith("/tmp/pytest"):
            folder.chmod(0o755)
    late = Runtimes(RuntimeSettings(home=tmp_path / "home", idle=1, idle_deno=1))
    await late.start()
    log: list[str] = []
    try:
        assert late.describe()["languages"]["bun"]["runs_on"] == "deno"
        outcome = await late.run(Job("one", "bun", _WHO, JsonText("{}")), log.append)
        facts = late.describe()["languages"]["bun"]
    finally:
        await late.close()
    assert outcome.result == '"bun"', (outcome, log)
    assert "fetching it, once" in "".join(log)
    assert facts == {"available": True, "version": bun_package.VERSION, "runs_on": "bun"}


async def test_a_canceled_cell_does_not_wait_for_a_fetch(
    tmp_path: Path, empty_prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_prefix: str) -> str | None:
        await asyncio.sleep(600)
        return None

    monkeypatch.setattr(bun, "_install", never)
    runtimes = Runtimes(RuntimeSettings(home=tmp_path / "home", idle=1, idle_deno=1))
    await runtimes.start()
    try:
        task = asyncio.create_task(runtimes.run(Job("one", "bun", _WHO, JsonText("{}")), lambda _text: None))
        await asyncio.sleep(0.3)
        assert await runtimes.cancel("one")
        outcome = await task
    finally:
        await runtimes.close()
    assert outcome.error is not None
    assert outcome.error["name"] == "Canceled"
