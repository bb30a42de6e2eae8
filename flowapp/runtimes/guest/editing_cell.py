"""Help for people who write code: completion, hovers, signatures, checks and formatting. Nothing of the code is run.

Runs in an isolated process that stays for one person's next questions, with the folder of tools that no cell sees. Positions
are Monaco's: lines and columns from 1, columns in UTF-16 units.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from typing import Any

from flowapp.runtimes.guest import editing_python, frames, kernel
from flowapp.runtimes.guest.language_server import LanguageServer, Position
from flowapp.runtimes.guest.plan import EDITING

__all__ = ["EDITING", "run", "show", "stay"]

_FORMAT_S = 10.0
_SHFMT = ("/usr/bin/shfmt", "/usr/local/bin/shfmt", "/bin/shfmt")
_SHELL_INDENT = "2"
_servers: list[LanguageServer] = []
"""The language server that is running, if any."""
_packages: list[str] = []
"""The folder of packages that the server knows, if any."""
_tools: list[str] = []
deno = ""
"""The program with the language server of TypeScript, where this process finds it."""


def show(tools: str) -> None:
    """In the idle process: bring the folder of tools into sight, and load what is slow to load."""
    _tools.append(tools)
    sys.path.append(tools)
    editing_python.load()


def run(job: frames.JobText) -> tuple[bytes, bytes]:
    """Answer one question: `{"service", "action", "line", "column"}` about the code. The frame to answer with."""
    question = job.header["editing"]
    code = job.code.decode("utf-8", "replace")
    at = Position(question["line"], question["column"])
    try:
        if question["service"] == "shell":
            answer = _shell_formatted(code)
        elif question["service"] == "python":
            answer = (
                _formatted(code) if question["action"] == "format" else editing_python.ask(question["action"], code, at)
            )
        else:
            answer = _server(question.get("packages")).ask(question["action"], code, at)
    except Exception as error:
        return frames.ERROR, json.dumps({"name": type(error).__name__, "message": str(error)[:500]}).encode()
    return frames.RESULT, json.dumps(answer).encode("utf-8", "replace")


def stay(channel: socket.socket) -> None:
    """Answer more questions; returns when there are no more, or when one could not be answered."""
    kernel.set_dumpable(False)
    with contextlib.suppress(OSError):
        while True:
            frames.send(channel, frames.KEPT)
            following = frames.receive_job(channel)
            if following is None:
                return
            answer, body = run(following)
            frames.send(channel, answer, body)
            if answer != frames.RESULT:
                return


def _server(packages: str | None) -> LanguageServer:
    """The server that knows the types of these packages. Without any it goes on with those that it has: a cell whose imports
    are being written has none of its own yet.
    """
    if packages is not None and packages not in _packages:
        _use(packages)
        while _servers:
            _servers.pop().end()  # it has read what was there before
    if not _servers:
        folder = os.environ["HOME"]
        # Packages are never fetched from here: what is not there counts as untyped.
        nowhere = "http://127.0.0.1:9"
        environment = {
            **os.environ,
            "DENO_DIR": f"{folder}/.deno",
            "DENO_NO_UPDATE_CHECK": "1",
            "NO_COLOR": "1",
            "NPM_CONFIG_REGISTRY": nowhere,
            "JSR_URL": nowhere,
            "HTTPS_PROXY": nowhere,
            "HTTP_PROXY": nowhere,
        }
        _servers.append(LanguageServer([deno, "lsp"], os.getcwd(), environment))
    return _servers[0]


def _use(packages: str) -> None:
    link = "node_modules"
    if _packages:
        os.unlink(link)
    _packages[:] = [packages]
    os.symlink(os.path.join(packages, "node_modules"), link)
    with open("deno.json", "w") as file:
        json.dump({"nodeModulesDir": "manual"}, file)


def _formatted(code: str) -> dict[str, Any]:
    """Python code as ruff formats it; `{"code"}`, or `{"problem"}` where it cannot be read."""
    command = [
        os.path.join(_tools[0], "bin", "ruff"),
        "format",
        "--isolated",
        "--no-cache",
        "--stdin-filename",
        "cell.py",
        "-",
    ]
    return _through(command, code)


def _shell_formatted(code: str) -> dict[str, Any]:
    """Shell code as shfmt formats it, in the same shape; a problem too where the host has no shfmt."""
    program = next((path for path in _SHFMT if os.path.exists(path)), None)
    if program is None:
        return {"problem": "shfmt is not installed on the server. On Debian: apt install shfmt"}
    return _through([program, "-ln", "bash", "-i", _SHELL_INDENT, "-ci"], code)


def _through(command: list[str], code: str) -> dict[str, Any]:
    """What a program makes of the code that it reads; `{"problem"}` where it cannot."""
    import subprocess  # not with this module: every process of a job would have it in memory

    done = subprocess.run(
        command, input=code.encode("utf-8", "replace"), capture_output=True, timeout=_FORMAT_S, check=False
    )
    if done.returncode == 0:
        return {"code": done.stdout.decode("utf-8", "replace")}
    return {"problem": done.stderr.decode("utf-8", "replace").strip()[:500]}
