"""The first text of an answer that is still being written: `{"message": "…` is read as far as it has come."""

from __future__ import annotations

import json
import re

_LONGEST_HEAD = 200
_PIECE = re.compile(r'(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
#: The first half of a character that JSON writes as two; it waits for the other.
_HALF = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}$")


class GrowingText:
    """Reads the text of one key out of pieces of a JSON object. Only where it is the first key: any other is not told early."""

    def __init__(self, key: str) -> None:
        self._head: re.Pattern[str] | None = re.compile(rf'\s*(?:```(?:json)?\s*)?{{\s*"{re.escape(key)}"\s*:\s*"')
        self._rest = ""
        self._ended = False

    def feed(self, piece: str) -> str:
        """What the piece adds to the text; "" where it adds nothing."""
        if self._ended:
            return ""
        self._rest += piece
        if self._head is not None:
            found = self._head.match(self._rest)
            if found is None:
                self._ended = len(self._rest) > _LONGEST_HEAD
                return ""
            self._head, self._rest = None, self._rest[found.end() :]
        match = _PIECE.match(self._rest)
        raw = match.group() if match else ""
        self._rest = self._rest[len(raw) :]
        half = _HALF.search(raw)
        if half and not self._rest.startswith('"'):
            raw, self._rest = raw[: half.start()], half.group() + self._rest
        self._ended = self._rest.startswith('"') or len(self._rest) > _LONGEST_HEAD
        text: str = json.loads(f'"{raw}"', strict=False)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
