"""Processes killed by SIGKILL at 50 random moments, on SQLite (one server) and PostgreSQL (two servers and a worker).

    python -m benchmarks.chaos [kills] [seed]

Prints one JSON object per database. `wrong` are runs without their right result, `again` are steps that began again after
they had been recorded as finished: both must be empty. `ticks` are runs of a schedule of every
two seconds. `deciding`: one process died between a decision and the next segment.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from tests.integration.chaos.chaos import Chaos
from tests.support.postgres import postgres_server

END_S = 180.0


def main(kills: int = 50, seed: int = 1) -> None:
    """Both databases."""
    with tempfile.TemporaryDirectory() as folder, postgres_server() as postgres:
        for name, url in (("PostgreSQL", postgres.create("chaos")), ("SQLite", "")):
            home = Path(folder) / name
            home.mkdir()
            found = Chaos(home, url, seed).run(kills, END_S)
            print(json.dumps({"database": name, "seed": seed, **dataclasses.asdict(found)}), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
