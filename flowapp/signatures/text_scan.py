"""Finding one function in source text of a language for which we have no parser: strings and comments are passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_OPEN = {"(": ")", "[": "]", "{": "}"}
_QUOTES = frozenset("'\"`")
_CLOSE = frozenset(_OPEN.values())


class UnfinishedText(Exception):
    """A bracket, string or comment has no end, or an end has no beginning. `line` counts from 1."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(f"`{what}` has no counterpart.")
        self.line = line


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of code: a word, a string, a bracket or another mark. `depth` is the number of brackets around it."""

    text: str
    start: int
    depth: int


def tokens(code: str, pattern: re.Pattern[str], skipped: re.Pattern[str]) -> Iterator[Token]:
    """The tokens of a text. `pattern` matches one of them; those that `skipped` matches too are left out.

    A string or comment without an end must match up to the end of the text: to look for its end again and again would
    take a time that grows with the square of the text.

    Raises:
        UnfinishedText: brackets do not match.
    """
    open_ones: list[tuple[str, int]] = []
    for match in pattern.finditer(code):
        text = match[0]
        if skipped.match(text):
            continue
        if text[0] in _QUOTES and (len(text) == 1 or text[-1] != text[0]):
            raise UnfinishedText(text[0], line_at(code, match.start()))
        if text in _CLOSE:
            if not open_ones or _OPEN[open_ones[-1][0]] != text:
                raise UnfinishedText(text, line_at(code, match.start()))
            open_ones.pop()
        yield Token(text, match.start(), len(open_ones))
        if text in _OPEN:
            open_ones.append((text, match.start()))
    if open_ones:
        text, start = open_ones[-1]
        raise UnfinishedText(text, line_at(code, start))


def inside(listed: list[Token], at: int) -> list[list[Token]]:
    """The parts between the bracket at `listed[at]` and its end, separated by commas."""
    depth = listed[at].depth
    parts: list[list[Token]] = [[]]
    for token in listed[at + 1 :]:
        if token.depth == depth and token.text in _CLOSE:
            break
        if token.text == "," and token.depth == depth + 1:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def line_at(code: str, offset: int) -> int:
    """The line of an offset, from 1."""
    return code.count("\n", 0, offset) + 1
