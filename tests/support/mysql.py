"""A real MariaDB server for tests: made in a temporary folder, on a port of its own, gone when the tests are over.

`scripts/test` installs Debian's package. It dies with the process that started it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

START_S = 30.0
DATABASE = "test"
USER = "flowapp"
_SEARCHED = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"


@dataclass(frozen=True, slots=True)
class MysqlServer:
    """A running server; `resource` is how a cell connects to it."""

    port: int
    password: str

    @property
    def resource(self) -> dict[str, object]:
        """As a resource of type mysql."""
        return {"host": "127.0.0.1", "port": self.port, "user": USER, "password": self.password, "database": DATABASE}


@contextlib.contextmanager
def mysql_server() -> Iterator[MysqlServer]:
    """A started server, stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="flowapp-my-", dir="/tmp"))
    server = MysqlServer(_free_port(), secrets.token_hex(8))
    data = folder / "data"
    folder.chmod(0o711)
    data.mkdir()
    setup = folder / "setup.sql"
    setup.write_text(
        f"CREATE DATABASE {DATABASE};\n"
        f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{server.password}';\n"
        f"GRANT ALL ON {DATABASE}.* TO '{USER}'@'127.0.0.1';\n"
    )
    user = _owner([folder, data, setup])
    tool = _tool("mariadb-install-db")
    made = [
        tool,
        "--no-defaults",
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        *user,
    ]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # The signal is asked for after the change of user, which would clear it.
    command = ["setpriv", *_become(user), "--pdeathsig=TERM", _tool("mariadbd"), "--no-defaults", f"--datadir={data}"]
    command += [
        f"--port={server.port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder}/socket",
        f"--pid-file={folder}/pid",
    ]
    command += [
        f"--init-file={setup}",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=16M",
        "--skip-name-resolve",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(process, server)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], server: MysqlServer) -> None:
    """Until it accepts connections, which it does after the setup has run."""
    until = time.monotonic() + START_S
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"mariadbd ended at once with status {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1):
            return
        if time.monotonic() > until:
            raise RuntimeError("mariadbd did not answer in time")
        time.sleep(0.02)


def _tool(name: str) -> str:
    found = shutil.which(name, path=_SEARCHED)
    if found is None:
        raise RuntimeError("The tests need MariaDB. Install it with: sudo apt install mariadb-server")
    return found


def _owner(paths: list[Path]) -> list[str]:
    """As root the server gets an unprivileged user, to whom the folder is given."""
    if os.geteuid() != 0:
        return []
    name = "mysql" if any(entry.pw_name == "mysql" for entry in pwd.getpwall()) else "nobody"
    owner = pwd.getpwnam(name)
    for path in paths:
        os.chown(path, owner.pw_uid, owner.pw_gid)
    return [f"--user={name}"]


def _become(user: list[str]) -> list[str]:
    """Options of setpriv for the server's user."""
    if not user:
        return []
    entry = pwd.getpwnam(user[0].removeprefix("--user="))
    return [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
