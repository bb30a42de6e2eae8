"""What scripts get and give, per language: openflow.md 9 with real processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from flowapp.jsontext import JsonText
from flowapp.runtimes import Job, Runtimes, RuntimeSettings
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def value(run: Run, language: str, code: str, **args: object) -> object:
    outcome = await run(language, code, args)
    assert outcome.error is None, outcome.error
    assert outcome.result is not None
    return json.loads(outcome.result)


async def error(run: Run, language: str, code: str, **args: object) -> dict[str, object]:
    outcome = await run(language, code, args)
    assert outcome.result is None
    assert outcome.error is not None
    return outcome.error


async def test_python_result_and_log(run: Run) -> None:
    log: list[str] = []
    outcome = await run("python3", "def main(a):\n    print('got', a)\n    return {'a': a}\n", {"a": [1, None]}, log)
    assert outcome.result == '{"a":[1,null]}'
    assert "".join(log) == "got [1, None]\n"
    assert outcome.duration_ms > 0
    assert outcome.log_truncated is False


async def test_python_async_and_generators(run: Run) -> None:
    assert await value(run, "python3", "async def main():\n    return 7\n") == 7
    assert await value(run, "python3", "def main():\n    yield 'a'\n    yield 1\n") == "a1"
    assert await value(run, "python3", "async def main():\n    yield 'a'\n    yield 'b'\n") == "ab"


async def test_python_error_points_at_the_users_line(run: Run) -> None:
    found = await error(run, "python3", "def inner(x):\n    return 1 / x\n\ndef main(x):\n    return inner(x)\n", x=0)
    assert found["name"] == "ZeroDivisionError"
    assert found["message"] == "division by zero"
    assert found["line"] == 2
    assert str(found["stack"]).startswith('Traceback (most recent call last):\n  File "cell.py", line 5, in main\n')
    assert "flowapp" not in str(found["stack"])


async def test_python_syntax_error_has_its_line(run: Run) -> None:
    found = await error(run, "python3", "x = 1\ndef main(:\n    pass\n")
    assert found["name"] == "SyntaxError"
    assert found["line"] == 2


async def test_python_without_main(run: Run) -> None:
    found = await error(run, "python3", "def other():\n    pass\n")
    assert found["name"] == "ExecutionErr"
    assert "`main`" in str(found["message"])


async def test_python_other_entrypoint(run: Run) -> None:
    outcome = await run(
        "python3", "def preprocessor(event):\n    return event\n", {"event": 5}, entrypoint="preprocessor"
    )
    assert outcome.result == "5"


async def test_python_entrypoint_that_is_no_name_never_reaches_a_process(run: Run) -> None:
    outcome = await run("python3", "def main(): pass", entrypoint="main(); import os")
    assert outcome.error is not None
    assert "cannot be the name" in outcome.error["message"]


async def test_python_own_error_fields_are_kept(run: Run) -> None:
    code = "class Odd(Exception):\n    pass\ndef main():\n    e = Odd('no')\n    e.code = 12\n    raise e\n"
    found = await error(run, "python3", code)
    assert found["name"] == "Odd"
    assert found["extra"] == {"code": 12}


async def test_python_errors_that_json_cannot_hold(run: Run) -> None:
    code = "class Odd(Exception):\n    pass\ndef main():\n    e = Odd('a\\ud800b')\n    e.a = [{1}, float('nan')]\n    raise e\n"
    assert (await error(run, "python3", code))["message"] == "a\ufffdb"
    found = await error(run, "deno", "export const main = () => { throw new Error('a\\ud800b'); };")
    assert found["message"] == "a\ufffdb"
    assert (await error(run, "deno", "export const main = () => { throw { a: 1n, b: undefined }; };"))[
        "message"
    ] == '{"a":"1"}'
    assert (await error(run, "deno", "export const main = () => { throw undefined; };"))["message"] == "null"


async def test_python_has_the_client_and_nothing_of_the_server(run: Run) -> None:
    code = """
import wmill
from importlib.util import find_spec

def main():
    servers = ("reflex", "sqlmodel", "dbos", "granian", "flowapp")
    return [wmill.__name__, [name for name in servers if find_spec(name)]]
"""
    assert await value(run, "python3", code) == ["wmill", []]


async def test_a_python_without_the_client_says_how_to_get_it(tmp_path: Path) -> None:
    bare = Path(sys.executable).resolve()  # the interpreter itself, outside of any environment
    runtimes = Runtimes(RuntimeSettings(home=tmp_path, python=bare, idle=1, idle_deno=0))
    await runtimes.start()
    try:
        job = Job("bare", "python3", "\nimport wmill\ndef main():\n    pass\n", JsonText("{}"), lock="")
        found = (await runtimes.run(job, lambda _text: None)).error or {}
    finally:
        await runtimes.close()
    assert found["name"] == "ModuleNotFoundError"
    assert "scripts/run" in found["message"]
    assert found["line"] == 2


async def test_python_set_is_refused(run: Run) -> None:
    found = await error(run, "python3", "def main():\n    return {1, 2}\n")
    assert found["name"] == "TypeError"
    assert "sorted" in str(found["message"])


async def test_python_module_features_work(run: Run) -> None:
    code = """
from __future__ import annotations
import dataclasses, pickle, subprocess, sys, tempfile, threading

@dataclasses.dataclass
class Point:
    x: int

def main():
    assert pickle.loads(pickle.dumps(Point(1))) == Point(1)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x")
    found = []
    thread = threading.Thread(target=found.append, args=(1,))
    thread.start(); thread.join()
    out = subprocess.run([sys.executable, "-c", "print(6*7)"], capture_output=True, text=True, check=True).stdout
    return [out.strip(), __name__, found]
"""
    assert await value(run, "python3", code) == ["42", "cell", [1]]


async def test_typescript_arguments_by_position_of_their_names(run: Run) -> None:
    code = """
type Row = { id: number };
export async function main(rows: Row[], limit = 2, label: string = "a,b)", ...rest: string[]) {
  console.log("rows", rows.length);
  return { rows, limit, label };
}
"""
    log: list[str] = []
    outcome = await run("deno", code, {"label": "x", "rows": [{"id": 1}], "unknown": 3}, log)
    assert outcome.error is None, outcome.error
    assert json.loads(outcome.result or "") == {"rows": [{"id": 1}], "limit": 2, "label": "x"}
    assert "".join(log) == "rows 1\n"


async def test_typescript_kinds_of_main(run: Run) -> None:
    assert await value(run, "deno", "export const main = (a: number) => a * 2;", a=4) == 8
    assert await value(run, "deno", "export const main = async x => x;", x="y") == "y"
    assert await value(run, "deno", "export default function (a: number) { return a; }", a=1) == 1
    assert await value(run, "bun", "export function main() { return [1n, undefined]; }") == ["1", None]
    assert await value(run, "deno", "export function main() {}") is None
    assert (
        await value(run, "deno", "import { join } from 'node:path';\nexport const main = () => join('a', 'b');")
        == "a/b"
    )


async def test_typescript_error(run: Run) -> None:
    code = "class Odd extends Error { code = 7; name = 'Odd'; }\nexport function main() {\n  throw new Odd('no');\n}\n"
    found = await error(run, "deno", code)
    assert (found["name"], found["message"], found["line"]) == ("Odd", "no", 3)
    assert "cell.ts:3" in str(found["stack"])
    assert "wrapper" not in str(found["stack"])
    assert found["extra"] == {"code": 7, "name": "Odd"} or found["extra"] == {"code": 7}


async def test_typescript_syntax_error(run: Run) -> None:
    found = await error(run, "deno", "export function main( {\n")
    assert "cell.ts" in str(found["message"])
    assert found["name"] == "SyntaxError"


async def test_typescript_package_imports_say_that_they_are_missing(run: Run) -> None:
    for specifier in ("jsr:@std/assert", "https://deno.land/x/a.ts"):
        found = await error(run, "deno", f'import x from "{specifier}";\nexport const main = () => x;\n')
        assert "imports are not available in this version" in str(found["message"])
        assert specifier in str(found["message"])


async def test_typescript_without_main(run: Run) -> None:
    assert "main" in str((await error(run, "deno", "export const other = 1;"))["message"])


async def test_bash_arguments_and_kinds_of_result(run: Run) -> None:
    code = 'second="$2"\nfirst="$1"\nword="${3:-standing in}"\necho "$first|$second|$word"\n'
    assert await value(run, "bash", code, first="a b", second={"k": [1]}) == 'a b|{"k":[1]}|standing in'
    assert await value(run, "bash", "echo '{\"a\": 1}' > result.json\necho other\n") == {"a": 1}
    assert await value(run, "bash", "printf 'two\\nlines\\n' > result.out\necho other\n") == "two\nlines"
    assert await value(run, "bash", "echo 5\necho\n") == "5"
    assert await value(run, "bash", "true\n") == ""


async def test_bash_error_has_code_line_and_log(run: Run) -> None:
    found = await error(run, "bash", "echo before\nno_such_command\n")
    assert found["name"] == "ExecutionErr"
    assert found["exit_code"] == 127
    assert found["line"] == 2
    assert "before" in str(found["message"])


async def test_bash_streams_both_outputs(run: Run) -> None:
    log: list[str] = []
    await run("bash", "echo out\nsleep 0.05\necho err >&2\necho x > /dev/stderr\n", {}, log)
    assert sorted("".join(log).split()) == ["err", "out", "x"]


async def test_languages_that_cannot_run_yet_say_so(run: Run) -> None:
    assert "cannot run on this version yet" in str((await error(run, "ruby", "x"))["message"])
    assert "not a language" in str((await error(run, "klingon", ""))["message"])


async def test_environment_is_the_jobs_own(run: Run) -> None:
    env = {"WM_WORKSPACE": "main", "PATH": "/evil", "LD_PRELOAD": "x", "PYTHONPATH": "x", "bad name": "x"}
    code = "import os\ndef main():\n    return [os.environ['WM_WORKSPACE'], '/evil' in os.environ['PATH'], 'LD_PRELOAD' in os.environ]\n"
    outcome = await run("python3", code, env=env)
    assert outcome.result == '["main",false,false]'
    script = "export const main = () => [Deno.env.get('WM_WORKSPACE'), Deno.env.get('LD_PRELOAD') ?? null];"
    assert (await run("deno", script, env=env)).result == '["main",null]'
    assert (await run("bash", "echo $WM_WORKSPACE$LD_PRELOAD", env=env)).result == '"main"'


async def test_steps_share_state_with_the_functions_of_the_client(run: Run, runtimes: Runtimes) -> None:
    if runtimes.isolation.level not in ("full", "user"):
        pytest.skip("jobs see the host's own file tree here, in which nothing is put at /shared")
    shared = runtimes.shared_folder("run-3")
    put = await run("python3", "import wmill\ndef main():\n    wmill.set_shared_state({'n': 1})\n", shared=shared)
    assert put.error is None, put.error
    got = await run("python3", "import wmill\ndef main():\n    return wmill.get_shared_state()\n", shared=shared)
    assert got.result == '{"n":1}'
    assert (
        await run("deno", "export const main = () => Deno.readTextFileSync('/shared/state.json')", shared=shared)
    ).error is None
    alone = await run("python3", "import wmill\ndef main():\n    return wmill.get_shared_state()\n")
    assert alone.error is not None
    assert alone.error["name"] == "FileNotFoundError"
    runtimes.drop_shared_folder("run-3")


async def test_shared_folder_is_seen_by_the_steps_of_a_run_only(run: Run, runtimes: Runtimes) -> None:
    shared = runtimes.shared_folder("run-1")
    other = runtimes.shared_folder("run-2")
    (other / "secret").write_text("of another run")
    write = await run("python3", "def main():\n    open('shared/a', 'w').write('from python')\n", shared=shared)
    assert write.error is None, write.error
    assert (await run("bash", "cat shared/a; echo more >> shared/a", shared=shared)).result == '"from python"'
    assert (await run("deno", "export const main = () => Deno.readTextFileSync('shared/a')", shared=shared)).result == (
        '"from pythonmore\\n"'
    )
    assert (await run("bash", "ls shared 2>/dev/null || echo none")).result == '"none"'
    assert (await run("bash", f"cat {other}/secret 2>/dev/null || echo hidden", shared=shared)).result == '"hidden"'
    runtimes.drop_shared_folder("run-1")
    assert not shared.exists()
    runtimes.drop_shared_folder("run-2")
