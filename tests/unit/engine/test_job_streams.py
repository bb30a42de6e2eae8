"""What a job streams is told from its log, however its output is cut."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from flowapp.engine.streams import JobOutput, Parted, in_record, with_stream
from flowapp.jsontext import JsonText, loads
from flowapp.runtimes.guest import python_workflows
from flowapp.runtimes.guest.frames import COMPLETE
from flowapp.store.masks import Masks


class Heard:
    """A step that notes what is printed."""

    def __init__(self) -> None:
        self.logs: list[str] = []
        self.streams: list[str] = []

    async def begins(self) -> None:
        pass

    def log(self, text: str) -> None:
        self.logs.append(text)

    def stream(self, text: str, *, first: bool = False) -> None:
        self.streams.append(text)

    def both(self) -> tuple[str, str]:
        return "".join(self.logs), "".join(self.streams)


def parted(*pieces: str) -> tuple[str, str]:
    heard = Heard()
    output = Parted(heard.log, heard.stream)
    for piece in pieces:
        output.write(piece)
    output.close()
    return heard.both()


@pytest.mark.parametrize(
    ("printed", "log", "stream"),
    [
        ("", "", ""),
        ("no mark\n", "no mark\n", ""),
        ("WM_STREAM: hello\n", "", "hello"),
        ("WM_STREAM: a\nWM_STREAM:  b\\nc\n", "", "a b\nc"),
        ("before\nWM_STREAM: a\nafter\n", "before\nafter\n", "a"),
        ("in a line WM_STREAM: a\n", "in a line WM_STREAM: a\n", ""),
        ("WM_STREAM:a\n", "WM_STREAM:a\n", ""),
        ("WM_STREAM: \n", "", ""),
        ("WM_STREAM: no end", "", "no end"),
        ("WM_STREAM: ends in \\", "", "ends in \\"),
        ("WM_STR", "WM_STR", ""),
        ("WM_STR\n", "WM_STR\n", ""),
        ("a\x0bWM_STREAM: a\n", "a\x0bWM_STREAM: a\n", ""),
        ("WM_STREAM: a\rb\u2028c\n", "", "a\rb\u2028c"),
        ("\nWM_STREAM: a\n\n", "\n\n", "a"),
    ],
)
def test_lines_of_the_stream(printed: str, log: str, stream: str) -> None:
    assert parted(printed) == (log, stream)
    assert parted(*printed) == (log, stream), "one character at a time"


def test_any_cut_gives_the_same() -> None:
    dice = random.Random(7)
    words = ["WM_STREAM: ", "WM_", "\n", "\\n", "\\", "text", " ", "WM_STREAM:", "é"]
    for _ in range(300):
        printed = "".join(dice.choices(words, k=12))
        cuts = [0, *sorted(dice.choices(range(len(printed) + 1), k=4)), len(printed)]
        pieces = [printed[a:b] for a, b in itertools.pairwise(cuts)]
        assert parted(*pieces) == parted(printed), pieces


def test_a_log_without_a_stream_is_passed_on_as_it_comes() -> None:
    heard = Heard()
    output = Parted(heard.log, heard.stream)
    for piece in ("half a li", "ne\nW", "riting\n", "50 %\r"):
        output.write(piece)
    assert heard.logs[0] == "half a li"
    assert heard.logs[1:] == ["ne\n", "Writing\n", "50 %\r"], "only what may begin a mark waits"


def test_secrets_are_masked_in_both_and_across_pieces() -> None:
    masks, heard = Masks(), Heard()
    masks.note("r", "s3cret")
    output = JobOutput(masks, "r", heard)
    for piece in ("my s3cret\n", "WM_STREAM: it is s3c\nWM_STREAM: ret\n", "WM_STREAM: .\n"):
        output.write(piece)
    output.close()
    assert heard.both() == ("my *****\n", "it is *****.")
    assert output.streamed == "it is *****."


def test_a_cut_stream_says_so() -> None:
    heard = Heard()
    output = JobOutput(Masks(), "r", heard)
    output.write("WM_STREAM: a\n")
    output.close()
    output.cut(8_000_000)
    assert output.streamed == "a\n… cut: of what the step streams and prints, the first 8.0 MB are kept."
    silent = JobOutput(Masks(), "r", Heard())
    silent.cut(8_000_000)
    assert silent.streamed == ""


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("null", "st\nream"),
        ('""', "st\nream"),
        ("{}", {"wm_stream": "st\nream"}),
        (' {"a": 12345678901234567890}\n', {"a": 12345678901234567890, "wm_stream": "st\nream"}),
        ('{"wm_stream":1}', {"wm_stream": 1}),
        ('{"a":{"wm_stream":1}}', {"a": {"wm_stream": 1}, "wm_stream": "st\nream"}),
        ('"text"', "text"),
        ("[1]", [1]),
        ("0", 0),
    ],
)
def test_the_stream_in_the_result(result: str, expected: object) -> None:
    assert loads(with_stream(JsonText(result), "st\nream")) == expected
    assert with_stream(JsonText(result), "") == result


def test_every_wrapper_ends_the_record_of_a_workflow_as_the_server_reads_it() -> None:
    python = python_workflows.call(lambda n: n, {"n": 4}, "{}").decode()
    assert in_record(JsonText(python.replace("4", "{}")), "said") == COMPLETE + '{"wm_stream":"said"}}'
    wrapper = Path(python_workflows.__file__).with_name("typescript_wrapper.ts").read_text("utf-8")
    assert f"`{COMPLETE}${{" in wrapper
