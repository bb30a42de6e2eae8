"""`$var:`, `$res:` and `$jsonvar:` in arguments: strings that stand for a variable or resource, at any depth.

They are replaced only when a step is handed its arguments: what is stored and shown of a step keeps the reference. What
expressions read by `variable()` and `resource()` is taken out of the stored arguments again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from flowapp.engine.errors import EngineError
from flowapp.jsontext import JsonText, dumps, loads

SECRET_MARKS = ('"$var:', '"$res:', '"$jsonvar:', '"$encrypted:')
DEEPEST = 12
"""Resources that refer to resources that refer to …"""

SHORTEST_SECRET = 4
"""Shorter texts stand in too many others to be told from them."""

Fetch = Callable[[str, str], Awaitable[JsonText | None]]


class MissingReference(EngineError):
    """An argument refers to a variable or resource that is not there."""

    code = "engine.missing_reference"
    status = 400


class SecretsRead:
    """What the expressions of one step read by `variable()` and `resource()`, to keep it out of what is stored."""

    def __init__(self, lookup: Fetch | None) -> None:
        self._lookup = lookup
        self._texts: dict[str, str] = {}

    async def lookup(self, kind: str, path: str) -> JsonText | None:
        """The port's answer; its texts are remembered."""
        found = None if self._lookup is None else await self._lookup(kind, path)
        if found is not None:
            texts = [text for text in _texts(loads(found)) if len(text) >= SHORTEST_SECRET]
            if kind == "variable":
                self._texts |= dict.fromkeys(texts, f"$var:{path}")
            else:  # a variable that the resource holds is named as the variable
                self._texts = dict.fromkeys(texts, f"$res:{path}") | self._texts
        return found

    def without(self, args: JsonText) -> JsonText | None:
        """The arguments with what was read replaced by its reference (`$var:…`); None when there is nothing to replace."""
        if not self._texts:
            return None
        # a text that holds another one goes first
        texts = re.compile("|".join(map(re.escape, sorted(self._texts, key=len, reverse=True))))
        return dumps(self._hidden(loads(args), texts))

    def _hidden(self, value: Any, texts: re.Pattern[str]) -> Any:
        if isinstance(value, str):
            return texts.sub(lambda found: self._texts[found[0]], value)
        if isinstance(value, list):
            return [self._hidden(item, texts) for item in value]
        if isinstance(value, dict):
            return {self._hidden(name, texts): self._hidden(item, texts) for name, item in value.items()}
        return value


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


async def resolve(text: JsonText, fetch: Fetch, vouched: AbstractSet[str] | None = None) -> tuple[JsonText, bool]:
    """The text with every reference replaced, and whether there was one.

    With `vouched` only these count; others stay the texts that they are (see `references`). What a resource refers to
    always counts: whoever wrote the resource wrote it.

    Raises:
        MissingReference: names the path that was not found, or says that references go in a circle.
    """
    if not any(mark in text for mark in SECRET_MARKS):
        return text, False
    found: list[str] = []
    value = await _resolved(loads(text), fetch, found, 0, vouched)
    return (dumps(value), True) if found else (text, False)


async def _resolved(
    value: Any, fetch: Fetch, found: list[str], depth: int, vouched: AbstractSet[str] | None = None
) -> Any:
    if isinstance(value, str) and value.startswith("$"):
        return value if vouched is not None and value not in vouched else await _one(value, fetch, found, depth)
    if isinstance(value, list):
        return [await _resolved(item, fetch, found, depth, vouched) for item in value]
    if isinstance(value, dict):
        return {name: await _resolved(item, fetch, found, depth, vouched) for name, item in value.items()}
    return value


async def _one(text: str, fetch: Fetch, found: list[str], depth: int) -> Any:
    mark, colon, path = text.partition(":")
    if not colon or mark not in ("$var", "$res", "$jsonvar", "$encrypted"):
        return text
    if depth > DEEPEST:
        raise MissingReference(f"The resource {path} is reached through too many others, or refers to itself")
    if mark == "$encrypted":
        raise MissingReference("Encrypted arguments ($encrypted:) are not supported by this version")
    found.append(text)
    kind = "resource" if mark == "$res" else "variable"
    stored = await fetch(kind, path)
    if stored is None:
        raise MissingReference(f"{kind.capitalize()} {path} was not found", "Create it, or correct the path.")
    value = loads(stored)
    if mark == "$res":
        return await _resolved(value, fetch, found, depth + 1)
    if mark == "$jsonvar":
        try:
            return loads(value) if isinstance(value, str) else value
        except ValueError:
            raise MissingReference(f"Variable {path} does not hold JSON") from None
    return value
