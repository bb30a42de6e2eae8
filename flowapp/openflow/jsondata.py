"""JSON text in and out, and the limits that every document is held to."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, NoReturn

from flowapp.openflow.errors import DocumentInvalid
from flowapp.openflow.problems import Problem, pointer_of

MAX_CHARACTERS = 10_000_000
"""Of a document's text. The largest flows known are a hundredth of it; big data belongs into flow inputs and files."""
MAX_NODES = 500_000
"""Values in a document, counted after YAML aliases are followed."""
MAX_DEPTH = 128


def refuse(rule: str, message: str, hint: str = "", pointer: str = "", line: int | None = None) -> NoReturn:
    """Raise `DocumentInvalid` with one problem."""
    raise DocumentInvalid([Problem(rule, "error", message, hint, pointer, line=line)])


def check_size(text: str) -> None:
    """Refuse text that is too long to be a document.

    Raises:
        DocumentInvalid: it is.
    """
    if len(text) > MAX_CHARACTERS:
        refuse(
            "doc.too_large",
            f"The document has {len(text):,} characters; {MAX_CHARACTERS:,} are the limit.",
            "Take large values out of the flow and pass them as flow input.",
        )


def read(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        DocumentInvalid: the text is too large, too deep, has a key twice in one object, or is not JSON.
    """
    check_size(text)
    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            repeated.append(Counter(key for key, _ in items).most_common(1)[0][0])
        return found

    def constant(name: str) -> NoReturn:
        refuse("doc.json", f"{name} is not a JSON value.", "Write null, or a number.")

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        refuse(
            "doc.json", f"This is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).", line=error.lineno
        )
    except RecursionError:
        refuse("doc.too_deep", "The document is nested too deeply.")
    except ValueError:  # an integer with more digits than Python converts
        refuse("doc.json", "A number in this JSON is too long.")
    if repeated:
        refuse("doc.repeated_key", f"The key `{repeated[0]}` is there twice in one object.", "Keep one of the two.")
    return value


def write(value: Any) -> str:
    """Indented JSON text, ending in a newline."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can express
        return json.dumps(value, indent=2) + "\n"
    return text


def check(data: Any) -> list[Problem]:
    """What keeps the value from being JSON of a reasonable size; empty when nothing does."""
    problems: list[Problem] = []
    seen = 0
    todo: list[tuple[Any, tuple[str | int, ...]]] = [(data, ())]
    while todo:
        value, keys = todo.pop()
        seen += 1
        if seen > MAX_NODES:
            return [Problem("doc.too_large", "error", f"The document has more than {MAX_NODES:,} values.", "", "")]
        if isinstance(value, (dict, list)) and len(keys) >= MAX_DEPTH:
            pointer = pointer_of(keys[:8])
            return [Problem("doc.too_deep", "error", "The document is nested too deeply.", "", pointer)]
        if isinstance(value, dict):
            odd = next((key for key in value if not isinstance(key, str)), None)
            if odd is not None:
                problems.append(_not_json(f"The key {odd!r} is not a text.", keys))
            todo.extend((item, (*keys, key)) for key, item in value.items() if isinstance(key, str))
        elif isinstance(value, list):
            todo.extend((item, (*keys, index)) for index, item in enumerate(value))
        elif isinstance(value, float) and not math.isfinite(value):
            problems.append(_not_json(f"{value} is not a JSON value.", keys))
        elif not (value is None or isinstance(value, (str, int, float, bool))):
            problems.append(_not_json(f"A value of type {type(value).__name__} is not JSON.", keys))
    return problems


def _not_json(message: str, keys: tuple[str | int, ...]) -> Problem:
    return Problem("doc.json", "error", message, "", pointer_of(keys))
