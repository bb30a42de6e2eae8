"""ARCHITECTURE.md stays true where a test can tell: its rooms are there, and so is what keeps its invariants."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_what_keeps_the_invariants_exists() -> None:
    table = TEXT.partition("## Invariants")[2].partition("\n## ")[0]
    named = re.findall(r"`((?:tests/|\.)[^`]+)`", table)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_room_is_described() -> None:
    described = set(re.findall(r"^\| `(\w+)/` \|", TEXT, re.MULTILINE))
    rooms = {path.parent.name for path in (ROOT / "flowapp").glob("*/__init__.py")}
    assert described == rooms
