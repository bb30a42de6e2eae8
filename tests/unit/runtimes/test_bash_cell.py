"""Arguments and last line of Bash cells."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowapp.runtimes.guest import bash_cell
from flowapp.runtimes.guest.bash_cell import LastLine, arguments, stream


@pytest.mark.parametrize(
    ("code", "inputs", "expected"),
    [
        ('a="$1"\nb="$2"\n', {"a": "x", "b": "y"}, [b"x", b"y"]),
        ('b="$2"\na="$1"\n', {"a": "x", "b": "y"}, [b"x", b"y"]),
        ('a="${1:-5}"\n', {}, [b""]),
        ('a="${1:-5}"\n', {"a": None}, [b""]),
        ("a=$1\n", {"a": 5}, [b"5"]),
        ("local a=$1\nexport b='x'\n", {"a": True}, [b"true"]),
        ('c="$3"\n', {"c": "z"}, [b"", b"", b"z"]),
        ('a="$1"\n', {"a": {"k": [1, "ä"]}}, ['{"k":[1,"ä"]}'.encode()]),
        ('a="$1"\n', {"a": "x\0y\ud800"}, [b"xy?"]),
        ("echo $1\n", {"a": 1}, []),
        ('a="${10}"\n', {"a": "t"}, [b""] * 9 + [b"t"]),
        ("", {"a": 1}, []),
    ],
)
def test_arguments(code: str, inputs: dict[str, Any], expected: list[bytes]) -> None:
    assert arguments(code, inputs) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", b""),
        (b"one", b"one"),
        (b"one\ntwo\n", b"two"),
        (b"one\n  two  \n\n  \n", b"two"),
        (b"one\ntwo\nthree", b"three"),
        (b"one\n   ", b"one"),
    ],
)
def test_last_line(text: bytes, expected: bytes) -> None:
    for size in (1, 2, 3, 100):
        tail = LastLine()
        for start in range(0, len(text), size):
            tail.add(text[start : start + size])
        assert tail.line() == expected


@given(st.lists(st.text(alphabet="ab \n", max_size=12), max_size=12))
def test_last_line_does_not_depend_on_chunks(chunks: list[str]) -> None:
    tail = LastLine()
    for chunk in chunks:
        tail.add(chunk.encode())
    lines = [line.strip() for line in "".join(chunks).split("\n") if line.strip()]
    assert tail.line().decode() == (lines[-1] if lines else "")


@pytest.mark.parametrize("broken", ["no descriptor", "too few", "no mapfile"])
def test_a_script_is_not_begun_without_its_arguments(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASH_ENV", "")
    if broken == "no mapfile":
        old = tmp_path / "old.sh"
        old.write_text("enable -n mapfile\n")
        monkeypatch.setattr(bash_cell, "_TAKING", f". {old}\n{bash_cell._TAKING}")
    else:

        def without(command: list[str | bytes], given: dict[int, int]) -> tuple[int, bytes]:
            os.truncate(next(iter(given.values())), 2)
            return stream(command, given=given if broken == "too few" else None)

        monkeypatch.setattr(bash_cell, "stream", without)
    Path(bash_cell.FILE_NAME).write_text('echo "begun with $#"\n')
    program = shutil.which("bash")
    assert program is not None
    assert bash_cell._run(program, [b"a", b"b"]) == (125, b"")
    said = capfd.readouterr()
    assert "begun" not in said.out
    assert "the arguments could not be read, so the script was not begun" in said.err


def test_a_descriptor_may_have_its_number_already(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "given").write_text("here")
    with open(tmp_path / "given", "rb") as file:
        given = {file.fileno(): file.fileno()}
        assert stream([str(shutil.which("bash")), "-c", f"cat <&{file.fileno()}"], given=given) == (0, b"here")
    assert capfd.readouterr().out == "here"
