"""What of a container's command goes to the engine beside its command line."""

from __future__ import annotations

import pytest

from flowapp.runtimes.container_variables import FILE, reads_as_it_stands, set_apart, taken_out


@pytest.mark.parametrize(
    ("command", "rest", "text"),
    [
        (["alpine", "-e", "A=1"], ["alpine", "-e", "A=1"], ""),
        (["-e", "A=b c#'\"\\", "a/b", "sh"], [FILE, "a/b", "sh"], "A=b c#'\"\\\n"),
        (["--init", "--env=C=", "-w", "-e", "-h", "x", "a"], [FILE, "--init", "-w", "-e", "-h", "x", "a"], "C=\n"),
        (["-e", "A=1", "-e", "B=2", "-e", "A=3=ä", "a"], [FILE, "a"], "B=2\nA=3=ä\n"),
        (["-e", "A=1\n2", "-e", "B=2", "a"], [FILE, "-e", "A=1\n2", "a"], "B=2\n"),
        (["-e", "A=1", "-e", "A=1\r", "a"], ["-e", "A=1\r", "a"], ""),
        (["-e", "#A=1", "-e", "=1", "-e", "A B=1", "a"], ["-e", "#A=1", "-e", "=1", "-e", "A B=1", "a"], ""),
        (["-e", f"A={'x' * 70_000}", "a"], ["-e", f"A={'x' * 70_000}", "a"], ""),
    ],
)
def test_variables_are_taken_out(command: list[str], rest: list[str], text: str) -> None:
    assert taken_out(command) == (rest, text.encode())


@pytest.mark.parametrize(
    ("command", "lines", "rest", "apart"),
    [
        (["alpine", "-e", "A=1\n2"], True, ["alpine", "-e", "A=1\n2"], {}),
        (["-e", "A=1\n2", "--init", "-e", "B=2", "a"], True, ["--init", "-e", "B=2", "a"], {"A": "1\n2"}),
        (["-e", "A=1\n2", "-e", "A=3", "a"], True, ["-e", "A=3", "a"], {}),
        (["-e", "A=3", "--env=A=1\r", "-w", "/x", "a"], True, ["-w", "/x", "a"], {"A": "1\r"}),
        (["-e", f"A={'x' * 70_000}", "a"], True, ["a"], {"A": "x" * 70_000}),
        (["-e", "A=1", "-e", "C=", "a"], False, ["-e", "C=", "a"], {"A": "1"}),
        (["-e", "A,target=B=1\n2", "a"], True, ["-e", "A,target=B=1\n2", "a"], {}),
    ],
)
def test_what_is_no_line_is_set_apart(command: list[str], lines: bool, rest: list[str], apart: dict[str, str]) -> None:
    assert set_apart(command, lines) == (rest, apart)


def test_releases_that_read_such_files_otherwise() -> None:
    read = {
        version: reads_as_it_stands(version) for version in ("4.3.1", "4.6.1", "4.7.0", "4.9.3", "5.4.2", "28.1.0", "")
    }
    assert [version for version, as_it_stands in read.items() if not as_it_stands] == ["4.6.1", "4.7.0"]
