"""A real PostgreSQL server for tests: made in a temporary folder, on a port of its own, gone when the tests are over.

`scripts/test` installs Debian's package. The server refuses to run as root, so it gets an unprivileged user then. It is told
to die with the process that started it, whatever way that one ends.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

USER = "flowapp"
START_S = 30.0
#: Nothing here has to survive a power cut.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
    "autovacuum": "off",
}


def binaries() -> Path:
    """The folder of `initdb` and `postgres`, of the newest version that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("The tests need PostgreSQL. Install it with: sudo apt install postgresql")
    return Path(on_path).parent


@dataclass(slots=True)
class PostgresServer:
    """One server. `start` and `stop` may be called again and again; data and address stay the same."""

    folder: Path
    options: dict[str, str] = field(default_factory=lambda: dict(OPTIONS))
    port: int = field(default_factory=lambda: _free_port())
    password: str = field(default_factory=lambda: secrets.token_hex(8))
    _process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Create the data folder."""
        secret = self.folder / "password"
        secret.write_text(self.password)
        self.folder.chmod(0o711)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_unprivileged())
            for path in (self.folder, secret):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        command = [binaries() / "initdb", "-D", self.data, "-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}"]
        command += ["--no-sync", "--encoding=UTF8", "--locale=C"]
        done = subprocess.run([*_as_user(), *map(str, command)], capture_output=True, text=True, cwd="/", check=False)
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stdout}{done.stderr}")

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self.folder / "data"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = {**self.options, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        command = [str(binaries() / "postgres"), "-D", str(self.data)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with open(os.devnull, "wb") as nothing:
            self._process = subprocess.Popen(
                [*_as_user("--pdeathsig=INT"), *command], cwd="/", stdout=nothing, stderr=nothing
            )
        until = time.monotonic() + START_S
        while True:
            if self._process.poll() is not None:
                raise RuntimeError(f"postgres ended at once with status {self._process.returncode}")
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            if time.monotonic() > until:
                raise RuntimeError("postgres did not answer in time")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server, throwing out who is connected; SIGQUIT is the nearest to a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)
            self._process = None

    def url(self, database: str) -> str:
        """The address of a database of this server."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template0") -> str:
        """Make a database; returns its address."""
        self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, and whoever still uses it."""
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement on a connection of its own."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A started server, stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="flowapp-pg-", dir="/tmp"))
    server = PostgresServer(folder)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> str:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RuntimeError("PostgreSQL does not run as root, and there is no user postgres or nobody here")


def _as_user(*options: str) -> list[str]:
    if os.geteuid() != 0:
        return ["setpriv", *options] if options else []
    user = pwd.getpwnam(_unprivileged())
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *options]


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
