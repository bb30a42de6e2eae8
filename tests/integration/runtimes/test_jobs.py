"""Life of jobs and pools: live logs, cancelling, many at once, the launcher's and the server's sudden end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from flowapp.jsontext import JsonText
from flowapp.runtimes import IsolationTooLow, Job, Limits, Runtimes, RuntimesClosed, RuntimesError, RuntimeSettings
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).resolve().parents[3]
_SLEEP = "import time\ndef main():\n    print('started')\n    time.sleep(60)\n"
_DAEMON = """
import os, subprocess, time
def main(marker):
    subprocess.Popen(["sleep", marker], start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        subprocess.Popen(["sleep", marker])
        time.sleep(60)
    print("started")
    time.sleep(60)
"""


def commands() -> str:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
            except OSError:
                continue
    return "\n".join(found)


async def until(condition: object, seconds: float = 5.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        await asyncio.sleep(0.005)


async def test_log_arrives_while_the_job_runs(runtimes: Runtimes) -> None:
    arrived: list[str] = []
    first = asyncio.Event()

    def on_log(text: str) -> None:
        arrived.append(text)
        first.set()

    code = "import time\ndef main():\n    print('one')\n    time.sleep(20)\n    print('two')\n"
    task = asyncio.create_task(runtimes.run(Job("live", "python3", code, JsonText("{}")), on_log))
    await asyncio.wait_for(first.wait(), 60)
    assert "".join(arrived) == "one\n"
    assert not task.done()
    assert await runtimes.cancel("live")
    assert (await task).error == {"name": "Canceled", "message": "The step was canceled."}


async def test_characters_cut_by_a_chunk_are_whole(run: Run) -> None:
    code = "import os\ndef main():\n    data = 'ä€😀'.encode()\n    for byte in data:\n        os.write(1, bytes([byte]))\n"
    log: list[str] = []
    await run("python3", code, {}, log)
    assert "".join(log) == "ä€😀"


@pytest.mark.parametrize("language", ["python3", "bash", "deno"])
async def test_cancel_kills_everything(runtimes: Runtimes, language: str) -> None:
    marker = f"2718.{os.getpid()}{len(language)}"
    code = {
        "python3": _DAEMON,
        "bash": 'm="$1"\nsetsid sleep $m &\necho started\nsleep $m\n',
        "deno": "export async function main(marker: string) { new Deno.Command('sleep', {args: [marker]}).spawn(); "
        "console.log('started'); await new Promise(r => setTimeout(r, 60000)); }",
    }[language]
    log: list[str] = []
    arguments = JsonText(json.dumps({"marker": marker, "m": marker}))
    task = asyncio.create_task(runtimes.run(Job("c", language, code, arguments), log.append))
    await until(lambda: "started" in "".join(log))
    await until(lambda: marker in commands())
    assert await runtimes.cancel("c")
    outcome = await task
    assert outcome.error is not None
    assert outcome.error["name"] == "Canceled"
    await until(lambda: marker not in commands())


async def test_cancel_of_nobody(runtimes: Runtimes) -> None:
    assert await runtimes.cancel("nobody") is False


async def test_a_dropped_run_ends_its_job(runtimes: Runtimes) -> None:
    marker = f"1618.{os.getpid()}"
    log: list[str] = []
    task = asyncio.create_task(
        runtimes.run(Job("d", "python3", _DAEMON, JsonText(json.dumps({"marker": marker}))), log.append)
    )
    await until(lambda: "started" in "".join(log))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: marker not in commands())


async def test_many_at_once(runtimes: Runtimes) -> None:
    code = "import time\ndef main(n):\n    time.sleep(0.05)\n    return n\n"
    jobs = [Job(f"m{n}", "python3", code, JsonText(json.dumps({"n": n}))) for n in range(40)]
    outcomes = await asyncio.gather(*(runtimes.run(job, lambda _text: None) for job in jobs))
    assert [outcome.result for outcome in outcomes] == [str(n) for n in range(40)]


async def test_jobs_cannot_see_each_other(runtimes: Runtimes) -> None:
    hold = "import os, time\ndef main():\n    open('secret', 'w').write('mine')\n    print('started')\n    time.sleep(60)\n"
    log: list[str] = []
    task = asyncio.create_task(runtimes.run(Job("holder", "python3", hold, JsonText("{}")), log.append))
    await until(lambda: "started" in "".join(log))
    look = (
        "import glob, os\ndef main():\n    found = []\n"
        "    for pattern in ('/tmp/**/secret', '/tmp/flowapp*/*/work/secret', '/proc/*/cwd/secret', '/proc/*/root/tmp/work/secret', '/dev/shm/**'):\n"
        "        found += glob.glob(pattern, recursive=True)\n    return found\n"
    )
    outcome = await runtimes.run(Job("looker", "python3", look, JsonText("{}")), lambda _text: None)
    assert outcome.error is None, outcome.error
    assert not [path for path in json.loads(outcome.result or "[]") if path.endswith("secret")]
    await runtimes.cancel("holder")
    await task


async def test_own_limits_get_an_own_process(run: Run) -> None:
    code = "import resource\ndef main():\n    return resource.getrlimit(resource.RLIMIT_AS)[0]\n"
    assert (await run("python3", code, limits=Limits(memory_mb=300))).result == str(300 << 20)
    assert (await run("python3", code)).result == str(1024 << 20)


async def test_a_job_that_waits_for_a_place_can_be_canceled(tmp_path: Path) -> None:
    runtimes = Runtimes(RuntimeSettings(home=tmp_path, idle=1, idle_deno=0, max_jobs=1))
    await runtimes.start()
    log: list[str] = []
    first = asyncio.create_task(runtimes.run(Job("first", "python3", _SLEEP, JsonText("{}")), log.append))
    await until(lambda: "started" in "".join(log))
    second = asyncio.create_task(runtimes.run(Job("second", "python3", _SLEEP, JsonText("{}")), log.append))
    await asyncio.sleep(0)
    assert await runtimes.cancel("second")
    await runtimes.cancel("first")
    assert (await first).error is not None
    ended = await asyncio.wait_for(second, 60)
    assert ended.error is not None
    assert ended.error["name"] == "Canceled"
    await runtimes.close()


async def test_a_lost_launcher_is_started_again(tmp_path: Path) -> None:
    runtimes = Runtimes(RuntimeSettings(home=tmp_path, idle=1, idle_deno=0))
    await runtimes.start()
    log: list[str] = []
    hit = asyncio.create_task(runtimes.run(Job("hit", "python3", _SLEEP, JsonText("{}")), log.append))
    await until(lambda: "started" in "".join(log))
    (launcher,) = children_of(os.getpid(), "flowapp/runtimes/guest", str(runtimes.settings.python))[-1:]
    os.kill(launcher, signal.SIGKILL)
    outcome = await asyncio.wait_for(hit, 60)
    assert outcome.error is not None
    after = await runtimes.run(Job("after", "python3", "def main():\n    return 1\n", JsonText("{}")), log.append)
    assert after.result == "1"
    await runtimes.close()


def children_of(pid: int, *parts: str) -> list[int]:
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_text()
        if all(part in command for part in parts):
            found.append(int(child))
    return found


async def test_nothing_outlives_a_killed_server(tmp_path: Path) -> None:
    marker = f"5772.{os.getpid()}"
    program = f"""
import asyncio, json, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from flowapp.runtimes import Job, Runtimes, RuntimeSettings
async def main():
    runtimes = Runtimes(RuntimeSettings(home=Path({str(tmp_path)!r}), idle=2, idle_deno=1))
    await runtimes.start()
    job = Job("j", "python3", {_DAEMON!r}, json.dumps({{"marker": {marker!r}}}))
    await runtimes.run(job, lambda text: print(text, flush=True))
asyncio.run(main())
"""
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert await asyncio.wait_for(server.stdout.readline(), 60) == b"started\n"
    assert marker in commands()
    below = descendants(server.pid)
    assert len(below) > 4
    server.kill()
    await server.wait()
    await until(lambda: not [pid for pid in below if is_running(pid)])
    assert marker not in commands()


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_clone_and_an_environment_in_tmp(tmp_path: Path) -> None:
    assert str(tmp_path).startswith("/tmp/")
    clone, home = tmp_path / "clone", tmp_path / "clone/.flowapp"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "flowapp", clone / "flowapp", ignore=ignored)
    venv.create(tmp_path / "env", symlinks=True)
    (packages,) = (tmp_path / "env/lib").glob("python*/site-packages")
    (packages / "only_there.py").write_text("value = 42\n")
    program = f"""
import asyncio, sys
sys.path.insert(0, {str(clone)!r})
from pathlib import Path
from flowapp.runtimes import Job, Runtimes, RuntimeSettings
async def main():
    home = Path({str(home)!r})
    deno = Path(sys.executable).parent / "deno"
    runtimes = Runtimes(RuntimeSettings(home=home, python=Path({str(tmp_path / "env/bin/python")!r}), deno=deno, idle=1))
    await runtimes.start()
    for language, code in (
        ("python3", "def main():\\n    import only_there\\n    return only_there.value"),
        ("deno", "export const main = () => 42;"),
        ("bash", "touch /tmp/x; ls {tmp_path}/clone/.flowapp >/dev/null 2>&1 && echo seen || echo hidden"),
    ):
        outcome = await runtimes.run(Job("j", language, code, "{{}}"), lambda _text: None)
        print(outcome.result, outcome.error)
    await runtimes.close()
asyncio.run(main())
"""
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE, cwd="/")
    output, _ = await asyncio.wait_for(done.communicate(), 60)
    assert output.decode().splitlines() == ["42 None", "42 None", '"hidden" None']


async def test_closed_runtimes_refuse(tmp_path: Path) -> None:
    runtimes = Runtimes(RuntimeSettings(home=tmp_path, idle=1, idle_deno=0))
    await runtimes.start()
    await runtimes.close()
    with pytest.raises(RuntimesClosed):
        await runtimes.run(Job("x", "python3", "def main(): pass", JsonText("{}")), lambda _text: None)


async def test_a_level_that_is_not_reached_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(IsolationTooLow, match="must be one of"):
        await Runtimes(RuntimeSettings(home=tmp_path, min_isolation="total")).start()


async def test_shared_folder_names_cannot_leave(runtimes: Runtimes) -> None:
    with pytest.raises(RuntimesError):
        runtimes.shared_folder("../secret")


async def test_describe(runtimes: Runtimes) -> None:
    about = runtimes.describe()
    assert about["languages"]["python3"]["available"]
    assert about["isolation"]["level"] in ("full", "user", "basic")
    assert {"script", "client", "deno", "bun"} <= set(about["pools"])


@pytest.mark.parametrize(("kind", "module"), [("client", "wmill"), ("script", "json")])
async def test_the_maker_of_a_kind_of_jobs_that_is_killed_is_made_again(tmp_path: Path, kind: str, module: str) -> None:
    runtimes = Runtimes(RuntimeSettings(home=tmp_path, idle=4, idle_deno=0, idle_bun=0))
    await runtimes.start()
    code = f"import {module}\ndef main():\n    return {module}.__name__\n"
    killed = 0
    # without namespaces the launcher itself makes what most jobs run in
    has_maker = kind == "client" or runtimes.isolation.level in ("full", "user")
    try:
        for number in range(3):
            outcome = await runtimes.run(Job(f"j{number}", "python3", code, JsonText("{}")), lambda _text: None)
            assert outcome.result == f'"{module}"', outcome.error
            if has_maker:  # some wait ready: it is made again when they are filled up
                await until(lambda: bool(makers(f"flowapp-{kind}")), 30)
            for maker in makers(f"flowapp-{kind}"):
                with contextlib.suppress(ProcessLookupError):  # a job that has the name of its maker for a moment
                    os.kill(maker, signal.SIGKILL)
                    killed += 1
        assert killed >= 2 or not has_maker
        outcome = await runtimes.run(Job("last", "python3", "def main(): return 1", JsonText("{}")), lambda _text: None)
        assert outcome.result == "1"
    finally:
        await runtimes.close()


def makers(name: str, above: int | None = None) -> list[int]:
    """Processes of a name that this one (or the one `above`) has started, at whatever remove."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "comm").read_text() == f"{name}\n" and is_below(int(folder.name), above or os.getpid()):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def is_below(pid: int, above: int) -> bool:
    while pid > 1 and pid != above:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid == above
