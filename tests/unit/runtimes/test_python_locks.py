"""Reading locks, ours and those of others, and turning what uv says into errors for people."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.python_locks import PythonLock, Uv, explained
from flowapp.runtimes.packages.python_needs import PythonNeeds

HASH = "sha256:" + "0a" * 32


def test_a_lock_of_ours() -> None:
    text = f"# py: 3.11\n# needs: humanize>=4 | rich; python_version > '3'\nhumanize==4.9.0 \\\n    --hash={HASH}\n"
    found = PythonLock.read(text)
    assert found.lines == (f"humanize==4.9.0 --hash={HASH}",)
    assert found.needs == ("humanize>=4", "rich; python_version > '3'")
    assert found.names == ["humanize"]


def test_a_lock_of_windmill() -> None:
    found = PythonLock.read("# py: 3.11\nrequests==2.31.0\nhttpx[http2]==0.27.0 ; python_version >= '3.8'\n\n")
    assert found.lines == ('httpx[http2]==0.27.0; python_version >= "3.8"', "requests==2.31.0")
    assert found.needs is None
    assert found.names == ["httpx", "requests"]


def test_the_folder_depends_on_versions_and_interpreter_only() -> None:
    one, two = PythonLock.read("b==1\na==2"), PythonLock.read("# needs: x\na==2  # comment\nb==1\n")
    assert one.key("3.11") == two.key("3.11") != one.key("3.12")
    assert one.key("3.11") != PythonLock.read("a==2\nb==2").key("3.11")


@pytest.mark.parametrize(
    "line",
    [
        "requests",
        "requests>=2",
        "requests==2.*",
        "-r /etc/passwd",
        "--index-url http://evil",
        "-e .",
        "x @ file:///data/x.whl",
        "requests==2 --no-deps",
        "../x",
    ],
)
def test_a_lock_cannot_say_anything_but_exact_versions(line: str) -> None:
    with pytest.raises(PackagesUnavailable, match="in this cell's lock"):
        PythonLock.read(f"# py: 3.11\n{line}\n")


@pytest.mark.parametrize(
    ("said", "words", "line"),
    [
        (
            "  × No solution found:\n  ╰─▶ Because a-b was not found in the package registry and you\n      require a-b",
            "no package a-b",
            7,
        ),
        ("× No\n╰─▶ Because all versions of docopt have no usable wheels and you require", "docopt offers no wheel", 3),
        (
            "error: Request failed\n  Caused by: Failed to fetch: `https://me:pw@host/simple/x/`",
            "cannot be reached",
            None,
        ),
        (
            "DEBUG secret\n  ╰─▶ Because there is no version of requests==99 and you require",
            "no version of requests==99",
            None,
        ),
    ],
)
def test_what_uv_says_becomes_an_error_for_people(said: str, words: str, line: int | None) -> None:
    needs = PythonNeeds(("a_b", "docopt"), {"a_b": 7, "docopt": 3})
    found = explained(said, needs)
    assert words in found.message
    assert found.line == line
    assert found.hint
    assert "pw" not in found.message
    assert "secret" not in found.message


_UV = """#!/bin/sh
echo "Identified uncached distribution: b" >&2
echo "Identified uncached distribution: c" >&2
echo "Downloading b (1.0MiB)" >&2
read -r _ < "$HEARD"
mkdir -p "$UV_CACHE_DIR/archive-v0/b"
read -r _ < "$HEARD"
mkdir "$UV_CACHE_DIR/archive-v0/c"
read -r _ < "$HEARD"
"""


async def test_an_installation_says_how_far_it_is(tmp_path: Path) -> None:
    """The program that stands for uv goes on when it was told of."""
    program, heard, target = tmp_path / "uv", tmp_path / "heard", tmp_path / "target"
    program.write_text(_UV)
    program.chmod(0o755)
    target.mkdir()
    os.mkfifo(heard)
    both_ends = os.open(heard, os.O_RDWR)  # so that nobody waits for an end to be opened
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        heard.write_text("on\n")

    environment = {"UV_CACHE_DIR": str(tmp_path / "cache"), "HEARD": str(heard), "PATH": os.environ["PATH"]}
    uv = Uv(program, Path("python"), "3.11.7", environment)
    try:
        notes = await uv.install(PythonLock.read("a==1\nb==2\nc==3\n"), target, tell)
    finally:
        os.close(both_ends)
    assert told == ["  downloading b (1.0MiB)\n", "  installing 2 of 3\n", "  installing 3 of 3\n"]
    assert notes == {"language": "python3", "packages": ["a", "b", "c"]}
