"""A server whose schedule ticks each second: `python killed_server.py <home> <seconds> <where to be killed>`.

Killed `in the claim` it dies inside the transaction that takes the tick, `before the start` right after that has been
committed. With neither it runs for some seconds and prints its runs as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))
from flowapp.store import schedules
from tests.integration.schedules.scheduling import ADMIN, PATH, arguments, scheduling, step

FLOW = "f/team/report"


def die(*_args: Any, **_more: Any) -> Any:
    """Be killed here and now."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main(home: Path, seconds: float, where: str) -> None:
    """Let it tick."""
    async with scheduling(home, timer=True) as server:
        server.runtimes.leaves["arguments"] = arguments
        if not await server.workspace.schedules.exists(ADMIN, PATH):
            await server.flow(FLOW, step("a", "arguments", {"at": "WM_SCHEDULED_FOR"}))
            await server.schedule(script_path=FLOW, schedule="* * * * * *")
        if where == "in the claim":
            schedules.add_tick = die
        if where == "before the start":
            server.engine.start_run = die  # type: ignore[method-assign]
        await asyncio.sleep(seconds)
        await server.workspace.schedules.set_enabled(ADMIN, PATH, False)
        await asyncio.sleep(1.5)
        found = [[run.scheduled_for, run.status, run.trigger] for run in await server.runs(PATH)]
        sys.stdout.write(json.dumps({"runs": found, "left": len(await server.ticks())}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]))
