"""Arguments by which a cached result is looked for when its files are to count by their content (`cache_ignore_s3_path`)."""

from __future__ import annotations

from typing import Any

from flowapp.engine.errors import INTERRUPTIONS
from flowapp.engine.ports import Files
from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store.tables import RunRow

_KEY = "s3"


async def by_content(files: Files | None, run: RunRow, text: JsonText) -> JsonText:
    """A JSON text in which each stored file (`{"s3": key}`) is named by its content. One that cannot be read keeps its name."""
    if files is None or f'"{_KEY}"' not in text:
        return text
    known: dict[JsonText, Any] = {}
    return dumps(await _named(files, run, loads(text), known))


async def _named(files: Files, run: RunRow, value: Any, known: dict[JsonText, Any]) -> Any:
    if isinstance(value, list):
        return [await _named(files, run, item, known) for item in value]
    if not isinstance(value, dict):
        return value
    if not isinstance(value.get(_KEY), str):
        return {name: await _named(files, run, item, known) for name, item in value.items()}
    mark = dumps(value)
    if mark not in known:
        try:
            known[mark] = {"$content": await files.digest(run, value)}
        except INTERRUPTIONS:
            raise
        except FlowappError:
            known[mark] = value
    return known[mark]
