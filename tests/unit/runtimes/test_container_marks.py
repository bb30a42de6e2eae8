"""What a container engine refuses to remove is tried again; what it is called with. The engine is a script that writes down what it is asked."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flowapp.runtimes import container_client, container_secrets
from flowapp.runtimes.container_marks import Marks
from flowapp.runtimes.packages.errors import PreparingCanceled

#: `secrets` has the names of those that are there, `refuses` stands for an engine that removes nothing
_ENGINE = """#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> asked
env > environment
case "$1 $2" in
"secret create") [ -e hangs ] && exec sleep 300; cat > /dev/null; echo "$3" >> secrets;;
"secret rm") [ -e refuses ] && exit 125; shift 2
  for name in "$@"; do grep -qx "$name" secrets || code=1; grep -vx "$name" secrets > rest; mv rest secrets; done; exit ${code:-0};;
"secret ls") [ -e silent ] && exit 125; cat secrets;;
"rm --force") [ -e refuses ] && exit 125; exit 0;;
esac
"""


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    program = tmp_path / "podman"
    program.write_text(_ENGINE)
    program.chmod(0o755)
    (tmp_path / "secrets").touch()
    return program


def never() -> bool:
    return False


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        await asyncio.sleep(0.01)


async def test_secrets_that_stay_are_tried_again_until_they_are_gone(engine: Path, tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks", again_s=0.01)
    names = container_secrets.names("c", 2)
    async with marks.of(str(engine), "c", names):
        options = await container_secrets.made(str(engine), names, {"A": "1\n2", "B": "3\n4"}, never)
        (tmp_path / "refuses").touch()
    assert options == ["--secret=c-0,type=env,target=A", "--secret=c-1,type=env,target=B"]
    assert [file.name.partition("-")[2] for file in marks.folder.iterdir()] == ["c"]
    assert (tmp_path / "secrets").read_text() == "c-0\nc-1\n"
    (tmp_path / "refuses").unlink()
    assert marks.trying is not None
    await asyncio.wait_for(marks.trying, 30)
    assert list(marks.folder.iterdir()) == []
    assert (tmp_path / "secrets").read_text() == ""


async def test_an_engine_that_does_not_say_what_it_has_is_not_believed(engine: Path, tmp_path: Path) -> None:
    (tmp_path / "silent").touch()
    assert not await container_secrets.remove(str(engine), ["never-made"])
    (tmp_path / "silent").unlink()
    assert await container_secrets.remove(str(engine), ["never-made"])


async def test_a_container_that_could_not_be_ended_is_tried_again(engine: Path, tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks", again_s=0.01)
    (tmp_path / "refuses").touch()
    async with marks.of(str(engine), "c", []) as mark:
        mark.stays = True
    asked = tmp_path / "asked"
    await until(lambda: asked.exists() and asked.read_text().count("rm --force --time=0 c\n") >= 2)
    assert mark.file.exists()
    (tmp_path / "refuses").unlink()
    assert marks.trying is not None
    await asyncio.wait_for(marks.trying, 30)
    assert not mark.file.exists()


async def test_what_a_closed_server_leaves_stays_marked_for_the_next(engine: Path, tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks", again_s=1000)
    (tmp_path / "refuses").touch()
    async with marks.of(str(engine), "c", ["c-0"]) as mark:
        (tmp_path / "secrets").write_text("c-0\n")
    await marks.close()
    assert mark.file.read_text() == f"{engine}\nc-0"


async def test_making_secrets_ends_when_the_job_is_canceled(engine: Path, tmp_path: Path) -> None:
    (tmp_path / "hangs").touch()
    values = {f"V{number}": "a\nb" for number in range(50)}
    asked = tmp_path / "asked"
    marks = Marks(tmp_path / "marks")
    names = container_secrets.names("c", 50)
    with pytest.raises(PreparingCanceled):
        async with asyncio.timeout(30), marks.of(str(engine), "c", names):
            await container_secrets.made(str(engine), names, values, asked.exists)
    calls = asked.read_text().splitlines()
    assert sum(call.startswith("secret create") for call in calls) == 1
    assert calls[1].startswith("secret rm c-0 c-1 ")
    assert list(marks.folder.iterdir()) == []


async def test_the_client_gets_what_it_needs_of_the_environment_and_no_more(
    engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = {"HOME": "/h", "XDG_RUNTIME_DIR": "/x", "DOCKER_HOST": "unix:///d", "CONTAINER_HOST": "unix:///c"}
    needed |= {"HTTPS_PROXY": "http://p", "no_proxy": "a", "CONTAINERS_CONF": "/k"}
    others = (
        "DATABASE_URL",
        "FLOWAPP_SECRET_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "LD_PRELOAD",
        "NOTIFY_SOCKET",
        "SMTP_PASSWORD",
    )
    for name, value in needed.items():
        monkeypatch.setenv(name, value)
    for name in others:
        monkeypatch.setenv(name, "")
    process = await container_client.started(str(engine), "info")
    assert await process.wait() == 0
    seen = dict(line.partition("=")[::2] for line in (tmp_path / "environment").read_text().splitlines())
    assert needed.items() <= seen.items() and seen["PATH"] == os.environ["PATH"]
    assert not seen.keys() & set(others)
