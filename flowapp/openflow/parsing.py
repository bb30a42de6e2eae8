"""Tree-sitter parsers that are safe to use on any text.

A grammar's error recovery may take a time that grows with the square of the text, and its C code recurses on nesting: some
hundred kilobytes of open brackets would end the process. So nesting is counted before a parse, and a parse has a deadline.
"""

from __future__ import annotations

import re
import threading
import time

from tree_sitter import Language, Parser, Tree

MAX_NESTING = 2_000
"""Open brackets. A crash was seen at some 70,000; people write tens."""
MAX_SECONDS = 1.0
"""For one parse. 200 kB of ordinary code take 50 ms."""

_HARMLESS = 2_000
"""Bytes. What is shorter can be neither deep nor slow."""
_CHUNK = 1 << 16
_BRACKETS = re.compile(rb"[(\[{}\])]")
_OPENING = frozenset(b"([{")


class SourceParser:
    """A parser of one language, for use from any thread."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._per_thread = threading.local()

    def parse(self, source: bytes) -> Tree | None:
        """The syntax tree, with error nodes where the text is broken; None when it is too deep or takes too long."""
        parser: Parser | None = getattr(self._per_thread, "parser", None)
        if parser is None:
            parser = self._per_thread.parser = Parser(self._language)
        if len(source) <= _HARMLESS:
            return parser.parse(source)
        if nesting(source) > MAX_NESTING:
            return None
        deadline = time.monotonic() + MAX_SECONDS
        try:
            return parser.parse(
                lambda offset, _: source[offset : offset + _CHUNK],
                progress_callback=lambda _, __: time.monotonic() > deadline,
            )
        except ValueError:  # stopped by the deadline
            parser.reset()
            return None


def nesting(source: bytes) -> int:
    """How deep brackets are nested at most, those in strings and comments counted like any others."""
    depth = deepest = 0
    for match in _BRACKETS.finditer(source):
        if source[match.start()] in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif depth:
            depth -= 1
    return deepest
