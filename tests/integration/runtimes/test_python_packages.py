"""Python cells with packages of the registry that pip is configured for: humanize, and what needs no network at all."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from flowapp.jsontext import JsonText, loads
from flowapp.runtimes import Job, Outcome, Runtimes, RuntimeSettings
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = "import humanize\n\ndef main(n=12345):\n    return [humanize.intcomma(n), humanize.__file__]\n"


async def test_found_in_the_code_installed_once_and_loaded_ahead(run: Run, runtimes: Runtimes) -> None:
    log: list[str] = []
    first = await run("python3", CODE, log=log)
    assert first.error is None, first.error
    value, file = loads(first.result or "")
    assert value == "12,345"
    assert "Resolving packages: humanize" in "".join(log)
    assert "Installing 1 package: humanize" in "".join(log)
    again: list[str] = []
    assert (await run("python3", CODE, {"n": 1000}, log=again)).result == json.dumps(
        ["1,000", file], separators=(",", ":")
    )
    assert again == []
    # used often: a process that has them loaded waits for the next one
    async with asyncio.timeout(20):
        while not runtimes.describe()["loaded"]:
            await run("python3", CODE)
            await asyncio.sleep(0.05)
    assert loads((await run("python3", CODE)).result or "") == ["12,345", file]
    facts = await runtimes.cached_packages()
    assert [folder["packages"] for folder in facts["folders"]] == [["humanize"]]
    assert facts["bytes"] > 100_000


async def test_no_job_writes_to_packages_or_lists_those_of_others(run: Run, runtimes: Runtimes) -> None:
    code = """
import humanize, os
def main():
    folder = os.path.dirname(humanize.__file__)
    found = []
    for action in (
        lambda: open(folder + "/__init__.py", "a"),
        lambda: os.mkdir(folder + "/new"),
        lambda: os.rename(folder, folder + "2"),
        lambda: os.unlink(folder + "/__init__.py"),
    ):
        try:
            action()
            found.append("done")
        except OSError:
            found.append("refused")
    return found
"""
    outcome = await run("python3", code)
    assert outcome.error is None, outcome.error
    assert loads(outcome.result or "") == ["refused"] * 4
    if runtimes.isolation.level == "full":
        listing = "import humanize, os\ndef main(): return os.listdir(os.path.dirname(os.path.dirname(os.path.dirname(humanize.__file__))))"
        assert "Permission denied" in str((await run("python3", listing)).error)


async def test_a_lock_pins_the_version_and_two_versions_live_side_by_side(run: Run, runtimes: Runtimes) -> None:
    code = "import humanize\ndef main(): return humanize.__version__"
    lock = await runtimes.lock("python3", "# requirements:\n# humanize==4.9.0\n", {}, "")
    assert lock is not None
    assert "--hash=sha256:" in lock
    pinned = await run("python3", code, lock=lock.replace("# needs: humanize==4.9.0", "# needs: humanize"))
    assert pinned.result == '"4.9.0"', pinned.error
    assert (await run("python3", code, lock="humanize==4.10.0\n")).result == '"4.10.0"'
    wrong = await run("python3", code, lock=f"humanize==4.9.0 --hash=sha256:{'0' * 64}\n")
    # the folder of those versions is there, but of another lock: nothing that does not match is ever used
    assert "Hash mismatch" in str(wrong.error)
    assert wrong.error is not None
    assert wrong.error["name"] == "PackagesError"


async def test_a_lock_for_other_code_is_made_anew(run: Run, runtimes: Runtimes) -> None:
    lock = await runtimes.lock("python3", "import humanize", {}, "")
    log: list[str] = []
    code = "# extra_requirements:\n# humanize<4.10\nimport humanize\ndef main(): return humanize.__version__"
    outcome = await run("python3", code, log=log, lock=lock)
    assert outcome.result == '"4.9.0"', outcome.error
    assert "other packages than its lock was made for" in "".join(log)


async def test_packages_of_the_job_come_before_those_of_all_jobs(run: Run) -> None:
    code = "import sys\ndef main():\n    import certifi, wmill, httpx\n    return [certifi.__version__, certifi.__file__.startswith(sys.prefix)]\n"
    assert loads((await run("python3", code)).result or "")[1] is True
    own = await run("python3", code, lock="certifi==2024.8.30\n")
    assert loads(own.result or "") == ["2024.08.30", False], own.error


async def test_what_is_not_there_names_the_import(run: Run) -> None:
    outcome = await run("python3", "import os\nimport no_such_package_at_all_zz\ndef main(): pass")
    assert outcome.error is not None
    assert outcome.error["name"] == "PackagesError"
    assert outcome.error["line"] == 2
    assert "no package no-such-package-at-all-zz" in outcome.error["message"]
    assert "# extra_requirements:" in outcome.error["message"]


async def test_scripts_of_the_workspace_are_modules(run: Run) -> None:
    libraries = {
        "f/lib/shout": "from .deep.up import up\n\ndef shout(x):\n    return up(x) + '!'\n",
        "f/lib/deep/up": "import humanize\n\ndef up(x):\n    if not x:\n        raise ValueError('nothing')\n    return x.upper() + humanize.intcomma(1000)\n",
        "u/me/one": "import u.me.two\nONE = 1\ndef two(): return u.me.two.TWO\n",
        "u/me/two": "import u.me.one\nTWO = u.me.one.ONE + 1\n",
    }
    code = (
        "from f.lib.shout import shout\nimport u.me.one as one\n\ndef main(x='a'):\n    return [shout(x), one.two()]\n"
    )
    outcome = await run("python3", code, libraries=libraries)
    assert outcome.error is not None, "a cycle at import time is the author's"
    assert "circular import" in outcome.error["message"]
    libraries["u/me/two"] = "TWO = 2\n"
    outcome = await run("python3", code, libraries=libraries)
    assert outcome.result == '["A1,000!",2]', outcome.error
    failed = await run("python3", code, {"x": ""}, libraries=libraries)
    assert failed.error is not None
    assert (failed.error["message"], failed.error["line"]) == ("nothing", 5)
    assert 'File "f/lib/deep/up.py", line 5, in up\n    raise ValueError' in failed.error["stack"]
    relative = "from . import shout\nfrom .shout import shout as s\ndef main(): return [s('a'), shout.__name__]"
    outcome = await run("python3", relative, libraries=libraries, path="f/lib/main")
    assert outcome.result == '["A1,000!","f.lib.shout"]', outcome.error


async def test_cleared_and_installed_again(run: Run, runtimes: Runtimes) -> None:
    async with asyncio.timeout(30):
        while (left := await runtimes.clear_packages())["folders"]:  # byte code may still be made of the last one
            await asyncio.sleep(0.1)
    assert (left["bytes"], left["cache_bytes"]) == (0, 0)
    log: list[str] = []
    assert (
        await run("python3", "import humanize\ndef main(): return humanize.intcomma(1000)", log=log)
    ).result == '"1,000"'
    assert "Resolving" in "".join(log) and "Installing 1 package" in "".join(log)


@pytest_asyncio.fixture(loop_scope="module")
async def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runtimes]:
    """Runtimes whose registry does not answer, and that have nothing yet."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_INDEX", "http://127.0.0.1:9/more")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    made = Runtimes(RuntimeSettings(home=tmp_path / "home", idle=1, idle_deno=0))
    await made.start()
    yield made
    await made.close()


async def test_without_a_registry(offline: Runtimes) -> None:
    def job(code: str) -> Job:
        return Job("offline", "python3", code, JsonText("{}"))

    outcome = await offline.run(job(CODE), lambda _text: None)
    assert outcome.error is not None
    assert "registry cannot be reached for humanize" in outcome.error["message"]
    assert "pip's or uv's configuration" in outcome.error["message"]
    assert (await offline.run(job("import json\ndef main(): return json.dumps(1)"), lambda _text: None)).result == '"1"'


async def test_canceled_while_packages_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry takes the request and never answers."""
    asked = asyncio.Event()

    writers: list[asyncio.StreamWriter] = []

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        asked.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/simple"
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX"):
        monkeypatch.setenv(name, address)
    runtimes = Runtimes(RuntimeSettings(home=tmp_path / "home", idle=1, idle_deno=0))
    await runtimes.start()
    work: asyncio.Task[Outcome] = asyncio.create_task(
        runtimes.run(Job("stuck", "python3", CODE, JsonText("{}")), lambda _text: None)
    )
    await asyncio.wait_for(asked.wait(), 60)
    assert await runtimes.cancel("stuck")
    outcome = await asyncio.wait_for(work, 60)
    assert outcome.error is not None
    assert outcome.error["name"] == "Canceled"
    assert not [line for line in _commands() if "pip compile" in line and str(tmp_path) in line]
    await runtimes.close()
    for writer in writers:
        writer.close()
        await writer.wait_closed()
    server.close()


def _commands() -> list[str]:
    found: list[Any] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found.append(
                    os.readlink(folder / "cwd") + " " + (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                )
            except OSError:
                continue
    return found
