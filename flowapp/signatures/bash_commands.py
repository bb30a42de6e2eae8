"""The simple commands of a Bash script, word by word, as far as a signature needs them.

Follows quotes, expansions, comments, here documents and compound commands. Words are given as they are written, quotes
included. Not a full parser: arithmetic, patterns and redirections are stepped over. (The tree-sitter grammar of Bash was tried
first; its scanner crashed the process on odd text.)
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_NESTING = 100
"""Of expansions in expansions."""

_LOOK_BACK = 100
"""How many compound commands are looked through for the one that a keyword ends."""

_OPENERS = {"if": "fi", "for": "done", "while": "done", "until": "done", "select": "done", "case": "esac", "{": "}"}
_CLOSERS = frozenset({"fi", "done", "esac", "}"})
_CONTINUERS = frozenset({"then", "else", "elif", "do", "!", "time", "coproc"})
"""Words after which a command begins."""
_PLAIN = re.compile(r"[^ \t\r\n;&|<>()\\'\"$`#]+")
_BLANK = re.compile(r"(?:[ \t\r]|\\\n)+")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(\\?[\w.-]+|'[^'\n]*'|\"[^\"\n]*\")")
_IN_DOUBLE = re.compile(r"[^\"\\$`]+")
_IN_EXPANSION = re.compile(r"[^\"'\\$`(){}]+")


class Unfinished(Exception):
    """The script ends inside something: `missing` is what would end it, `line` (from 1) where it began."""

    def __init__(self, missing: str, line: int) -> None:
        super().__init__(missing)
        self.missing = missing
        self.line = line


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command. `depth` counts the compound commands, functions and subshells around it."""

    words: tuple[str, ...]
    depth: int


@dataclass(slots=True)
class _State:
    words: list[str] = field(default_factory=list)
    open: list[tuple[str, int]] = field(default_factory=list)
    """(what ends it, where it began) of each compound command around the place."""
    heredocs: list[tuple[str, bool]] = field(default_factory=list)
    """Delimiters of here documents that begin on the next line, and whether tabs before them are allowed."""


def commands(code: str) -> Iterator[Command]:
    """The simple commands of the script, in order.

    Raises:
        Unfinished: a quote, an expansion or a compound command is not closed.
    """
    scanner = _Scanner(code)
    state = _State()
    at = 0
    while at < len(code):
        blank = _BLANK.match(code, at)
        if blank is not None:
            at = blank.end()
            continue
        character = code[at]
        if character == "#":
            end = code.find("\n", at)
            at = len(code) if end < 0 else end
        elif character in "\n;&|()":
            command = _finished(state)
            if command is not None:
                yield command
            at = _operator(scanner, state, at)
        elif character in "<>":
            at = _redirection(scanner, state, at)
        else:
            end = scanner.word(at)
            _word(state, code[at:end], at)
            at = end
    command = _finished(state)
    if command is not None:
        yield command
    unclosed = [(ends, began) for ends, began in state.open if ends in _CLOSERS]
    if unclosed:
        ends, began = unclosed[-1]
        raise Unfinished(ends, code.count("\n", 0, began) + 1)


def _finished(state: _State) -> Command | None:
    words, state.words = tuple(state.words), []
    return Command(words, len(state.open)) if words else None


def _word(state: _State, word: str, at: int) -> None:
    """Take one word: a keyword only where a command begins."""
    if state.words:
        state.words.append(word)
    elif word in _OPENERS:
        state.open.append((_OPENERS[word], at))
        if word in ("for", "case", "select"):
            state.words.append(word)  # what follows on the line are its words, not a command
    elif word in _CLOSERS:
        nearest = next((i for i, (ends, _) in enumerate(reversed(state.open[-_LOOK_BACK:])) if ends == word), None)
        if nearest is not None:
            del state.open[-nearest - 1 :]
    elif word not in _CONTINUERS:
        state.words.append(word)


def _operator(scanner: _Scanner, state: _State, at: int) -> int:
    character = scanner.code[at]
    if character == "\n":
        return scanner.after_heredocs(state, at + 1)
    if scanner.code.startswith("((", at):
        return scanner.parenthesis(at, 0)
    if character == "(":
        state.open.append((")", at))
    elif character == ")" and state.open and state.open[-1][0] == ")":
        state.open.pop()  # any other one ends a pattern of `case`
    return at + 1


def _redirection(scanner: _Scanner, state: _State, at: int) -> int:
    if scanner.code.startswith("<<<", at):
        return at + 3
    heredoc = _HEREDOC.match(scanner.code, at)
    if heredoc is not None:
        delimiter = heredoc.group(2).strip("'\"").removeprefix("\\")
        state.heredocs.append((delimiter, heredoc.group(1) == "-"))
        return heredoc.end()
    return at + 1


class _Scanner:
    """Steps over the parts of words."""

    def __init__(self, code: str) -> None:
        self.code = code
        self._lines: dict[str, list[int]] | None = None

    def word(self, at: int) -> int:
        """The end of the word that begins here."""
        code = self.code
        while at < len(code):
            plain = _PLAIN.match(code, at)
            if plain is not None:
                at = plain.end()
            elif code[at] == "(" and code[at - 1] == "=":  # an array
                at = self.parenthesis(at, 0)
            elif code[at] == "#":
                at += 1
            elif code[at] in "\\'\"$`":
                at = self.quoted(at, 0)
            else:
                break
        return at

    def quoted(self, at: int, depth: int) -> int:
        """The end of the escape, quote or expansion that begins here."""
        code = self.code
        if code[at] == "\\":
            return min(at + 2, len(code))
        if code[at] == "'":
            return self._past("'", at + 1, at)
        if code[at] == "`":
            end = at + 1
            while end < len(code) and code[end] != "`":
                end += 2 if code[end] == "\\" else 1
            return self._checked(end, "`", at)
        if code[at] == '"':
            return self._double(at, depth)
        if code.startswith("$'", at):
            return self._ansi(at)
        if code.startswith(("$(", "${"), at):
            return self.parenthesis(at + 1, depth)
        return at + 1

    def parenthesis(self, at: int, depth: int) -> int:
        """The end of the bracket that begins here, quotes and brackets inside it included."""
        if depth > MAX_NESTING:
            raise RecursionError
        code, closing = self.code, {"(": ")", "{": "}"}[self.code[at]]
        opening, began, level = code[at], at, 0
        while at < len(code):
            plain = _IN_EXPANSION.match(code, at)
            if plain is not None:
                at = plain.end()
            elif code[at] == opening:
                level += 1
                at += 1
            elif code[at] == closing:
                level -= 1
                at += 1
                if level == 0:
                    return at
            elif code[at] in "\\'\"$`" and not (code[at] == "'" and closing == "}"):
                at = self.quoted(at, depth + 1)
            else:
                at += 1
        raise Unfinished(closing, self._line(began))

    def after_heredocs(self, state: _State, at: int) -> int:
        """The place after the here documents that begin here. One whose end is not there is taken for something else."""
        for delimiter, tabs in state.heredocs:
            ends = self._line_starts().get(delimiter, [])
            if tabs:
                ends = sorted(ends + self._line_starts().get("\t" + delimiter, []))
            index = bisect_left(ends, at)
            if index < len(ends):
                end = self.code.find("\n", ends[index])
                at = len(self.code) if end < 0 else end + 1
        state.heredocs.clear()
        return at

    def _line_starts(self) -> dict[str, list[int]]:
        """Where each line begins, by its text; lines with tabs before it are under one tab."""
        if self._lines is None:
            self._lines = {}
            at = 0
            for line in self.code.split("\n"):
                bare = line.rstrip("\r").lstrip("\t")
                self._lines.setdefault("\t" + bare if line.startswith("\t") else bare, []).append(at)
                at += len(line) + 1
        return self._lines

    def _double(self, at: int, depth: int) -> int:
        code, began = self.code, at
        at += 1
        while at < len(code) and code[at] != '"':
            plain = _IN_DOUBLE.match(code, at)
            at = plain.end() if plain is not None else self._inside_double(at, depth)
        return self._checked(at, '"', began)

    def _inside_double(self, at: int, depth: int) -> int:
        # a single quote has no meaning here
        return at + 1 if self.code.startswith("$'", at) else self.quoted(at, depth)

    def _ansi(self, at: int) -> int:
        end = at + 2
        while end < len(self.code) and self.code[end] != "'":
            end += 2 if self.code[end] == "\\" else 1
        return self._checked(end, "'", at)

    def _past(self, what: str, at: int, began: int) -> int:
        end = self.code.find(what, at)
        return self._checked(len(self.code) if end < 0 else end, what, began)

    def _checked(self, end: int, what: str, began: int) -> int:
        if end >= len(self.code):
            raise Unfinished(what, self._line(began))
        return end + 1

    def _line(self, at: int) -> int:
        return self.code.count("\n", 0, at) + 1
