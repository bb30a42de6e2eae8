"""Bash cells that run a container (`# docker`), with the real Podman."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowapp.jsontext import JsonText
from flowapp.runtimes import Job, Limits, Runtimes, RuntimeSettings, container_marks, containers
from flowapp.runtimes.adapters import Refused
from tests.integration.runtimes.conftest import Run
from tests.support.engine import IMAGE, podman_with_an_image

pytestmark = pytest.mark.asyncio(loop_scope="module")

CELL = f"""# docker
who="${{1:-world}}"
echo "about to run"
docker pull {IMAGE}
docker run --name $WM_JOB_ID -it -d -e "WHO=$who" {IMAGE} /bin/bash -c 'echo "Hello $WHO"; echo warned >&2; echo "last; line"'
"""


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[None]:
    with podman_with_an_image():
        yield


async def error(run: Run, command: str, **more: Any) -> dict[str, Any]:
    outcome = await run("bash", f"# docker\n{command}\n", **more)
    assert outcome.result is None, outcome.result
    assert outcome.error is not None
    return outcome.error


def running() -> str:
    return subprocess.run(["podman", "ps", "--quiet"], capture_output=True, text=True, check=True).stdout.strip()


def secrets() -> list[str]:
    told = subprocess.run(["podman", "secret", "ls", "--format={{.Name}}"], capture_output=True, text=True, check=True)
    return told.stdout.split()


async def test_result_log_and_inputs(run: Run) -> None:
    log: list[str] = []
    outcome = await run("bash", CELL, {"who": "you; $(id)"}, log, env={"WM_JOB_ID": "job"})
    assert outcome.error is None, (outcome.error, log)
    assert outcome.result == '"last; line"'
    assert outcome.isolation == "container"
    text = "".join(log)
    assert "about to run\n" in text and "Hello you; $(id)" in text and "warned" in text


async def test_exit_codes_and_limits(run: Run) -> None:
    found = await error(run, f"docker run {IMAGE} /bin/bash -c 'echo before; exit 7'")
    assert found["exit_code"] == 7
    assert "before" in found["message"]
    log: list[str] = []
    outcome = await run(
        "bash", f"# docker\ndocker run {IMAGE} /bin/bash -c 'while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxx; done'", {}, log,
        timeout_s=2.5, limits=Limits(output_bytes=10_000),
    )  # fmt: skip
    assert (outcome.error or {})["name"] == "Timeout"
    assert outcome.log_truncated and len("".join(log)) < 11_000
    assert running() == ""


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("cat /dev/zero > /shared/file; exit $?", 153, "it wrote a file larger than its limit of 1 MB"),
        (
            "exec cat /dev/zero > /shared/file",
            1,
            "File too large",
        ),  # the first process of a container gets no such signal
    ],
)
async def test_files_are_no_larger_than_the_limit(
    run: Run, runtimes: Runtimes, command: str, code: int, said: str
) -> None:
    shared = runtimes.shared_folder("full")
    found = await error(run, f"docker run {IMAGE} /bin/bash -c '{command}'", shared=shared, limits=Limits(file_mb=1))
    assert found["exit_code"] == code
    assert said in found["message"]
    assert (shared / "file").stat().st_size == 1 << 20
    runtimes.drop_shared_folder("full")


async def test_limits_that_the_host_gives_to_every_container_stay(run: Run) -> None:
    """Those that the settings of the tests' Podman name, which one `--ulimit` would end."""
    log: list[str] = []
    code = f"# docker\ndocker run {IMAGE} /bin/bash -c 'echo $(ulimit -n) $(ulimit -u) $(ulimit -f)'"
    outcome = await run("bash", code, {}, log, limits=Limits(file_mb=3))
    assert outcome.result == '"1024 1024 3072"', (outcome.error, log)


async def test_cancel_ends_the_container(run: Run, runtimes: Runtimes) -> None:
    task = asyncio.ensure_future(run("bash", f"# docker\ndocker run {IMAGE} /bin/sleep 1000", id="sleeper"))
    until = time.monotonic() + 20
    while not await asyncio.to_thread(running):
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    assert await runtimes.cancel("sleeper")
    assert ((await task).error or {})["name"] == "Canceled"
    assert running() == ""


async def test_a_container_of_a_killed_server_is_ended_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "runtimes/containers").mkdir(parents=True)
    gone = subprocess.Popen(["true"])
    gone.wait()
    me = os.getpid()
    owners = (
        (f"{gone.pid}.7", "left"),
        (f"{me}.7", "again"),
        (f"{me}.{container_marks.began(me)}", "mine"),
    )  # a number comes again
    for owner, name in ((owner, f"flowapp-{word}") for owner, word in owners):
        command = ["podman", "run", "--detach", "--rm", f"--name={name}", IMAGE, "/bin/sleep", "1000"]
        subprocess.run(command, capture_output=True, check=True)
        (tmp_path / f"runtimes/containers/{owner}-{name}").write_text("podman")
    made = containers.Containers(RuntimeSettings(home=tmp_path))
    made.sweep()
    assert made.marks.trying is not None
    await made.marks.trying
    left = subprocess.run(["podman", "ps", "--format={{.Names}}"], capture_output=True, text=True, check=True)
    subprocess.run(["podman", "rm", "--force", "--time=0", "flowapp-mine"], capture_output=True, check=True)
    assert left.stdout.split() == ["flowapp-mine"]
    assert [mark.name for mark in (tmp_path / "runtimes/containers").iterdir()] == [f"{owners[2][0]}-flowapp-mine"]


async def test_secrets_of_a_killed_server_are_removed_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "runtimes/containers").mkdir(parents=True)
    subprocess.run(
        ["podman", "secret", "create", "flowapp-left-0", "-"], input=b"a\nb", capture_output=True, check=True
    )
    (tmp_path / "runtimes/containers/0.7-flowapp-left").write_text("podman\nflowapp-left-0\nflowapp-left-1")
    made = containers.Containers(RuntimeSettings(home=tmp_path))
    made.sweep()
    assert made.marks.trying is not None
    await made.marks.trying
    assert secrets() == []
    assert list((tmp_path / "runtimes/containers").iterdir()) == []


async def test_an_engine_that_hangs_keeps_no_server_from_starting(tmp_path: Path) -> None:
    (tmp_path / "runtimes/containers").mkdir(parents=True)
    engine = tmp_path / "podman"
    engine.write_text("#!/bin/sh\nexec sleep 300\n")
    engine.chmod(0o755)
    mark = tmp_path / "runtimes/containers/1.7-flowapp-left"
    mark.write_text(str(engine))
    made = containers.Containers(RuntimeSettings(home=tmp_path))
    made.sweep()
    await made.close()
    assert mark.exists(), "it is ended at a later start"


async def test_a_running_container_is_marked_and_an_ended_one_is_not(run: Run, runtimes: Runtimes) -> None:
    marks = runtimes.settings.home / "runtimes/containers"
    task = asyncio.ensure_future(run("bash", f"# docker\ndocker run {IMAGE} /bin/sleep 1000", id="marked"))
    until = time.monotonic() + 20
    while not await asyncio.to_thread(running):
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    assert [mark.name.partition(".")[0] for mark in marks.iterdir()] == [str(os.getpid())]
    await runtimes.cancel("marked")
    await task
    assert list(marks.iterdir()) == []


async def test_no_network_and_few_processors_when_the_server_says_so(tmp_path: Path) -> None:
    made = containers.Containers(RuntimeSettings(home=tmp_path, network=False, cpus=1))
    options = made.limits_of(Job("a", "bash", "", JsonText("{}")))
    assert "--network=none" in options and "--cpus=1" in options
    command = [
        "podman",
        "run",
        "--rm",
        *(o for o in options if "memory" not in o and "pids" not in o and "cpus" not in o),
    ]
    done = subprocess.run([*command, IMAGE, "/bin/cat", "/proc/net/dev"], capture_output=True, text=True, check=True)
    assert [line.split(":")[0].strip() for line in done.stdout.splitlines()[2:]] == ["lo"]


async def test_a_container_gets_nothing_of_the_servers_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "https_proxy", "ALL_PROXY", "FLOWAPP_SECRET_KEY"):
        monkeypatch.setenv(name, "http://me:secret@proxy.example:3128")
    log: list[str] = []
    outcome = await run("bash", f"# docker\ndocker run {IMAGE} /bin/bash -c 'export; echo done'", {}, log)
    assert outcome.result == '"done"', (outcome.error, log)
    assert "declare -x PATH=" in "".join(log)
    assert "proxy" not in "".join(log).lower() and "FLOWAPP" not in "".join(log)


async def test_the_shared_folder_is_there(run: Run, runtimes: Runtimes) -> None:
    shared = runtimes.shared_folder("contained")
    (shared / "a").write_text("of the run")
    outcome = await run("bash", f"# docker\ndocker run {IMAGE} /bin/cat /shared/a", shared=shared)
    assert outcome.result == '"of the run"', outcome.error
    runtimes.drop_shared_folder("contained")


async def test_what_would_give_the_host_away_is_refused(run: Run) -> None:
    for option in ("--privileged", "-v /:/host", "--network=host", "--pid host", "--device /dev/sda", "--cap-add=all"):
        assert "cannot be run with" in (await error(run, f"docker run {option} {IMAGE} /bin/bash"))["message"]
    assert "needs name=value" in (await error(run, f"docker run -e HOME {IMAGE} /bin/bash"))["message"]
    assert "needs the name of an image" in (await error(run, "docker run --rm"))["message"]
    assert "runs no container" in (await error(run, "echo hello"))["message"]
    assert "only 'run' and 'pull'" in (await error(run, "docker ps"))["message"]
    assert "one container" in (await error(run, f"docker run {IMAGE} a\ndocker run {IMAGE} b"))["message"]


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        (["alpine"], ["alpine"]),
        (["-it", "--rm", "--name", "x", "alpine:3", "sh", "-v"], ["alpine:3", "sh", "-v"]),
        (["-e", "A=b c", "--env=C=", "-w", "/x", "a/b"], ["-e", "A=b c", "--env=C=", "-w", "/x", "a/b"]),
    ],
)
async def test_commands(asked: list[str], command: list[str]) -> None:
    assert containers.command_of(asked) == command


@pytest.mark.parametrize(
    "asked", [[], ["-e"], ["--name"], ["-v", "/:/x", "a"], ["-e", "HOME", "a"], ["--", "a"], ["bad image"]]
)
async def test_commands_that_are_refused(asked: list[str]) -> None:
    with pytest.raises(Refused):
        containers.command_of(asked)


async def test_without_an_engine_the_cell_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_ENGINES", ("no-such-engine",))
    with pytest.raises(Refused, match="sudo apt install podman"):
        await containers.Containers(RuntimeSettings(home=Path("/nonexistent")))._found()
    assert json.loads((await run("bash", "# not docker\necho 1")).result or "") == "1"
