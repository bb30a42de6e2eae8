"""Runs all scenarios in a process of its own, and prints what each led to as one line of JSON.

It is a server in small: the runtimes live in it, and it is what hostile scripts try to read and to hit.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from flowapp.jsontext import JsonText, loads  # noqa: E402
from flowapp.runtimes import IsolationTooLow, Job, Limits, Runtimes, RuntimeSettings  # noqa: E402
from tests.integration.runtimes.scenario import Scenario, filled  # noqa: E402
from tests.integration.runtimes.scenarios import SCENARIOS  # noqa: E402

_MARKER = "31415.{}"
_PATIENCE = 2.0


class Api(BaseHTTPRequestHandler):
    """What the client of jobs asks: one variable."""

    def do_GET(self) -> None:
        known = self.path.startswith("/api/w/main/variables/get_value/u/ada/answer")
        known = known and self.headers["authorization"] == "Bearer of-the-job"
        body = b'"forty-two"' if known else b'"?"'
        self.send_response(200 if known else 404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the driver's output is its report."""


async def main(scratch: Path, names: list[str]) -> None:
    scratch.chmod(0o755)
    home = scratch / "home"
    home.mkdir(mode=0o755)
    (home / "secret").write_text("the database\n")
    os.environ["FLOWAPP_TEST_SECRET"] = "in the server's environment"
    outside = str(scratch / "outside")
    os.mkdir(outside)
    os.chmod(outside, 0o777)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{outside}/socket")
    listener.listen()
    os.chmod(f"{outside}/socket", 0o777)
    api = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    runtimes = Runtimes(
        RuntimeSettings(home=home, idle=2, idle_deno=1, min_isolation=os.environ.get("FLOWAPP_MIN_ISOLATION", ""))
    )
    try:
        await runtimes.start()
    except IsolationTooLow as error:
        _say({"refused": error.to_json()})
        return
    _say({"isolation": runtimes.isolation.to_json()})
    for number, name in enumerate(names or SCENARIOS):
        values = {
            "home": str(home),
            "server": os.getpid(),
            "marker": _MARKER.format(os.getpid() * 1000 + number),
            "outside": outside,
            "base": f"http://127.0.0.1:{api.server_port}",
        }
        seen = await _shared(runtimes, SCENARIOS[name], values)
        _say({"name": name, "seen": seen, "intact": await _is_intact(runtimes)})
    await runtimes.close()
    api.shutdown()
    api.server_close()
    _say({"left": await _left()})


async def _shared(runtimes: Runtimes, scenario: Scenario, values: dict[str, Any]) -> dict[str, Any]:
    """The scenario, after what comes before it in the same shared folder, if there is anything."""
    if not scenario.before:
        return await _run(runtimes, scenario, values, None)
    shared = runtimes.shared_folder("run-1")
    job = Job("before", "python3", scenario.before, JsonText("{}"), shared=shared)
    outcome = await runtimes.run(job, lambda _text: None)
    if outcome.error is not None:
        sys.stderr.write(f"before: {outcome.error}\n")
    seen = await _run(runtimes, scenario, {**values, "shared": str(shared)}, shared if scenario.shares else None)
    runtimes.drop_shared_folder("run-1")
    return seen


async def _run(runtimes: Runtimes, scenario: Scenario, values: dict[str, Any], shared: Path | None) -> dict[str, Any]:
    pieces: list[str] = []
    job = Job(
        id="scenario",
        language=scenario.language,
        code=scenario.code,
        args=JsonText(filled(scenario.args, values)),
        env={"WM_JOB_ID": "scenario", "LD_PRELOAD": "evil.so", "PYTHONSTARTUP": "evil.py"},
        timeout_s=scenario.timeout_s,
        shared=shared,
        limits=Limits(**scenario.limits),
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = await runtimes.run(job, pieces.append)
    log = "".join(pieces)
    return {
        "result": None if outcome.result is None else loads(outcome.result),
        "error": outcome.error,
        "log": log[-2000:],
        "log_size": len(log),
        "log_truncated": outcome.log_truncated,
        "duration_ms": outcome.duration_ms,
        "server_growth_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
        "strays": await _strays(values["marker"]),
        "level": outcome.isolation,
    }


async def _is_intact(runtimes: Runtimes) -> bool:
    for language, code in (
        ("python3", "def main(a):\n    return a + 1\n"),
        ("bash", 'a="$1"\necho $((a + 1))\n'),
        ("deno", "export const main = (a: number) => a + 1;"),
        ("bun", "export const main = (a: number) => Bun.nanoseconds() > 0 ? a + 1 : 0;"),
    ):
        outcome = await runtimes.run(Job("after", language, code, JsonText('{"a":1}')), lambda _text: None)
        if outcome.result not in ("2", '"2"'):
            sys.stderr.write(f"{language}: {outcome}\n")
            return False
    return True


async def _strays(marker: str) -> list[str]:
    """Processes of the scenario that are still there a while after it."""
    end = time.monotonic() + _PATIENCE
    while (found := [line for line in _commands() if marker in line]) and time.monotonic() < end:
        await asyncio.sleep(0.02)
    return found


async def _left() -> list[str]:
    """Processes below us after everything was closed."""
    end = time.monotonic() + _PATIENCE
    while (found := _children()) and time.monotonic() < end:
        await asyncio.sleep(0.02)
    return found


def _children() -> list[str]:
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return text.split()


def _commands() -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
            except OSError:
                continue
    return found


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="flowapp-test-") as scratch:
        asyncio.run(main(Path(scratch), sys.argv[1:]))
