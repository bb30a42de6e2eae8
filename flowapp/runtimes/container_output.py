"""What a container prints."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Callable
from dataclasses import dataclass

from flowapp.runtimes.guest.bash_cell import LastLine

_CHUNK = 1 << 16
_TAIL = 4096


@dataclass(slots=True)
class Output:
    """Goes to the log as far as its limit goes; its last line and its end are kept."""

    tell: Callable[[str], None]
    left: int
    last: LastLine
    tail: str = ""
    truncated: bool = False

    async def read(self, stream: asyncio.StreamReader, is_result: bool) -> None:
        """Take a stream to its end."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while data := await stream.read(_CHUNK):
            if is_result:
                self.last.add(data)
            text = decoder.decode(data)
            self.tail = (self.tail + text)[-_TAIL:]
            if self.truncated:
                continue
            self.tell(text[: self.left])
            self.left -= len(text)
            if self.left < 0:
                self.truncated = True
                self.tell("\n… output cut here. The step goes on.\n")
