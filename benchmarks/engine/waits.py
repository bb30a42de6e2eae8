"""Runs that wait, on started servers: what they cost at rest, how soon an answer is acted on, how soon a cancel has ended all."""

from __future__ import annotations

import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks.engine.bench import say
from benchmarks.start import tree_pss
from tests.acceptance.product import Product
from tests.support.postgres import PostgresServer

W = "/api/w/main"
SETTLE_S = 10.0
IDLE_S = 20.0


def _echo(step_id: str, expr: str) -> dict[str, Any]:
    transforms = {"x": {"type": "javascript", "expr": expr}}
    code = "def main(x):\n    return x\n"
    value = {"type": "rawscript", "language": "python3", "content": code, "input_transforms": transforms}
    return {"id": step_id, "value": value}


ASK = {"id": "a", "value": {"type": "identity"}, "suspend": {"required_events": 1, "timeout": 86_400}}
SLEEPS = 20  #: processes of a run that is canceled
FLOW = {"path": "u/admin/waits", "summary": "", "value": {"modules": [ASK, _echo("b", "resume.n")]}}


def main(folder: Path, postgres: PostgresServer, quick: bool) -> None:
    """One server on SQLite, then two on PostgreSQL."""
    for database, url, servers in (("sqlite", "", 1), ("postgresql", postgres.create("waits"), 2)):
        extra = {"DATABASE_URL": url, "FLOWAPP_SECRET_KEY": "k" * 32} if url else {}
        products = [Product(folder / f"waits-{database}-{number}", extra=extra) for number in range(servers)]
        for product in products:
            product.home.mkdir(parents=True)
            product.start()
        try:
            _measure(database, products, quick)
        finally:
            for product in products:
                product.stop()


def _measure(database: str, products: list[Product], quick: bool) -> None:
    count = 100 if quick else 1000
    clients = [product.client() for product in products]
    assert clients[0].post(f"{W}/flows/create", json=FLOW).status_code == 201
    _answered(clients, 5)  # warm
    say(
        f"{database}, {len(products)} server(s): answer to the next step's start",
        _answered(clients, 20 if quick else 60),
    )
    say(
        f"{database}, {len(products)} server(s): cancel to the end of a run with {SLEEPS} processes",
        _canceled(clients, 5 if quick else 20),
    )
    time.sleep(SETTLE_S)
    before = _rest(products)
    with ThreadPoolExecutor(8) as threads:
        runs = list(threads.map(lambda _: _begun(clients[0]), range(count)))
    for run in runs:
        _until(clients[0], run, lambda job: job.get("suspend", 0) > 0)
    time.sleep(SETTLE_S)
    after = _rest(products)
    line = {"what": f"{database}: {count} runs at rest", "idle_before": before, "idle_with_them": after}
    print(json.dumps(line), flush=True)


def _begun(client: httpx.Client) -> str:
    answer = client.post(f"{W}/jobs/run/f/u/admin/waits", json={})
    assert answer.status_code == 201, answer.text
    return answer.text.strip()


def _until(client: httpx.Client, run: str, wanted: Any) -> dict[str, Any]:
    for _ in range(2000):
        job: dict[str, Any] = client.get(f"{W}/jobs_u/get/{run}").json()
        if wanted(job):
            return job
        time.sleep(0.005)
    raise AssertionError(f"run {run} does not get there")


def _answered(clients: list[httpx.Client], times: int) -> list[float]:
    """Milliseconds from sending the answer, to each server in turn, until the next step began."""
    found = []
    for number in range(times):
        run = _begun(clients[0])
        _until(clients[0], run, lambda job: job.get("suspend", 0) > 0)
        sent = time.time()
        answer = clients[number % len(clients)].post(f"{W}/jobs/flow/resume/{run}", json={"n": number})
        assert answer.status_code == 201, answer.text
        _until(clients[0], run, lambda job: job["type"] == "CompletedJob")
        status = clients[0].get(f"{W}/jobs_u/get/{run}").json()["flow_status"]
        step = clients[0].get(f"{W}/jobs_u/get/{status['modules'][1]['job']}").json()
        found.append((datetime.fromisoformat(step["started_at"]).timestamp() - sent) * 1000)
    return found


def _canceled(clients: list[httpx.Client], times: int) -> list[float]:
    """Milliseconds from the cancel, sent to each server in turn, until the run and each script of it had ended."""
    code = "import time\n\ndef main():\n    time.sleep(3000)\n"
    body = {"id": "s", "value": {"type": "rawscript", "language": "python3", "content": code, "input_transforms": {}}}
    items = {"type": "static", "value": list(range(SLEEPS))}
    loop = {"type": "forloopflow", "iterator": items, "parallel": True, "skip_failures": False, "modules": [body]}
    flow = {"value": {"modules": [{"id": "l", "value": loop}]}, "args": {}}
    found = []
    for number in range(times):
        run = clients[0].post(f"{W}/jobs/run/preview_flow", json=flow).text.strip()
        _until(clients[0], run, lambda _, run=run: _scripts(clients[0], run, "started_at") == SLEEPS)
        sent = time.time()
        clients[number % len(clients)].post(f"{W}/jobs_u/queue/cancel/{run}", json={"reason": "measured"})
        _until(clients[0], run, lambda job: job["type"] == "CompletedJob")
        _until(clients[0], run, lambda _, run=run: _scripts(clients[0], run, "duration_ms") == SLEEPS)
        found.append((max(map(_end, _jobs(clients[0], run))) - sent) * 1000)
    return found


def _jobs(client: httpx.Client, run: str) -> list[dict[str, Any]]:
    found = client.get(f"{W}/jobs/list?per_page=100&is_flow_step=true").json()
    return [job for job in found if job["root_job"] == run or job["id"] == run]


def _scripts(client: httpx.Client, run: str, has: str) -> int:
    return sum(job["language"] == "python3" and job.get(has) is not None for job in _jobs(client, run))


def _end(job: dict[str, Any]) -> float:
    return datetime.fromisoformat(job["started_at"]).timestamp() + float(job["duration_ms"]) / 1000


def _rest(products: list[Product]) -> dict[str, float]:
    """Memory (sum of PSS) and share of a core of the first server, all its processes, when nobody asks for anything."""
    pid = products[0].pid
    shares = []
    for _ in range(2):
        begun, used = time.monotonic(), _cpu(pid)
        time.sleep(IDLE_S / 2)
        shares.append((_cpu(pid) - used) / (time.monotonic() - begun))
    return {"mb": round(tree_pss(pid) / 1024, 1), "percent_of_a_core": round(statistics.mean(shares) * 100, 2)}


def _cpu(pid: int) -> float:
    """Seconds of CPU of a process and everything below it."""
    total, todo = 0.0, [pid]
    while todo:
        current = todo.pop()
        try:
            fields = Path(f"/proc/{current}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            for task in Path(f"/proc/{current}/task").iterdir():
                todo += [int(child) for child in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total
