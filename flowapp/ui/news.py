"""What is new, for the people who use Flowapp: the entries of `flowapp/whats_new.yaml`, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

FILE = Path(__file__).resolve().parent.parent / "whats_new.yaml"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to try: the link `opens` leads to the page where it is."""

    id: str
    title: str
    text: str
    label: str
    to: str


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """All of them, newest first."""
    found = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return tuple(
        Entry(entry["id"], entry["title"], entry["text"], entry["opens"]["label"], entry["opens"]["to"])
        for entry in found
    )
