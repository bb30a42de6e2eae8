"""A server out of the environment of what is compared, with a home folder of its own: nobody's settings change what is measured."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from tests.acceptance.product import free_port

START_SECONDS = 60.0
STOP_SECONDS = 20.0


class Server:
    """One server process and what it starts."""

    def __init__(self, environment: Path) -> None:
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path()
        self.url = ""

    def start(self, folder: Path, command: Sequence[str], health: str) -> None:
        """Run a command of the environment in `folder`, with a free port as its last word, until `health` answers.

        Raises:
            RuntimeError: it ended, or did not answer in time; says what it printed.
        """
        port = free_port()
        self.folder, self.url = folder / "notebooks", f"http://127.0.0.1:{port}"
        home, log = folder / "home", folder / "server.log"
        self.folder.mkdir()
        home.mkdir()
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "JUPYTER", "MARIMO"))}
        path = f"{self._environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        with open(log, "wb") as out:
            self._process = subprocess.Popen(
                [self._environment / "bin" / command[0], *command[1:], str(port)],
                cwd=self.folder,
                env={**kept, "HOME": str(home), "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        begun = time.monotonic()
        while not self._answers(health):
            if self._process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                self.stop()
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it and its kernels."""
        if self._process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, sign)
                self._process.wait(STOP_SECONDS)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue

    def _answers(self, health: str) -> bool:
        try:
            return httpx.get(self.url + health, timeout=5).status_code == 200
        except httpx.HTTPError:
            return False
