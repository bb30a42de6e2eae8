"""Go's standard library is built once in the background, and is there whole or not at all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from flowapp.runtimes import RuntimeSettings, go_library
from flowapp.runtimes.adapters import Setup
from flowapp.runtimes.go import Go
from flowapp.runtimes.go_library import Ahead, Library
from flowapp.runtimes.go_toolchain import VERSION, GoUnavailable, Toolchain, remove_half_fetched
from flowapp.ui.state.runtimes import language_lines

if TYPE_CHECKING:
    from flowapp.runtimes.packages.packages import Packages


class Builder:
    """Compiles two packages when it is let."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begun = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.error: Exception | None = None
        self.times = 0

    async def __call__(self) -> Mapping[str, str]:
        self.times += 1
        self.begun.set()
        await self.goes_on.wait()
        if self.error is not None:
            raise self.error
        files = {"fmt": self.folder / "1-d", "net/http": self.folder / "2-d"}
        for path, file in files.items():
            file.write_text(path)
        return {path: str(file) for path, file in files.items()}


async def end_of(ahead: Ahead) -> None:
    assert ahead._task is not None
    await ahead._task


async def test_it_is_built_in_the_background_and_found_by_the_next_server(tmp_path: Path) -> None:
    build = Builder(tmp_path)
    toolchain = Toolchain(tmp_path)
    ahead = Ahead(toolchain.library, build)
    assert ahead.note == ""
    ahead.begin()
    ahead.begin()
    await build.begun.wait()
    assert "is being built in the background" in ahead.note
    assert not toolchain.has(["fmt"])
    build.goes_on.set()
    await end_of(ahead)
    assert (ahead.note, build.times) == ("", 1)
    for file in tmp_path.glob("*-d"):  # what `go` removes from its cache is still there
        file.unlink()
    following = Toolchain(tmp_path)
    assert following.has(["fmt", "unsafe"])
    assert not following.has(["fmt", "os"])
    found = await following.packages(["net/http"])
    assert {path: Path(file).read_text() for path, file in found.items()} == {"fmt": "fmt", "net/http": "net/http"}
    again = Ahead(following.library, build)
    again.begin()
    assert again._task is None
    assert sorted(one.name for one in tmp_path.iterdir()) == [f"{VERSION}-library", "library.lock"]


async def test_one_server_of_a_machine_builds_it_for_all(tmp_path: Path) -> None:
    build, other = Builder(tmp_path), Builder(tmp_path)
    first, second = Library(tmp_path, VERSION), Library(tmp_path, VERSION)
    one, two = Ahead(first, build), Ahead(second, other)
    one.begin()
    await build.begun.wait()
    two.begin()
    assert "is being built" in two.note
    await end_of(two)
    assert not second.is_built
    assert "is being built" in one.note
    assert two.note == ""  # the one that builds says so, as long as it does
    build.goes_on.set()
    await end_of(one)
    assert other.times == 0
    assert second.packages().keys() == {"fmt", "net/http"}


async def test_what_a_server_did_not_finish_another_one_does(tmp_path: Path) -> None:
    build, other = Builder(tmp_path), Builder(tmp_path)
    library = Library(tmp_path, VERSION)
    one, two = Ahead(library, build), Ahead(library, other)
    one.begin()
    await build.begun.wait()
    two.begin()
    await end_of(two)
    await one.close()
    other.goes_on.set()
    two.begin()
    await end_of(two)
    assert (library.is_built, other.times) == (True, 1)


async def test_one_that_cannot_be_built_or_is_ended_leaves_nothing(tmp_path: Path) -> None:
    build = Builder(tmp_path)
    build.error = GoUnavailable("no space left")
    build.goes_on.set()
    library = Library(tmp_path, VERSION)
    ahead = Ahead(library, build)
    ahead.begin()
    await end_of(ahead)
    assert ahead.note.endswith(": no space left")
    held = Builder(tmp_path)
    ended = Ahead(library, held)
    ended.begin()
    await held.begun.wait()
    await ended.close()
    with library.alone() as alone:
        assert alone
    with pytest.raises(OSError, match="No such file"):
        library.keep({"fmt": str(tmp_path / "gone")})
    assert not library.is_built
    assert [one.name for one in tmp_path.iterdir()] == ["library.lock"]


async def test_one_that_failed_is_tried_again_after_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(go_library, "time", SimpleNamespace(monotonic=lambda: now))
    build = Builder(tmp_path)
    build.error = GoUnavailable("no space left")
    build.goes_on.set()
    library = Library(tmp_path, VERSION)
    ahead = Ahead(library, build)
    for pause in (600, 1200, 2400, 3600, 3600):
        ahead.begin()
        await end_of(ahead)
        tried = build.times
        now += pause - 1
        ahead.begin()
        await end_of(ahead)
        assert build.times == tried
        assert ahead.note.endswith(": no space left")
        now += 1
    build.error = None
    build.goes_on.clear()
    ahead.begin()
    assert "is being built in the background" in ahead.note
    build.goes_on.set()
    await end_of(ahead)
    assert (library.is_built, ahead.note) == (True, "")


def test_a_server_that_starts_leaves_what_another_one_is_keeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "1-d"
    file.write_text("fmt")

    def slowly(source: Path, name: Path) -> None:
        (scratch,) = tmp_path.glob("fetch-*")
        os.utime(scratch, (0, 0))
        remove_half_fetched(tmp_path)
        name.write_bytes(source.read_bytes())

    monkeypatch.setattr(go_library, "_link", slowly)
    library = Library(tmp_path, VERSION)
    library.keep({"fmt": str(file)})
    assert Path(library.packages()["fmt"]).read_text() == "fmt"
    assert not list(tmp_path.glob("fetch-*"))


async def test_a_server_that_finds_go_starts_at_once_and_the_page_says_what_it_does(tmp_path: Path) -> None:
    toolchain = Toolchain(tmp_path / "go")
    toolchain.tools.mkdir(parents=True)
    (toolchain.tools / "compile").touch()
    os.mkfifo(tmp_path / "listed")
    (tmp_path / "compiled").write_text("fmt")
    program = toolchain.root / "bin" / "go"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$(nice) $@" > {tmp_path}/asked\ncat {tmp_path}/listed\n')
    program.chmod(0o755)
    settings = RuntimeSettings(home=tmp_path / "home", go=toolchain.folder)
    go = Go(Setup(settings, None, None, True, None, cast("Packages", None)))
    await go.start()
    pools: dict[str, Any] = {}
    shown = [line for line in language_lines({"languages": go.facts(), "pools": pools}) if line.name == "go"]
    expected = f"Go {VERSION}. Its standard library is being built in the background, once"
    assert [(line.state, line.note) for line in shown] == [("ready", expected)]
    listed = f"fmt={tmp_path}/compiled\n"
    await asyncio.to_thread((tmp_path / "listed").write_text, listed)
    assert go._ahead is not None
    await end_of(go._ahead)
    assert go.facts() == {"go": {"available": True, "version": VERSION}}
    niceness, *asked = (tmp_path / "asked").read_text().split()
    assert (niceness, asked[:2], asked[-2:]) == ("19", ["list", "-export"], ["--", "std"])
    await go.close()
