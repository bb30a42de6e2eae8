r"""What a job streams as its result: lines of its output that begin with `WM_STREAM: `, as Windmill's clients print them.

They are told from the log here, in the server, whatever language the job is in. A line's `\n` stands for a line end; its own
end belongs to the line and not to the text.
"""

from __future__ import annotations

from collections.abc import Callable

from flowapp.engine.ports import Printing
from flowapp.jsontext import NULL, JsonText, dumps, loads
from flowapp.runtimes.guest.frames import COMPLETE
from flowapp.runtimes.guest.streaming import MARK
from flowapp.store.masks import MaskedLog, Masks

STREAM_KEY = "wm_stream"


class Parted:
    """Parts the output of a job. What does not stream is passed on as it comes, for the price of one search."""

    def __init__(self, log: Callable[[str], None], stream: Callable[[str], None]) -> None:
        self._log = log
        self._stream = stream
        #: whether the next character begins a line; whether it belongs to a line of the stream
        self._fresh, self._inside = True, False
        #: what may be the beginning of a mark, or of an escape
        self._held = ""

    def write(self, text: str) -> None:
        """Take the next piece of output, cut anywhere."""
        if not self._held and not self._inside and MARK not in text and not self._may_begin(text):
            self._fresh = text.endswith("\n") if text else self._fresh
            self._log(text)
            return
        self._part(self._held + text)

    def close(self) -> None:
        """Nothing more comes: what was held is what it looks like."""
        held, self._held = self._held, ""
        if held:
            (self._stream if self._inside else self._log)(held)

    def _may_begin(self, text: str) -> bool:
        """Whether the text ends in what a mark begins with."""
        begin = text.rfind("\n") + 1
        return (begin > 0 or self._fresh) and begin < len(text) and MARK.startswith(text[begin:])

    def _part(self, text: str) -> None:
        logged: list[str] = []
        streamed: list[str] = []
        self._held = ""
        for line in _lines(text):
            self._take(line, logged, streamed)
        if logged:
            self._log("".join(logged))
        if streamed:
            self._stream("".join(streamed))

    def _take(self, line: str, logged: list[str], streamed: list[str]) -> None:
        whole = line.endswith("\n")
        if not self._inside:
            if self._fresh and not whole and MARK.startswith(line):
                self._held = line
                return
            if not (self._fresh and line.startswith(MARK)):
                logged.append(line)
                self._fresh = whole
                return
            line = line[len(MARK) :]
        self._inside = not whole
        self._fresh = whole
        if whole:
            line = line[:-1]
        elif line.endswith("\\"):
            line, self._held = line[:-1], "\\"
        streamed.append(line.replace("\\n", "\n"))


class JobOutput:
    """Where a job of a run prints to, with secrets (`own`: of this job alone) masked in both: its step's log and stream."""

    def __init__(self, masks: Masks, run_id: str, step: Printing, own: frozenset[str] = frozenset()) -> None:
        self._step = step
        self._log = MaskedLog(masks, run_id, step.log, own)
        self._stream = MaskedLog(masks, run_id, self._streamed, own)
        self._parted = Parted(self._log.write, self._stream.write)
        self._parts: list[str] = []
        self.write = self._parted.write

    def close(self) -> None:
        """Nothing more comes."""
        self._parted.close()
        self._log.close()
        self._stream.close()

    def cut(self, limit: int) -> None:
        """Say in the stream, if there is one, that the output went past its limit (in bytes)."""
        if self._parts:
            self._streamed(f"\n… cut: of what the step streams and prints, the first {limit / 1e6:.1f} MB are kept.")

    @property
    def streamed(self) -> str:
        """All of the stream."""
        return "".join(self._parts)

    def _streamed(self, text: str) -> None:
        first = not self._parts
        self._parts.append(text)
        self._step.stream(text, first=first)


def with_stream(result: JsonText, stream: str) -> JsonText:
    """The result of a job that streamed, by Windmill's rule: nothing becomes the stream, and an object gets it as `wm_stream`.

    Nothing is null, and the empty text of a shell script that printed nothing else. An object that has a `wm_stream` of
    its own keeps it; any other result stays as it is.
    """
    if not stream:
        return result
    text = result.strip()
    if text in (NULL, '""'):
        return dumps(stream)
    if not text.startswith("{") or (f'"{STREAM_KEY}"' in text and STREAM_KEY in loads(JsonText(text))):
        return result
    body = text[1:-1].strip()
    return JsonText(f"{{{body}{',' if body else ''}{dumps(STREAM_KEY)}:{dumps(stream)}}}")


def in_record(record: JsonText, stream: str) -> JsonText:
    """The same for the record of a workflow as code: what it streamed goes into its result, when that is there."""
    if not stream or not record.startswith(COMPLETE):
        return record
    return JsonText(f"{COMPLETE}{with_stream(JsonText(record[len(COMPLETE) : -1]), stream)}}}")


def _lines(text: str) -> list[str]:
    """By line feeds only: `splitlines` knows others."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
