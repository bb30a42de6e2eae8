"""A server with schedules, and the flow that they run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.schedules.scheduling import Scheduling, arguments, scheduling, step

FLOW = "f/team/report"


@pytest.fixture
async def made(tmp_path: Path, store_url: str) -> AsyncIterator[Scheduling]:
    async with scheduling(tmp_path, store_url) as server:
        server.runtimes.leaves["arguments"] = arguments
        await server.flow(FLOW, step("a", "arguments", {"n": "flow_input.n"}))
        yield server
