"""SQL text as statements with their parameters: what is inside of strings, names and comments is left alone.

No grammar of SQL is needed for that, only the few forms in which each dialect quotes. The scan is one pass over the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NEXT = re.compile(r"--|/\*|//|(?m:^[ \t]*/[ \t]*$)|#|['\"`\[;:$@?]|\\?[A-Za-z_]\w*|%%[A-Za-z_]\w*%%")
_PARAMETER = {
    "postgresql": re.compile(r"\$\d+"),
    "duckdb": re.compile(r"\$\w+|\?"),
    "sqlite": re.compile(r"[:@$][A-Za-z_]\w*|\$\d+|\?\d*"),
    "mysql": re.compile(r":[A-Za-z_]\w*|\?"),
    "mssql": re.compile(r"@[Pp]\d+\b"),
    "bigquery": re.compile(r"@[A-Za-z_]\w*"),
    "snowflake": re.compile(r"\?"),
    "oracledb": re.compile(r":[A-Za-z_]\w*"),
}
_DOLLAR_QUOTE = re.compile(r"\$(?:[A-Za-z_]\w*)?\$")
_DOLLAR_QUOTED = frozenset({"postgresql", "duckdb", "snowflake"})
_HASH_COMMENTS = frozenset({"mysql", "bigquery"})
_NESTED_COMMENTS = frozenset({"postgresql", "mssql"})
#: quotes in which a backslash hides what follows
_ESCAPES = {"mysql": "'\"", "bigquery": "'\"`", "snowflake": "'"}
#: those that get as many values as there are marks, instead of numbered ones
_REPEATED = {"mysql": "?", "mssql": "%s", "snowflake": "?"}
_NUMBERED = {"sqlite": "?", "bigquery": "@p", "oracledb": ":p"}
#: scripts that go to the server as they are, since variables live for a whole batch; SQL Server's end with a line GO
_WHOLE = frozenset({"mssql", "bigquery"})
_ORACLE_QUOTES = {"[": "]", "{": "}", "(": ")", "<": ">"}
_ROUTINE = re.compile(r"\s*create\b(?:\s+\w+){0,4}?\s+(?:trigger|procedure|function|event|package)\b", re.IGNORECASE)
#: of words, those that may be something else in a dialect (`e'…'`, `nq'…'`, a line GO) are no longer
_LONGEST_MARK = 2
_NOT_A_BLOCK = frozenset({"if", "loop", "while", "repeat", "for", "case"})
INTERPOLATED = "\0"
"""Around the name of what is put into the text itself (`%%name%%`)."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, its parameters written as its driver wants them: `$1`, `?1`, `?`, `@p1`, `:p1` or `%s`.

    `line` is that of its first word, from 1. `keys` are the parameters as the script writes them, without their mark, in the
    order of the driver's: "1", "name", or "?3" for the third question mark of the script.
    """

    text: str
    line: int
    keys: tuple[str, ...]


def header_lines(code: str) -> Iterator[tuple[int, str]]:
    """The comment lines with which a script begins, which declare things: the number of each, from 1, and its text alone."""
    for number, line in enumerate(code.splitlines(), 1):
        text = line.strip()
        if text and not text.startswith("--"):
            return
        yield number, text.lstrip("-").strip()


class UnfinishedSql(Exception):
    """A string, a name or a comment has no end. `line` is where it begins, from 1."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(f"{what} has no end.")
        self.line = line


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    start: int
    end: int


def statements(code: str, dialect: str, interpolated: frozenset[str] = frozenset()) -> list[Statement]:
    """The statements of a script, those that are only comments left out.

    Raises:
        UnfinishedSql: something is opened and never closed.
    """
    found: list[Statement] = []
    begin = 0
    held: list[_Token] = []
    question_marks = 0
    blocks = _Blocks(code, dialect)
    for token in [*_tokens(code, dialect), _Token("stop", len(code), len(code))]:
        if token.kind == "word":
            blocks.word(token, begin)
        elif token.kind == "stop" or (token.kind == "end" and blocks.depth == 0):
            statement, question_marks = _statement(
                code, begin, token.start, held, dialect, interpolated, question_marks
            )
            if statement is not None:
                found.append(statement)
            begin, held, blocks = token.end, [], _Blocks(code, dialect)
        if token.kind not in ("word", "end", "stop"):
            held.append(token)
    return found


class _Blocks:
    """How deep inside of BEGIN … END of a trigger or routine: there a semicolon ends no statement.

    Of Oracle's PL/SQL, also outside of routines, only a line with a slash is the end.
    """

    def __init__(self, code: str, dialect: str) -> None:
        self._code = code
        self._is_oracle = dialect == "oracledb"
        self._is_routine: bool | None = None
        self._after_end = False
        self.depth = 0

    def word(self, token: _Token, begin: int) -> None:
        """Take the next word of the statement that begins at `begin`."""
        if self._is_routine is False:
            return
        text = self._code[token.start : token.end].lower()
        if self._is_routine is None:
            if text != "create":
                self._is_routine = False
                self.depth = int(self._is_oracle and text in ("begin", "declare"))
                return
            self._is_routine = _ROUTINE.match(self._code, token.start) is not None
            if self._is_oracle and self._is_routine:
                self.depth, self._is_routine = 1, False
        if not self._is_routine:
            return
        if self._after_end and text in _NOT_A_BLOCK:
            self.depth += text != "case"  # END IF closes what was not counted
        elif text in ("begin", "case"):
            self.depth += 1
        elif text == "end":
            self.depth = max(self.depth - 1, 0)
        self._after_end = text == "end"


def _statement(
    code: str, begin: int, end: int, held: list[_Token], dialect: str, interpolated: frozenset[str], question_marks: int
) -> tuple[Statement | None, int]:
    """The statement of `code[begin:end]`, and how many bare question marks came up to its end."""
    start = begin
    for token in held:
        if token.kind != "comment" or code[start : token.start].strip():
            break
        start = token.end
    start += len(code[start:end]) - len(code[start:end].lstrip())
    if not code[start:end].strip():
        return None, question_marks
    keys: list[str] = []
    parts: list[str] = []
    at = start
    has_parameters = any(token.kind == "parameter" for token in held)
    for token in held:
        if token.start < start or token.kind in ("comment", "quoted"):
            continue
        text = code[token.start : token.end]
        if token.kind == "interpolation":
            name = text.strip("%")
            if name not in interpolated:
                continue
            written = f"{INTERPOLATED}{name}{INTERPOLATED}"
        else:
            key = text if text == "?" else text[1:].upper() if dialect == "mssql" else text[1:]
            if key == "?":
                question_marks += 1
                key = f"?{question_marks}"
            written = _written(key, keys, dialect)
        parts += [_plain(code[at : token.start], dialect, has_parameters), written]
        at = token.end
    parts.append(_plain(code[at:end].rstrip(), dialect, has_parameters))
    return Statement("".join(parts), code.count("\n", 0, start) + 1, tuple(keys)), question_marks


def _written(key: str, keys: list[str], dialect: str) -> str:
    """The parameter as the driver wants it; adds to `keys` what the driver is to be given."""
    if dialect in _REPEATED:
        keys.append(key)
        return _REPEATED[dialect]
    if key not in keys:
        keys.append(key)
    return f"{_NUMBERED.get(dialect, '$')}{keys.index(key) + 1}"


def _plain(text: str, dialect: str, has_parameters: bool) -> str:
    """Text between parameters; some drivers fill parameters in with `%`."""
    return text.replace("%", "%%") if _REPEATED.get(dialect) == "%s" and has_parameters else text


def _tokens(code: str, dialect: str) -> Iterator[_Token]:
    at = 0
    while (match := _NEXT.search(code, at)) is not None:
        text = match[0]
        plain_word = len(text) > _LONGEST_MARK and (text[0].isalpha() or text[0] == "_")
        token = _Token("word", match.start(), match.end()) if plain_word else _token(code, match, dialect)
        at = token.end
        if token.kind:
            yield token


def _token(code: str, match: re.Match[str], dialect: str) -> _Token:
    text, start = match[0], match.start()
    is_comment = text == "--" or (text == "#" and dialect in _HASH_COMMENTS)
    if is_comment or (text == "//" and dialect == "snowflake"):
        end = code.find("\n", start)
        return _Token("comment", start, len(code) if end < 0 else end)
    if text == "/*":
        return _Token("comment", start, _end_of_comment(code, start, nested=dialect in _NESTED_COMMENTS))
    if text in ("'", '"', "`"):
        return _Token("quoted", start, _end_of_text(code, start, text, dialect))
    if text == "[":
        return (
            _Token("quoted", start, _end_of_quote(code, start, "]", escapes=False))
            if dialect == "mssql"
            else _nothing(match)
        )
    if text.startswith("%%"):
        return _Token("interpolation", start, match.end())
    if text == ";":
        return _nothing(match) if dialect in _WHOLE else _Token("end", start, match.end())
    if "/" in text:
        return _Token("stop", start, match.end()) if dialect == "oracledb" and text != "//" else _nothing(match)
    if text.lower() == "e" and dialect == "postgresql" and code[match.end() : match.end() + 1] == "'":
        return _Token("quoted", start, _end_of_quote(code, match.end(), "'", escapes=True))
    if text in (":", "$", "@", "?"):
        return _marked(code, start, dialect)
    if dialect == "oracledb" and text.lower() in ("q", "nq") and code[match.end() : match.end() + 1] == "'":
        return _Token("quoted", start, _end_of_oracle_quote(code, match.end()))
    if dialect == "mssql" and text.upper() == "GO" and _alone_on_its_line(code, match):
        return _Token("stop", start, match.end())
    return _Token("word", start, match.end())


def _marked(code: str, start: int, dialect: str) -> _Token:
    """What a mark begins: a parameter, a dollar quote, or nothing (`::`, `@>`)."""
    if code.startswith(("::", ":="), start) or code.startswith("@@", start):
        return _Token("", start, start + 2)
    if dialect in _DOLLAR_QUOTED and (opening := _DOLLAR_QUOTE.match(code, start)) is not None:
        end = code.find(opening[0], opening.end())
        if end < 0:
            raise UnfinishedSql(f"The text that {opening[0]} begins", code.count("\n", 0, start) + 1)
        return _Token("quoted", start, end + len(opening[0]))
    parameter = _PARAMETER[dialect].match(code, start)
    return _Token("parameter", start, parameter.end()) if parameter is not None else _Token("", start, start + 1)


def _nothing(match: re.Match[str]) -> _Token:
    return _Token("", match.start(), match.end())


def _alone_on_its_line(code: str, match: re.Match[str]) -> bool:
    begin = code.rfind("\n", 0, match.start()) + 1
    end = code.find("\n", match.end())
    return code[begin : len(code) if end < 0 else end].strip() == match[0]


def _end_of_text(code: str, start: int, quote: str, dialect: str) -> int:
    """The end of what a quote begins; BigQuery also has texts between three of them."""
    three = quote * 3
    if dialect == "bigquery" and code.startswith(three, start):
        end = code.find(three, start + 3)
        if end < 0:
            raise UnfinishedSql(f"The text that {three} begins", code.count("\n", 0, start) + 1)
        return end + 3
    return _end_of_quote(code, start, quote, quote in _ESCAPES.get(dialect, ""))


def _end_of_oracle_quote(code: str, start: int) -> int:
    """The end of `q'[…]'`, whose quote is at `start`."""
    opening = code[start + 1 : start + 2]
    end = code.find(f"{_ORACLE_QUOTES.get(opening, opening)}'", start + 2)
    if end < 0:
        raise UnfinishedSql(f"The text that q'{opening} begins", code.count("\n", 0, start) + 1)
    return end + 2


def _end_of_quote(code: str, start: int, quote: str, escapes: bool) -> int:
    at = start + 1
    while True:
        end = code.find(quote, at)
        if end < 0:
            raise UnfinishedSql(f"The text that {quote} begins", code.count("\n", 0, start) + 1)
        if escapes and (slashes := end - len(code[at:end].rstrip("\\")) - at) and slashes % 2:
            at = end + 1
        elif code.startswith(quote, end + 1):
            at = end + 2
        else:
            return end + 1


def _end_of_comment(code: str, start: int, nested: bool) -> int:
    depth, at = 1, start + 2
    while depth:
        end = code.find("*/", at)
        if end < 0:
            raise UnfinishedSql("The comment that /* begins", code.count("\n", 0, start) + 1)
        inner = code.find("/*", at, end) if nested else -1
        depth, at = (depth + 1, inner + 2) if inner >= 0 else (depth - 1, end + 2)
    return at
