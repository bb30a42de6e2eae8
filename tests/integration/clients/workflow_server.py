"""A server for the test that kills it: `python workflow_server.py <home> <database url or nothing>`; it says its address."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
from tests.live import live


async def main(home: Path, database_url: str) -> None:
    """Serve until somebody ends it."""
    async with live(home, database_url) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), "".join(sys.argv[2:])))
