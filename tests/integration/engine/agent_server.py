"""A server process for the crash test of agents: `python agent_server.py <home> <effects file> <model's URL> <run id | new>`.

The agent's tool adds a line to the effects file. Prints the run's id, then its end as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))
from flowapp.jsontext import loads
from flowapp.runtimes.jobs import Job
from tests.integration.engine.harness import FakeRuntimes, flow_of, server

TOOL = "def main(item: str):\n    return item\n"


def agent(url: str, **inputs: Any) -> dict[str, Any]:
    """An agent with one tool, `price(item)`, over a model's server."""
    provider = {"kind": "customai", "resource": {"base_url": url, "api_key": "none"}, "model": "m"}
    given = {"provider": provider, "user_message": "How much is tea?", "output_type": "text", **inputs}
    value = {"type": "rawscript", "language": "python3", "content": TOOL, "input_transforms": {"item": {"type": "ai"}}}
    return {
        "id": "ask",
        "value": {
            "type": "aiagent",
            "input_transforms": {name: {"type": "static", "value": item} for name, item in given.items()},
            "tools": [{"id": "p", "summary": "price", "value": value}],
        },
    }


def say(line: str) -> None:
    """A line for the test that reads along."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(home: Path, effects: Path, url: str, run_id: str) -> None:
    """Run the flow, or wait for the end of a run that an earlier process began."""

    def price(job: Job, log: Any) -> Any:
        with effects.open("a") as file:
            file.write(f"{job.id}\n")
        return {"price": 4, "of": loads(job.args)["item"]}

    async with server(home, FakeRuntimes({TOOL: price})) as made:
        if run_id == "new":
            run_id = (await made.create(flow_of(agent(url)))).id
            await made.engine.start_run(run_id)
        say(run_id)
        row, result = await made.ended(run_id)
        steps = {s.path: s.status for s in await made.store.runs.steps(run_id)}
        say(json.dumps({"status": row.status, "result": result, "steps": steps}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]))
