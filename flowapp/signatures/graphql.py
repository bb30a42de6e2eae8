"""The inputs of a GraphQL cell: the variables of its one operation, and `api`, where it is sent to.

`query($name: String!, $first: Int = 10) { … }`. What a type that is not built in looks like only the server knows.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from flowapp.signatures.schema import (
    Argument,
    Schema,
    Signature,
    SignatureProblem,
    object_schema,
    of_value,
    resource,
)
from flowapp.signatures.text_scan import Token, UnfinishedText, line_at, tokens

API = "api"
_TOKEN = re.compile(
    r'#[^\n]*|"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z)|"(?:[^"\\\n]|\\.)*+"?|\$?[A-Za-z_]\w*|-?\d[\w.+-]*|\.\.\.|[^\s\ufeff]',
    re.DOTALL,
)
_COMMENT = re.compile("#")
_NAME = re.compile(r"[A-Za-z_]\w*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_OPERATIONS = ("query", "mutation", "subscription")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_TYPES: dict[str, Schema] = {
    "Int": {"type": "integer"},
    "Float": {"type": "number"},
    "String": {"type": "string"},
    "ID": {"type": "string"},
    "Boolean": {"type": "boolean"},
    # not built in, and everywhere
    "Date": {"type": "string", "format": "date"},
    "DateTime": {"type": "string", "format": "date-time"},
    "UUID": {"type": "string", "format": "uuid"},
}


class _Unexpected(Exception):
    """Something else was to come here. `at` is where, as an offset."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


def infer(_language: str, code: str, _entrypoint: str = "main") -> Signature | SignatureProblem:
    """The connection, and the variables of the operation. One with a default, or that may be null, is not required."""
    try:
        listed = list(tokens(code, _TOKEN, _COMMENT))
        operation = _operation(listed)
        arguments = _Variables(listed, operation).read()
    except UnfinishedText as unfinished:
        return SignatureProblem(str(unfinished), unfinished.line)
    except _Unexpected as unexpected:
        return SignatureProblem(str(unexpected), line_at(code, unexpected.at))
    names = [argument.name for argument in arguments]
    twice = next((name for name in names if names.count(name) > 1), None)
    line = line_at(code, listed[operation].start)
    if twice is not None:
        return SignatureProblem(f"The variable ${twice} is declared twice.", line)
    if API in names:
        return SignatureProblem(
            f"The input {API} is the connection: give the variable another name.", line, syntax=False
        )
    connection = Argument(API, resource("graphql"), True)
    return Signature(object_schema([connection, *arguments]), {"type": "object"})


def _operation(listed: list[Token]) -> int:
    """Where the one operation begins."""
    found: list[int] = []
    begin = 0
    for at, token in enumerate(listed):
        if token.text != "}" or token.depth:
            continue
        word = listed[begin]
        if word.text == "{" or word.text in _OPERATIONS:
            found.append(begin)
        elif word.text != "fragment":
            raise _Unexpected(f"Here a query, mutation or fragment begins, not `{word.text[:40]}`.", word.start)
        begin = at + 1
    if begin < len(listed):
        raise _Unexpected(f"`{listed[begin].text[:40]}` has no fields in braces.", listed[begin].start)
    if not found:
        raise _Unexpected("There is no query. Write: query { … }", 0)
    if len(found) > 1:
        raise _Unexpected("A cell sends one operation. Put the others into cells of their own.", listed[found[1]].start)
    if listed[found[0]].text == "subscription":
        raise _Unexpected(
            "A cell sends one request and takes one answer: subscriptions are not supported.", listed[found[0]].start
        )
    return found[0]


@dataclass(slots=True)
class _Variables:
    """Reads the variables of the operation that begins at `at`. Commas are white space in GraphQL."""

    listed: list[Token]
    at: int

    def read(self) -> list[Argument]:
        """What is declared."""
        found: list[Argument] = []
        if self._peek() == "{":
            return found
        self.at += 1
        if _NAME.fullmatch(self._peek()):
            self.at += 1
        if self._peek() != "(":
            return found
        self.at += 1
        while self._peek() != ")":
            found.append(self._variable())
        return found

    def _peek(self) -> str:
        while self.listed[self.at].text == ",":
            self.at += 1
        return self.listed[self.at].text

    def _next(self) -> str:
        text = self._peek()
        self.at += 1
        return text

    def _fail(self, expected: str) -> _Unexpected:
        token = self.listed[self.at]
        return _Unexpected(f"Expected {expected}, found `{token.text[:40]}`.", token.start)

    def _expect(self, text: str) -> None:
        if self._peek() != text:
            raise self._fail(f"`{text}`")
        self.at += 1

    def _variable(self) -> Argument:
        name = self._peek()
        if not name.startswith("$") or len(name) == 1:
            raise self._fail("a variable, such as `$name: String`")
        self.at += 1
        self._expect(":")
        schema, required = self._type()
        if self._peek() == "=":
            self.at += 1
            value = self._value()
            required = False
            if value is not None:
                schema = {**(schema or of_value(value)), "default": value}
        self._skip_directives()
        return Argument(name[1:], schema, required)

    def _type(self) -> tuple[Schema, bool]:
        """The schema, and whether it may not be null."""
        schema: Schema
        if self._peek() == "[":
            self.at += 1
            schema = {"type": "array", "items": self._type()[0]}
            self._expect("]")
        elif _NAME.fullmatch(self._peek()):
            schema = dict(_TYPES.get(self._next(), {}))
        else:
            raise self._fail("a type")
        if self._peek() == "!":
            self.at += 1
            return schema, True
        return schema, False

    def _value(self) -> Any:
        text = self._next()
        if text == "[":
            return self._until("]", self._value)
        if text == "{":
            return dict(self._until("}", self._field))
        if text in _WORDS:
            return _WORDS[text]
        if text.startswith('"'):
            return _text(text)
        if _NUMBER.fullmatch(text):
            return json.loads(text)
        if _NAME.fullmatch(text):
            return text
        self.at -= 1
        raise self._fail("a value")

    def _field(self) -> tuple[str, Any]:
        name = self._next()
        self._expect(":")
        return name, self._value()

    def _until(self, end: str, read: Any) -> list[Any]:
        found = []
        while self._peek() != end:
            found.append(read())
        self.at += 1
        return found

    def _skip_directives(self) -> None:
        while self._peek() == "@":
            self.at += 2
            if self._peek() == "(":
                depth = self.listed[self.at].depth
                self.at += 1
                while self.listed[self.at].depth != depth:
                    self.at += 1
                self.at += 1


def _text(written: str) -> str:
    if written.startswith('"""'):
        return written[3:-3].replace('\\"""', '"""').strip()
    try:
        return str(json.loads(written))
    except ValueError:
        return written.strip('"')
