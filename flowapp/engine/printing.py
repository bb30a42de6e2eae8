"""The texts of a step that grow while it runs: its log, and what it streams. Shown at once, kept in chunks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from flowapp.engine.ports import StepObserver
from flowapp.store.logs import Chunk, stream_of
from flowapp.store.tables import RunRow

CHUNK = 32 * 1024
LOG_EVERY_S = 1.0
STREAM_EVERY_S = 0.15
"""A stream is read as it grows, also by whoever asks the database."""


class Growing:
    """One such text. `tell` hears of every piece and of the characters before it."""

    __slots__ = ("_parts", "_path", "_start", "_tell", "end")

    def __init__(self, path: str, tell: Callable[[str, int], None]) -> None:
        self._path = path
        self._tell = tell
        self._parts: list[str] = []
        self._start = self.end = 0

    def add(self, text: str) -> None:
        """Take a piece."""
        # the database counts a text's characters up to the first NUL
        text = text.replace("\0", "\u2400")
        self._tell(text, self.end)
        self._parts.append(text)
        self.end += len(text)

    def go_on(self, printed: int) -> None:
        """What was stored of it before has so many characters; nothing has been added yet."""
        self._start = self.end = printed

    @property
    def waiting(self) -> int:
        """The characters that are not taken for storing yet."""
        return self.end - self._start

    def take(self) -> Chunk | None:
        """What is not stored yet; whoever takes it stores it."""
        if not self._parts:
            return None
        chunk = Chunk(self._path, self._start, "".join(self._parts))
        self._parts, self._start = [], self.end
        return chunk


def log_of_step(observer: StepObserver | None, run: RunRow, path: str) -> Growing:
    """The log of a step, of which an observer hears."""
    return Growing(path, lambda text, offset: observer.logged(run, path, text, offset) if observer else None)


def stream_of_step(observer: StepObserver | None, run: RunRow, path: str) -> Growing:
    """What a step streams, likewise."""
    return Growing(
        stream_of(path), lambda text, offset: observer.streamed(run, path, text, offset) if observer else None
    )


class Printed:
    """Both texts of a step that runs here. `save` is called when there is something to `take` and store."""

    def __init__(self, observer: StepObserver | None, run: RunRow, path: str, save: Callable[[], None]) -> None:
        self._about = (observer, run, path)
        self._log: Growing | None = None  # most steps print nothing
        self._stream: Growing | None = None
        self._save = save
        self._timer: asyncio.TimerHandle | None = None

    def go_on(self, printed: int) -> None:
        """The log has so many characters already."""
        if self._log is None:
            self._log = log_of_step(*self._about)
        self._log.go_on(printed)

    def log(self, text: str) -> None:
        """Output of the step."""
        if self._log is None:
            self._log = log_of_step(*self._about)
        self._add(self._log, text)

    def stream(self, text: str, *, first: bool = False) -> None:
        """A piece of its stream; from the first one on, all is stored sooner. See `ports.Printing`."""
        if self._stream is None or (first and self._stream.end):
            self._stream = stream_of_step(*self._about)
            self.stop()
        self._add(self._stream, text)

    def forget_stream(self) -> None:
        """What it has streamed counts no more; the next piece is the first one."""
        self._stream = None

    def take(self) -> list[Chunk]:
        """What is not stored yet; whoever takes it stores it."""
        self.stop()
        if self._log is None and self._stream is None:
            return []
        growing = (one for one in (self._log, self._stream) if one is not None)
        return [chunk for one in growing if (chunk := one.take()) is not None]

    def stop(self) -> None:
        """Ask for no more saving, until something is added."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _add(self, growing: Growing, text: str) -> None:
        growing.add(text)
        if growing.waiting >= CHUNK:
            self._save()
        elif self._timer is None:
            every = LOG_EVERY_S if self._stream is None else STREAM_EVERY_S
            self._timer = asyncio.get_running_loop().call_later(every, self._save)
