"""From what a job said, or did not say, to its error."""

from __future__ import annotations

import json
import re

import pytest

from flowapp.jsontext import JsonText
from flowapp.runtimes import handover, outcomes
from flowapp.runtimes.conversation import CANCELED, ENDED, FORGED, TIMED_OUT, Answer, LogReader
from flowapp.runtimes.errors import RuntimesError
from flowapp.runtimes.guest import frames
from flowapp.runtimes.jobs import Job, Limits

JOB = Job("j", "python3", "def main(): pass", JsonText("{}"), timeout_s=2.5)


def error(answer: Answer, tail: str = "", status: int | None = None) -> dict[str, object]:
    return outcomes.error_of(JOB, answer, tail, status)


def test_a_told_error_keeps_its_fields_and_only_those() -> None:
    told = {"name": "E", "message": "m", "stack": "s", "line": 3, "extra": {"a": 1}, "html": "<script>", "exit_code": 1}
    assert error(Answer(frames.ERROR, json.dumps(told).encode())) == {k: v for k, v in told.items() if k != "html"}


@pytest.mark.parametrize(
    "body", [b"no json", b"[1]", b"3", b"\xff", b"[" * 100_000, b'{"name":"\\ud800"}', b'{"line":NaN}']
)
def test_a_forged_error_is_said_to_be_one(body: bytes) -> None:
    assert "channel" in str(error(Answer(frames.ERROR, body))["message"])


def test_wrong_types_in_an_error_are_left_out() -> None:
    told = {"name": 5, "message": ["x"], "line": "3", "exit_code": True, "extra": "x"}
    assert error(Answer(frames.ERROR, json.dumps(told).encode())) == {"name": "Error", "message": ""}


def test_bash_errors_have_log_and_line() -> None:
    body = json.dumps({"name": "ExecutionErr", "program": "bash", "exit_code": 127}).encode()
    tail, place = (
        "hello\ncell.sh: line 4: nope: command not found\n",
        re.compile(r"^cell\.sh: line (\d+): ", re.MULTILINE),
    )
    found = outcomes.error_of(JOB, Answer(frames.ERROR, body), tail, None, place)
    assert found["exit_code"] == 127
    assert found["line"] == 4
    assert str(found["message"]).startswith('exit code for "bash": 127, last log lines:\nhello\n')


def test_ends_from_outside() -> None:
    assert error(Answer(TIMED_OUT))["message"] == "The step ran longer than its 2.5 s and was stopped."
    assert error(Answer(CANCELED))["name"] == "Canceled"
    assert "channel" in str(error(Answer(FORGED))["message"])


@pytest.mark.parametrize(
    ("status", "part"),
    [
        (3, "exit code 3"),
        (-9, "SIGKILL"),
        (-11, "SIGSEGV"),
        (-5, "memory"),
        (-6, "more memory than its 1024 MB, or more processes and threads than its 128."),
        (-25, "file larger"),
        (-64, "SIGRTMAX"),
    ],
)
def test_a_death_says_how(status: int, part: str) -> None:
    found = error(Answer(frames.DIED, str(status).encode()), "last words")
    assert part in str(found["message"])
    assert "last words" in str(found["message"])
    assert found["exit_code"] == status


def test_a_death_that_nobody_saw() -> None:
    assert "without an answer" in str(error(Answer(ENDED))["message"])
    assert "SIGKILL" in str(error(Answer(ENDED), status=-9)["message"])


def read_all(chunks: list[bytes], limit: int) -> tuple[str, LogReader]:
    import os

    pieces: list[str] = []
    reader = LogReader(pieces.append, limit)
    source, sink = os.pipe()
    os.set_blocking(source, False)
    for chunk in chunks:
        os.write(sink, chunk)
        reader.read(source)
    os.close(sink)
    reader.drain(source)
    os.close(source)
    return "".join(pieces), reader


def test_log_is_cut_once_and_its_end_is_kept() -> None:
    text, reader = read_all([b"a" * 6, b"b" * 6, b"c" * 6], 10)
    assert text.startswith("aaaaaabbbb\n… output cut here")
    assert text.count("cut here") == 1
    assert "c" * 6 in reader.tail
    assert reader.truncated


def test_a_listener_that_fails_does_not_stop_the_job(caplog: pytest.LogCaptureFixture) -> None:
    import os

    def fail(_text: str) -> None:
        raise ValueError("gone")

    source, sink = os.pipe()
    os.write(sink, b"text")
    os.close(sink)
    LogReader(fail, 100).drain(source)
    os.close(source)
    assert "a listener of a job's log failed" in caplog.text


def test_log_decodes_across_chunks() -> None:
    text, reader = read_all([bytes([byte]) for byte in "ä€".encode()] + [b"\xff"], 100)
    assert text == "ä€\ufffd"
    assert not reader.truncated


def test_reserved_variables_are_left_out() -> None:
    given = {
        "WM_TOKEN": "t",
        "MY_VAR": "a\0b",
        "PATH": "x",
        "LD_PRELOAD": "x",
        "PYTHONPATH": "x",
        "DENO_DIR": "x",
        "a=b": "x",
    }
    assert handover.environment(given) == {"WM_TOKEN": "t", "MY_VAR": "ab"}


@pytest.mark.parametrize("name", ["..", "a/b", "", ".hidden", "a" * 129, "x\0"])
def test_shared_folder_names(name: str) -> None:
    with pytest.raises(RuntimesError):
        handover.folder_name(name)


def test_limits_that_need_a_process_of_their_own() -> None:
    assert Limits(output_bytes=1, result_bytes=1).bounds == Limits().bounds
    assert Limits(memory_mb=1).bounds != Limits().bounds
