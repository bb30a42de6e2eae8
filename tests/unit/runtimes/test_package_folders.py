"""Folders of packages: whole or not there, whoever is killed, and never removed under somebody."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowapp.runtimes.packages.folders import Folders

ROOT = Path(__file__).resolve().parents[3]


def folders(root: Path) -> Folders:
    made = Folders(root)
    made.prepare()
    return made


async def fill(target: Path) -> dict[str, Any]:
    (target / "module.py").write_text("x = 1\n")
    return {"packages": ["x"]}


async def test_made_once_by_whoever_comes_first(tmp_path: Path) -> None:
    one, two = folders(tmp_path), folders(tmp_path)
    begun: list[Path] = []
    release = asyncio.Event()

    async def slow(target: Path) -> dict[str, Any]:
        begun.append(target)
        await release.wait()
        return await fill(target)

    works = [asyncio.create_task(made.make("k", slow)) for made in (one, two, one)]
    while not begun:
        await asyncio.sleep(0)
    assert not one.path("k").exists()
    release.set()
    assert {await work for work in works} == {tmp_path / "ready" / "k"}
    assert len(begun) == 1
    assert [(kept.key, kept.size, kept.notes) for kept in two.kept()] == [("k", 6, {"packages": ["x"]})]


async def test_a_failure_leaves_nothing_and_the_next_one_tries_again(tmp_path: Path) -> None:
    made = folders(tmp_path)

    async def fails(target: Path) -> dict[str, Any]:
        (target / "half").touch()
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await made.make("k", fails)
    assert list((tmp_path / "partial").iterdir()) == []
    assert (await made.make("k", fill)).is_dir()


async def test_a_killed_maker_leaves_no_half_folder(tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from flowapp.runtimes.packages.folders import Folders
async def fill(target):
    (target / "half").touch()
    print("half", flush=True)
    await asyncio.sleep(600)
made = Folders(Path({str(tmp_path)!r})); made.prepare()
asyncio.run(made.make("k", fill))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        made = folders(tmp_path)
        assert made.tidy(1 << 30, 1e9) == []
        assert (tmp_path / "partial" / "k" / "half").exists(), "what somebody is making is left alone"
        process.send_signal(signal.SIGKILL)
    assert not made.path("k").exists()
    made.tidy(1 << 30, 1e9)
    assert list((tmp_path / "partial").iterdir()) == []
    assert sorted(os.listdir(await made.make("k", fill))) == ["module.py"]


async def test_what_is_used_stays_and_the_oldest_goes_first(tmp_path: Path) -> None:
    made, other = folders(tmp_path), folders(tmp_path)
    for age, key in enumerate(("new", "old", "used")):
        await made.make(key, fill)
        os.utime(tmp_path / "notes" / key, (1_000_000 - age, 1_000_000 - age))
    with other.used("used") as is_there:
        assert is_there
        assert made.tidy(6 * 2, 1e12) == ["old"]
        assert made.tidy(-1, 0) == ["new"]
    assert made.tidy(-1, 0) == ["used"]
    with made.used("used") as is_there:
        assert not is_there
    assert list((tmp_path / "notes").iterdir()) == []


async def test_what_was_not_used_for_long_goes(tmp_path: Path) -> None:
    made = folders(tmp_path)
    await made.make("a", fill)
    await made.make("b", fill)
    os.utime(tmp_path / "notes" / "a", (1, 1))
    with made.used("b"):
        pass
    assert made.tidy(1 << 30, 3600) == ["a"]
