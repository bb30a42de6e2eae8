"""Flows to start from, as files in `flowapp/templates/`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from flowapp.openflow.walk import walk

FOLDER = Path(__file__).resolve().parent.parent / "templates"
ASSETS = FOLDER.parent.parent / "assets"


@dataclass(frozen=True, slots=True)
class TemplateNote:
    """A note, in Markdown, and the id of the step that it stands after; "" at the top."""

    after: str
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """One template. `sample` values may be `{"$file": name}`: the text of a file in `assets/`."""

    name: str
    title: str
    description: str
    order: int
    tags: tuple[str, ...]
    flow: dict[str, Any]
    path: str = ""
    sample: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: tuple[TemplateNote, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The template as the start page lists it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "order": self.order,
            "tags": list(self.tags),
            "steps": sum(1 for _ in walk(self.flow)),
        }


async def all_templates() -> tuple[Template, ...]:
    """All templates in their order; files are read once."""
    return await asyncio.to_thread(_read)


async def template(name: str) -> Template | None:
    """One template."""
    return next((found for found in await all_templates() if found.name == name), None)


def asset(name: str) -> bytes:
    """The content of a sample file; `name` has no folders.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if Path(name).name != name:
        raise FileNotFoundError(name)
    return (ASSETS / name).read_bytes()


@lru_cache(maxsize=1)
def _read() -> tuple[Template, ...]:
    found = []
    for path in FOLDER.glob("*.yaml"):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        found.append(
            Template(
                name=path.stem,
                title=str(data["title"]),
                description=str(data.get("description") or ""),
                order=int(data.get("order", 100)),
                tags=tuple(data.get("tags") or ()),
                flow=data["flow"],
                path=str(data.get("path") or ""),
                sample=dict(data.get("sample") or {}),
                beside=dict(data.get("beside") or {}),
                notes=tuple(TemplateNote(note["after"] or "", note["text"]) for note in data.get("notes") or ()),
            )
        )
    return tuple(sorted(found, key=lambda template: (template.order, template.name)))
