"""A real nginx for tests, with the file of `deploy/`: only addresses and the places of its own files are other ones.

`scripts/test` installs Debian's package. It is told to die with the process that started it, whatever way that one ends.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

READY_FILE = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"
START_S = 10.0
#: says which server has answered, for tests
ANSWERED_BY = "X-Answered-By"


def binary() -> str:
    """Where nginx is; Debian has it where only administrators look."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise RuntimeError("The tests need nginx. Install it with: sudo apt install nginx-light")
    return found


@contextlib.contextmanager
def proxy(port: int, servers: Sequence[int]) -> Iterator[str]:
    """nginx on a port in front of two Flowapp servers; yields its address."""
    folder = Path(tempfile.mkdtemp(prefix="flowapp-nginx-", dir="/tmp"))
    folder.chmod(0o711)  # started by root, it works as another user
    file = folder / "nginx.conf"
    file.write_text(_adapted(READY_FILE.read_text(), folder, port, servers))
    command = [binary(), "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")]
    process = subprocess.Popen(["setpriv", "--pdeathsig=TERM", *command], stdin=subprocess.DEVNULL)
    try:
        _wait(process, port, folder / "error.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _adapted(text: str, folder: Path, port: int, servers: Sequence[int]) -> str:
    addresses = iter(servers)
    text, replaced = re.subn(r"server 127\.0\.0\.1:\d+ ", lambda _: f"server 127.0.0.1:{next(addresses)} ", text)
    assert replaced == len(servers)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    for old, new in (
        ("events {}", f"daemon off;\npid {folder}/pid;\nevents {{}}"),
        ("http {\n", f"http {{\n    access_log off;\n{own}"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("proxy_buffering off;", f"proxy_buffering off;\n            add_header {ANSWERED_BY} $upstream_addr always;"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nginx did not start:\n{log.read_text() if log.exists() else ''}")
