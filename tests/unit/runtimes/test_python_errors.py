"""Errors of cells as data."""

from __future__ import annotations

import linecache
from typing import Any

from flowapp.runtimes.guest.python_errors import NoEntrypoint, describe, too_large


def error_of(source: str) -> dict[str, Any]:
    linecache.cache["cell.py"] = (len(source), None, source.splitlines(keepends=True), "cell.py")
    try:
        scope: dict[str, Any] = {}
        exec(compile(source, "cell.py", "exec"), scope)
        scope["main"]()
    except BaseException as error:
        return describe(error, "cell.py")
    raise AssertionError("it did not fail")


def test_stack_holds_user_frames_only() -> None:
    found = error_of("def inner():\n    raise KeyError('k')\n\ndef main():\n    inner()\n")
    assert found["name"] == "KeyError"
    assert found["line"] == 2
    assert found["stack"].count("File ") == 2
    assert "test_python_errors" not in found["stack"]


def test_line_is_the_users_even_when_a_library_failed() -> None:
    found = error_of("import json\ndef main():\n    json.loads('{')\n")
    assert found["name"] == "JSONDecodeError"
    assert found["line"] == 3
    assert found["extra"]["pos"] == 1


def test_causes_are_shown_without_our_frames() -> None:
    source = "def main():\n    try:\n        1 / 0\n    except ZeroDivisionError as error:\n        raise ValueError('v') from error\n"
    found = error_of(source)
    assert "ZeroDivisionError" in found["stack"]
    assert found["line"] == 5
    assert "test_python_errors" not in found["stack"]


def test_syntax_errors_have_the_line() -> None:
    found = error_of("x = 1\ny = = 2\n")
    assert (found["name"], found["line"]) == ("SyntaxError", 2)


def test_exit_codes() -> None:
    assert error_of("import sys\ndef main():\n    sys.exit(4)\n")["exit_code"] == 4
    assert error_of("import sys\ndef main():\n    sys.exit()\n")["exit_code"] == 0
    assert error_of("import sys\ndef main():\n    sys.exit('no')\n")["exit_code"] == 1


def test_a_message_that_cannot_be_read() -> None:
    source = "class E(Exception):\n    def __str__(self):\n        raise OSError\ndef main():\n    raise E\n"
    assert "could not be read" in error_of(source)["message"]


def test_an_error_without_a_user_frame_has_no_stack_of_ours() -> None:
    found = describe(TypeError("a set"), "cell.py")
    assert "line" not in found
    assert found["stack"] == "TypeError: a set"


def test_missing_entrypoint() -> None:
    assert describe(NoEntrypoint("main"), "cell.py")["name"] == "ExecutionErr"


def test_too_large_names_both_sizes() -> None:
    assert "70.0 MB" in too_large(70_000_000, 64_000_000)["message"]
    assert "5.0 KB" in too_large(5000, 1000)["message"]
