"""Processes killed at random moments (seeded): a small part of what `scripts/bench chaos` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.chaos.chaos import Chaos, Found

KILLS = {"": 5, "postgresql": 4}


@pytest.mark.parametrize("seed", [11])
def test_every_run_ends_right_and_recorded_steps_ran_once(tmp_path: Path, store_url: str, seed: int) -> None:
    found = Chaos(tmp_path, store_url, seed).run(KILLS[store_url.partition(":")[0]], 90)
    holds(found)


def holds(found: Found) -> None:
    assert found.wrong == []
    assert found.again == []
    assert found.ticks >= 3
    assert found.deciding, "no process died between a decision and what follows from it"
