"""The real product under test: started by scripts/run on a free port, with a data folder of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "test-artifacts"
TOKEN = "acceptance-token-0123456789"
START_SECONDS = 120.0  # the first start of a session may build the page


def free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Product:
    """One Flowapp server as a user starts it."""

    def __init__(self, home: Path, port: int | None = None, extra: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.port = port or free_port()
        self.extra = dict(extra or {})
        self.output = home.parent / f"{home.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Start and wait until health answers; returns the seconds that took."""
        begun = time.monotonic()
        environment = {
            **os.environ,
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "FLOWAPP_HOME": str(self.home),
            "FLOWAPP_TOKEN": TOKEN,
            **self.extra,
        }
        with open(self.output, "ab") as log:
            self._process = subprocess.Popen(
                [str(ROOT / "scripts/run")],
                cwd=self.home.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                self.kill()
                raise AssertionError(f"the server did not start:\n{self.text()[-3000:]}")
            time.sleep(0.05)
        return time.monotonic() - begun

    def stop(self, timeout: float = 30.0) -> int:
        """SIGTERM, as a service manager would; answers the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout)

    def kill(self) -> None:
        """SIGKILL: nothing gets a chance to tidy up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def restart(self) -> float:
        """Stop and start on the same port with the same data."""
        self.stop()
        return self.start()

    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def text(self) -> str:
        """Everything it printed so far."""
        return self.output.read_text(errors="replace")

    def printed_link(self) -> str:
        """The newest one-time sign-in link that it printed, which comes a moment after it answers."""
        deadline = time.monotonic() + START_SECONDS
        while not (links := re.findall(r"http://\S+/signin\?token=\S+", self.text())) and time.monotonic() < deadline:
            time.sleep(0.05)
        return str(links[-1])

    def client(self) -> httpx.Client:
        """An API client with the admin's token."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url + "/api/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False
