"""Pages that talk to a fake application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flowapp.ui import services
from tests.unit.ui.pages_workspace import FakeWorkspace


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWorkspace]:
    fake = FakeWorkspace()
    monkeypatch.setattr(services, "_bound", fake)
    yield fake
