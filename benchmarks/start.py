"""Starting: from nothing (fresh clone, empty HOME), again, and what the idle server holds in memory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.figures import line
from tests.acceptance.product import ROOT, Product, free_port

SAMPLES = 5
IDLE_SECONDS = 60
FIRST_LIMIT = 300.0


def main() -> None:
    """Print all three."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        print(f"{'first scripts/run, fresh clone and empty HOME':<58} {first_start(place):8.1f} s")
        product = Product(place / "home")
        product.start()
        product.stop()
        starts = []
        for _ in range(SAMPLES):
            starts.append(product.start() * 1000)
            product.stop()
        print(line("later scripts/run, until health answers", starts))
        product.start()
        time.sleep(IDLE_SECONDS)
        print(f"{'idle server, sum of PSS, 60 s after start':<58} {tree_pss(product.pid) / 1024:8.0f} MB")
        product.stop()


def first_start(place: Path) -> float:
    """Seconds from `scripts/run` in a fresh clone until its health answers. Registries may be asked."""
    clone, home = place / "clone", place / "user"
    home.mkdir(mode=0o700)
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    port = free_port()
    environment = {**os.environ, "HOME": str(home), "PORT": str(port)}
    begun = time.monotonic()
    with open(place / "first.log", "w") as log:
        server = subprocess.Popen(
            [clone / "scripts/run"], env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        while time.monotonic() - begun < FIRST_LIMIT:
            if server.poll() is not None:
                raise RuntimeError((place / "first.log").read_text())
            try:
                if httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=2).status_code == 200:
                    return time.monotonic() - begun
            except httpx.HTTPError:
                time.sleep(0.1)
        raise RuntimeError("did not start")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        shutil.rmtree(clone)


def tree_pss(pid: int) -> int:
    """KB of proportional memory of a process and everything below it."""
    total, todo = 0, [pid]
    while todo:
        current = todo.pop()
        try:
            rollup = Path(f"/proc/{current}/smaps_rollup").read_text()
            total += next(int(row.split()[1]) for row in rollup.splitlines() if row.startswith("Pss:"))
            for task in Path(f"/proc/{current}/task").iterdir():
                todo += [int(child) for child in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


if __name__ == "__main__":
    main()
