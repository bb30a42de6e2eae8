"""A JSON value in parts: lists that begin and end, and the values in them. Pure; both sides of the channel use it.

Parts are cut between values only, so each can be checked by itself, and what is made of valid ones is valid.
"""

from __future__ import annotations

from flowapp.runtimes.guest.frames import ITEMS, LIST, LIST_END

#: lists in a list (the rows of several statements), and no deeper
_DEEPEST = 2


class Joined:
    """Puts parts together again: each call gives the text that is to be appended."""

    def __init__(self) -> None:
        self._filled: list[bool] = []
        """For each open list, whether there is anything in it."""
        self.complete = False

    @property
    def begun(self) -> bool:
        """Whether there was a part."""
        return self.complete or bool(self._filled)

    def text(self, kind: bytes, body: bytes = b"") -> bytes:
        """The text of the next part.

        Raises:
            ValueError: it cannot come here.
        """
        if kind == LIST:
            return self._begin()
        if not self._filled:
            raise ValueError("no list is open")
        if kind == LIST_END:
            self._filled.pop()
            self.complete = not self._filled
            return b"]"
        if kind != ITEMS or not body:
            raise ValueError("not a part")
        return self._comma() + body

    def _begin(self) -> bytes:
        if self.complete or len(self._filled) >= _DEEPEST:
            raise ValueError("a list cannot begin here")
        before = self._comma() if self._filled else b""
        self._filled.append(False)
        return before + b"["

    def _comma(self) -> bytes:
        filled, self._filled[-1] = self._filled[-1], True
        return b"," if filled else b""
