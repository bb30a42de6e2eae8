"""A server in small whose steps have no network and one processor; prints what its jobs saw as one line of JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from flowapp.jsontext import JsonText, loads  # noqa: E402
from flowapp.runtimes import IsolationTooLow, Job, Outcome, Runtimes, RuntimeSettings  # noqa: E402

PYTHON = """
import os, socket

def attempt(family, kind=socket.SOCK_STREAM):
    try:
        socket.socket(family, kind).close()
    except OSError as error:
        return error.errno
    return 0

def main(port: int):
    before = len(os.sched_getaffinity(0))
    try:
        os.sched_setaffinity(0, range(64))
        more = 0
    except OSError as error:
        more = error.errno
    sockets = [attempt(socket.AF_INET), attempt(socket.AF_INET6), attempt(socket.AF_INET, socket.SOCK_DGRAM)]
    return {"sockets": sockets, "processors": before, "more": more}
"""
TYPESCRIPT = """
export async function main(port: number) {
  try {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port });
    socket.close();
    return "connected";
  } catch (error) {
    return String(error);
  }
}
"""
BASH = 'port="$1"\nif (exec 3<>/dev/tcp/127.0.0.1/"$port") 2>/dev/null; then echo open; else echo closed; fi\n'
SQL = "SELECT 1"


async def main(scratch: Path) -> dict[str, Any]:
    scratch.chmod(0o755)
    home = scratch / "home"
    home.mkdir(mode=0o755)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    runtimes = Runtimes(RuntimeSettings(home=home, idle=2, idle_deno=1, min_isolation="none", network=False, cpus=1))
    try:
        await runtimes.start()
    except IsolationTooLow as error:
        return {"refused": error.message}
    try:

        async def run(language: str, code: str, args: dict[str, Any]) -> Outcome:
            return await runtimes.run(Job(language, language, code, JsonText(json.dumps(args))), lambda _text: None)

        python = await run("python3", PYTHON, {"port": port})
        typescript = await run("deno", TYPESCRIPT, {"port": port})
        bash = await run("bash", BASH, {"port": port})
        database = {
            "host": "127.0.0.1",
            "port": port,
            "user": "a",
            "password": "b",
            "dbname": "c",
            "sslmode": "disable",
        }
        sql = await run("postgresql", SQL, {"database": database})
        isolation = runtimes.isolation.to_json()
        return {
            "level": isolation["level"],
            "mechanisms": isolation["mechanisms"],
            "python": loads(python.result or "null") or python.error,
            "typescript": loads(typescript.result or "null") or typescript.error,
            "bash": bash.result or bash.error,
            "sql": str(sql.error),
        }
    finally:
        await runtimes.close()
        server.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        sys.stdout.write(json.dumps(asyncio.run(main(Path(folder)))))
