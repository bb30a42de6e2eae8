"""Inputs stand in no command line, which every user of the host may read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from flowapp.jsontext import JsonText
from flowapp.runtimes import Job, Runtimes, containers
from tests.integration.runtimes.conftest import Run
from tests.support.engine import IMAGE, podman_with_an_image

pytestmark = pytest.mark.asyncio(loop_scope="module")


def command_lines() -> str:
    """Those of all processes of this machine, and the environments of the container engine's."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes()
            lines.append(line.replace(b"\0", b" ").decode("utf-8", "replace"))
            if b"podman" in line.partition(b"\0")[0]:
                lines.append((folder / "environ").read_bytes().decode("utf-8", "replace"))
    return "\n".join(lines)


async def while_it_runs(runtimes: Runtimes, code: str, args: dict[str, Any]) -> tuple[str, str]:
    """The command lines of the machine once the job has printed "begun", and its log."""
    log: list[str] = []
    begun = asyncio.Event()

    def tell(text: str) -> None:
        log.append(text)
        if "begun" in "".join(log):
            begun.set()

    job = Job("seen", "bash", code, JsonText(json.dumps(args)))
    task = asyncio.ensure_future(runtimes.run(job, tell))
    first = asyncio.ensure_future(begun.wait())
    await asyncio.wait({task, first}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    found = await asyncio.to_thread(command_lines)
    assert first.done(), (task, log)
    await runtimes.cancel("seen")
    await task
    return found, "".join(log)


async def test_arguments_of_bash(runtimes: Runtimes) -> None:
    token = secrets.token_hex(16)
    code = 'key="$1"\necho "begun $key"\nsleep 61\n'
    found, log = await while_it_runs(runtimes, code, {"key": token})
    assert f"begun {token}" in log
    assert "-e cell.sh" in found
    assert token not in found


async def test_variables_of_a_container(runtimes: Runtimes) -> None:
    token = secrets.token_hex(16)
    code = f'# docker\nkey="$1"\ndocker run -e "KEY=$key" --env=MORE="$key" {IMAGE} /bin/bash -c \'echo "begun $KEY $MORE"; sleep 62\'\n'
    with podman_with_an_image():
        found, log = await while_it_runs(runtimes, code, {"key": token})
    assert f"begun {token} {token}" in log
    assert "sleep 62" in found
    assert token not in found


async def test_variables_of_several_lines_are_in_no_command_line_and_nothing_of_them_stays(runtimes: Runtimes) -> None:
    token = secrets.token_hex(16)
    code = f'# docker\nkey="$1"\ndocker run -e "KEY=$key" -e "LD_PRELOAD=$key" {IMAGE} /bin/bash -c \'echo "begun $KEY"; sleep 63\'\n'
    with podman_with_an_image():
        found, log = await while_it_runs(runtimes, code, {"key": f"{token}\n{token}"})
        listed = await asyncio.create_subprocess_exec(
            "podman", "secret", "ls", "--quiet", stdout=asyncio.subprocess.PIPE
        )
        kept, _ = await listed.communicate()
    assert f"begun {token}\n{token}" in log.replace("\r", "")
    assert "sleep 63" in found
    assert token not in found
    assert kept == b""


@pytest.mark.parametrize("takes_files", [True, False])
async def test_values_of_variables_stay_as_they_are(
    run: Run, monkeypatch: pytest.MonkeyPatch, takes_files: bool
) -> None:
    """Also where Podman is one that would change what an `--env-file` says."""
    known = property(lambda _self: takes_files, lambda _self, _found: None)
    monkeypatch.setattr(containers.Containers, "_takes_files", known, raising=False)
    values = {
        "A": " b  c# d ",
        "B": "'q' \"r\" \\n $x `y`",
        "C": "",
        "D": "ä=€",
        "E": "two\nlines",
        "F": "{'json': [1]}",
        "G": "\n\n a=b,c \n",
        "H": "y" * 70_000,
    }
    names = " ".join(f'-e "{name}=${{{number}}}"' for number, name in enumerate(values, 1))
    declared = "".join(f'{name}="${{{number}}}"\n' for number, name in enumerate(values, 1))
    said = "; ".join(f'printf "%s|" "${name}"' for name in values)
    code = f"# docker\n{declared}docker run {names} {IMAGE} /bin/bash -c '{said}'\n"
    log: list[str] = []
    with podman_with_an_image():
        outcome = await run("bash", code, values, log)
    assert outcome.error is None, (outcome.error, log)
    assert "".join(f"{value}|" for value in values.values()) in "".join(log)


async def test_bash_runs_as_if_they_did(run: Run) -> None:
    code = (
        'a="$1"\nb="${2:-default}"\nc="$3"\nset -u\n'
        'printf "%s\\n" "$#" "$0" "${BASH_SOURCE[*]}" "$b" "${#a}" "$c" "${BASH_ENV-none}" "$LINENO"\n'
        "bash -c 'echo child $# ${BASH_ENV-none}'\n(exec 9>&1; echo nine >&9)\nnope\n"
    )
    log: list[str] = []
    outcome = await run("bash", code, {"a": "x" * 400_000, "c": "two\nlines \\ '\" $x *"}, log)
    said = "".join(log)
    expected = "3\ncell.sh\ncell.sh\ndefault\n400000\ntwo\nlines \\ '\" $x *\nnone\n5\nchild 0 none\nnine\n"
    assert said.startswith(expected), said[:2000]
    assert "cell.sh: line 8: nope: command not found" in said
    assert outcome.error is not None
    assert (outcome.error["exit_code"], outcome.error["line"]) == (127, 8)
